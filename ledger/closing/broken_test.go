package closing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

// A settlement that is broken off says what is done and left, and promises to go
// on only where the database is sound.
func TestBrokenOffSaysHowToGoOn(t *testing.T) {
	ctx := context.Background()
	s, err := store.Open(ctx, storetest.SQLite(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	settlement := Settlement{Store: s, Month: 202610}
	for _, c := range []struct {
		err error
		on  bool
	}{
		{errors.New("disk full"), true},
		{fmt.Errorf("read clicks: %w", store.ErrDamaged), false},
	} {
		got := settlement.brokenOff(ctx, 0, c.err)
		if !errors.Is(got, c.err) || !strings.Contains(got.Error(), "it is open, left: freeze, compute, post, close") ||
			strings.Contains(got.Error(), "the same command goes on") != c.on {
			t.Errorf("brokenOff(%v) = %v", c.err, got)
		}
	}
}
