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
		v, err := s.ThingByURL(t.Context(), "http://www.bob.example/a")
		if err != nil || v.Title != "A song" || v.Description != "Of two" || len(v.Tags) != 2 || v.Asserted != "mallory" || v.Owner != "" || v.OwnerID != 0 || v.Flattrs != 2 {
			t.Errorf("ThingByURL = %+v, %v", v, err)
		}
		alias(t, s, now, "https://short.example/a", "https://bob.example/a")
		own(t, s, "https://bob.example/a", bob)
		v, err = s.ThingByURL(t.Context(), "https://short.example/a")
		if err != nil || v.URL != "https://bob.example/a" || v.OwnerID != bob || v.Owner != "bob" || v.Flattrs != 3 {
			t.Errorf("ThingByURL of the alias = %+v, %v", v, err)
		}
		if by, err := s.Thing(t.Context(), v.ID); err != nil || by.URL != v.URL || by.Flattrs != v.Flattrs {
			t.Errorf("Thing = %+v, %v", by, err)
		}
		if _, err := s.Thing(t.Context(), 1); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("Thing of none: %v", err)
		}
		if _, err := s.ThingByURL(t.Context(), "javascript:alert(1)"); flattr.CodeOf(err) != flattr.Invalid {
			t.Errorf("ThingByURL of no URL: %v", err)
		}
	})
}
