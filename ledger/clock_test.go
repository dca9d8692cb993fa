package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

// stampAhead makes a ledger that was at work an hour from now.
func stampAhead(t *testing.T, where string) {
	t.Helper()
	s, err := store.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Stamp(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
}

func TestCommandsRefuseAClockThatWasSetBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		stampAhead(t, where)
		for _, args := range [][]string{
			{"settle", "--month", "2026-01", "--now", "2099-01-01T00:00:00Z"}, // --now is not the clock
			{"month", "freeze", "--month", "2026-01", "--now", "2099-01-01T00:00:00Z"},
			{"serve", "--listen", "127.0.0.1:0"},
		} {
			var errs bytes.Buffer
			err := run(t.Context(), append(args, "--db", where), strings.NewReader(""), io.Discard, &errs)
			if flattr.CodeOf(err) != flattr.ClockBack || !strings.Contains(errs.String(), "Set the clock right") {
				t.Errorf("%v with a clock that was set back: %v\n%s", args, err, &errs)
			}
		}
		ledger(t, "clock", "forget", "--db", where)
		ledger(t, "settle", "--month", "2026-01", "--now", "2099-01-01T00:00:00Z", "--db", where)
	})
}

func TestServeRefusesWhileTheClockIsBehind(t *testing.T) {
	where := storetest.SQLite(t)
	s, err := store.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	c := &clock{store: s, public: &url.URL{Scheme: "https", Host: "ledger.example"}, now: func() time.Time { return now }, log: slog.New(slog.DiscardHandler)}
	asked := 0
	handler := c.guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	askFor := func(path string) *httptest.ResponseRecorder {
		c.look(context.Background())
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return w
	}
	ask := func() *httptest.ResponseRecorder { return askFor("/healthz") }
	if w := ask(); w.Code != http.StatusOK || asked != 1 {
		t.Errorf("at noon it answers %d", w.Code)
	}
	now = now.Add(-time.Hour)
	if w := ask(); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"clock_back"`) || w.Header().Get("Retry-After") == "" || asked != 1 {
		t.Errorf("an hour before it answers %d %s", w.Code, w.Body)
	}
	for path, want := range map[string]string{"/rest/v2/user": `"error":"server_error"`, "//rest/v2/categories.xml": "<error>server_error</error>"} {
		w := askFor(path)
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), want) || !strings.Contains(w.Body.String(), "operator") ||
			w.Header().Get("Retry-After") != "60" || w.Header().Get("Access-Control-Allow-Origin") != "*" || asked != 1 {
			t.Errorf("an hour before %s answers %d %v %s", path, w.Code, w.Header(), w.Body)
		}
	}
	now = now.Add(2 * time.Hour)
	if w := ask(); w.Code != http.StatusOK || asked != 2 {
		t.Errorf("later it answers %d", w.Code)
	}
}
