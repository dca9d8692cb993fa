package claim

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/flattr"
	"flattr/ledger/store/storetest"
)

const front = `<!doctype html><html><head><title>Bob</title><meta name="flattr:id" content="`

// each runs a test on a net of its own, with a ledger on each engine.
func each(t *testing.T, run func(t *testing.T, l *ledger)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, where string) { run(t, startInternet(t).ledger(where)) })
}

// flattrs lets a reader flattr a URL for which a button named an owner.
func (l *ledger) flattrs(reader flattr.MemberID, url, asserted string) flattr.Outcome {
	l.t.Helper()
	out, err := l.store.Record(context.Background(), l.now, reader, []flattr.Event{{
		ID: flattr.EventID(uuid.Must(uuid.NewV7())), Kind: flattr.KindClick, At: l.now, Thing: flattr.ThingRef{URL: url, Owner: asserted},
	}})
	if err != nil {
		l.t.Fatal(err)
	}
	return out[0]
}

// earns are the URLs that bring a member money in the running month.
func (l *ledger) earns(who flattr.MemberID) (urls []string) {
	l.t.Helper()
	revenue, err := l.store.Revenue(context.Background(), l.now, who, 100)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, thing := range revenue.Preview.Things {
		urls = append(urls, thing.URL)
	}
	return urls
}

// round lets the keeper do what is due.
func (l *ledger) round() {
	l.t.Helper()
	if err := l.keeper.Round(context.Background()); err != nil {
		l.t.Fatal(err)
	}
}

// stands is how a claim stands.
func (l *ledger) stands(who flattr.MemberID, at string) flattr.Claim {
	l.t.Helper()
	c, err := l.store.ClaimOf(context.Background(), who, l.URL(at))
	if err != nil {
		l.t.Fatal(err)
	}
	return c
}

// mustBe holds the state, proof and fault of a claim.
func mustBe(t *testing.T, what string, c flattr.Claim, state flattr.ClaimState, proof flattr.Proof, fault flattr.Fault) {
	t.Helper()
	if c.State != state || c.Proof != proof || c.Fault != fault {
		t.Errorf("%s: %s by %q, fault %q; want %s by %q, fault %q", what, c.State, c.Proof, c.Fault, state, proof, fault)
	}
}

func TestASiteIsProvedInThreeWays(t *testing.T) {
	each(t, func(t *testing.T, l *ledger) {
		bob, id := l.join("bob")
		l.Site("meta.test/", front+id+`"></head>`)
		l.Site("file.test/.well-known/flattr.txt", "# hello\nflattr: "+id+"\n")
		l.Site("deep.dns.test/", "hello")
		l.Names.Text("_flattr.dns.test", "v=spf1 -all", "flattr="+id)
		l.Site("www.moved.test/", "-> "+l.URL("moved.test/en/"))
		l.Site("moved.test/en/", front+id+`">`)
		for at, want := range map[string]flattr.Proof{"meta.test/": flattr.ProofMeta, "file.test/": flattr.ProofFile, "deep.dns.test/": flattr.ProofDNS, "www.moved.test/": flattr.ProofMeta} {
			mustBe(t, at, l.ask(bob, at), flattr.ClaimVerified, want, "")
		}
		l.Site("empty.test/", "nothing")
		mustBe(t, "a site that names nobody", l.ask(bob, "empty.test/"), flattr.ClaimWaiting, "", flattr.FaultAbsent)
		mustBe(t, "a site that is not there", l.ask(bob, "nowhere.test/"), flattr.ClaimWaiting, "", flattr.FaultUnreachable)
		l.Site("empty.test/", front+id+`">`)
		l.now = l.now.Add(flattr.ClaimRetry)
		l.round()
		mustBe(t, "a site that names its owner later", l.stands(bob, "empty.test/"), flattr.ClaimVerified, flattr.ProofMeta, "")
	})
}

