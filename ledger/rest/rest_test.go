package rest

import (
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

func init() { storetest.Schema = storetest.MadeBy(store.Open) }

// desk is the interface over a real store, with tokens that the test knows and a
// clock that it moves.
type desk struct {
	t       *testing.T
	store   *store.Store
	where   string
	server  *Server
	handler http.Handler
	clock   atomic.Int64
}

// start is when every test begins.
var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newDesk(t *testing.T, where string) *desk {
	t.Helper()
	st, err := store.Open(t.Context(), where)
	if err != nil {
		t.Fatalf("Open = %v", err)
	}
	t.Cleanup(func() { _ = st.Close() })
	d := &desk{t: t, store: st, where: where}
	d.clock.Store(start.UnixMicro())
	d.server = d.process()
	d.handler = d.server.Before(http.NotFoundHandler())
	return d
}

// process is one more process over the same store.
func (d *desk) process() *Server {
	d.t.Helper()
	server, err := New(d.t.Context(), Config{
		Store: d.store, Member: d.bearer, Public: &url.URL{Scheme: "https", Host: "ledger.example"}, Now: d.now,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		d.t.Fatalf("New = %v", err)
	}
	return server
}

func (d *desk) now() time.Time { return time.UnixMicro(d.clock.Load()).UTC() }

func (d *desk) pass(by time.Duration) { d.clock.Add(by.Microseconds()) }

// bearer reads tokens of the form NAME:scope scope.
func (d *desk) bearer(ctx context.Context, token string) (flattr.MemberID, []string, string, error) {
	name, scopes, ok := strings.Cut(token, ":")
	if !ok {
		return 0, nil, "", flattr.Refuse("unauthorized", "This token is not in force.")
	}
	m, err := d.store.MemberByName(ctx, name)
	return m.ID, strings.Fields(scopes), "a client", err
}

// member adds a member with 20 EUR of means.
func (d *desk) member(name string) flattr.MemberID {
	d.t.Helper()
	var id flattr.MemberID
	err := d.store.Write(d.t.Context(), func(tx *store.Tx) (err error) {
		id, err = tx.AddMember(d.now(), store.NewMember{Name: name, Budget: flattr.DefaultBudget, Means: 20 * money.Euro})
		return err
	})
	if err != nil {
		d.t.Fatalf("AddMember(%s) = %v", name, err)
	}
	return id
}

// thing adds a thing of an owner, and gives it an id that is known beforehand.
func (d *desk) thing(id int64, address, title, owner string) {
	d.t.Helper()
	err := d.store.Write(d.t.Context(), func(tx *store.Tx) error {
		var by flattr.MemberID
		if owner != "" {
			var err error
			if by, err = tx.MemberID(owner); err != nil {
				return err
			}
		}
		return tx.AddThing(d.now(), address, title, by)
	})
	if err != nil {
		d.t.Fatalf("AddThing(%s) = %v", address, err)
	}
	d.sql("UPDATE listed SET thing = $1 WHERE thing = (SELECT id FROM thing WHERE url = $2)", id, address)
	d.sql("UPDATE thing SET id = $1 WHERE url = $2", id, address)
}

// sql changes rows beside the store.
func (d *desk) sql(statement string, args ...any) {
	d.t.Helper()
	var db *sql.DB = storetest.DB(d.t, d.where)
	if _, err := db.ExecContext(d.t.Context(), statement, args...); err != nil {
		d.t.Fatalf("%s = %v", statement, err)
	}
}

// ask sends a request; header lines are "Name: value".
func (d *desk) ask(method, path, body string, header ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	return d.askOf(d.handler, method, path, body, header...)
}

func (d *desk) askOf(handler http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), method, Base+path, strings.NewReader(body))
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// wants holds status and error code of an answer in JSON.
func (d *desk) wants(w *httptest.ResponseRecorder, status int, code string) map[string]any {
	d.t.Helper()
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		d.t.Fatalf("answer %d %q is no object in JSON: %v", w.Code, w.Body, err)
	}
	if said, _ := got["error"].(string); w.Code != status || said != code {
		d.t.Errorf("answer = %d %v, want %d %s", w.Code, got, status, code)
	}
	return got
}
