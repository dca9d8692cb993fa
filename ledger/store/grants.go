package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

// maxGrants bounds the list of what a member has consented to; it has a row for
// each consent.
const maxGrants = 1000

// Grant is one consent of a member that is in force: a companion on one machine, or
// one time an application was allowed.
type Grant struct {
	ID     string // names it to the member; no secret
	Client string
	App    string // name of the application; "" for clients that are none
	By     string // name of who registered it; "" for the operator
	Scope  string // separated by blanks
	Agent  string // browser and system in which the member consented; "" not known
	Since  time.Time
	Used   time.Time // zero: never yet; lags behind by up to an hour
	Of     int       // consents to the same client that are in force, this one among them
}

// newestGrants is how many consents to one client with the same scopes are listed,
// so that none hides another client, or what it may.
const newestGrants = 20

const selectGrants = `
SELECT grant_id, client, app, registrar, scope, agent, issued, used, alike FROM (
SELECT t.grant_id, t.client, COALESCE(a.name, '') AS app, COALESCE(m.name, '') AS registrar, t.scope, t.agent, t.issued, t.used,
    COUNT(*) OVER (PARTITION BY t.client) AS alike, ROW_NUMBER() OVER (PARTITION BY t.client, t.scope ORDER BY t.issued DESC, t.grant_id) AS nth
FROM oauth_token t LEFT JOIN oauth_app a ON a.id = t.client LEFT JOIN member m ON m.bucket = a.bucket AND m.id = a.member
WHERE t.member = $1 AND t.revoked IS NULL AND a.revoked IS NULL
) g WHERE nth <= $2 ORDER BY issued DESC, grant_id LIMIT $3`

// Grants are what a member has consented to and not revoked, the latest first: of
// each client and set of scopes the newest.
func (s *Store) Grants(ctx context.Context, member flattr.MemberID) (grants []Grant, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		grants = nil
		return tx.each(selectGrants, func(rows *sql.Rows) error {
			var g Grant
			var since, used int64
			err := rows.Scan(&g.ID, &g.Client, &g.App, &g.By, &g.Scope, &g.Agent, &since, &used, &g.Of)
			g.Since, g.Used = timeOf(since), usedAt(used)
			grants = append(grants, g)
			return err
		}, int64(member), newestGrants, maxGrants)
	})
	if err != nil {
		return nil, fmt.Errorf("list consents: %w", err)
	}
	return grants, nil
}

const revokeTokensOfGrant = `UPDATE oauth_token SET revoked = $1 WHERE member = $2 AND grant_id = $3 AND revoked IS NULL`

const endCodesOfGrant = `UPDATE oauth_code SET ended = $1 WHERE member = $2 AND grant_id = $3 AND ended IS NULL`

// EndGrant takes back one consent of a member; others to the same client go on. It
// refuses with not_found where it is none of theirs, or not in force.
func (s *Store) EndGrant(ctx context.Context, now time.Time, member flattr.MemberID, id string) error {
	return s.write(ctx, func(tx *Tx) error {
		n, err := tx.exec(revokeTokensOfGrant, micros(now), int64(member), id)
		if err != nil {
			return fmt.Errorf("revoke tokens: %w", err)
		}
		if _, err := tx.exec(endCodesOfGrant, micros(now), int64(member), id); err != nil {
			return fmt.Errorf("end codes: %w", err)
		}
		if n == 0 {
			return flattr.Refuse(flattr.NotFound, "This device has no access to your account any more.")
		}
		return nil
	})
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
