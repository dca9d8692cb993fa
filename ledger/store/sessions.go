package store

import (
	"context"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

// Sessions keeps the sessions of browsers in the form that the session manager
// (alexedwards/scs) asks for. Tokens arrive hashed.
type Sessions struct {
	store *Store
	now   func() time.Time
}

// Sessions gives access to the sessions; now tells which have ended.
func (s *Store) Sessions(now func() time.Time) *Sessions { return &Sessions{store: s, now: now} }

const selectSession = `SELECT data FROM session WHERE token = $1 AND expires > $2`

// FindCtx is the data of a session that has not ended.
func (ss *Sessions) FindCtx(ctx context.Context, token string) (data []byte, ok bool, err error) {
	err = ss.store.read(ctx, func(tx *Tx) error {
		return found(tx.row(selectSession, token, ss.now().UnixMicro()).Scan(&data), "session")
	})
	if flattr.CodeOf(err) == flattr.NotFound {
		return nil, false, nil
	}
	return data, err == nil, err
}

const upsertSession = `
INSERT INTO session (token, data, expires) VALUES ($1, $2, $3)
ON CONFLICT (token) DO UPDATE SET data = excluded.data, expires = excluded.expires`

const deleteEndedSessions = `DELETE FROM session WHERE expires <= $1`

// CommitCtx writes a session and forgets those that have ended.
func (ss *Sessions) CommitCtx(ctx context.Context, token string, data []byte, expires time.Time) error {
	return ss.store.write(ctx, func(tx *Tx) error {
		if _, err := tx.exec(deleteEndedSessions, ss.now().UnixMicro()); err != nil {
			return fmt.Errorf("forget ended sessions: %w", err)
		}
		if _, err := tx.exec(upsertSession, token, data, expires.UnixMicro()); err != nil {
			return fmt.Errorf("save session: %w", err)
		}
		return nil
	})
}

const deleteSession = `DELETE FROM session WHERE token = $1`

// DeleteCtx forgets a session.
func (ss *Sessions) DeleteCtx(ctx context.Context, token string) error {
	return ss.store.write(ctx, func(tx *Tx) error {
		if _, err := tx.exec(deleteSession, token); err != nil {
			return fmt.Errorf("forget session: %w", err)
		}
		return nil
	})
}

// Find is FindCtx for a session manager that has no context.
func (ss *Sessions) Find(token string) ([]byte, bool, error) {
	return ss.FindCtx(context.Background(), token)
}

// Commit is CommitCtx for a session manager that has no context.
func (ss *Sessions) Commit(token string, data []byte, expires time.Time) error {
	return ss.CommitCtx(context.Background(), token, data, expires)
}

// Delete is DeleteCtx for a session manager that has no context.
func (ss *Sessions) Delete(token string) error { return ss.DeleteCtx(context.Background(), token) }
