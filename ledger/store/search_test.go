package store

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// expectFound holds what a search finds: titles, best first, separated by blanks.
func expectFound(t *testing.T, s *Store, q Search, want string) {
	t.Helper()
	if q.Count == 0 {
		q.Count = 30
	}
	if q.Sort == "" {
		q.Sort = ByRelevance
	}
	found, err := s.Search(context.Background(), at("10-20 12:00:00"), q)
	if err != nil {
		t.Errorf("Search(%+v) = %v", q, err)
		return
	}
	var titles []string
	err = s.read(context.Background(), func(tx *Tx) error {
		titles = nil
		for _, id := range found.Things {
			v, err := tx.thing(id)
			if err != nil {
				return err
			}
			titles = append(titles, strings.Fields(v.title)[0])
		}
		return nil
	})
	if got := strings.Join(titles, " "); err != nil || got != want {
		t.Errorf("Search(%+v) = %q (of %d), %v, want %q", q, got, found.Total, err, want)
	}
}

// searchable makes things whose titles begin with one letter of their own.
func searchable(t *testing.T, s *Store) (bob flattr.MemberID) {
	t.Helper()
	bob, cyd := join(t, s, "bob", 0), join(t, s, "cyd", 0)
	for i, ref := range []flattr.ThingRef{
		{Title: "A Bäume pflanzen", Description: "Wie man einen Wald macht", Category: "text", Language: "de_DE", Tags: []string{"Wald", "Garten"}},
		{Title: "B Der Wald", Description: "ohne Bäume", Category: "images", Language: "de_DE", Tags: []string{"wald"}},
		{Title: "C Hip-Hop", Description: "example.com/music", Category: "audio", Language: "en_GB", Tags: []string{"hip hop", "music"}},
		{Title: "D Hidden Wald", Tags: []string{"wald"}, Hidden: true},
		{Title: "E AND OR NOT \"quoted\" x'y", Category: "text", Language: "en_GB", Tags: []string{"music", "garten"}},
	} {
		ref.URL = fmt.Sprintf("https://bob.example/%d", i)
		registered(t, s, map[bool]flattr.MemberID{true: bob, false: cyd}[i < 3], ref)
	}
	return bob
}

func TestSearchFindsWords(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		searchable(t, s)
		expectFound(t, s, Search{Query: "bäume"}, "A B") // the title weighs more
		expectSet(t, s, Search{Query: "BÄUME wald"}, "A B")
		expectFound(t, s, Search{Query: "Hop"}, "C")
		expectFound(t, s, Search{Query: "music example"}, "C")
		expectFound(t, s, Search{Query: "and or not"}, "E")
		expectFound(t, s, Search{Query: `"quoted" x'y`}, "E")
		expectFound(t, s, Search{Query: "nothing of it"}, "")
		expectFound(t, s, Search{Query: "baume"}, "")
		expectFound(t, s, Search{Query: "wald", User: "BOB"}, "B A")
		expectFound(t, s, Search{Query: "hop", User: "cyd"}, "")
		expectFound(t, s, Search{User: "cyd"}, "E")
		expectFound(t, s, Search{User: "nobody"}, "")
		expectFound(t, s, Search{URL: "http://www.bob.example/2"}, "C")
		expectFound(t, s, Search{URL: "http://www.bob.example/2", Query: "wald"}, "")
		expectFound(t, s, Search{URL: "https://bob.example/3"}, "")
		expectFound(t, s, Search{URL: "https://nobody.example/"}, "")
		expectSet(t, s, Search{Below: []string{"bob.example"}}, "A B C E")
		expectSet(t, s, Search{Below: []string{"nobody.example", "www.bob.example/2"}}, "C")
		expectSet(t, s, Search{Below: []string{"bob.exampl"}}, "")
		expectSet(t, s, Search{Below: []string{"bob.example"}, Query: "wald", User: "bob"}, "A B")
		for _, bad := range []Search{
			{Query: "!?"},
			{URL: "ftp://x"},
			{Below: []string{"a b"}},
			{Below: make([]string, maxTerms+1)},
			{Tags: "a||b"},
			{Tags: "!!a"},
			{Tags: "a&"},
			{Sort: "none"},
			{Query: strings.Repeat("a ", maxTerms+1)},
			{Tags: strings.Repeat("a|", maxTerms) + "a"},
		} {
			_, err := s.Search(context.Background(), at("10-20 12:00:00"), bad)
			refusedWith(t, fmt.Sprintf("Search(%.60v)", bad), err, flattr.Invalid)
		}
	})
}

