package store

import (
	"testing"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

func TestAThingIsSeenAfterAliasesWithTheClicksThatCount(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		const now = "10-02 12:00:00"
		ann, bob, cat := join(t, s, "ann", 9*money.Euro), join(t, s, "bob", 0), join(t, s, "cat", 9*money.Euro)
		record(t, s, at(now), ann, flattr.Event{ID: event(1), Kind: flattr.KindClick, At: at(now), Thing: flattr.ThingRef{
			URL: "https://bob.example/a", Title: "A song", Description: "Of two", Tags: []string{"song", "bob"}, Owner: "mallory", Language: "en_GB", Category: "audio",
		}})
		record(t, s, at(now), cat, click(2, "https://short.example/a", at(now)))
		record(t, s, at(now), cat, click(3, "https://bob.example/a", at("10-01 12:00:00")))
		v, err := s.ViewThingByURL(t.Context(), "http://www.bob.example/a")
		if err != nil || v.Title != "A song" || v.Description != "Of two" || len(v.Tags) != 2 || v.Asserted != "mallory" || v.Owner != 0 || v.OwnerName != "" || v.Clicks != 2 {
			t.Errorf("ViewThingByURL = %+v, %v", v, err)
		}
		alias(t, s, now, "https://short.example/a", "https://bob.example/a")
		own(t, s, "https://bob.example/a", bob)
		v, err = s.ViewThingByURL(t.Context(), "https://short.example/a")
		if err != nil || v.URL != "https://bob.example/a" || v.Owner != bob || v.OwnerName != "bob" || v.Clicks != 3 {
			t.Errorf("ViewThingByURL of the alias = %+v, %v", v, err)
		}
		if by, err := s.ViewThing(t.Context(), v.ID); err != nil || by.URL != v.URL || by.Clicks != v.Clicks {
			t.Errorf("ViewThing = %+v, %v", by, err)
		}
		if _, err := s.ViewThing(t.Context(), 1); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("ViewThing of none: %v", err)
		}
		if _, err := s.ViewThingByURL(t.Context(), "javascript:alert(1)"); flattr.CodeOf(err) != flattr.Invalid {
			t.Errorf("ViewThingByURL of no URL: %v", err)
		}
	})
}
