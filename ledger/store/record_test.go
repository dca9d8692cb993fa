package store

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

func TestClickHoldsTheBudgetAndUndoReleasesIt(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann, bob := join(t, s, "ann", 5*money.Euro), join(t, s, "bob", 0)
		own(t, s, "https://bob.example/1", bob)
		now := at("10-02 12:00:00")
		out := record(t, s, now, ann, click(1, "http://www.bob.example/1", now))
		if out.Result != flattr.Accepted || out.Month.String() != "2026-10" || out.Promise || out.URL != "https://bob.example/1" {
			t.Errorf("click = %+v", out)
		}
		check := func(wantMeans, wantHeld money.Micro, clicks int) {
			t.Helper()
			means, months, err := s.Summaries(context.Background(), now, ann)
			if err != nil {
				t.Fatal(err)
			}
			if means != wantMeans || months[0].Held != wantHeld || months[0].Clicks != clicks {
				t.Errorf("means = %s, month = %+v, want %s, held %s, clicks %d", means, months[0], wantMeans, wantHeld, clicks)
			}
		}
		check(3*money.Euro, 2*money.Euro, 1)
		if out := record(t, s, now, ann, click(2, "https://bob.example/1", now)); out.Result != flattr.Duplicate || out.Counts != event(1) {
			t.Errorf("second click = %+v", out)
		}
		check(3*money.Euro, 2*money.Euro, 1)
		first := click(1, "http://www.bob.example/1", now)
		if out := record(t, s, now, ann, first); out.Result != flattr.Accepted || out.Undone {
			t.Errorf("first click again = %+v, want the first answer, and that it counts", out)
		}
		now = now.Add(time.Second)
		if out := record(t, s, now, ann, undo(3, 1, now)); out.Result != flattr.Accepted {
			t.Errorf("undo = %+v", out)
		}
		check(5*money.Euro, 0, 0)
		if out := record(t, s, now, ann, first); out.Result != flattr.Accepted || !out.Undone {
			t.Errorf("first click after the undo = %+v, want the first answer, and that it is taken back", out)
		}
		if out := record(t, s, now, ann, click(2, "https://bob.example/1", now.Add(-time.Second))); out.Result != flattr.Duplicate || !out.Undone {
			t.Errorf("second click again = %+v, want the first answer, and that nothing counts", out)
		}
		if out := record(t, s, now, ann, click(4, "https://bob.example/1", now.Add(-time.Second))); out.Result != flattr.Accepted || !out.Undone {
			t.Errorf("click from before the undo = %+v, want it accepted and taken back", out)
		}
		views, err := s.Clicks(context.Background(), now, ann, out.Month)
		if err != nil || len(views) != 3 {
			t.Fatalf("Clicks = %+v, %v", views, err)
		}
		if _, err := s.Revenue(context.Background(), now, bob, 100); err != nil {
			t.Fatal(err)
		}
	})
}

func TestNoMeansSaysHowToTopUpAndLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann, bob := join(t, s, "ann", money.Euro), join(t, s, "bob", 0)
		own(t, s, "https://bob.example/1", bob)
		now := at("10-02 12:00:00")
		out := record(t, s, now, ann, click(1, "https://bob.example/1", now))
		if out.Code != flattr.NoMeans || !out.Retry || !strings.Contains(out.Sentence, "1.00 EUR are there. Top up at least 1.00 EUR") {
			t.Errorf("click without means = %+v", out)
		}
		if _, booked, err := s.Credit(context.Background(), now, "ann", money.Euro, "R"); err != nil || !booked {
			t.Fatal(booked, err)
		}
		if _, booked, err := s.Credit(context.Background(), now, "ann", money.Euro, "R"); err != nil || booked {
			t.Errorf("the same reference again: booked %v, %v", booked, err)
		}
		// The same id, with its own time, is taken now.
		if out := record(t, s, now.Add(time.Hour), ann, click(1, "https://bob.example/1", now)); out.Result != flattr.Accepted {
			t.Errorf("click after the top-up = %+v", out)
		}
	})
}

