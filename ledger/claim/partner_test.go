package claim

import (
	"context"
	"slices"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// partner registers a partner of a namespace, whose name is its application's too.
func (l *ledger) partner(namespace string, hosts ...string) {
	l.t.Helper()
	ctx := context.Background()
	err := l.store.AddApp(ctx, store.App{ID: namespace, Name: namespace, Callback: "https://" + namespace + ".test/", Created: l.now})
	if err == nil {
		err = l.store.AddPartner(ctx, l.now, namespace, namespace, hosts)
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

// signsIn lets a partner say who a member is.
func (l *ledger) signsIn(namespace string, member flattr.MemberID, identity string) {
	l.t.Helper()
	if _, err := l.store.Identify(context.Background(), l.now, namespace, member, identity); err != nil {
		l.t.Fatal(err)
	}
}

func TestAPartnerProvesWhatItsPagesName(t *testing.T) {
	each(t, func(t *testing.T, l *ledger) {
		zoe, _ := l.join("zoe")
		ann, _ := l.join("ann")
		l.partner("player", "player.test")
		const who = "partner:player:1"
		pages := map[string]string{
			"player.test/head":    front + who + `">`,
			"player.test/button":  `<a class="FlattrButton" href="" data-flattr-owner="` + who + `">`,
			"player.test/rev":     `<a class="FlattrButton" href="" rev="flattr;owner:` + who + `;">`,
			"ann.player.test/pod": `<link rel="payment" href="https://ledger.example/submit/auto?owner=` + who + `&amp;url=` + l.URL("ann.player.test/pod") + `">`,
		}
		for at, page := range pages {
			l.Site(at, page)
			l.flattrs(zoe, l.URL(at), who)
		}
		for range 9 {
			l.round()
			l.now = l.now.Add(7 * 24 * time.Hour) // until the ledger has stopped looking
		}
		if got := l.earns(ann); len(got) > 0 {
			t.Errorf("ann earns by %v before the partner has said who she is", got)
		}
		l.signsIn("player", ann, who)
		for range 2 {
			l.round()
			l.now = l.now.Add(11 * time.Minute)
		}
		for at := range pages {
			l.flattrs(zoe, l.URL(at), "") // in the month that runs by now
		}
		if got := l.earns(ann); len(got) != len(pages) {
			t.Errorf("ann earns by %v, want all of %d pages", got, len(pages))
		}
		l.Site("player.test/~ann/", front+who+`">`)
		mustBe(t, "a part whose head names what the partner calls ann", l.ask(ann, "player.test/~ann/"), flattr.ClaimVerified, flattr.ProofPartner, "")
		l.Site("file.player.test/.well-known/flattr.txt", "flattr: "+who+" /~ann/\n")
		mustBe(t, "a line for what the partner calls ann", l.ask(ann, "file.player.test/~ann/"), flattr.ClaimVerified, flattr.ProofFile, "")
		mustBe(t, "the host of that line", l.ask(ann, "file.player.test/"), flattr.ClaimWaiting, "", flattr.FaultAbsent)
	})
}

// What a partner says reaches no further than its own hosts, and a link that names
// one of its authors reaches nothing at all.
func TestAPartnerSpeaksForItsOwnHostsOnly(t *testing.T) {
	each(t, func(t *testing.T, l *ledger) {
		zoe, _ := l.join("zoe")
		ann, anns := l.join("ann")
		mallory, _ := l.join("mallory")
		l.partner("player", "player.test", "shared.test")
		l.partner("radio", "radio.test")
		const thief, other = "partner:player:666", "partner:radio:1"
		l.signsIn("player", mallory, thief)
		l.signsIn("radio", mallory, other)
		// A link anybody can write, to a page of the partner's that is ann's.
		l.Site("player.test/ann", "<h1>Ann</h1>")
		// Pages elsewhere that name what the partner, or another, calls mallory.
		l.Site("victim.test/", front+thief+`">`)
		l.Site("victim.test/.well-known/flattr.txt", "flattr: "+thief+"\n")
		l.Site("notplayer.test/", front+thief+`">`)
		l.Site("player.test/radio", front+other+`">`)
		l.Names.Text("_flattr.recorded.test", "flattr="+thief)
		// A page of the partner's that names a member by the six characters is theirs.
		l.Site("player.test/mine", front+anns+`"></head><a class="FlattrButton" href="" data-flattr-owner="`+thief+`">`)
		// One that names two is nobody's.
		l.Site("player.test/both", `<a class="FlattrButton" href="" data-flattr-owner="`+thief+`"></a><a class="FlattrButton" href="" data-flattr-owner="partner:player:1">`)
		// The host's file names another one than the page.
		l.Site("shared.test/.well-known/flattr.txt", "flattr: "+anns+"\n")
		l.Site("shared.test/page", front+thief+`">`)
		for _, at := range []string{"player.test/ann", "victim.test/", "notplayer.test/", "player.test/radio", "player.test/mine", "player.test/both", "shared.test/page"} {
			if out := l.flattrs(zoe, l.URL(at), thief); !out.Promise {
				t.Errorf("a click on %s = %+v, want a promise", at, out)
			}
		}
		for range 9 {
			l.round()
			l.now = l.now.Add(12 * time.Hour)
		}
		if got := l.earns(mallory); len(got) > 0 {
			t.Errorf("mallory earns by %v", got)
		}
		if got := l.earns(ann); !slices.Equal(got, []string{l.URL("player.test/mine")}) {
			t.Errorf("ann earns by %v, want the page that names her", got)
		}
		for _, at := range []string{"victim.test/", "notplayer.test/", "recorded.test/"} {
			if c := l.ask(mallory, at); c.Owns() {
				t.Errorf("mallory's claim of %s = %+v", at, c)
			}
		}
		if c := l.ask(mallory, "shared.test/page"); c.Owns() {
			t.Errorf("mallory's claim of a page whose host names ann = %+v", c)
		}
		// One page of a proved site proves nothing against its owner.
		mustBe(t, "ann's host", l.ask(ann, "shared.test/"), flattr.ClaimVerified, flattr.ProofFile, "")
		l.Site("shared.test/.well-known/flattr.txt", "# none of anybody\n")
		if c := l.ask(mallory, "shared.test/page"); c.State != flattr.ClaimConflict {
			t.Errorf("mallory's claim below ann's = %+v, want a conflict", c)
		}
	})
}

func TestWhatAPartnersHostsAre(t *testing.T) {
	for typed, want := range map[string]string{
		"player.example": "player.example", " WWW.Player.Example ": "player.example", "ann.github.io": "ann.github.io",
		"github.io": "", "co.uk": "", "com": "", "127.0.0.1": "", "[::1]": "", "localhost": "", "": "", "player.example/path": "",
		"https://player.example": "", "player.example:8080": "", "user@player.example": "", "*.player.example": "",
	} {
		got, err := Host(typed)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("Host(%q) = %q, %v, want %q", typed, got, err, want)
		}
	}
	for _, c := range []struct {
		name, registered string
		want             bool
	}{
		{"player.example", "player.example", true},
		{"a.b.player.example", "player.example", true},
		{"notplayer.example", "player.example", false},
		{"player.example", "a.player.example", false},
		{"bob.s3.amazonaws.com", "amazonaws.com", false},
		{"ann.github.io", "bob.github.io", false},
	} {
		if got := within(c.name, c.registered); got != c.want {
			t.Errorf("within(%s, %s) = %t", c.name, c.registered, got)
		}
	}
}

// Whom the operator finds not to be an owner loses what they proved as that one.
func TestWhatWasProvedAsAnotherIsGivenBack(t *testing.T) {
	each(t, func(t *testing.T, l *ledger) {
		ctx := context.Background()
		ann, _ := l.join("ann")
		mallory, id := l.join("mallory")
		l.partner("player", "player.test")
		const who = "partner:player:1"
		l.signsIn("player", mallory, who)
		l.Site("ann.player.test/", front+who+`">`)
		l.Site("mallory.player.test/", front+id+`">`)
		l.Site("mallory.test/", front+id+`">`)
		mustBe(t, "mallory as ann", l.ask(mallory, "ann.player.test/"), flattr.ClaimVerified, flattr.ProofPartner, "")
		for _, at := range []string{"mallory.player.test/", "mallory.test/"} {
			mustBe(t, at, l.ask(mallory, at), flattr.ClaimVerified, flattr.ProofMeta, "")
		}
		if _, err := l.store.Identify(ctx, l.now, "player", ann, who); flattr.CodeOf(err) != flattr.Claimed {
			t.Fatalf("Identify = %v, want a dispute", err)
		}
		if err := l.store.DecideIdentity(ctx, l.now, who, "ann"); err != nil {
			t.Fatal(err)
		}
		mustBe(t, "what has to do with no partner", l.stands(mallory, "mallory.test/"), flattr.ClaimVerified, flattr.ProofMeta, "")
		l.round()
		mustBe(t, "mallory's own page", l.stands(mallory, "mallory.player.test/"), flattr.ClaimVerified, flattr.ProofMeta, "")
		mustBe(t, "mallory as ann after the decision", l.stands(mallory, "ann.player.test/"), flattr.ClaimWaiting, "", flattr.FaultOther)
		mustBe(t, "ann", l.ask(ann, "ann.player.test/"), flattr.ClaimVerified, flattr.ProofPartner, "")
		change, _, err := l.store.LastChange(ctx, l.stands(ann, "ann.player.test/").Key)
		if err != nil || change.Owner != ann || !change.Payable.After(l.now) {
			t.Errorf("last change = %+v, %v, want ann's, paid out later", change, err)
		}
	})
}
