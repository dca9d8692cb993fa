package main

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"flattr/ledger/api"
	"flattr/ledger/claim/claimtest"
	"flattr/ledger/money"
	"flattr/ledger/store/storetest"
)

// An author proves a site on the page, and what was promised there is theirs; a
// second one waits, both see it, and the operator decides.
func TestStoryOfAClaim(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		in := claimtest.Start(t)
		s := startLedgerOn(t, where, func(opt *serveOptions) {
			opt.sites = siteOptions{ports: sitePorts{netip.MustParseAddrPort("127.0.0.1" + in.Port).Port()}, nameserver: in.Names.Address}
		})
		ann, bob, cyd := s.join("ann", 50*money.Euro), s.join("bob", 0), s.join("cyd", 0)
		in.Site("blog.test/", "<title>Bob</title>")
		companion := s.link(ann)
		if r := send(t, companion, click(s.clock(), api.Thing{URL: in.URL("blog.test/1"), Title: "An article", Owner: "mallory"})); !r.Results[0].Promise {
			t.Errorf("click before the claim = %+v, want a promise", r.Results[0])
		}
		bob.get("/claims")
		bob.wants("You have not named a site yet.", "In the head of the page")
		meta := text(bob.find(func(n *html.Node) bool { return attr(n, "id") == "meta" }))
		bob.submit("claim", map[string]string{"site": in.URL("blog.test/")})
		bob.wants("waiting for proof", "does not name you yet")
		in.Site("blog.test/", "<title>Bob</title>"+meta)
		bob.send(bob.find(func(n *html.Node) bool { return n.Data == "form" && attr(n, "action") == "/claims/check" }), nil)
		bob.wants("proved", "You are named by: the head of the page.")
		if months, _, err := companion.Months(t.Context()); err != nil || months.Months[0].Promises != 0 {
			t.Errorf("months after the claim = %+v, %v, want no promise left", months, err)
		}

		cyd.get("/claims?url=" + in.URL("blog.test/"))
		cyd.submit("claim", nil)
		cyd.wants("two claims", "The other member is bob.", "The site names another member.", "the operator of this ledger decides")
		bob.get("/claims")
		bob.wants("cyd says that this site is theirs.")
		if _, err := s.store.DecideClaim(t.Context(), s.clock(), in.URL("blog.test/"), "cyd"); err != nil {
			t.Fatal(err)
		}
		bob.get("/claims")
		bob.wants("decided for another member")
		cyd.get("/claims")
		cyd.wants("the operator’s word", "not paid out before 29 November")
		cyd.get("/language?to=de&next=/claims")
		cyd.wants("Deine Websites", "nachgewiesen", "das Wort des Betreibers")
		cyd.get("/language?to=en&next=/claims")

		cyd.submit("claim", map[string]string{"site": "http://127.0.0.1" + in.Port + "/"})
		cyd.wants("Name a site of your own")
		cyd.send(cyd.find(func(n *html.Node) bool { return n.Data == "form" && attr(n, "action") == "/claims/end" }), nil)
		cyd.wants("You have given up blog.test", "You have not named a site yet.")
		for range 8 {
			cyd.submit("claim", map[string]string{"site": in.URL("blog.test/")})
		}
		if cyd.status != http.StatusTooManyRequests {
			t.Errorf("the ninth check at once answers %d, want 429", cyd.status)
		}
	})
}

// A ledger whose operator allows nothing asks nobody in its own house.
func TestAServedLedgerAsksNobodyInTheHouse(t *testing.T) {
	in := claimtest.Start(t)
	s := startLedger(t, func(opt *serveOptions) {
		opt.networks = nil
		opt.sites = siteOptions{ports: sitePorts{netip.MustParseAddrPort("127.0.0.1" + in.Port).Port()}, nameserver: in.Names.Address}
	})
	bob := s.join("bob", 0)
	in.Site("blog.test/", "what is inside")
	bob.get("/claims")
	bob.submit("claim", map[string]string{"site": in.URL("blog.test/")})
	bob.wants("The site could not be read.")
	if n := len(in.Requests()); n > 0 || strings.Contains(bob.text, "what is inside") {
		t.Errorf("%d requests reached the house", n)
	}
}

