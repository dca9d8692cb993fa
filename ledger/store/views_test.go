package store_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"flattr/ledger/closing"
	"flattr/ledger/flattr"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
	"flattr/ledger/world"
)

// shared is a world with a thing of two authors, an alias of it, and another
// thing; ann flattrs the three, ben the shared one.
const shared = `
{"type":"member","name":"ann","means":"20.00"}
{"type":"member","name":"ben","budget":"4.00","means":"20.00"}
{"type":"member","name":"bob"}
{"type":"member","name":"cyd"}
{"type":"policy","fee_bp":1000,"at":"2026-09-01T00:00:00Z"}
{"type":"thing","url":"https://bob.example/0","owner":"bob","title":"Shared"}
{"type":"thing","url":"https://bob.example/1","owner":"bob","title":"Alone"}
{"type":"parts","url":"https://bob.example/0","parts":[{"author":"cyd","bp":3333},{"author":"bob","bp":6667}],"at":"2026-10-01T00:00:00Z"}
{"type":"alias","url":"https://old.example/0","of":"https://bob.example/0","at":"2026-10-01T00:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000000","reader":"ann","url":"https://old.example/0","at":"2026-10-02T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000001","reader":"ann","url":"https://bob.example/0","at":"2026-10-03T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000002","reader":"ann","url":"https://bob.example/1","at":"2026-10-04T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000003","reader":"ann","url":"https://nobody.example/","at":"2026-10-05T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000004","reader":"ben","url":"https://old.example/0","at":"2026-10-06T10:00:00Z"}
`

// loaded is a ledger with the shared world.
func loaded(t *testing.T, where string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	loadMore(t, s, shared)
	return s
}

// loadMore loads lines of a world.
func loadMore(t *testing.T, s *store.Store, lines string) {
	t.Helper()
	l := world.Loader{
		Store: s, Say: func(string, ...any) {},
		Refused: func(line int, code flattr.Code) { t.Errorf("line %d: %s", line, code) },
		Bad:     func(line int, err error) { t.Errorf("line %d: %v", line, err) },
	}
	if _, err := l.Load(context.Background(), strings.NewReader(lines)); err != nil {
		t.Fatal(err)
	}
}

// revenueOf is what a member's page says: month, clicks, gross, fee, net, and
// what each thing brings.
func revenueOf(t *testing.T, s *store.Store, now time.Time, name string) (preview, ended, closed string) {
	t.Helper()
	ctx := context.Background()
	m, err := s.MemberByName(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	rev, err := s.Revenue(ctx, now, m.ID, 100)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rev.Months {
		of := &rev.Months[i]
		if of.Things, of.Count, err = s.EarnedThings(ctx, m.ID, of.Month, 100); err != nil || of.Count != len(of.Things) {
			t.Fatal(of, err)
		}
	}
	say := func(months ...flattr.RevenueMonth) string {
		var out strings.Builder
		for _, m := range months {
			fmt.Fprintf(&out, "%s %d %d-%d=%d", m.Month, m.Clicks, m.Gross, m.Fee, m.Net)
			for _, thing := range m.Things {
				fmt.Fprintf(&out, " %s:%d:%d", thing.Title, thing.Clicks, thing.Gross)
			}
		}
		return out.String()
	}
	return say(rev.Preview), say(rev.Ended...), say(rev.Months...)
}

// An author sees the part of what is shared, after aliases, as it stands; after
// the freeze by the snapshot, whatever happens to owners and parts, and after
// the settlement to the unit.
func TestRevenueFollowsPartsAndAliases(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := loaded(t, where)
		october := time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC)
		want := func(now time.Time, author, preview, ended, closed string) {
			t.Helper()
			p, e, c := revenueOf(t, s, now, author)
			if p != preview || e != ended || c != closed {
				t.Errorf("%s sees\n%q\n%q\n%q\nwant\n%q\n%q\n%q", author, p, e, c, preview, ended, closed)
			}
		}
		// Both of ann's clicks on the shared thing stand by themselves: 2 x 666,666, and
		// 4,000,000 of ben; of the sum cyd gets 3333 of 10,000 parts and the odd unit.
		want(october, "bob", "2026-10 4 4222398-422239=3800159 Shared:3:3555732 Alone:1:666666", "", "")
		want(october, "cyd", "2026-10 3 1777600-177760=1599840 Shared:3:1777600", "", "")

		december := time.Date(2026, 12, 20, 0, 0, 0, 0, time.UTC)
		settlement := closing.Settlement{Store: s, Month: 202610, Now: december, Say: func(string, ...any) {}}
		ctx := context.Background()
		if err := settlement.Freeze(ctx); err != nil {
			t.Fatal(err)
		}
		err := s.Write(ctx, func(tx *store.Tx) error {
			eve, err := tx.AddMember(december, store.NewMember{Name: "eve", Budget: 2_000_000})
			if err != nil {
				return err
			}
			return tx.SetParts(december, "https://bob.example/0", []flattr.Part{{Author: eve, BP: 5000}, {Author: mustBe(t, tx, "bob"), BP: 5000}})
		})
		if err != nil {
			t.Fatal(err)
		}
		empty := "2026-12 0 0-0=0"
		// The freeze made ann's two clicks one: 1,000,000 each, and 4,000,000 of ben.
		want(december, "bob", empty, "2026-10 3 4333500-433350=3900150 Shared:2:3333500 Alone:1:1000000", "")
		want(december, "cyd", empty, "2026-10 2 1666500-166650=1499850 Shared:2:1666500", "")
		want(december, "eve", empty, "", "")
		if err := settlement.Settle(ctx); err != nil {
			t.Fatal(err)
		}
		want(december, "bob", empty, "", "2026-10 3 4333500-433350=3900150 Shared:2:3333500 Alone:1:1000000")
		want(december, "cyd", empty, "", "2026-10 2 1666500-166650=1499850 Shared:2:1666500")
	})
}

