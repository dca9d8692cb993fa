package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"flattr/ledger/flattr"
)

// maxIdentity bounds an identity, in bytes; it has to fit where buttons name an
// owner.
const maxIdentity = maxWord

const upsertPartner = `
INSERT INTO partner (namespace, client, at) VALUES ($1, $2, $3)
ON CONFLICT (namespace) DO UPDATE SET client = excluded.client, at = excluded.at`

const deletePartnerHosts = `DELETE FROM partner_host WHERE namespace = $1`

const insertPartnerHost = `INSERT INTO partner_host (namespace, host, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`

// AddPartner lets an application say who the owners partner:NAMESPACE:ID are, for
// pages of the hosts, as thing keys have them, and of those below. Application and
// hosts take the place of those named before. It refuses with not_found what is no
// application in force, and with invalid_request one that cannot keep its tokens
// to itself.
func (s *Store) AddPartner(ctx context.Context, now time.Time, namespace, client string, hosts []string) error {
	app, err := s.App(ctx, client)
	if err != nil {
		return err
	}
	if app.Revoked {
		return flattr.Refuse(flattr.NotFound, "This application is revoked. Register another one.")
	}
	// Its tokens go through browsers, where members can take their own and say by it
	// that they are whoever they like.
	if app.Implicit {
		return flattr.Refuse(flattr.Invalid, "This application is answered with tokens directly, so that members could speak in its name. Register another one for codes only.")
	}
	return s.write(ctx, func(tx *Tx) error {
		if _, err := tx.exec(upsertPartner, namespace, client, micros(now)); err != nil {
			return fmt.Errorf("write partner: %w", err)
		}
		if _, err := tx.exec(deletePartnerHosts, namespace); err != nil {
			return fmt.Errorf("write hosts of partner: %w", err)
		}
		for _, host := range hosts {
			if _, err := tx.exec(insertPartnerHost, namespace, host, micros(now)); err != nil {
				return fmt.Errorf("write host of partner: %w", err)
			}
		}
		return nil
	})
}

const selectNamespaces = `SELECT namespace FROM partner WHERE client = $1 ORDER BY namespace`

const insertIdentity = `
INSERT INTO partner_identity (identity, member, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`

const insertDispute = `
INSERT INTO partner_dispute (identity, member, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`

const lookAtIdentified = `UPDATE thing SET look = $1, looks = 0 WHERE asserted = $2 AND asserted <> '' AND owner IS NULL`

// Identify books that a member is an owner whom a partner knows: partner:NAMESPACE:ID,
// or just ID where the partner has one namespace. That makes nobody the owner of a
// page yet: the page has to name them too (product rule 11), for anybody can make a
// link that does, and is looked at next. It answers the identity whole. It refuses
// with forbidden an application that is no partner for it, with invalid_request what
// is no identity, and with claimed what another member is: both see that, and the
// operator decides.
func (s *Store) Identify(ctx context.Context, now time.Time, client string, member flattr.MemberID, identity string) (whole string, err error) {
	disputed := false
	err = s.write(ctx, func(tx *Tx) error {
		if whole, err = tx.wholeIdentity(client, identity); err != nil {
			return err
		}
		if _, err := tx.exec(insertIdentity, whole, int64(member), micros(now)); err != nil {
			return fmt.Errorf("write identity: %w", err)
		}
		is, err := tx.identified(whole)
		if err != nil {
			return err
		}
		if disputed = is != member; disputed {
			_, err = tx.exec(insertDispute, whole, int64(member), micros(now))
		} else {
			_, err = tx.exec(lookAtIdentified, micros(now), whole)
		}
		if err != nil {
			return fmt.Errorf("note what a partner said: %w", err)
		}
		return nil
	})
	if err == nil && disputed {
		err = flattr.Refuse(flattr.Claimed, "Another member is this already. The operator of this ledger can decide.")
	}
	return whole, err
}

// wholeIdentity is an identity with the namespace that the application answers for.
func (tx *Tx) wholeIdentity(client, identity string) (string, error) {
	var namespaces []string
	err := tx.each(selectNamespaces, func(rows *sql.Rows) error {
		var namespace string
		err := rows.Scan(&namespace)
		namespaces = append(namespaces, namespace)
		return err
	}, client)
	if err != nil {
		return "", fmt.Errorf("read partners: %w", err)
	}
	if len(namespaces) == 0 {
		return "", flattr.Refuse(flattr.Forbidden, "This application is no partner.")
	}
	if !strings.HasPrefix(identity, flattr.PartnerPrefix) {
		if len(namespaces) > 1 {
			return "", flattr.Refuse(flattr.Invalid, fmt.Sprintf("This application answers for several namespaces. Name one: %sNAMESPACE:ID.", flattr.PartnerPrefix))
		}
		identity = flattr.PartnerPrefix + namespaces[0] + ":" + identity
	}
	for _, namespace := range namespaces {
		id, found := strings.CutPrefix(identity, flattr.PartnerPrefix+namespace+":")
		switch {
		case !found:
			continue
		case id == "" || len(identity) > maxIdentity || cut(identity, maxIdentity) != identity:
			return "", flattr.Refuse(flattr.Invalid, fmt.Sprintf("An identity is %sNAMESPACE:ID, at most %d bytes long.", flattr.PartnerPrefix, maxIdentity))
		}
		return identity, nil
	}
	return "", flattr.Refuse(flattr.Forbidden, "This application does not answer for that namespace.")
}

const selectIdentified = `SELECT member FROM partner_identity WHERE identity = $1`

const deleteIdentitiesOf = `DELETE FROM partner_identity WHERE member = $1`

// identified is the member with that identity; 0: nobody.
func (tx *Tx) identified(identity string) (member flattr.MemberID, err error) {
	err = tx.row(selectIdentified, identity).Scan(&member)
	if errors.Is(err, sql.ErrNoRows) || flattr.CodeOf(err) == flattr.Invalid {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read identity: %w", err)
	}
	return member, nil
}