func TestAClickThatIsUndoneAlreadyNeedsMeansToo(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann, bob := join(t, s, "ann", money.Euro), join(t, s, "bob", 0)
		own(t, s, "https://bob.example/1", bob)
		now := at("10-02 12:00:00")
		record(t, s, now, ann, undo(2, 1, now))
		if out := record(t, s, now, ann, click(1, "https://bob.example/1", now)); out.Code != flattr.NoMeans {
			t.Errorf("click without means = %+v", out)
		}
		if _, _, err := s.Credit(context.Background(), now, "ann", money.Euro, "R"); err != nil {
			t.Fatal(err)
		}
		if out := record(t, s, now, ann, click(1, "https://bob.example/1", now)); out.Result != flattr.Accepted {
			t.Errorf("click after the top-up = %+v", out)
		}
		means, months, err := s.Summaries(context.Background(), now, ann)
		if err != nil || means != 2*money.Euro || months[0].Held != 0 || months[0].Clicks != 0 {
			t.Errorf("means %s, %+v, %v: want all of them back", means, months, err)
		}
	})
}

func TestAnswersAreGivenAgain(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann, bob := join(t, s, "ann", 5*money.Euro), join(t, s, "bob", 5*money.Euro)
		own(t, s, "https://bob.example/1", bob)
		now := at("10-02 12:00:00")
		for _, c := range []struct {
			reader flattr.MemberID
			event  flattr.Event
			result flattr.Result
			code   flattr.Code
		}{
			{ann, click(1, "https://bob.example/1", now), flattr.Accepted, ""},
			{ann, click(2, "https://bob.example/1", now), flattr.Duplicate, flattr.Once},
			{bob, click(3, "https://bob.example/1", now), flattr.Refused, flattr.OwnThing},
			{ann, click(1, "https://bob.example/2", now), flattr.Refused, flattr.IDReused},
			{ann, click(1, "https://bob.example/1", now.Add(time.Second)), flattr.Refused, flattr.IDReused},
			{bob, click(1, "https://bob.example/1", now), flattr.Refused, flattr.IDReused},
			{bob, undo(4, 1, now), flattr.Refused, flattr.NotFound},
			{ann, undo(5, 5, now), flattr.Refused, flattr.Invalid},
			{ann, undo(6, 99, now), flattr.Accepted, ""},
			{ann, click(7, "file:///etc/passwd", now), flattr.Refused, flattr.Invalid},
			{ann, click(8, "", now), flattr.Refused, flattr.NotFound},
			{ann, flattr.Event{ID: event(9), Kind: flattr.KindVoid, At: now, Click: event(1)}, flattr.Refused, flattr.Invalid},
			{ann, flattr.Event{Kind: flattr.KindClick, At: now}, flattr.Refused, flattr.Invalid},
			{ann, flattr.Event{ID: event(10), Kind: flattr.KindClick}, flattr.Refused, flattr.Invalid},
		} {
			for try := range 2 {
				out := record(t, s, now.Add(time.Duration(try)*time.Hour), c.reader, c.event)
				if out.Result != c.result || out.Code != c.code {
					t.Errorf("try %d: %+v = %+v, want %s %s", try, c.event, out, c.result, c.code)
				}
				if (out.Sentence == "") != (c.code == "") {
					t.Errorf("try %d: %s says %q", try, c.code, out.Sentence)
				}
			}
		}
	})
}