func mustBe(t *testing.T, tx *store.Tx, name string) flattr.MemberID {
	t.Helper()
	id, err := tx.MemberID(name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// A reader sees each click by itself until the freeze, and afterwards the thing
// that it was really for; what gave way there is a duplicate.
func TestClicksOfAFrozenMonthAreThoseAfterAliases(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := loaded(t, where)
		ctx := context.Background()
		ann, err := s.MemberByName(ctx, "ann")
		if err != nil {
			t.Fatal(err)
		}
		want := func(now time.Time, lines ...string) {
			t.Helper()
			views, err := s.Clicks(ctx, now, ann.ID, 202610)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, v := range views {
				got = append(got, fmt.Sprintf("%s %q counts:%t duplicate:%t promise:%t %d", v.URL, v.Owner, v.Counts, v.Duplicate, v.Promise, v.Share))
			}
			if strings.Join(got, "\n") != strings.Join(lines, "\n") {
				t.Errorf("ann sees\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
			}
		}
		october := time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC)
		views, err := s.Clicks(ctx, october, ann.ID, 202610)
		if err != nil || len(views) != 4 {
			t.Fatalf("Clicks = %v, %v", views, err)
		}
		sum := views[0].Share + views[1].Share + views[2].Share
		if views[0].URL != "https://old.example/0" || !views[0].Counts || views[0].Owner != "bob" || !views[1].Counts || sum != 2_000_000 {
			t.Errorf("in the open month ann sees %+v", views)
		}
		if err := (closing.Settlement{Store: s, Month: 202610, Now: october.AddDate(0, 2, 0), Say: func(string, ...any) {}}).Settle(ctx); err != nil {
			t.Fatal(err)
		}
		want(october.AddDate(0, 2, 0),
			`https://bob.example/0 "bob" counts:true duplicate:false promise:false 1000000`,
			`https://bob.example/0 "bob" counts:false duplicate:true promise:false 0`,
			`https://bob.example/1 "bob" counts:true duplicate:false promise:false 1000000`,
			`https://nobody.example/ "" counts:true duplicate:false promise:true 0`,
		)
	})
}

