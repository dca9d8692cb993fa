package store

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

func TestDaysAreToldFromFiveReadersOn(t *testing.T) {
	for name, c := range map[string]struct {
		told     []ThingDays
		arrivals map[int]int
		today    int
		want     []ThingDays
	}{
		"nobody":                     {today: 9},
		"few":                        {arrivals: map[int]int{1: 4}, today: 9},
		"none remain":                {arrivals: map[int]int{1: 9}, today: 9},
		"four remain":                {arrivals: map[int]int{1: 9, 2: 4}, today: 9},
		"five remain":                {arrivals: map[int]int{1: 9, 4: 5}, today: 9, want: []ThingDays{{1, 1, 9}}},
		"five remain today":          {arrivals: map[int]int{1: 9, 9: 5}, today: 9, want: []ThingDays{{1, 1, 9}}},
		"today is not over":          {arrivals: map[int]int{1: 9, 2: 9}, today: 1},
		"days are taken together":    {arrivals: map[int]int{1: 2, 2: 2, 3: 2, 5: 5, 6: 7}, today: 9, want: []ThingDays{{1, 3, 6}, {4, 5, 5}}},
		"what is told stays":         {told: []ThingDays{{1, 3, 6}}, arrivals: map[int]int{1: 1, 4: 5, 6: 5}, today: 9, want: []ThingDays{{4, 4, 5}}},
		"what was undone may be all": {told: []ThingDays{{1, 3, 6}}, arrivals: map[int]int{}, today: 9},
	} {
		if got := newDays(c.told, c.arrivals, c.today); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: newDays = %v, want %v", name, got, c.want)
		}
	}
}

// Five readers on the first day and five on the third: the author sees the first
// from then on, whatever is undone or arrives late, and nothing of the others.
func TestTwoLooksAtDaysTellOfNobody(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		bob := join(t, s, "bob", 0)
		own(t, s, "https://bob.example/", bob)
		n := 0
		flattrs := func(readers int, made, arrives time.Time) {
			for range readers {
				n++
				reader := join(t, s, fmt.Sprintf("reader%d", n), 10*money.Euro)
				record(t, s, arrives, reader, click(n, "https://bob.example/", made))
			}
		}
		id := flattr.ThingID(0)
		look := func(now time.Time, readers int, want ...ThingDays) {
			t.Helper()
			if id == 0 {
				list, err := s.AuthorThings(t.Context(), now, bob, ThingSearch{Limit: 9})
				if err != nil || len(list.Things) != 1 {
					t.Fatalf("things = %+v, %v", list, err)
				}
				id = list.Things[0].ID
			}
			got, err := s.AuthorThing(t.Context(), now, bob, id)
			if err != nil {
				t.Fatal(err)
			}
			if got.Readers != readers || !reflect.DeepEqual(got.Days, want) {
				t.Errorf("on %s %d readers on %v, want %d on %v", now.Format("2 Jan"), got.Readers, got.Days, readers, want)
			}
		}
		flattrs(5, at("10-01 10:00:00"), at("10-01 10:00:00"))
		look(at("10-02 10:00:00"), 5)
		flattrs(4, at("10-03 10:00:00"), at("10-03 10:00:00"))
		look(at("10-04 10:00:00"), 9)
		flattrs(1, at("10-01 12:00:00"), at("10-04 12:00:00")) // late, and counted where it arrives
		look(at("10-04 13:00:00"), 10)                         // once a day
		first := ThingDays{From: 1, To: 1, Readers: 5}
		look(at("10-05 10:00:00"), 10, first)
		reader, err := s.MemberByName(t.Context(), "reader1")
		if err != nil {
			t.Fatal(err)
		}
		record(t, s, at("10-05 11:00:00"), reader.ID, undo(900, 1, at("10-05 11:00:00")))
		look(at("10-06 10:00:00"), 9, first)
		flattrs(5, at("10-06 12:00:00"), at("10-06 12:00:00"))
		look(at("10-07 10:00:00"), 14, first, ThingDays{From: 2, To: 4, Readers: 5})
		if _, err := s.AuthorThing(t.Context(), at("10-07 10:00:00"), reader.ID, id); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("a reader sees the thing as its author: %v", err)
		}
	})
}
