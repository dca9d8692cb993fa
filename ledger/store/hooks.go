package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"flattr/ledger/flattr"
)

// maxHooks bounds the hooks of a ledger: each promise is held against all of
// them.
const maxHooks = 50

const insertHook = `
INSERT INTO hook (id, name, name_key, url, site, site_url, namespace, secret, since)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`

const insertHookState = `
INSERT INTO hook_state (hook, holder, lease, next_try, failures, dropped, said) VALUES ($1, '', 0, 0, 0, 0, '')`

const countHooks = `SELECT COUNT(*) FROM hook`

// AddHook registers a partner's hook and answers the secret that signs what it
// is told. URLs of SiteURL become Site. It refuses with name_invalid, with
// name_taken, and with invalid_request a hook that would be told of nothing.
func (s *Store) AddHook(ctx context.Context, now time.Time, h flattr.Hook) (secret string, err error) {
	if err := flattr.CheckName(h.Name); err != nil {
		return "", err
	}
	if h.SiteURL == "" && h.Namespace == "" {
		return "", flattr.Refuse(flattr.Invalid, "Say what the hook is told of: a site, or a namespace of owners.")
	}
	if h.SiteURL != "" {
		if h.Site, err = flattr.KeyOf(h.SiteURL); err != nil {
			return "", err
		}
	}
	err = s.write(ctx, func(tx *Tx) error {
		secret = rand.Text()
		return tx.addHook(now, h, secret)
	})
	return secret, err
}

func (tx *Tx) addHook(now time.Time, h flattr.Hook, secret string) error {
	var have int
	if err := tx.row(countHooks).Scan(&have); err != nil {
		return fmt.Errorf("count hooks: %w", err)
	}
	if have >= maxHooks {
		return flattr.Refuse(flattr.Invalid, fmt.Sprintf("A ledger has at most %d hooks. Remove one that is not used any more.", maxHooks))
	}
	switch _, err := tx.hookNamed(h.Name); {
	case err == nil:
		return flattr.Refuse(flattr.NameTaken, "Another hook has this name. Choose another one, or remove that hook first.")
	case flattr.CodeOf(err) != flattr.NotFound:
		return err
	}
	for range idAttempts {
		id := randomID()
		n, err := tx.exec(insertHook, id, h.Name, flattr.NameKey(h.Name), h.URL, string(h.Site), h.SiteURL, h.Namespace, secret, micros(now))
		if err != nil {
			return fmt.Errorf("add hook: %w", err)
		}
		if n == 1 {
			return one(tx.exec(insertHookState, id))
		}
	}
	return errors.New("add hook: no free id found")
}

const selectHookID = `SELECT id FROM hook WHERE name_key = $1`

func (tx *Tx) hookNamed(name string) (id flattr.HookID, err error) {
	err = tx.row(selectHookID, flattr.NameKey(name)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) || flattr.CodeOf(err) == flattr.Invalid { // what is no text is no name
		return 0, flattr.Refuse(flattr.NotFound, fmt.Sprintf("There is no hook named %.60q. Look at: flattr-ledger hook list.", name))
	}
	if err != nil {
		return 0, fmt.Errorf("read hook: %w", err)
	}
	return id, nil
}

const selectHookStandings = `
SELECT h.id, h.name, h.url, h.site, h.site_url, h.namespace, CASE WHEN h.stopped IS NULL THEN 0 ELSE 1 END,
       s.dropped, s.failures, s.next_try, s.said,
       (SELECT COUNT(*) FROM hook_delivery d WHERE d.hook = h.id AND d.next_try IS NOT NULL),
       (SELECT COUNT(*) FROM hook_delivery d WHERE d.hook = h.id AND d.next_try IS NULL)
FROM hook h JOIN hook_state s ON s.hook = h.id ORDER BY h.name_key`

// Hooks are all hooks, by name.
func (s *Store) Hooks(ctx context.Context) (hooks []flattr.HookStanding, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		hooks = nil
		return tx.each(selectHookStandings, func(rows *sql.Rows) error {
			var h flattr.HookStanding
			var next int64
			err := rows.Scan(&h.ID, &h.Name, &h.URL, &h.Site, &h.SiteURL, &h.Namespace, &h.Stopped,
				&h.Dropped, &h.Failures, &next, &h.Said, &h.Waiting, &h.GivenUp)
			h.NextTry = timeOf(next)
			hooks = append(hooks, h)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read hooks: %w", err)
	}
	return hooks, nil
}

// What goes with a hook, the hook itself last.
var deleteHook = []string{
	`DELETE FROM hook_delivery WHERE hook = $1`,
	`DELETE FROM hook_state WHERE hook = $1`,
	`DELETE FROM hook WHERE id = $1`,
}

// RemoveHook forgets a hook and all it was still to be told, or refuses with
// not_found.
func (s *Store) RemoveHook(ctx context.Context, name string) error {
	return s.write(ctx, func(tx *Tx) error {
		id, err := tx.hookNamed(name)
		if err != nil {
			return err
		}
		for _, statement := range deleteHook {
			if _, err := tx.exec(statement, int64(id)); err != nil {
				return fmt.Errorf("remove hook: %w", err)
			}
		}
		return nil
	})
}

const resumeHook = `UPDATE hook SET stopped = NULL WHERE id = $1`

const resumeHookState = `UPDATE hook_state SET next_try = 0, failures = 0, said = '' WHERE hook = $1`

const retryDeliveries = `UPDATE hook_delivery SET next_try = $1, attempts = 0 WHERE hook = $2`

// RetryHook lets everything that a hook is to be told be tried now and as often
// as if it were new, also what was given up, and a stopped hook run again. It
// answers how many deliveries wait, and refuses with not_found.
func (s *Store) RetryHook(ctx context.Context, now time.Time, name string) (waiting int64, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		id, err := tx.hookNamed(name)
		if err != nil {
			return err
		}
		for _, statement := range []string{resumeHook, resumeHookState} {
			if err := one(tx.exec(statement, int64(id))); err != nil {
				return fmt.Errorf("resume hook: %w", err)
			}
		}
		waiting, err = tx.exec(retryDeliveries, micros(now), int64(id))
		return err
	})
	return waiting, err
}