// What readers give an author of many clicks is shown once more to who comes back
// after its time, with the time of it, and is summed anew beside; who comes back
// much later is not shown it.
func TestManyClicksAreSummedBeside(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := loaded(t, where)
		const many = 2000
		var lines strings.Builder
		lines.WriteString(`{"type":"member","name":"dan","means":"20.00"}` + "\n" + `{"type":"member","name":"eve"}` + "\n")
		for i := range many {
			fmt.Fprintf(&lines, `{"type":"thing","url":"https://eve.example/%d","owner":"eve","title":"T"}`+"\n", i)
			fmt.Fprintf(&lines, `{"type":"click","id":"b0000000-0000-4000-8000-%012d","reader":"dan","url":"https://eve.example/%d","at":"2026-10-07T10:00:00Z"}`+"\n", i, i)
		}
		loadMore(t, s, lines.String())
		eve, err := s.MemberByName(t.Context(), "eve")
		if err != nil {
			t.Fatal(err)
		}
		look := func(now time.Time) flattr.RevenueMonth {
			rev, err := s.Revenue(t.Context(), now, eve.ID, 10)
			if err != nil {
				t.Fatal(err)
			}
			return rev.Preview
		}
		noon := time.Date(2026, 10, 20, 12, 0, 0, 0, time.UTC)
		soon, later := noon.Add(3*time.Minute), noon.Add(time.Hour)
		if m := look(noon); m.Clicks != many || !m.AsOf.Equal(noon) {
			t.Errorf("at noon there are %d clicks as of %s", m.Clicks, m.AsOf)
		}
		loadMore(t, s, `{"type":"click","id":"b0000000-0000-4000-8000-999999999999","reader":"ben","url":"https://eve.example/7","at":"2026-10-08T10:00:00Z"}`+"\n")
		if m := look(soon); m.Clicks != many || !m.AsOf.Equal(noon) {
			t.Errorf("soon after it there are %d clicks as of %s", m.Clicks, m.AsOf)
		}
		m := look(soon)
		for deadline := time.Now().Add(time.Minute); m.AsOf.Equal(noon) && time.Now().Before(deadline); m = look(soon) {
			runtime.Gosched()
		}
		if m.Clicks != many+1 || !m.AsOf.Equal(soon) {
			t.Errorf("summed anew there are %d clicks as of %s", m.Clicks, m.AsOf)
		}
		if list, err := s.AuthorThings(t.Context(), soon, eve.ID, store.ThingSearch{Limit: 1}); err != nil || !list.AsOf.Equal(soon) || list.Total != many {
			t.Errorf("the list of %d things is as of %s, %v", list.Total, list.AsOf, err)
		}
		things, err := s.AuthorThings(t.Context(), soon, eve.ID, store.ThingSearch{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		if thing, err := s.AuthorThing(t.Context(), soon.Add(2*time.Minute), eve.ID, things.Things[0].ID); err != nil || !thing.AsOf.Equal(soon) {
			t.Errorf("one thing is as of %s, %v", thing.AsOf, err)
		}
		if m := look(later); m.Clicks != many+1 || !m.AsOf.Equal(later) {
			t.Errorf("an hour later there are %d clicks as of %s", m.Clicks, m.AsOf)
		}
	})
}

// A search looks at the latest months that have many clicks together, says before
// which it has not looked, and goes on from there; authors are found by name.
func TestASearchGoesOnInOlderMonths(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := loaded(t, where)
		const many = 1500
		var lines strings.Builder
		lines.WriteString(`{"type":"member","name":"dan","means":"20.00"}` + "\n" +
			`{"type":"click","id":"b0000000-0000-4000-8000-999999999999","reader":"dan","url":"https://bob.example/1","at":"2026-09-08T10:00:00Z"}` + "\n")
		for i := range many {
			fmt.Fprintf(&lines, `{"type":"click","id":"b0000000-0000-4000-8000-%012d","reader":"dan","url":"https://nobody.example/%d","at":"2026-10-07T10:00:00Z"}`+"\n", i, i)
		}
		lines.WriteString(`{"type":"click","id":"b0000000-0000-4000-8000-888888888888","reader":"dan","url":"https://bob.example/0","at":"2026-10-08T10:00:00Z"}` + "\n")
		loadMore(t, s, lines.String())
		dan, err := s.MemberByName(t.Context(), "dan")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			words  string
			before flattr.Month
			found  string
			then   flattr.Month
		}{
			{"BOB", 0, "Shared", 202610},
			{"BOB", 202610, "Alone", 0},
			{"nobody alone", 202610, "", 0},
		} {
			found, err := s.FindClicks(t.Context(), time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC), dan.ID, store.ClickSearch{Words: c.words, Before: c.before, Limit: 5})
			if err != nil {
				t.Fatal(err)
			}
			var titles []string
			for _, click := range found.Clicks {
				titles = append(titles, click.Title)
			}
			if got := strings.Join(titles, ", "); got != c.found || found.Before != c.then || found.Total != len(titles) {
				t.Errorf("%q before %s finds %q of %d, not looked at before %s", c.words, c.before, got, found.Total, found.Before)
			}
		}
	})
}
