package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

// codesKept is how long an authorization code is remembered after it expired,
// so that a second use is recognised and revokes what the first one got.
const codesKept = 24 * time.Hour

// OAuthCode is an authorization code, known by its signature only.
type OAuthCode struct {
	Signature, Grant, Client string
	Member                   flattr.MemberID
	Scope, Redirect          string
	Challenge                string // PKCE, S256
	Agent                    string // browser and system in which the member consented; "" not known
	Issued, Expires          time.Time
	Tried, Spent             bool
	Ended                    bool // what it stood for was revoked
}

// OAuthToken is an access token, known by its signature only.
type OAuthToken struct {
	Signature, Grant, Client string
	Member                   flattr.MemberID
	Scope                    string
	Agent                    string // browser and system in which the member consented; "" not known
	Issued                   time.Time
	Used                     time.Time // zero: never yet; lags behind by up to an hour
	OfCode                   bool      // issued for a code; only for SaveToken
	Revoked                  bool
}

const insertCode = `
INSERT INTO oauth_code (signature, grant_id, client, member, scope, redirect, challenge, agent, issued, expires)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

const deleteOldCodes = `DELETE FROM oauth_code WHERE expires < $1`

// SaveCode keeps a new code and forgets those long expired.
func (s *Store) SaveCode(ctx context.Context, code OAuthCode) error {
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.there(code.Member); err != nil {
			return err
		}
		if _, err := tx.exec(deleteOldCodes, code.Issued.Add(-codesKept).UnixMicro()); err != nil {
			return fmt.Errorf("forget old codes: %w", err)
		}
		_, err := tx.exec(insertCode, code.Signature, code.Grant, code.Client, int64(code.Member), code.Scope, code.Redirect,
			code.Challenge, code.Agent, code.Issued.UnixMicro(), code.Expires.UnixMicro())
		if err != nil {
			return fmt.Errorf("save code: %w", err)
		}
		return nil
	})
}

const selectCode = `
SELECT grant_id, client, member, scope, redirect, challenge, agent, issued, expires, tried, spent, ended IS NOT NULL
FROM oauth_code WHERE signature = $1`

// Code is the code with that signature, expired or not, or not_found.
func (s *Store) Code(ctx context.Context, signature string) (OAuthCode, error) {
	code := OAuthCode{Signature: signature}
	err := s.read(ctx, func(tx *Tx) error {
		var member, issued, expires int64
		err := tx.row(selectCode, signature).Scan(&code.Grant, &code.Client, &member, &code.Scope, &code.Redirect,
			&code.Challenge, &code.Agent, &issued, &expires, &code.Tried, &code.Spent, &code.Ended)
		code.Member, code.Issued, code.Expires = flattr.MemberID(member), time.UnixMicro(issued), time.UnixMicro(expires)
		return found(err, "code")
	})
	return code, err
}

const updateCodeTried = `UPDATE oauth_code SET tried = 1 WHERE signature = $1 AND tried = 0`

// TryCode uses up the one try to name a code's verifier; not_found when it is
// used up already.
func (s *Store) TryCode(ctx context.Context, signature string) error {
	return s.useOnce(ctx, updateCodeTried, signature, "try code")
}

const updateCodeSpent = `UPDATE oauth_code SET spent = 1 WHERE signature = $1 AND spent = 0`

// SpendCode marks a code as used; not_found when it was used already.
func (s *Store) SpendCode(ctx context.Context, signature string) error {
	return s.useOnce(ctx, updateCodeSpent, signature, "spend code")
}

func (s *Store) useOnce(ctx context.Context, statement, signature, doing string) error {
	return s.write(ctx, func(tx *Tx) error {
		n, err := tx.exec(statement, signature)
		if err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		if n == 0 {
			return flattr.Refuse(flattr.NotFound, "This code is not known or was used already.")
		}
		return nil
	})
}

const insertToken = `
INSERT INTO oauth_token (signature, grant_id, client, member, scope, agent, issued)
VALUES ($1, $2, $3, $4, $5, $6, $7)`

const selectCodeInForce = `SELECT 1 FROM oauth_code WHERE grant_id = $1 AND ended IS NULL`

// SaveToken keeps a new token. It refuses with not_found when the consent, of
// which the token's code was made, has been revoked meanwhile.
func (s *Store) SaveToken(ctx context.Context, token OAuthToken) error {
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.there(token.Member); err != nil {
			return err
		}
		if token.OfCode {
			var one int
			if err := tx.row(selectCodeInForce, token.Grant).Scan(&one); err != nil {
				return found(err, "code")
			}
		}
		_, err := tx.exec(insertToken, token.Signature, token.Grant, token.Client, int64(token.Member), token.Scope, token.Agent, token.Issued.UnixMicro())
		if err != nil {
			return fmt.Errorf("save token: %w", err)
		}
		return tx.allowedBy(token)
	})
}

const selectAppName = `SELECT name FROM oauth_app WHERE id = $1`

// allowedBy tells a member by letter which application acts for them from now
// on.
func (tx *Tx) allowedBy(token OAuthToken) error {
	name := token.Client // of clients that are no applications
	if err := ignoreNone(tx.row(selectAppName, token.Client).Scan(&name)); err != nil {
		return fmt.Errorf("read application: %w", err)
	}
	return tx.notify(token.Issued, token.Member, LetterAllowed, name)
}

const selectToken = `
SELECT t.grant_id, t.client, t.member, t.scope, t.agent, t.issued, t.used, t.revoked IS NOT NULL OR a.revoked IS NOT NULL
FROM oauth_token t LEFT JOIN oauth_app a ON a.id = t.client WHERE t.signature = $1`

// Token is the token with that signature, revoked or not, or not_found. It is
// revoked too when its application is.
func (s *Store) Token(ctx context.Context, signature string) (OAuthToken, error) {
	token := OAuthToken{Signature: signature}
	err := s.read(ctx, func(tx *Tx) error {
		var member, issued, used int64
		err := tx.row(selectToken, signature).Scan(&token.Grant, &token.Client, &member, &token.Scope, &token.Agent, &issued, &used, &token.Revoked)
		token.Member, token.Issued, token.Used = flattr.MemberID(member), time.UnixMicro(issued), usedAt(used)
		return found(err, "token")
	})
	return token, err
}

// usedAt is the time of a use, none for 0.
func usedAt(used int64) time.Time {
	if used == 0 {
		return time.Time{}
	}
	return timeOf(used)
}

// usedEvery is how exactly it is known when a token was last used: nobody has to
// know to the minute when somebody's device was on, and a request is not worth a
// write.
const usedEvery = time.Hour

const updateUsed = `UPDATE oauth_token SET used = $1 WHERE signature = $2 AND used < $3 AND revoked IS NULL`

// NoteUse notes that a token is used, now and then. A store that is busy is no
// error: the next use is noted.
func (s *Store) NoteUse(ctx context.Context, now time.Time, token OAuthToken) error {
	due := now.Add(-usedEvery)
	if !token.Used.IsZero() && !token.Used.Before(due) {
		return nil
	}
	err := s.write(ctx, func(tx *Tx) error {
		_, err := tx.exec(updateUsed, micros(now), token.Signature, micros(due))
		return err
	})
	if err == nil || Busy(err) {
		return nil
	}
	return fmt.Errorf("note use of a token: %w", err)
}

const updateGrantRevoked = `UPDATE oauth_token SET revoked = $1 WHERE grant_id = $2 AND revoked IS NULL`

const updateGrantEnded = `UPDATE oauth_code SET ended = $1 WHERE grant_id = $2 AND ended IS NULL`

// RevokeGrant revokes the tokens of one consent, also those that are just being
// issued for its code. It is no error when there are none.
func (s *Store) RevokeGrant(ctx context.Context, now time.Time, grant string) error {
	return s.write(ctx, func(tx *Tx) error {
		for _, statement := range []string{updateGrantEnded, updateGrantRevoked} {
			if _, err := tx.exec(statement, now.UnixMicro(), grant); err != nil {
				return fmt.Errorf("revoke grant: %w", err)
			}
		}
		return nil
	})
}

// found turns a missing row into a refusal.
func found(err error, what string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return flattr.Refuse(flattr.NotFound, "This "+what+" is not known.")
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	return nil
}
