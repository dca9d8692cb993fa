package claim

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"flattr/ledger/flattr"
)

func TestAnOwnerWhomOnlyThePageNamesIsLookedForEveryWeek(t *testing.T) {
	each(t, func(t *testing.T, l *ledger) {
		zoe, _ := l.join("zoe")
		bob, id := l.join("bob")
		cyd, cyds := l.join("cyd")
		l.Site("sold.test/page", front+id+`">`)
		l.flattrs(zoe, l.URL("sold.test/page"), "bob")
		l.round()
		if got := l.earns(bob); len(got) != 1 {
			t.Fatalf("bob earns by %v, want the page", got)
		}
		l.now = l.now.Add(flattr.ClaimRecheck)
		l.round()
		l.Site("sold.test/page", front+cyds+`">`)
		for range 4 {
			l.now = l.now.Add(flattr.ClaimRecheck)
			l.round()
		}
		if out := l.flattrs(zoe, l.URL("sold.test/page"), ""); out.Promise {
			t.Error("a click is a promise within four weeks of the page naming another")
		}
		for range 2 {
			l.now = l.now.Add(flattr.ClaimRecheck)
			l.round()
			l.round() // what nobody owns is looked at next
		}
		if got := l.earns(bob); len(got) > 0 {
			t.Errorf("bob earns by %v after a month without proof", got)
		}
		if got := l.earns(cyd); len(got) != 1 {
			t.Errorf("cyd earns by %v, want the page that names them now", got)
		}
	})
}

// A site that says `none` for all of it is left alone though no page of it does,
// also where it has no member who claims it, and is asked seldom.
func TestWhatAHostSaysHoldsForThePagesThatAreLookedAt(t *testing.T) {
	each(t, func(t *testing.T, l *ledger) {
		zoe, _ := l.join("zoe")
		bob, id := l.join("bob")
		page := front + id + `">`
		l.Site("file.test/.well-known/flattr.txt", "flattr: none\n")
		l.Site("part.test/.well-known/flattr.txt", "flattr: none /private/\n")
		l.Names.Text("_flattr.dns.test", "flattr=none")
		at := []string{"file.test/1", "file.test/2", "part.test/private/1", "part.test/open", "deep.dns.test/1", "query.test/p?id=1"}
		for _, at := range at {
			l.Site(at, page)
			l.flattrs(zoe, l.URL(at), "bob")
		}
		l.Site("query.test/p", front+`none">`) // as the page of every query answers
		for range 3 {
			l.round()
			l.now = l.now.Add(2 * time.Hour)
		}
		if got := l.earns(bob); len(got) != 1 || got[0] != l.URL("part.test/open") {
			t.Errorf("bob earns by %v, want the open part", got)
		}
		for _, at := range []string{"file.test/3", "part.test/private/2", "deep.dns.test/2"} {
			if out, err := l.store.OptedOut(context.Background(), l.URL(at)); err != nil || !out {
				t.Errorf("%s opted out = %t, %v, want it to be", at, out, err)
			}
		}
		asked := 0
		for _, r := range l.Requests() {
			if strings.HasPrefix(r.Host, "part.test") && r.URL.Path == wellKnown {
				asked++
			}
		}
		if asked > 2 {
			t.Errorf("the file of a host was asked for %d times within a day, want once, and once more before it is left alone", asked)
		}
	})
}

func TestASiteWithoutAMemberCanSayThatItWantsNoMoney(t *testing.T) {
	each(t, func(t *testing.T, l *ledger) {
		ctx := context.Background()
		bob, id := l.join("bob")
		l.Site("bob.test/", front+id+`">`)
		mustBe(t, "bob's site", l.ask(bob, "bob.test/"), flattr.ClaimVerified, flattr.ProofMeta, "")
		wish := func(at string) string {
			t.Helper()
			out, err := l.keeper.Wish(ctx, l.URL(at))
			if err != nil {
				t.Fatalf("Wish(%s) = %v", at, err)
			}
			return out
		}
		// Whoever asks for it changes nothing unless the site says so itself.
		l.Site("bob.test/comment", `<p>hi</p><meta name="flattr:id" content="none">`)
		for _, at := range []string{"bob.test/", "bob.test/comment"} {
			if out := wish(at); out != "" {
				t.Errorf("Wish(%s) = %q, want nothing noted", at, out)
			}
		}
		l.Site("away.test/", "-> "+l.URL("none.test/"))
		l.Site("none.test/", front+`none">`)
		if out := wish("none.test/"); out != l.URL("none.test/") {
			t.Errorf("Wish = %q", out)
		}
		if out, err := l.keeper.Wish(ctx, l.URL("away.test/")); out != "" || err != nil {
			t.Errorf("Wish of a page that leads to another site's = %q, %v", out, err)
		}
		l.Site("file.test/.well-known/flattr.txt", "flattr: none\n")
		if out := wish("file.test/deep/page"); out != l.URL("file.test/") {
			t.Errorf("Wish = %q, want all of the host", out)
		}
		if out, err := l.store.OptedOut(ctx, l.URL("file.test/x")); err != nil || !out {
			t.Errorf("opted out = %t, %v", out, err)
		}
		if out, err := l.store.OptedOut(ctx, l.URL("bob.test/")); err != nil || out {
			t.Errorf("bob's site opted out = %t, %v", out, err)
		}
		for typed, want := range map[string]flattr.Code{
			l.URL("nowhere.test/"): flattr.SiteSilent, "http://127.0.0.1" + l.Port + "/": flattr.NoSite, "github.io": flattr.NoSite, "": flattr.NoSite,
		} {
			var refused *flattr.Error
			if _, err := l.keeper.Wish(ctx, typed); !errors.As(err, &refused) || refused.Code != want {
				t.Errorf("Wish(%q) = %v, want %s", typed, err, want)
			}
		}
	})
}

// What a host said some hours ago takes nothing from whom it names now.
func TestAHostThatTakesMoneyAgainIsHeardAtOnce(t *testing.T) {
	each(t, func(t *testing.T, l *ledger) {
		zoe, _ := l.join("zoe")
		bob, id := l.join("bob")
		const file = "bob.test/.well-known/flattr.txt"
		clicked := func(path string) {
			l.Site("bob.test/"+path, "hello")
			l.flattrs(zoe, l.URL("bob.test/"+path), "bob")
		}
		out := func() bool {
			t.Helper()
			out, err := l.store.OptedOut(context.Background(), l.URL("bob.test/other"))
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		l.Site(file, "flattr: none\n")
		clicked("blog/1")
		l.round()
		mustBe(t, "bob's site that wants no money", l.ask(bob, "bob.test/"), flattr.ClaimOptedOut, "", flattr.FaultOptedOut)
		l.now = l.now.Add(flattr.ClaimRecheck - time.Hour)
		clicked("other")
		l.round() // hears `none` once more
		l.Site(file, "flattr: "+id+"\n")
		l.now = l.now.Add(time.Hour)
		for range 3 {
			l.round()
			l.now = l.now.Add(time.Hour)
		}
		mustBe(t, "bob's site that takes money again", l.stands(bob, "bob.test/"), flattr.ClaimVerified, flattr.ProofFile, "")
		if out() {
			t.Error("the site is opted out by what it said hours ago")
		}
	})
}
