package store

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

func TestAnAuthorsPageHereIsTheirsWhoeverClicksHow(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		now := at("10-02 12:00:00")
		ann, bob, mallory := join(t, s, "ann", 50*money.Euro), join(t, s, "Bob", 0), join(t, s, "mallory", 50*money.Euro)
		early := record(t, s, now, ann, click(1, "https://ledger.example/profile/bob", now)) // while nobody knew
		if !early.Promise {
			t.Fatalf("click before the ledger knew its address = %+v", early)
		}
		if err := s.SetHome(&url.URL{Scheme: "https", Host: "Ledger.example"}); err != nil {
			t.Fatal(err)
		}
		byID := flattr.Event{ID: event(2), Kind: flattr.KindClick, At: now, Thing: flattr.ThingRef{ID: early.ThingID}}
		if out := record(t, s, now, mallory, byID); out.Promise || out.Result != flattr.Accepted {
			t.Errorf("click by the id of what was met before = %+v, want it to be paid", out)
		}
		for n, address := range []string{
			"http://www.ledger.example/profile/BOB", "https://ledger.example/@bob", "https://ledger.example/@Bob/", "https://ledger.example/user/bob",
		} {
			e := click(10+n, address, now)
			e.Thing.Owner, e.Thing.Title = "mallory", "Mallory's page"
			out := record(t, s, now, ann, e)
			if out.Promise || out.Result != flattr.Accepted || out.Title != "Bob" || ownerAt(t, s, address) != bob {
				t.Errorf("click on %s = %+v, want it to be Bob's", address, out)
			}
		}
		for n, address := range []string{
			"https://ledger.example/profile/nobody", "https://ledger.example/profile/bob/things.atom", "https://ledger.example/profile/",
			"https://ledger.example/profile/bob?x", "https://elsewhere.example/profile/bob", "https://ledger.example/thing/1",
		} {
			if out := record(t, s, now, ann, click(20+n, address, now)); !out.Promise {
				t.Errorf("click on %s = %+v, want a promise", address, out)
			}
		}
		if out := record(t, s, now, bob, click(30, "https://ledger.example/@bob", now)); out.Code != flattr.OwnThing {
			t.Errorf("Bob's own click = %+v, want %s", out, flattr.OwnThing)
		}
		// Who has a name since before it would be refused keeps their page.
		old := join(t, s, "viktor", 0)
		if err := s.write(t.Context(), func(tx *Tx) error {
			_, err := tx.exec(`UPDATE member SET name = $1, name_key = $2 WHERE id = $3`, "v\u0456ktor", "v\u0456ktor", int64(old))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if out := record(t, s, now, ann, click(31, "https://ledger.example/profile/v%D1%96ktor", now)); out.Promise || out.Result != flattr.Accepted {
			t.Errorf("click on the page of an old name = %+v, want it to be paid", out)
		}
		// Whoever proves a part of the ledger's own site takes nobody's page.
		checked(t, s, now, ask(t, s, now, mallory, "https://ledger.example/"), byDNS)
		if owner := ownerAt(t, s, "https://ledger.example/@bob"); owner != bob {
			t.Errorf("owner after a claim = %d, want Bob %d", owner, bob)
		}
	})
}

