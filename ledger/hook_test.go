package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// TestAServingLedgerTellsPartners goes the whole way: a reader's companion sends
// a click for a page that nobody has claimed, and the partner hears of it.
func TestAServingLedgerTellsPartners(t *testing.T) {
	heard := make(chan url.Values, 10)
	partner := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, err := url.ParseQuery(string(body))
		if err != nil || !strings.HasPrefix(r.Header.Get("Flattr-Signature"), "t=") {
			t.Errorf("a delivery %q signed %q: %v", body, r.Header.Get("Flattr-Signature"), err)
		}
		heard <- form
	}))
	defer partner.Close()
	s := startLedger(t)
	ledger(t, "hook", "add", "ring", "--db", s.db, "--url", partner.URL, "--site", "https://ring.example/")
	reader := s.link(s.join("ann", 10*money.Euro))
	send(t, reader, click(s.clock(), api.Thing{URL: "https://ring.example/song", Title: "Song"}))
	select {
	case form := <-heard:
		claim := s.origin + "/claims?url=https%3A%2F%2Fring.example%2Fsong"
		if form.Get("_event") != "pendingclickcreate" || form.Get("flattrer_username") != "" || form.Get("claim_url") != claim {
			t.Errorf("the partner hears %v, want the claim at %s and nobody named", form, claim)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the partner hears nothing")
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if hooks, err := s.store.Hooks(t.Context()); err != nil || len(hooks) != 1 || hooks[0].Waiting != 0 {
		t.Errorf("after the ledger stopped the hooks are %+v, %v", hooks, err)
	}
}

// TestAPrivatePartnerIsNotDialled: the partner is on loopback, and the operator
// has not allowed that.
func TestAPrivatePartnerIsNotDialled(t *testing.T) {
	partner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the partner is dialled") }))
	defer partner.Close()
	s := startLedger(t, func(opt *serveOptions) { opt.networks = nil })
	ledger(t, "hook", "add", "ring", "--db", s.db, "--url", partner.URL, "--site", "https://ring.example/")
	reader := s.link(s.join("ann", 10*money.Euro))
	send(t, reader, click(s.clock(), api.Thing{URL: "https://ring.example/song"}))
	var h flattr.HookStanding
	for deadline := time.Now().Add(30 * time.Second); h.Failures == 0 && time.Now().Before(deadline); {
		hooks, err := s.store.Hooks(t.Context())
		if err != nil || len(hooks) != 1 {
			t.Fatalf("Hooks = %v, %v", hooks, err)
		}
		h = hooks[0]
		time.Sleep(20 * time.Millisecond)
	}
	if h.Failures != 1 || !strings.Contains(h.Said, "not an address of the public internet") {
		t.Errorf("hook = %+v", h)
	}
}
