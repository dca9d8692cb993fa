package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// TestFeedsAreServedToAnybody asks the served ledger for feeds as a reader
// program does: without a session, and without getting a cookie.
func TestFeedsAreServedToAnybody(t *testing.T) {
	s := startLedger(t)
	reader := s.link(s.join("Ann", 10*money.Euro))
	ann, err := s.store.MemberByName(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.store.SetProfile(t.Context(), s.clock(), ann.ID, flattr.Profile{Public: true}); err != nil {
		t.Fatal(err)
	}
	send(t, reader, click(s.clock(), api.Thing{URL: "https://song.example/1", Title: "A song"}))
	for path, want := range map[string]string{
		"/profile/ann/flattrs.atom": "<title>A song</title>",
		"/profile/ann/things.atom":  "<title>Things by Ann</title>",
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.origin+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(text), want) || !strings.Contains(string(text), s.origin+"/profile/Ann") {
			t.Errorf("%s: %d, %v\n%s", path, resp.StatusCode, err, text)
		}
		if kind := resp.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/atom+xml") || len(resp.Cookies()) != 0 || resp.Header.Get("ETag") == "" {
			t.Errorf("%s: headers %v", path, resp.Header)
		}
	}
}
