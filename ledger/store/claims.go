package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

const claimColumns = `r.key, r.member, r.url, r.state, r.proof, r.fault, r.rival, r.since, r.checked, r.lost, r.due,
	COALESCE(m.name, ''), COALESCE(o.name, '')
FROM claim_request r LEFT JOIN member m ON m.id = r.member LEFT JOIN member o ON o.id = r.rival`

const selectClaimRequest = `SELECT ` + claimColumns + ` WHERE r.key = $1 AND r.member = $2`

const selectClaimsOf = `SELECT ` + claimColumns + ` WHERE r.member = $1 ORDER BY r.since, r.key`

const selectClaimsFor = `SELECT ` + claimColumns + ` WHERE r.key = $1 AND r.member <> $2 ORDER BY r.since, r.member`

const selectAllClaims = `SELECT ` + claimColumns + ` ORDER BY r.key, r.member LIMIT $1`

const selectDueClaims = `SELECT ` + claimColumns + ` WHERE r.due <= $1 ORDER BY r.due LIMIT $2`

const countClaimsOf = `SELECT COUNT(*) FROM claim_request WHERE member = $1`

const insertClaimRequest = `
INSERT INTO claim_request (key, member, url, state, proof, fault, rival, since, checked, lost, due)
VALUES ($1, $2, $3, $4, $5, '', 0, $6, 0, 0, $7) ON CONFLICT DO NOTHING`

const updateClaimRequest = `
UPDATE claim_request SET state = $1, proof = $2, fault = $3, rival = $4, checked = $5, lost = $6, due = $7 WHERE key = $8 AND member = $9`

const updateClaimURL = `UPDATE claim_request SET url = $1 WHERE key = $2 AND member = $3`

const leaseClaimRequest = `UPDATE claim_request SET due = $1 WHERE key = $2 AND member = $3`

const deleteClaimRequest = `DELETE FROM claim_request WHERE key = $1 AND member = $2`

const hurryClaims = `UPDATE claim_request SET due = $1 WHERE key = $2 AND member <> $3 AND state = 'conflict'`

// scanClaim reads claimColumns.
func scanClaim(scan func(...any) error) (c flattr.Claim, err error) {
	var since, checked, lost, due int64
	err = scan(&c.Key, &c.Member, &c.URL, &c.State, &c.Proof, &c.Fault, &c.Rival, &since, &checked, &lost, &due, &c.Name, &c.RivalName)
	c.Since, c.Checked, c.Lost, c.Due = timeOf(since), timeOrZero(checked), timeOrZero(lost), timeOf(due)
	return c, err
}

func timeOrZero(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return timeOf(at)
}

func microsOrZero(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return micros(at)
}

// claims reads claims.
func (tx *Tx) claims(query string, args ...any) (all []flattr.Claim, err error) {
	err = tx.each(query, func(rows *sql.Rows) error {
		c, err := scanClaim(rows.Scan)
		all = append(all, c)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("read claims: %w", err)
	}
	return all, nil
}

// claimOf is a member's claim of a key, or not_found.
func (tx *Tx) claimOf(key flattr.Key, member flattr.MemberID) (flattr.Claim, error) {
	c, err := scanClaim(tx.row(selectClaimRequest, string(key), int64(member)).Scan)
	return c, found(err, "claim")
}

// Claims are the claims of a member, oldest first.
func (s *Store) Claims(ctx context.Context, member flattr.MemberID) (all []flattr.Claim, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		all, err = tx.claims(selectClaimsOf, int64(member))
		return err
	})
	return all, err
}

// OtherClaims are the claims of others of the same key.
func (s *Store) OtherClaims(ctx context.Context, c flattr.Claim) (all []flattr.Claim, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		all, err = tx.claims(selectClaimsFor, string(c.Key), int64(c.Member))
		return err
	})
	return all, err
}

// AllClaims are the claims of all members by key, at most limit.
func (s *Store) AllClaims(ctx context.Context, limit int) (all []flattr.Claim, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		all, err = tx.claims(selectAllClaims, limit)
		return err
	})
	return all, err
}