func TestNobodyProvesAnothersSite(t *testing.T) {
	each(t, func(t *testing.T, l *ledger) {
		_, bobs := l.join("bob")
		mallory, id := l.join("mallory")
		l.Site("bob.test/", front+bobs+`">`)
		l.Site("mallory.test/", front+id+`">`)
		mustBe(t, "a site that names bob", l.ask(mallory, "bob.test/"), flattr.ClaimWaiting, "", flattr.FaultOther)
		l.Site("open.test/go/", "-> "+l.URL("mallory.test/"))
		mustBe(t, "a redirect to a site of one's own", l.ask(mallory, "open.test/go/"), flattr.ClaimWaiting, "", flattr.FaultAbsent)
		l.Site("hoster.test/.well-known/flattr.txt", "-> "+l.URL("mallory.test/.well-known/flattr.txt"))
		l.Site("mallory.test/.well-known/flattr.txt", "flattr: "+id)
		mustBe(t, "a file from elsewhere", l.ask(mallory, "hoster.test/"), flattr.ClaimWaiting, "", flattr.FaultAbsent)
		l.Site("hoster.test/upload/", front+id+`">`)
		l.Site("hoster.test/.well-known/flattr.txt", "flattr: "+bobs)
		mustBe(t, "a page on a site that names bob", l.ask(mallory, "hoster.test/upload/"), flattr.ClaimWaiting, flattr.ProofMeta, flattr.FaultAmbiguous)
		l.Site("hoster.test/.well-known/flattr.txt", "flattr: "+bobs+"\nflattr: "+id+" /upload/\n")
		mustBe(t, "a part that the host gives", l.ask(mallory, "hoster.test/upload/"), flattr.ClaimVerified, flattr.ProofFile, "")
		l.Site("ann.github.io/", "hello")
		l.Names.Text("_flattr.github.io", "flattr="+id)
		mustBe(t, "a record of a name that strangers share", l.ask(mallory, "ann.github.io/"), flattr.ClaimWaiting, "", flattr.FaultAbsent)
	})
}

// The theft that rule 11 is there for: a link that names mallory and the page of
// somebody else never earns, neither before nor after the ledger has looked.
func TestALinkThatNamesAThiefNeverEarns(t *testing.T) {
	each(t, func(t *testing.T, l *ledger) {
		ann, _ := l.join("ann")
		victim, victims := l.join("victim")
		mallory, _ := l.join("mallory")
		const steal = `<body>Nice! <a href="https://flattr.com/submit/auto?user_id=mallory&amp;url=`
		l.Site("victim.test/", "<h1>Hello</h1>"+steal+l.URL("victim.test/")+`">thank me</a>`)
		l.Site("victim.test/comments", `<a class="FlattrButton" rel="ugc" href="" data-flattr-uid="mallory">`)
		l.Site("victim.test/both", `<a class="FlattrButton" href="" data-flattr-uid="victim"></a><a class="FlattrButton" href="" data-flattr-uid="mallory">`)
		l.Site("victim.test/mine", front+victims+`"></head>`+steal+l.URL("victim.test/mine")+`">`)
		for _, path := range []string{"", "comments", "both", "mine"} {
			if out := l.flattrs(ann, l.URL("victim.test/"+path), "mallory"); !out.Promise {
				t.Errorf("a click on /%s that names mallory = %+v, want a promise", path, out)
			}
		}
		for range 8 {
			l.round()
			l.now = l.now.Add(12 * time.Hour)
		}
		if got := l.earns(mallory); len(got) > 0 {
			t.Errorf("mallory earns by %v", got)
		}
		if got := l.earns(victim); len(got) != 1 || got[0] != l.URL("victim.test/mine") {
			t.Errorf("the victim earns by %v, want the page that names them", got)
		}
	})
}

func TestAnAssertedOwnerWhomThePageNamesEarns(t *testing.T) {
	each(t, func(t *testing.T, l *ledger) {
		ann, _ := l.join("ann")
		bob, id := l.join("bob")
		pages := map[string]string{
			"meta": front + id + `">`, "button": `<a class="FlattrButton" href="" data-flattr-uid="bob">`,
			"payment": `<link rel="payment" href="https://ledger.example/submit/auto?user_id=bob&amp;url=` + l.URL("bob.test/payment") + `">`,
		}
		for path, page := range pages {
			l.Site("bob.test/"+path, page)
			if out := l.flattrs(ann, l.URL("bob.test/"+path), "bob"); !out.Promise {
				t.Errorf("a click on /%s before the ledger has looked = %+v, want a promise", path, out)
			}
		}
		l.flattrs(ann, l.URL("bob.test/private-link"), "") // nobody is asked about what only a reader named
		for range 3 {
			l.round()
			l.now = l.now.Add(time.Hour)
		}
		if got := l.earns(bob); len(got) != len(pages) {
			t.Errorf("bob earns by %v, want all of %d pages", got, len(pages))
		}
		for _, r := range l.Requests() {
			if r.URL.Path == "/private-link" {
				t.Error("the ledger looked at a page of which nobody named an owner")
			}
		}
	})
}