func TestALaterButtonNamesAnOwnerWhereNoneIsNamed(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		const page = "https://blog.example/1"
		now := at("10-02 12:00:00")
		ann, bob := join(t, s, "ann", 50*money.Euro), join(t, s, "bob", 50*money.Euro)
		named := func(n int, reader flattr.MemberID, owner string) {
			e := click(n, page, now)
			e.Thing.Owner = owner
			record(t, s, now, reader, e)
		}
		due := func() string {
			t.Helper()
			looks, err := s.DueLooks(t.Context(), now, 0, 9)
			if err != nil || len(looks) > 1 {
				t.Fatalf("due = %+v, %v", looks, err)
			}
			if len(looks) == 0 {
				return ""
			}
			return looks[0].Asserted
		}
		named(1, ann, "")
		if who := due(); who != "" {
			t.Errorf("due = %q, want nothing: nobody named an owner", who)
		}
		named(2, bob, "cyd")
		named(3, ann, "mallory")
		if who := due(); who != "cyd" {
			t.Errorf("said to be %q's, want whom the first button named", who)
		}
		now = now.Add(time.Second)
		own(t, s, "https://blog.example/2", bob)
		e := click(4, "https://blog.example/2", now)
		e.Thing.Owner = "mallory"
		record(t, s, now, ann, e)
		if known, err := s.Thing(t.Context(), record(t, s, now, ann, click(5, "https://blog.example/2", now)).ThingID); err != nil || known.Asserted != "" {
			t.Errorf("a thing with an owner is said to be %q's, %v", known.Asserted, err)
		}
	})
}

// Of many clicks that come at once, each is judged as if it came alone.
func TestABatchKnowsAuthorsPagesAndWhomButtonsName(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		const profile, page = "https://ledger.example/profile/bob", "https://page.example/"
		now := at("10-02 12:00:00")
		ann, bob, cyd := join(t, s, "ann", 50*money.Euro), join(t, s, "bob", 0), join(t, s, "cyd", 50*money.Euro)
		record(t, s, now, ann, click(1, profile, now)) // while nobody knew
		record(t, s, now, ann, click(2, page, now))
		if err := s.SetHome(&url.URL{Scheme: "https", Host: "ledger.example"}); err != nil {
			t.Fatal(err)
		}
		var batch []flattr.Event
		for n := range 2 * fewEvents {
			batch = append(batch, click(10+n, fmt.Sprintf("https://blog.example/%d", n), now))
		}
		batch[3].Thing.URL = profile
		batch[4].Thing = flattr.ThingRef{URL: page, Owner: "bob"}
		out, err := s.Record(t.Context(), now, cyd, batch)
		if err != nil {
			t.Fatal(err)
		}
		if out[3].Promise || ownerAt(t, s, profile) != bob {
			t.Errorf("click on bob's page = %+v, want it to be paid", out[3])
		}
		if looks, err := s.DueLooks(t.Context(), now, 0, 9); err != nil || len(looks) != 1 || looks[0].URL != page {
			t.Errorf("due = %+v, %v, want the page that a button named bob for", looks, err)
		}
	})
}

// Who was named first, and is not on the page, keeps nobody from being looked for.
func TestAnotherButtonIsBelievedAfterLooksInVain(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		const page = "https://blog.example/1"
		now := at("10-02 12:00:00")
		ann, zoe := join(t, s, "ann", 50*money.Euro), join(t, s, "zoe", 50*money.Euro)
		named := func(n int, reader flattr.MemberID, owner string) {
			t.Helper()
			e := click(n, page, now)
			e.Thing.Owner = owner
			record(t, s, now, reader, e)
		}
		named(1, ann, "mallory")
		for looks := 0; ; looks++ {
			due, err := s.DueLooks(t.Context(), now, 0, 9)
			if err != nil || looks > 9 {
				t.Fatalf("looked %d times: %v", looks, err)
			}
			if len(due) == 0 {
				break
			}
			if err := s.Looked(t.Context(), now, due[0].Thing, 0, ""); err != nil {
				t.Fatal(err)
			}
			now = now.Add(28 * 24 * time.Hour)
		}
		named(2, ann, "mallory")
		if due, err := s.DueLooks(t.Context(), now, 0, 9); err != nil || len(due) != 0 {
			t.Errorf("due = %+v, %v, want nothing new", due, err)
		}
		named(3, zoe, "bob")
		named(4, ann, "mallory")
		if due, err := s.DueLooks(t.Context(), now, 0, 9); err != nil || len(due) != 1 || due[0].Asserted != "bob" {
			t.Errorf("due = %+v, %v, want the page, for bob", due, err)
		}
	})
}
