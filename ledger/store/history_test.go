package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"flattr/ledger/closing"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

// settle settles October, late in December.
func settle(t *testing.T, s *store.Store, month flattr.Month, now time.Time) {
	t.Helper()
	if err := (closing.Settlement{Store: s, Month: month, Now: now, Say: func(string, ...any) {}}).Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// The pages of the past say of a month what its statement says: before the
// freeze as it stands, after it by the snapshot, with aliases, co-authors, a
// duplicate and a promise.
func TestThePastSaysWhatTheStatementSays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := loaded(t, where)
		ctx := t.Context()
		ann, err := s.MemberByName(ctx, "ann")
		if err != nil {
			t.Fatal(err)
		}
		october := time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC)
		december := time.Date(2026, 12, 20, 0, 0, 0, 0, time.UTC)
		if open, err := s.Given(ctx, october, ann.ID, 202610); err != nil || open.State != flattr.Open || open.Clicks != 3 || open.Promises != 1 || open.Budget != 2*money.Euro || open.Held != 2*money.Euro || open.Share != 666_666 {
			t.Errorf("the open month is %+v, %v", open, err)
		}
		if months, err := s.GivenMonths(ctx, ann.ID, 209901, 0, 10); err != nil || len(months) != 0 {
			t.Errorf("before the freeze months are %+v, %v", months, err)
		}
		agree(t, s, ann.ID, october)
		settle(t, s, 202610, december)
		agree(t, s, ann.ID, december)

		months, err := s.GivenMonths(ctx, ann.ID, 209901, 0, 10)
		if err != nil || len(months) != 1 {
			t.Fatalf("months are %+v, %v", months, err)
		}
		if m := months[0]; m.Month != 202610 || m.State != flattr.Closed || !m.FrozenAt.Equal(flattr.Month(202610).FreezeAt()) || m.Budget != 2*money.Euro || m.Clicks != 2 || m.Promises != 1 || m.Share != money.Euro || m.Held != 0 {
			t.Errorf("October is %+v", m)
		}
		if one, err := s.Given(ctx, december, ann.ID, 202610); err != nil || one != months[0] {
			t.Errorf("alone it is %+v, %v", one, err)
		}
		for _, c := range []struct {
			before, from flattr.Month
			want         int
		}{{202610, 0, 0}, {202611, 202610, 1}, {202611, 202611, 0}, {209901, 0, 1}} {
			if got, err := s.GivenMonths(ctx, ann.ID, c.before, c.from, 10); err != nil || len(got) != c.want {
				t.Errorf("months before %s from %s on: %+v, %v", c.before, c.from, got, err)
			}
		}
		if years, err := s.GivenYears(ctx, ann.ID); err != nil || fmt.Sprint(years) != "[2026]" {
			t.Errorf("years are %v, %v", years, err)
		}
		list, err := s.GivenTo(ctx, ann.ID, 2026, 10, 0)
		if err != nil || list.Total != 1 || list.Clicks != 2 || list.Amount != 2*money.Euro || list.Most != 2*money.Euro {
			t.Fatalf("what ann gave is %+v, %v", list, err)
		}
		if to := list.Owners[0]; to.Name != "bob" || to.Clicks != 2 || to.Shared != 1 || to.Amount != 2*money.Euro {
			t.Errorf("bob got %+v", to)
		}
		for _, c := range []struct{ year, limit, offset, want int }{{2025, 10, 0, 0}, {2026, 10, 1, 0}, {2026, 0, 0, 0}, {2026, 10, 99, 0}, {2026, -1, -1, 0}} {
			if got, err := s.GivenTo(ctx, ann.ID, c.year, c.limit, c.offset); err != nil || len(got.Owners) != c.want {
				t.Errorf("GivenTo(%d, %d, %d) = %+v, %v", c.year, c.limit, c.offset, got, err)
			}
		}
	})
}

// agree holds that the two ways to read the clicks of October say the same.
func agree(t *testing.T, s *store.Store, reader flattr.MemberID, now time.Time) {
	t.Helper()
	views, err := s.Clicks(t.Context(), now, reader, 202610)
	if err != nil {
		t.Fatal(err)
	}
	want := map[flattr.EventID]flattr.ClickView{}
	for _, v := range views {
		want[v.ID] = v
	}
	found, err := s.FindClicks(t.Context(), now, reader, store.ClickSearch{Month: 202610, Limit: 100})
	if err != nil || found.Total != len(views) || len(found.Clicks) != len(views) {
		t.Fatalf("FindClicks = %+v, %v, want %d clicks", found, err, len(views))
	}
	for _, c := range found.Clicks {
		if c.ClickView != want[c.ID] || c.Month != 202610 {
			t.Errorf("found %+v, want %+v", c, want[c.ID])
		}
	}
}