// ClaimOf is a member's claim of a URL, or not_found.
func (s *Store) ClaimOf(ctx context.Context, member flattr.MemberID, url string) (c flattr.Claim, err error) {
	key, err := flattr.KeyOf(url)
	if err != nil {
		return c, err
	}
	err = s.read(ctx, func(tx *Tx) error {
		c, err = tx.claimOf(key, member)
		return err
	})
	return c, err
}

// AskClaim notes that a member says a URL is theirs; nobody owns anything by
// that. Asked again it answers the claim that is there. It refuses with
// claims_full and invalid_request.
func (s *Store) AskClaim(ctx context.Context, now time.Time, member flattr.MemberID, url string) (c flattr.Claim, err error) {
	key, err := flattr.KeyOf(url)
	if err != nil {
		return c, err
	}
	err = s.write(ctx, func(tx *Tx) error {
		if err := tx.there(member); err != nil {
			return err
		}
		c, err = tx.claimOf(key, member)
		if err == nil && !c.Owns() && c.URL != url { // http this time, or with www
			c.URL = url
			_, err = tx.exec(updateClaimURL, url, string(key), int64(member))
		}
		if flattr.CodeOf(err) != flattr.NotFound {
			return err
		}
		count := 0
		if err := tx.row(countClaimsOf, int64(member)).Scan(&count); err != nil {
			return fmt.Errorf("count claims: %w", err)
		}
		if count >= flattr.MaxClaims {
			return flattr.Refuse(flattr.ClaimsFull, fmt.Sprintf("You have %d claims, which is as many as may be. Give one up first.", count))
		}
		holder, err := tx.holder(key)
		if err != nil {
			return err
		}
		state, proof := flattr.ClaimWaiting, flattr.Proof("")
		if holder == member {
			state, proof = flattr.ClaimVerified, flattr.ProofOperator // there before anything was looked for
		}
		_, err = tx.exec(insertClaimRequest, string(key), int64(member), url, string(state), string(proof), micros(now), micros(now))
		if err != nil {
			return fmt.Errorf("write claim: %w", err)
		}
		c, err = tx.claimOf(key, member)
		return err
	})
	return c, err
}

// holder has the verified claim of a key; 0 is nobody.
func (tx *Tx) holder(key flattr.Key) (holder flattr.MemberID, err error) {
	err = tx.row(selectClaim, string(key)).Scan(&holder)
	if err := ignoreNone(err); err != nil {
		return 0, fmt.Errorf("read claim: %w", err)
	}
	return holder, nil
}

// above has the verified claim of the longest other URL that covers a key.
func (tx *Tx) above(key flattr.Key) (flattr.MemberID, error) {
	next := upper(key)
	if next == "" {
		return 0, nil
	}
	_, owner, err := tx.covering(claimBefore, next)
	return owner, err
}

// DueClaims takes at most limit claims whose time has come to be checked, and
// puts them off by lease, so that several processes seldom check one twice.
func (s *Store) DueClaims(ctx context.Context, now time.Time, lease time.Duration, limit int) (all []flattr.Claim, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		if all, err = tx.claims(selectDueClaims, micros(now), limit); err != nil {
			return err
		}
		for _, c := range all {
			if _, err := tx.exec(leaseClaimRequest, micros(now.Add(lease)), string(c.Key), int64(c.Member)); err != nil {
				return fmt.Errorf("put off claim: %w", err)
			}
		}
		return nil
	})
	return all, err
}

// ClaimChecked books what a check of a claim found: the member becomes the owner,
// the claim waits or lapses, or nobody owns what wants no money. It answers
// how the claim stands then, or not_found.
func (s *Store) ClaimChecked(ctx context.Context, now time.Time, key flattr.Key, member flattr.MemberID, f flattr.Finding) (c flattr.Claim, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		c, err = tx.claimChecked(now, key, member, f)
		return err
	})
	return c, err
}