const selectHooks = `SELECT id, site, namespace FROM hook WHERE stopped IS NULL`

const selectKeyAndAsserted = `SELECT key, asserted FROM thing WHERE id = $1`

const insertDelivery = `
INSERT INTO hook_delivery (hook, click, thing, reader, at, attempts, next_try)
VALUES ($1, $2, $3, $4, $5, 0, $5) ON CONFLICT DO NOTHING`

// tellHooks takes down that hooks are to be told of a click that counts and is a
// promise. It names who was public when they clicked, which may be long before now.
func (tx *Tx) tellHooks(now, clicked time.Time, reader flattr.MemberID, thing flattr.ThingID, click flattr.EventID) error {
	hooks, err := tx.runningHooks()
	if err != nil || len(hooks) == 0 {
		return err
	}
	var key flattr.Key
	var asserted string
	if err := tx.row(selectKeyAndAsserted, int64(thing)).Scan(&key, &asserted); err != nil {
		return fmt.Errorf("read whose the thing is said to be: %w", err)
	}
	hooks = slices.DeleteFunc(slices.Clone(hooks), func(h flattr.Hook) bool { return !told(h, key, asserted) })
	if len(hooks) == 0 {
		return nil
	}
	if out, err := tx.optedOut(key); err != nil || out {
		return err // there is nothing to claim
	}
	meant, err := tx.meant(clicked, reader, thing)
	if err != nil {
		return err
	}
	public, err := tx.isPublic(meant, reader)
	if err != nil {
		return err
	}
	named := flattr.MemberID(0)
	if public {
		named = reader
	}
	for _, h := range hooks {
		if _, err := tx.exec(insertDelivery, int64(h.ID), click[:], int64(thing), int64(named), micros(now)); err != nil {
			return fmt.Errorf("take down what a hook is to be told: %w", err)
		}
	}
	return nil
}

const selectSubscribedAt = `SELECT COALESCE(MIN(at), 0) FROM subscription WHERE bucket = $1 AND reader = $2 AND thing = $3 AND at <= $4`

// meant is when a reader wanted a click: for one of a subscription, which is of the
// instant in which a month begins, when they subscribed.
func (tx *Tx) meant(clicked time.Time, reader flattr.MemberID, thing flattr.ThingID) (time.Time, error) {
	if !clicked.Equal(flattr.MonthOf(clicked).Start()) {
		return clicked, nil
	}
	var at int64
	if err := tx.row(selectSubscribedAt, reader.Bucket(), int64(reader), int64(thing), micros(clicked)).Scan(&at); err != nil {
		return clicked, fmt.Errorf("read when a reader subscribed: %w", err)
	}
	if at == 0 {
		return clicked, nil
	}
	return timeOf(at), nil
}

// runningHooks reads the hooks once a transaction.
func (tx *Tx) runningHooks() ([]flattr.Hook, error) {
	if tx.hooks != nil {
		return *tx.hooks, nil
	}
	hooks := []flattr.Hook{}
	err := tx.each(selectHooks, func(rows *sql.Rows) error {
		var h flattr.Hook
		err := rows.Scan(&h.ID, &h.Site, &h.Namespace)
		hooks = append(hooks, h)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read hooks: %w", err)
	}
	tx.hooks = &hooks
	return hooks, nil
}

// told reports whether a hook is told of a promise for a thing with that key and
// asserted owner.
func told(h flattr.Hook, key flattr.Key, asserted string) bool {
	if h.Namespace != "" && strings.HasPrefix(asserted, flattr.PartnerPrefix+h.Namespace+":") {
		return true
	}
	return h.Site != "" && (key == h.Site || coversBelow(h.Site) && strings.HasPrefix(string(key), string(h.Site)))
}

// isPublic reports whether the profile of a member is public, and was at that
// time: hooks and feeds name nobody else.
func (tx *Tx) isPublic(at time.Time, member flattr.MemberID) (bool, error) {
	p, err := tx.profile(member)
	return p.Public && !at.Before(p.PublicSince), err
}
