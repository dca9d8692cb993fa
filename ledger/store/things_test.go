package store

import (
	"math/rand/v2"
	"strings"
	"testing"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/thing"
)

// A key can be three times as long as its URL. The longest one is kept and found
// on both engines, and a longer one is refused by itself: a companion would send
// a batch that fails as a whole again for ever.
func TestTheLongestKeyIsKept(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		const seed, begin = 26, "https://a.example/"
		random, now := rand.New(rand.NewPCG(seed, 0)), at("10-03 12:00:00")
		ann, bob := join(t, s, "ann", 9*money.Euro), join(t, s, "bob", 0)
		// What is random cannot be packed well by the database.
		var path strings.Builder
		for len(begin)+path.Len() <= thing.MaxURLBytes-len("一") {
			path.WriteRune(rune(0x4e00 + random.IntN(0x5000)))
		}
		tooLong := begin + path.String()
		fits := (flattr.MaxKeyBytes - len(begin) + len("https://")) / len("%E4%B8%80")
		longest := begin + path.String()[:fits*len("一")]
		claimed(t, s, now, bob, longest)
		shared(t, s, now, longest, flattr.Part{Author: bob, BP: flattr.AllParts})
		out, err := s.Record(t.Context(), now, ann, []flattr.Event{
			click(1, tooLong, now), click(2, longest, now), click(3, begin, now), click(4, begin+"4", now),
		})
		if err != nil {
			t.Fatalf("seed %d: Record = %v", seed, err)
		}
		if out[0].Code != flattr.Invalid || out[1].Result != flattr.Accepted || out[1].Promise || out[2].Result != flattr.Accepted {
			t.Errorf("seed %d: outcomes %+v, want only the first one refused", seed, out)
		}
	})
}