func (tx *Tx) claimChecked(now time.Time, key flattr.Key, member flattr.MemberID, f flattr.Finding) (c flattr.Claim, err error) {
	before, err := tx.claimOf(key, member)
	if err != nil {
		return c, err
	}
	if f.OptOut != "" {
		if err := tx.optOut(now, f.OptOut); err != nil {
			return c, err
		}
	}
	// What the site has said before holds until it is seen not to.
	if out, err := tx.optedOut(key); err != nil {
		return c, err
	} else if out {
		f = flattr.Finding{Fault: flattr.FaultOptedOut}
	}
	holder, err := tx.holder(key)
	if err != nil {
		return c, err
	}
	above, err := tx.above(key)
	if err != nil {
		return c, err
	}
	c = before.After(now, f, holder, above)
	switch {
	case c.State == flattr.ClaimVerified && holder == 0:
		err = tx.take(now, c, string(c.Proof))
	case c.State == flattr.ClaimLapsed && holder == member:
		err = tx.endClaim(now, c, "lapsed")
	}
	if err != nil {
		return c, err
	}
	if err := tx.saveClaim(c); err != nil {
		return c, err
	}
	return tx.claimOf(key, member)
}

// saveClaim writes how a claim stands.
func (tx *Tx) saveClaim(c flattr.Claim) error {
	err := one(tx.exec(updateClaimRequest, string(c.State), string(c.Proof), string(c.Fault), int64(c.Rival),
		microsOrZero(c.Checked), microsOrZero(c.Lost), micros(c.Due), string(c.Key), int64(c.Member)))
	if err != nil {
		return fmt.Errorf("write claim: %w", err)
	}
	return nil
}

// take makes the claimant the owner.
func (tx *Tx) take(now time.Time, c flattr.Claim, how string) error {
	if err := tx.Claim(now, c.Member, c.URL); err != nil {
		return err
	}
	return tx.noteChange(now, c.Key, 0, c.Member, how)
}

// GiveUp ends a member's claim, verified or not, or refuses with not_found.
func (s *Store) GiveUp(ctx context.Context, now time.Time, member flattr.MemberID, url string) error {
	key, err := flattr.KeyOf(url)
	if err != nil {
		return err
	}
	return s.write(ctx, func(tx *Tx) error {
		c, err := tx.claimOf(key, member)
		if err != nil {
			return err
		}
		holder, err := tx.holder(key)
		if err != nil {
			return err
		}
		if holder == member {
			if err := tx.endClaim(now, c, "given_up"); err != nil {
				return err
			}
		}
		if _, err := tx.exec(deleteClaimRequest, string(key), int64(member)); err != nil {
			return fmt.Errorf("delete claim: %w", err)
		}
		return nil
	})
}

// DecideClaim is the operator's word in a conflict: the named member owns the
// URL from now on, as after a proof that is not looked for again. Whoever had it
// keeps what was earned in closed months. It refuses with not_found who has not
// claimed the URL, and with opted_out what wants no money.
func (s *Store) DecideClaim(ctx context.Context, now time.Time, url, name string) (c flattr.Claim, err error) {
	key, err := flattr.KeyOf(url)
	if err != nil {
		return c, err
	}
	err = s.write(ctx, func(tx *Tx) error {
		m, err := tx.memberByName(name)
		if err != nil {
			return err
		}
		c, err = tx.claimOf(key, m.ID)
		if err != nil {
			return err
		}
		if err := tx.takesMoney(key); err != nil {
			return err
		}
		if err := tx.decideClaim(now, c); err != nil {
			return err
		}
		c, err = tx.claimOf(key, m.ID)
		return err
	})
	return c, err
}

func (tx *Tx) decideClaim(now time.Time, c flattr.Claim) error {
	holder, err := tx.holder(c.Key)
	if err != nil {
		return err
	}
	others, err := tx.claims(selectClaimsFor, string(c.Key), int64(c.Member))
	if err != nil {
		return err
	}
	for _, other := range others {
		other.State, other.Rival, other.Lost, other.Due = flattr.ClaimRefused, c.Member, time.Time{}, flattr.Never
		if err := tx.saveClaim(other); err != nil {
			return err
		}
	}
	if holder != 0 && holder != c.Member {
		if err := tx.drop(now, c.Key, holder, &c); err != nil {
			return err
		}
	}
	if holder != c.Member {
		if err := tx.Claim(now, c.Member, c.URL); err != nil {
			return err
		}
		if err := tx.noteChange(now, c.Key, holder, c.Member, string(flattr.ProofOperator)); err != nil {
			return err
		}
	}
	c.State, c.Proof, c.Fault, c.Rival, c.Lost = flattr.ClaimVerified, flattr.ProofOperator, "", 0, time.Time{}
	c.Checked, c.Due = now, now.Add(flattr.ClaimRecheck)
	return tx.saveClaim(c)
}