func TestLateClicksAndFrozenMonths(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		ann, bob := join(t, s, "ann", 9*money.Euro), join(t, s, "bob", 0)
		own(t, s, "https://bob.example/1", bob)
		october := at("10-31 23:59:59")
		in := record(t, s, at("11-03 23:59:59"), ann, click(1, "https://bob.example/1", october))
		if in.Result != flattr.Accepted || in.Month != 202610 {
			t.Errorf("a second before the end of the grace: %+v", in)
		}
		late := record(t, s, at("11-04 00:00:00"), ann, click(2, "https://bob.example/1", october))
		if late.Result != flattr.Late || late.Month != 202611 {
			t.Errorf("at the end of the grace: %+v", late)
		}
		if out := record(t, s, at("11-04 00:00:00"), ann, undo(3, 1, at("11-03 00:00:00"))); out.Code != flattr.MonthFrozen {
			t.Errorf("undo after the grace: %+v", out)
		}
		if out := record(t, s, at("11-20 00:00:00"), ann, undo(4, 2, at("11-20 00:00:00"))); out.Result != flattr.Accepted {
			t.Errorf("undo of the late click: %+v", out)
		}
		ahead := record(t, s, at("11-30 12:00:00"), ann, click(5, "https://bob.example/1", at("12-05 12:00:00")))
		if ahead.Month != 202611 {
			t.Errorf("a time stamp ahead of the arrival: %+v", ahead)
		}
		// Frozen early, as with a clock that is ahead: what arrives counts in the next month.
		err := s.Write(ctx, func(tx *Tx) error { return tx.FreezeThrough(at("12-04 00:00:00"), 202611) })
		if err != nil {
			t.Fatal(err)
		}
		if out := record(t, s, at("11-30 13:00:00"), ann, click(6, "https://bob.example/1", at("11-30 13:00:00"))); out.Result != flattr.Late || out.Month != 202612 {
			t.Errorf("click of a month that is frozen: %+v", out)
		}
		err = s.Write(ctx, func(tx *Tx) error { return tx.FreezeThrough(at("12-04 00:00:00"), 202612) })
		if flattr.CodeOf(err) != flattr.MonthOpen {
			t.Errorf("freeze before the end of the grace: %v", err)
		}
		means, months, err := s.Summaries(ctx, at("11-30 13:00:00"), ann)
		if err != nil || len(months) != 1 || months[0].Month != 202612 || months[0].Held != 2*money.Euro || means != 3*money.Euro {
			t.Errorf("means %s, %+v, %v", means, months, err)
		}
	})
}

func TestWhoBecomesOwnerLosesOwnClicks(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann := join(t, s, "ann", 5*money.Euro)
		now := at("10-02 12:00:00")
		if out := record(t, s, now, ann, click(1, "https://ann.example/", now)); !out.Promise {
			t.Errorf("click on a thing of nobody = %+v", out)
		}
		own(t, s, "https://ann.example/", ann)
		means, months, err := s.Summaries(context.Background(), now, ann)
		if err != nil || means != 5*money.Euro || months[0].Clicks+months[0].Promises != 0 {
			t.Errorf("after becoming owner: means %s, %+v, %v", means, months, err)
		}
		if out := record(t, s, now, ann, click(2, "https://ann.example/", now)); out.Code != flattr.OwnThing {
			t.Errorf("own thing = %+v", out)
		}
		views, err := s.Clicks(context.Background(), now, ann, 202610)
		if err != nil || len(views) != 1 || views[0].Counts || !views[0].Undone {
			t.Errorf("Clicks = %+v, %v", views, err)
		}
	})
}

func TestAnAssertedOwnerEarnsNothing(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann, mallory := join(t, s, "ann", 5*money.Euro), join(t, s, "mallory", 0)
		now := at("10-02 12:00:00")
		e := click(1, "https://victim.example/", now)
		e.Thing.Owner, e.Thing.Title = "mallory", "Mine!\x00"+strings.Repeat("ä", 500)
		if out := record(t, s, now, ann, e); !out.Promise || out.Title != "Mine! "+strings.Repeat("ä", 294) {
			t.Errorf("click = %+v, want its first 300 characters as title", out)
		}
		views, err := s.Clicks(context.Background(), now, ann, 202610)
		if err != nil || len(views) != 1 || !views[0].Promise || views[0].Asserted != "mallory" || views[0].Owner != "" {
			t.Errorf("Clicks = %+v, %v", views, err)
		}
		if rev, err := s.Revenue(context.Background(), now, mallory, 100); err != nil || rev.Preview.Clicks != 0 {
			t.Errorf("Revenue = %+v, %v", rev, err)
		}
	})
}

func TestPreviewSharesTheBudgetOfEachReader(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann, bob := join(t, s, "ann", 5*money.Euro), join(t, s, "bob", 0)
		now := at("10-02 12:00:00")
		for i := range 10 {
			url := fmt.Sprintf("https://bob.example/%d", i)
			own(t, s, url, bob)
			record(t, s, now, ann, click(i, url, now))
		}
		rev, err := s.Revenue(context.Background(), now, bob, 100)
		if err != nil || rev.Preview.Clicks != 10 || rev.Preview.Gross != 2*money.Euro || rev.Preview.Things[0].Gross != 20*money.Cent {
			t.Errorf("Revenue = %+v, %v", rev, err)
		}
		_, months, err := s.Summaries(context.Background(), now, ann)
		if err != nil || months[0].Share != 20*money.Cent || months[0].Clicks != 10 {
			t.Errorf("Summaries = %+v, %v", months, err)
		}
	})
}
