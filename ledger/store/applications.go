package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

const (
	// maxApps is how many applications in force a member may have registered:
	// more than anybody needs, few enough for one page.
	maxApps = 20
	// maxAppsListed bounds what is listed to the operator at once.
	maxAppsListed = 10_000
)

// AppsFull is the refusal of one application more than a member may have.
const AppsFull flattr.Code = "apps_full"

// App is an application of others that may ask members for consent.
type App struct {
	ID       string // client id
	Secret   string // SHA-256 of the secret
	Name     string
	Callback string          // where answers go
	Member   flattr.MemberID // who registered it; 0: the operator
	By       string          // name of who registered it; "" for the operator
	Implicit bool            // may be answered with a token directly
	Created  time.Time
	Revoked  bool
}

const countApps = `SELECT COUNT(*) FROM oauth_app WHERE member = $1 AND revoked IS NULL`

const insertApp = `
INSERT INTO oauth_app (id, secret, name, callback, bucket, member, implicit, created)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

// AddApp keeps a new application. It refuses with apps_full when the
// member has as many as may be.
func (s *Store) AddApp(ctx context.Context, app App) error {
	return s.write(ctx, func(tx *Tx) error {
		var bucket, implicit int
		if app.Member != 0 {
			if err := tx.there(app.Member); err != nil {
				return err
			}
			bucket = app.Member.Bucket()
			var have int
			if err := tx.row(countApps, int64(app.Member)).Scan(&have); err != nil {
				return fmt.Errorf("count applications: %w", err)
			}
			if have >= maxApps {
				return flattr.Refuse(AppsFull, fmt.Sprintf("You have %d applications, which is as many as may be. Revoke one first.", have))
			}
		}
		if app.Implicit {
			implicit = 1
		}
		_, err := tx.exec(insertApp, app.ID, app.Secret, app.Name, app.Callback, bucket, int64(app.Member), implicit, micros(app.Created))
		if err != nil {
			return fmt.Errorf("save application: %w", err)
		}
		return nil
	})
}

const appColumns = `
SELECT a.id, a.secret, a.name, a.callback, a.member, COALESCE(m.name, ''), a.implicit, a.created, a.revoked IS NOT NULL
FROM oauth_app a LEFT JOIN member m ON m.bucket = a.bucket AND m.id = a.member `

const (
	selectApp    = appColumns + `WHERE a.id = $1`
	selectAppsOf = appColumns + `WHERE a.member = $1 AND a.revoked IS NULL ORDER BY a.created DESC, a.id LIMIT $2`
	selectApps   = appColumns + `ORDER BY a.created DESC, a.id LIMIT $1`
)

func scanApp(r interface{ Scan(to ...any) error }) (App, error) {
	var app App
	var member, created int64
	err := r.Scan(&app.ID, &app.Secret, &app.Name, &app.Callback, &member, &app.By, &app.Implicit, &created, &app.Revoked)
	app.Member, app.Created = flattr.MemberID(member), timeOf(created)
	return app, err
}

// App is the application with that client id, revoked or not, or not_found.
func (s *Store) App(ctx context.Context, id string) (app App, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		app, err = scanApp(tx.row(selectApp, id))
		return found(err, "application")
	})
	return app, err
}

// AppsOf are the applications in force that a member has registered, the
// latest first.
func (s *Store) AppsOf(ctx context.Context, member flattr.MemberID) ([]App, error) {
	return s.apps(ctx, selectAppsOf, int64(member), maxApps)
}

// Apps are all applications, revoked ones too, the latest first; of very many
// the latest 10,000.
func (s *Store) Apps(ctx context.Context) ([]App, error) {
	return s.apps(ctx, selectApps, maxAppsListed)
}

func (s *Store) apps(ctx context.Context, query string, args ...any) (apps []App, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		apps = nil
		return tx.each(query, func(rows *sql.Rows) error {
			app, err := scanApp(rows)
			apps = append(apps, app)
			return err
		}, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("list applications: %w", err)
	}
	return apps, nil
}

const updateAppRevoked = `UPDATE oauth_app SET revoked = $1 WHERE id = $2 AND revoked IS NULL`

const revokeTokensOfClient = `UPDATE oauth_token SET revoked = $1 WHERE client = $2 AND revoked IS NULL`

const endCodesOfClient = `UPDATE oauth_code SET ended = $1 WHERE client = $2 AND ended IS NULL`

// RevokeApp ends an application for good, with every consent that was given to
// it. by is the member who asks and must have registered it; 0 is the operator,
// who may end any. It refuses with not_found.
func (s *Store) RevokeApp(ctx context.Context, now time.Time, id string, by flattr.MemberID) error {
	return s.write(ctx, func(tx *Tx) error {
		app, err := scanApp(tx.row(selectApp, id))
		if err == nil && (app.Revoked || by != 0 && app.Member != by) {
			err = sql.ErrNoRows
		}
		if err != nil {
			return found(err, "application")
		}
		return tx.revokeApp(now, id)
	})
}

func (tx *Tx) revokeApp(now time.Time, id string) error {
	for _, statement := range []string{updateAppRevoked, revokeTokensOfClient, endCodesOfClient} {
		if _, err := tx.exec(statement, micros(now), id); err != nil {
			return fmt.Errorf("revoke application: %w", err)
		}
	}
	return nil
}

const eraseAppsOf = `UPDATE oauth_app SET name = '', callback = '' WHERE member = $1`

const selectAppIDsOf = `SELECT id FROM oauth_app WHERE member = $1 AND revoked IS NULL`

// revokeAppsOf ends the applications of a member who leaves: nobody answers
// for them any more. What the member has called them is erased.
func (tx *Tx) revokeAppsOf(now time.Time, member flattr.MemberID) error {
	var ids []string
	err := tx.each(selectAppIDsOf, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, int64(member))
	if err != nil {
		return fmt.Errorf("list applications: %w", err)
	}
	for _, id := range ids {
		if err := tx.revokeApp(now, id); err != nil {
			return err
		}
	}
	if _, err := tx.exec(eraseAppsOf, int64(member)); err != nil {
		return fmt.Errorf("erase applications: %w", err)
	}
	return nil
}
