package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

// maxGrants bounds the list of what a member has consented to; it has a row for
// each application and set of scopes.
const maxGrants = 1000

// Grant is what a member has consented to: an application and its tokens of the
// same scopes that are in force.
type Grant struct {
	Client      string
	App         string // name of the application; "" for clients that are none
	By          string // name of who registered it; "" for the operator
	Scope       string // separated by blanks
	First, Last time.Time
	Tokens      int
}

const selectGrants = `
SELECT t.client, COALESCE(a.name, ''), COALESCE(m.name, ''), t.scope, MIN(t.issued), MAX(t.issued), COUNT(*)
FROM oauth_token t LEFT JOIN oauth_app a ON a.id = t.client LEFT JOIN member m ON m.bucket = a.bucket AND m.id = a.member
WHERE t.member = $1 AND t.revoked IS NULL AND a.revoked IS NULL
GROUP BY t.client, a.name, m.name, t.scope ORDER BY MAX(t.issued) DESC, t.client, t.scope LIMIT $2`

// Grants are what a member has consented to and not revoked, the latest first.
func (s *Store) Grants(ctx context.Context, member flattr.MemberID) (grants []Grant, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		grants = nil
		return tx.each(selectGrants, func(rows *sql.Rows) error {
			var g Grant
			var first, last int64
			err := rows.Scan(&g.Client, &g.App, &g.By, &g.Scope, &first, &last, &g.Tokens)
			g.First, g.Last = timeOf(first), timeOf(last)
			grants = append(grants, g)
			return err
		}, int64(member), maxGrants)
	})
	if err != nil {
		return nil, fmt.Errorf("list consents: %w", err)
	}
	return grants, nil
}

const revokeTokensOfConsent = `UPDATE oauth_token SET revoked = $1 WHERE member = $2 AND client = $3 AND revoked IS NULL`

const endCodesOfConsent = `UPDATE oauth_code SET ended = $1 WHERE member = $2 AND client = $3 AND ended IS NULL`

// RevokeConsent takes back everything a member has allowed a client: its tokens
// are refused at once, and a code under way is worth nothing. It refuses with
// not_found when no token was in force.
func (s *Store) RevokeConsent(ctx context.Context, now time.Time, member flattr.MemberID, client string) error {
	return s.write(ctx, func(tx *Tx) error {
		n, err := tx.exec(revokeTokensOfConsent, micros(now), int64(member), client)
		if err != nil {
			return fmt.Errorf("revoke tokens: %w", err)
		}
		if _, err := tx.exec(endCodesOfConsent, micros(now), int64(member), client); err != nil {
			return fmt.Errorf("end codes: %w", err)
		}
		if n == 0 {
			return flattr.Refuse(flattr.NotFound, "This application has no access to your account any more.")
		}
		return nil
	})
}
