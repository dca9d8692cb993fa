package store

import (
	"testing"

	"flattr/ledger/flattr"
	"flattr/ledger/store/storetest"
)

// FuzzSearch holds that no search is an error of the index: whatever is asked
// for is found, not found or refused.
func FuzzSearch(f *testing.F) {
	for _, seed := range [][2]string{
		{"bäume OR wald", "a|b&!c"},
		{`"NEAR/3" AND (x*) NOT -y ^z col:w`, "!a"},
		{"'; DROP TABLE thing --", "!a&!b|c"},
		{"\xff\x00", "\x00"},
		{"xall and not", "'"},
	} {
		f.Add(seed[0], seed[1])
	}
	s := openFor(f, storetest.SQLite(f))
	bob := join(f, s, "bob", 0)
	if _, err := s.Register(f.Context(), at("10-01 00:00:00"), bob, flattr.ThingRef{URL: "https://bob.example/", Title: "Bäume", Tags: []string{"a"}}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, query, tags string) {
		for _, by := range []Sort{ByRelevance, ByFlattrs} {
			_, err := s.Search(t.Context(), at("10-20 12:00:00"), Search{Query: query, Tags: tags, Sort: by, Count: 3})
			if err != nil && flattr.CodeOf(err) != flattr.Invalid {
				t.Errorf("Search(%q, tags %q) = %v", query, tags, err)
			}
		}
	})
}