// Clicks are found by the words of title, address and author, newest first, page
// by page, and only the reader's own.
func TestAReadersClicksAreFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := loaded(t, where)
		ctx := t.Context()
		ann, err := s.MemberByName(ctx, "ann")
		if err != nil {
			t.Fatal(err)
		}
		now := time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC)
		loadMore(t, s, `{"type":"click","id":"a0000000-0000-4000-8000-000000000009","reader":"ann","url":"https://bob.example/1?ÄRGER=100%","at":"2026-10-06T10:00:00Z"}
`)
		for search, want := range map[string]string{
			"": "9 3 2 1 0", "bob": "9 2 1 0", "ALONE": "2", "bob Alone": "2", "alone bob.example/1": "2", "nobody": "3", "nothing": "", "https ://": "9 3 2 1 0", "%": "9", "_": "",
			"ärger": "9", "old.example": "0", "a b c d e f g h zzz": "", "' OR '1'='1": "", "  \t ": "9 3 2 1 0",
		} {
			found, err := s.FindClicks(ctx, now, ann.ID, store.ClickSearch{Words: search, Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			if got := ends(found); got != want || found.Total != len(found.Clicks) || found.Before != 0 {
				t.Errorf("a search for %q finds %q (%d), want %q", search, got, found.Total, want)
			}
		}
		for _, c := range []struct {
			limit, offset int
			want          string
		}{{2, 0, "9 3"}, {2, 2, "2 1"}, {2, 4, "0"}, {2, 5, ""}, {2, 99, ""}, {0, 0, ""}, {-1, -1, ""}} {
			found, err := s.FindClicks(ctx, now, ann.ID, store.ClickSearch{Limit: c.limit, Offset: c.offset})
			if got := ends(found); err != nil || got != c.want || found.Total != 5 {
				t.Errorf("%d clicks after %d are %q of %d, %v, want %q", c.limit, c.offset, got, found.Total, err, c.want)
			}
		}
		if other, err := s.FindClicks(ctx, now, ann.ID, store.ClickSearch{Month: 202609, Limit: 10}); err != nil || other.Total != 0 {
			t.Errorf("September has %+v, %v", other, err)
		}
	})
}

// ends are the last digits of the ids of clicks.
func ends(found store.FoundClicks) string {
	var all []string
	for _, c := range found.Clicks {
		id := c.ID.String()
		all = append(all, id[len(id)-1:])
	}
	return strings.Join(all, " ")
}

// Promises of settled months wait for an author, then for means, until they
// expire; subscriptions wait for means.
func TestWhatWaitsIsListed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := loaded(t, where)
		ctx := context.Background()
		ann, err := s.MemberByName(ctx, "ann")
		if err != nil {
			t.Fatal(err)
		}
		december := time.Date(2026, 12, 20, 0, 0, 0, 0, time.UTC)
		settle(t, s, 202610, december)
		page, total, err := s.WaitingPromises(ctx, december, ann.ID, 10, 0)
		if err != nil || total != 1 || len(page) != 1 {
			t.Fatalf("promises are %+v, %d, %v", page, total, err)
		}
		if p := page[0]; p.Month != 202610 || p.Last != 202704 || p.URL != "https://nobody.example/" || p.Owner != "" {
			t.Errorf("the promise is %+v", p)
		}
		if page, total, err = s.WaitingPromises(ctx, december, ann.ID, 10, 1); err != nil || total != 1 || len(page) != 0 {
			t.Errorf("the next page is %+v, %d, %v", page, total, err)
		}
		if _, total, err = s.WaitingPromises(ctx, time.Date(2027, 4, 30, 0, 0, 0, 0, time.UTC), ann.ID, 0, 0); err != nil || total != 1 {
			t.Errorf("in its last month %d promises wait, %v", total, err)
		}
		if _, total, err = s.WaitingPromises(ctx, time.Date(2027, 5, 1, 0, 0, 0, 0, time.UTC), ann.ID, 0, 0); err != nil || total != 0 {
			t.Errorf("after it %d promises wait, %v", total, err)
		}
		id := flattr.NewEventID()
		err = s.Write(ctx, func(tx *store.Tx) error {
			return tx.Subscribe(december, ann.ID, flattr.Subscription{ID: id, URL: "https://bob.example/1", Months: 3})
		})
		if err != nil {
			t.Fatal(err)
		}
		list, n, err := s.Subscribed(ctx, december, ann.ID, 10, 0)
		if err != nil || n != 1 || list[0].ID != id || list[0].Last != 202702 || list[0].Waiting != 0 || list[0].Owner != "bob" || list[0].Title != "Alone" {
			t.Errorf("subscriptions are %+v, %d, %v", list, n, err)
		}
		if err := s.PauseSubscription(ctx, december, ann.ID, id, true); err != nil {
			t.Fatal(err)
		}
		if list, _, err = s.Subscribed(ctx, december, ann.ID, 10, 0); err != nil || !list[0].Paused {
			t.Errorf("paused it is %+v, %v", list, err)
		}
		ben, err := s.MemberByName(ctx, "ben")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.StopSubscription(ctx, december, ben.ID, id); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("another stops it: %v", err)
		}
		if err := s.StopSubscription(ctx, december, ann.ID, id); err != nil {
			t.Fatal(err)
		}
		if _, n, err = s.Subscribed(ctx, december, ann.ID, 10, 0); err != nil || n != 0 {
			t.Errorf("stopped, %d are left, %v", n, err)
		}
	})
}