func TestSearchReadsTags(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		searchable(t, s)
		for tags, want := range map[string]string{
			"wald": "A B", "WALD & Garten": "A", "wald|music": "A B C E", "wald&!garten": "B", "!wald": "C E",
			"!wald&!hip hop": "E", "hip hop": "C", "hip": "", "!nothing": "A B C E", "!wald|garten": "A C E", "music&!garten|wald&garten": "A C",
			"wald | music ! garten": "B C", "garten & wald ! music": "A", "music !garten": "C", "wald|music!garten!hip hop": "B", "music!": "",
		} {
			expectSet(t, s, Search{Tags: tags}, want)
		}
		expectSet(t, s, Search{Languages: []string{"de_DE"}}, "A B")
		expectSet(t, s, Search{Categories: []string{"text", "audio"}}, "A C E")
		expectSet(t, s, Search{Categories: []string{"text", "audio"}, Languages: []string{"en_gb"}, Tags: "music"}, "C E")
		expectSet(t, s, Search{Tags: strings.Repeat("x", 5000), Languages: []string{strings.Repeat("y", 5000)}}, "")
		expectSet(t, s, Search{Query: strings.Repeat("z", 5000)}, "")
		long := strings.Join(strings.Split(strings.Repeat("x", maxTerms), ""), "&!")
		expectSet(t, s, Search{Tags: long, Query: "wald", Categories: []string{"text"}}, "")
	})
}

// expectSet is expectFound in whatever order.
func expectSet(t *testing.T, s *Store, q Search, want string) {
	t.Helper()
	q.Sort, q.Count = ByRelevance, 30
	found, err := s.Search(context.Background(), at("10-20 12:00:00"), q)
	if err != nil {
		t.Errorf("Search(%+v) = %v", q, err)
		return
	}
	titles := make(map[string]bool)
	err = s.read(context.Background(), func(tx *Tx) error {
		for _, id := range found.Things {
			v, err := tx.thing(id)
			if err != nil {
				return err
			}
			titles[v.title[:1]] = true
		}
		return nil
	})
	got := ""
	for _, letter := range strings.Fields("A B C D E") {
		if titles[letter] {
			got += " " + letter
		}
	}
	if got = strings.TrimSpace(got); err != nil || got != want || found.Total != len(found.Things) {
		t.Errorf("Search(%+v) = %q of %d, %v, want %q", q, got, found.Total, err, want)
	}
}