func TestASiteThatWantsNoMoneyIsLeftAlone(t *testing.T) {
	each(t, func(t *testing.T, l *ledger) {
		ann, _ := l.join("ann")
		bob, id := l.join("bob")
		l.Site("bob.test/", front+id+`">`)
		mustBe(t, "bob's site", l.ask(bob, "bob.test/"), flattr.ClaimVerified, flattr.ProofMeta, "")
		l.Site("bob.test/.well-known/flattr.txt", "flattr: none\n")
		l.now = l.now.Add(flattr.ClaimRecheck)
		l.round()
		mustBe(t, "bob's site that wants no money", l.stands(bob, "bob.test/"), flattr.ClaimOptedOut, "", flattr.FaultOptedOut)
		if out := l.flattrs(ann, l.URL("bob.test/1"), "bob"); !out.Promise {
			t.Errorf("a click there = %+v, want a promise", out)
		}
		if c := l.ask(bob, "bob.test/deeper/"); c.State != flattr.ClaimOptedOut {
			t.Errorf("a claim below = %+v", c)
		}
		for at, page := range map[string]string{"meta.test/": front + `none">`, "dns.test/": "hello"} {
			l.Site(at, page)
		}
		l.Names.Text("_flattr.dns.test", "flattr=none")
		for _, at := range []string{"meta.test/", "dns.test/"} {
			mustBe(t, at, l.ask(bob, at), flattr.ClaimOptedOut, "", flattr.FaultOptedOut)
		}
		l.Site("bob.test/.well-known/flattr.txt", "# changed my mind\n")
		for range 2 {
			l.now = l.now.Add(flattr.ClaimRecheck + time.Hour)
			l.round()
		}
		mustBe(t, "bob's site that takes money again", l.stands(bob, "bob.test/"), flattr.ClaimVerified, flattr.ProofMeta, "")
	})
}

// Who takes `none` away and has the site checked again need not wait for a week.
func TestASiteThatTakesMoneyAgainIsCheckedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, l *ledger) {
		bob, id := l.join("bob")
		l.Site("bob.test/", "hello")
		l.Site("bob.test/blog/", front+id+`">`)
		l.Site("bob.test/.well-known/flattr.txt", "flattr: none\n")
		mustBe(t, "a site that wants no money", l.ask(bob, "bob.test/blog/"), flattr.ClaimOptedOut, "", flattr.FaultOptedOut)
		l.Site("bob.test/.well-known/flattr.txt", "# changed my mind\n")
		mustBe(t, "a site that takes money again", l.ask(bob, "bob.test/blog/"), flattr.ClaimVerified, flattr.ProofMeta, "")
	})
}

// A click names a site without the slash; what the file says of / holds for it.
func TestAnOptOutHoldsWhereTheURLHasNoPath(t *testing.T) {
	each(t, func(t *testing.T, l *ledger) {
		ann, _ := l.join("ann")
		root := strings.TrimSuffix(l.URL("bob.test/"), "/")
		l.Site("bob.test/", front+`none">`)
		l.flattrs(ann, root, "bob")
		l.round()
		l.Site("bob.test/", "hello")
		l.Site("bob.test/.well-known/flattr.txt", "flattr: none\n")
		l.now = l.now.Add(flattr.ClaimRecheck + time.Hour)
		l.round()
		if out, err := l.store.OptedOut(context.Background(), root); err != nil || !out {
			t.Errorf("opted out = %t, %v, want it to hold", out, err)
		}
	})
}

func TestAProofThatGoesIsShownAndLapses(t *testing.T) {
	each(t, func(t *testing.T, l *ledger) {
		bob, id := l.join("bob")
		cyd, cyds := l.join("cyd")
		l.Site("sold.test/", front+id+`">`)
		mustBe(t, "bob's site", l.ask(bob, "sold.test/"), flattr.ClaimVerified, flattr.ProofMeta, "")
		l.Site("sold.test/", front+cyds+`">`)
		mustBe(t, "cyd's claim", l.ask(cyd, "sold.test/"), flattr.ClaimConflict, flattr.ProofMeta, "")
		for range 3 {
			l.now = l.now.Add(flattr.ClaimRecheck)
			l.round()
		}
		mustBe(t, "bob's claim", l.stands(bob, "sold.test/"), flattr.ClaimLost, "", flattr.FaultOther)
		for range 4 {
			l.now = l.now.Add(flattr.ClaimRecheck)
			l.round()
			l.round() // those who wait are looked at next
		}
		mustBe(t, "bob's claim after a month", l.stands(bob, "sold.test/"), flattr.ClaimLapsed, "", flattr.FaultOther)
		mustBe(t, "cyd's claim after a month", l.stands(cyd, "sold.test/"), flattr.ClaimVerified, flattr.ProofMeta, "")
	})
}
