package main

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"flattr/ledger/claim/claimtest"
)

// A partner signs an author in and says who they are; what its pages name is
// theirs. Of a second one it says it of, both see it and the operator decides.
func TestStoryOfAPartner(t *testing.T) {
	const callback = "https://player.test/done"
	in := claimtest.Start(t)
	s := startLedger(t, func(opt *serveOptions) {
		opt.sites = siteOptions{ports: sitePorts{netip.MustParseAddrPort("127.0.0.1" + in.Port).Port()}, nameserver: in.Names.Address}
	})
	ann, bob := s.join("ann", 0), s.join("bob", 0)
	app, secret := s.registerApp(callback, false)
	identify := func(b *browser) int {
		t.Helper()
		b.get("/oauth/authorize?" + url.Values{"response_type": {"code"}, "client_id": {app.ID}, "state": {"s"}}.Encode())
		token := s.exchange(url.Values{"grant_type": {"authorization_code"}, "code": {s.codeFor(b, callback)}, "client_id": {app.ID}, "client_secret": {secret}})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.origin+"/rest/v2/user/verify", strings.NewReader("identity=42"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	in.Site("player.test/~ann/", `<meta name="flattr:id" content="partner:player:42">`)
	if status := identify(ann); status != http.StatusUnauthorized {
		t.Errorf("POST /user/verify by no partner = %d, want 401", status)
	}
	if err := s.store.AddPartner(t.Context(), s.clock(), "player", app.ID, []string{"player.test"}); err != nil {
		t.Fatal(err)
	}
	if status := identify(ann); status != http.StatusOK {
		t.Fatalf("POST /user/verify = %d, want 200", status)
	}
	ann.get("/claims")
	ann.wants("Partners know you", "partner:player:42 is you.")
	ann.submit("claim", map[string]string{"site": in.URL("player.test/~ann/")})
	ann.wants("proved", "You are named by: what a partner calls you, in the head of the page.")

	if status := identify(bob); status != http.StatusBadRequest {
		t.Errorf("POST /user/verify of a second member = %d, want 400", status)
	}
	bob.get("/claims")
	bob.wants("partner:player:42: a partner has said it of you and of ann.")
	ann.get("/claims")
	ann.wants("partner:player:42: a partner has said it of you and of bob.")
	var out, stderr strings.Builder
	if err := run(t.Context(), []string{"app", "identities", "--db", s.db}, strings.NewReader(""), &out, &stderr); err != nil || !strings.Contains(out.String(), "also said of bob") {
		t.Errorf("app identities = %q, %v %s", out.String(), err, &stderr)
	}
	out.Reset()
	if err := run(t.Context(), []string{"app", "identify", "partner:player:42", "bob", "--db", s.db}, strings.NewReader(""), &out, &stderr); err != nil || out.String() != "partner:player:42 is bob\n" {
		t.Errorf("app identify = %q, %v %s", out.String(), err, &stderr)
	}
	bob.get("/claims")
	bob.wants("partner:player:42 is you.")
}