func TestSearchSorts(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		searchable(t, s)
		n := 0
		clicks := func(when string, things ...int) {
			t.Helper()
			n++
			reader := join(t, s, fmt.Sprintf("reader%d", n), 10*money.Euro)
			for _, i := range things {
				n++
				if out := record(t, s, at(when), reader, click(n, fmt.Sprintf("https://bob.example/%d", i), at(when))); out.Result != flattr.Accepted {
					t.Fatalf("click = %+v", out)
				}
			}
		}
		clicks("08-01 00:00:00", 0)
		clicks("08-01 00:00:00", 0)
		clicks("08-01 00:00:00", 0)
		clicks("08-01 00:00:00", 0)
		clicks("08-02 00:00:00", 0)
		clicks("09-25 00:00:00", 1) // in the month, but not in this calendar month
		clicks("10-02 00:00:00", 1)
		clicks("10-03 00:00:00", 1)
		clicks("10-15 00:00:00", 2)
		clicks("10-16 00:00:00", 2)
		clicks("10-20 11:00:00", 4)
		expectFound(t, s, Search{Sort: ByFlattrs}, "A B C E")
		expectFound(t, s, Search{Sort: ByMonth, Tags: "wald"}, "B A")
		expectFound(t, s, Search{Sort: ByMonth, Count: 2}, "B C")
		expectFound(t, s, Search{Sort: ByWeek, Count: 2}, "C E")
		expectFound(t, s, Search{Sort: ByDay, Count: 1}, "E")
		expectFound(t, s, Search{Sort: ByTrend, Count: 1}, "C")
		expectFound(t, s, Search{Sort: ByFlattrs, Count: 2, From: 2}, "C E")
		expectFound(t, s, Search{Sort: ByFlattrs, Count: 2, From: 9}, "")
		err := s.Write(context.Background(), func(tx *Tx) error {
			return tx.Alias(at("10-20 11:00:00"), "https://old.example/", "https://bob.example/4")
		})
		if err != nil {
			t.Fatal(err)
		}
		reader := join(t, s, "last", 10*money.Euro)
		record(t, s, at("10-20 11:00:00"), reader, click(9000, "https://old.example/", at("10-20 11:00:00")))
		expectFound(t, s, Search{Sort: ByWeek, Tags: "!hip hop", Count: 1}, "E")
	})
}

// Only what somebody wants to be seen is found.
func TestSearchTellsNothingOfReaders(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("10-02 12:00:00")
		ann, bob := join(t, s, "ann", 5*money.Euro), join(t, s, "bob", 0)
		e := click(1, "https://bob.example/read", now)
		e.Thing.Title = "Read by ann"
		record(t, s, now, ann, e)
		expectFound(t, s, Search{}, "")
		claim := func(url string) {
			t.Helper()
			if err := s.Write(ctx, func(tx *Tx) error { return tx.Claim(now, bob, url) }); err != nil {
				t.Fatal(err)
			}
		}
		claim("https://bob.example/")
		expectFound(t, s, Search{Query: "ann"}, "Read")
		e = click(2, "https://bob.example/next", now)
		e.Thing.Title = "Next by ann"
		record(t, s, now, ann, e)
		expectFound(t, s, Search{Query: "next"}, "Next")
		title := "Other"
		known, err := s.LookUp(ctx, "https://bob.example/next")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Edit(ctx, now, bob, known.Thing, Edit{Title: &title}); err != nil {
			t.Fatal(err)
		}
		expectFound(t, s, Search{Query: "next"}, "")
		expectFound(t, s, Search{Query: "other"}, "Other")
		hidden := true
		if err := s.Edit(ctx, now, bob, known.Thing, Edit{Hidden: &hidden}); err != nil {
			t.Fatal(err)
		}
		expectFound(t, s, Search{Query: "other"}, "")
		if _, err := s.Delete(ctx, now, "bob"); err != nil {
			t.Fatal(err)
		}
		expectFound(t, s, Search{}, "")
	})
}

// A ledger from before there was a search is searched too.
func TestOldThingsAreListed(t *testing.T) {
	everyEmpty(t, func(t *testing.T, where string) {
		_, db := before(t, where, listVersion)
		const insert = `INSERT INTO thing (id, key, url, title, description, category, language, tags, hidden, owner, asserted, since)
VALUES ($1, $2, $3, $4, 'Described', '', '', 'tag', $5, $6, '', 1)`
		for i, thing := range []struct {
			title  string
			hidden int
			owner  any
		}{{"Old", 0, 7}, {"Hidden", 1, 7}, {"Nobody's", 0, nil}} {
			key := fmt.Sprintf("bob.example/%d", i)
			if _, err := db.ExecContext(t.Context(), insert, i+1, key, "https://"+key, thing.title, thing.hidden, thing.owner); err != nil {
				t.Fatal(err)
			}
		}
		s := openFor(t, where)
		expectFound(t, s, Search{}, "Old")
		expectFound(t, s, Search{Query: "described", Tags: "tag"}, "Old")
	})
}
