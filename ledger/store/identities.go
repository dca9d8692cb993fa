package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"flattr/ledger/flattr"
)

const selectIdentityHosts = `
SELECT i.member, h.host FROM partner_identity i
JOIN partner p ON p.namespace = $1 JOIN oauth_app a ON a.id = p.client AND a.revoked IS NULL
JOIN partner_host h ON h.namespace = p.namespace
WHERE i.identity = $2 ORDER BY h.host`

// Identity is the member whom a partner has identified as partner:NAMESPACE:ID,
// and the hosts on whose pages, and those of hosts below, that counts. Of what no
// partner in force answers for it is nobody, 0.
func (s *Store) Identity(ctx context.Context, identity string) (member flattr.MemberID, hosts []string, err error) {
	namespace, _, _ := strings.Cut(strings.TrimPrefix(identity, flattr.PartnerPrefix), ":")
	err = s.read(ctx, func(tx *Tx) error {
		member, hosts = 0, nil
		return tx.each(selectIdentityHosts, func(rows *sql.Rows) error {
			var host string
			err := rows.Scan(&member, &host)
			hosts = append(hosts, host)
			return err
		}, namespace, identity)
	})
	if flattr.CodeOf(err) == flattr.Invalid {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, fmt.Errorf("read identity: %w", err)
	}
	return member, hosts, nil
}

const identityColumns = `
SELECT i.identity, i.at, COALESCE(m.name, ''), COALESCE(o.name, '') FROM partner_identity i
LEFT JOIN member m ON m.id = i.member
LEFT JOIN partner_dispute d ON d.identity = i.identity LEFT JOIN member o ON o.id = d.member `

const selectIdentities = identityColumns + `ORDER BY i.identity, o.name LIMIT $1`

const selectIdentitiesOf = identityColumns + `
WHERE i.member = $1 OR EXISTS (SELECT 1 FROM partner_dispute x WHERE x.identity = i.identity AND x.member = $2)
ORDER BY i.identity, o.name LIMIT $3`

// identities reads rows of identityColumns, one for each who disputes.
func (s *Store) identities(ctx context.Context, query string, args ...any) (all []flattr.Identity, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		all = nil
		return tx.each(query, func(rows *sql.Rows) error {
			var i flattr.Identity
			var at int64
			var other string
			if err := rows.Scan(&i.Identity, &at, &i.Name, &other); err != nil {
				return err
			}
			if n := len(all); n == 0 || all[n-1].Identity != i.Identity {
				i.Since = timeOf(at)
				all = append(all, i)
			}
			if last := &all[len(all)-1]; other != "" {
				last.Others = append(last.Others, other)
			}
			return nil
		}, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read identities: %w", err)
	}
	return all, nil
}

// Identities are the owners whom partners have identified; limit bounds the rows.
func (s *Store) Identities(ctx context.Context, limit int) ([]flattr.Identity, error) {
	return s.identities(ctx, selectIdentities, limit)
}

// IdentitiesOf are the identities that partners say are a member's, also where
// another member is that already.
func (s *Store) IdentitiesOf(ctx context.Context, member flattr.MemberID, limit int) ([]flattr.Identity, error) {
	return s.identities(ctx, selectIdentitiesOf, int64(member), int64(member), limit)
}

const selectDisputing = `SELECT COUNT(*) FROM partner_dispute WHERE identity = $1 AND member = $2`

const updateIdentity = `UPDATE partner_identity SET member = $1, at = $2 WHERE identity = $3`

const deleteDisputes = `DELETE FROM partner_dispute WHERE identity = $1`

const deleteDisputesOf = `DELETE FROM partner_dispute WHERE member = $1`

const selectPagesNaming = `SELECT p.thing, t.key, p.owner FROM page_proof p JOIN thing t ON t.id = p.thing WHERE p.named = $1 AND p.owner <> $2 ORDER BY p.thing`

const selectPartnerHosts = `SELECT host FROM partner_host WHERE namespace = $1`

// DecideIdentity is the operator's word on which of the members, whom a partner
// has said it of, an owner is. Pages that name this owner, and what the other has
// proved on the partner's hosts, are looked at anew, and are nobody's until then;
// frozen months stay. It refuses with not_found of whom
// the partner has not said it.
func (s *Store) DecideIdentity(ctx context.Context, now time.Time, identity, name string) error {
	return s.write(ctx, func(tx *Tx) error {
		m, err := tx.memberByName(name)
		if err != nil {
			return err
		}
		is, err := tx.identified(identity)
		if err != nil {
			return err
		}
		said := 0
		if err := tx.row(selectDisputing, identity, int64(m.ID)).Scan(&said); err != nil {
			return fmt.Errorf("read dispute: %w", err)
		}
		if is == 0 || is != m.ID && said == 0 {
			return flattr.Refuse(flattr.NotFound, fmt.Sprintf("No partner has said that %s is this owner. `flattr-ledger app identities` lists what they said.", m.Name))
		}
		if _, err := tx.exec(deleteDisputes, identity); err != nil {
			return fmt.Errorf("end dispute: %w", err)
		}
		if is == m.ID {
			return nil
		}
		if err := one(tx.exec(updateIdentity, int64(m.ID), micros(now), identity)); err != nil {
			return fmt.Errorf("write identity: %w", err)
		}
		if err := tx.releaseClaims(now, identity, is); err != nil {
			return err
		}
		return tx.releasePages(now, identity, m.ID)
	})
}

// releaseClaims takes from whoever was an identity before what they have proved on
// the partner's hosts. What still holds is theirs again when it is looked at.
func (tx *Tx) releaseClaims(now time.Time, identity string, former flattr.MemberID) error {
	namespace, _, _ := strings.Cut(strings.TrimPrefix(identity, flattr.PartnerPrefix), ":")
	var hosts []string
	err := tx.each(selectPartnerHosts, func(rows *sql.Rows) error {
		var host string
		err := rows.Scan(&host)
		hosts = append(hosts, host)
		return err
	}, namespace)
	if err != nil {
		return fmt.Errorf("read hosts of partner: %w", err)
	}
	all, err := tx.claims(selectClaimsOf, int64(former))
	if err != nil {
		return err
	}
	for _, c := range all {
		name, _, _ := strings.Cut(string(c.Key), "/")
		name, _, _ = strings.Cut(name, ":") // a port
		its := func(host string) bool { return name == host || strings.HasSuffix(name, "."+host) }
		if !c.Owns() || c.Proof == flattr.ProofOperator || !slices.ContainsFunc(hosts, its) {
			continue
		}
		if err := tx.endClaim(now, c, "identity"); err != nil {
			return err
		}
		c.State, c.Proof, c.Lost, c.Due = flattr.ClaimWaiting, "", time.Time{}, now
		if err := tx.saveClaim(c); err != nil {
			return err
		}
	}
	return nil
}

// releasePages takes pages that name an identity from whoever was it before.
func (tx *Tx) releasePages(now time.Time, identity string, owner flattr.MemberID) error {
	type page struct {
		thing flattr.ThingID
		key   flattr.Key
		owner flattr.MemberID
	}
	var pages []page
	err := tx.each(selectPagesNaming, func(rows *sql.Rows) error {
		var p page
		err := rows.Scan(&p.thing, &p.key, &p.owner)
		pages = append(pages, p)
		return err
	}, identity, int64(owner))
	if err != nil {
		return fmt.Errorf("read pages that name an identity: %w", err)
	}
	for _, p := range pages {
		if err := tx.endPage(now, p.thing, p.key, p.owner, "identity"); err != nil {
			return err
		}
	}
	return nil
}