// text is what an element holds.
func text(n *html.Node) string {
	if n == nil || n.FirstChild == nil {
		return ""
	}
	return strings.TrimSpace(n.FirstChild.Data)
}

// Whoever has a site need not be a member to want no money for it, and nobody
// else can want none for them.
func TestStoryOfASiteThatWantsNoMoney(t *testing.T) {
	in := claimtest.Start(t)
	s := startLedger(t, func(opt *serveOptions) {
		opt.sites = siteOptions{ports: sitePorts{netip.MustParseAddrPort("127.0.0.1" + in.Port).Port()}, nameserver: in.Names.Address}
	})
	ann, bob := s.join("ann", 50*money.Euro), s.join("bob", 0)
	in.Site("bob.test/", "hello")
	bob.get("/claims")
	meta := text(bob.find(func(n *html.Node) bool { return attr(n, "id") == "meta" }))
	in.Site("bob.test/", meta)
	bob.submit("claim", map[string]string{"site": in.URL("bob.test/")})
	bob.wants("proved", "The ledger looks there next on 29 November")

	somebody := newBrowser(t, s.origin)
	somebody.get("/optout")
	somebody.wants("No money wanted", "You need not be a member.")
	somebody.submit("optout", map[string]string{"site": in.URL("bob.test/")})
	somebody.wants("does not say that it wants no money")
	somebody.submit("optout", map[string]string{"site": "http://127.0.0.1" + in.Port + "/"})
	somebody.wants("Name a site of your own")
	in.Site("quiet.test/.well-known/flattr.txt", "flattr: none\n")
	somebody.submit("optout", map[string]string{"site": in.URL("quiet.test/page")})
	somebody.wants("quiet.test", "It is left alone from now on.")
	companion := s.link(ann)
	if r := send(t, companion, click(s.clock(), api.Thing{URL: in.URL("quiet.test/1"), Title: "Quiet", Owner: "bob"})); !r.Results[0].Promise {
		t.Errorf("click on what wants no money = %+v, want a promise", r.Results[0])
	}
	bob.submit("claim", map[string]string{"site": in.URL("quiet.test/")})
	bob.wants("wants no money")
	for range 8 {
		somebody.submit("optout", map[string]string{"site": in.URL("bob.test/")})
	}
	if somebody.status != http.StatusTooManyRequests {
		t.Errorf("the eleventh site asked at once answers %d, want 429", somebody.status)
	}
	somebody.get("/language?to=de&next=/optout")
	somebody.wants("Kein Geld gewünscht")
}

func TestAClaimIsCheckedByCommand(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		in := claimtest.Start(t)
		s := startLedgerOn(t, where)
		bob := s.join("bob", 0)
		in.Site("blog.test/", "hello")
		bob.get("/claims")
		meta := text(bob.find(func(n *html.Node) bool { return attr(n, "id") == "meta" }))
		m, err := s.store.MemberByName(t.Context(), "bob")
		if err == nil {
			_, err = s.store.AskClaim(t.Context(), s.clock(), m.ID, in.URL("blog.test/"))
		}
		if err != nil {
			t.Fatal(err)
		}
		recheck := func() string {
			t.Helper()
			var out, stderr strings.Builder
			err := run(t.Context(), []string{
				"claim", "recheck", in.URL("blog.test/"), "bob", "--db", where, "--allow-network", "127.0.0.0/8",
				"--site-port", in.Port[1:], "--nameserver", in.Names.Address,
			}, strings.NewReader(""), &out, &stderr)
			if err != nil {
				t.Fatalf("claim recheck: %v, %s", err, &stderr)
			}
			return out.String()
		}
		if out := recheck(); !strings.HasPrefix(out, "waiting\tbob\t"+in.URL("blog.test/")+"\tabsent") {
			t.Errorf("claim recheck prints %q", out)
		}
		in.Site("blog.test/", meta)
		if out := recheck(); !strings.HasPrefix(out, "verified\tbob\t"+in.URL("blog.test/")+"\tmeta") {
			t.Errorf("claim recheck prints %q", out)
		}
	})
}
