package store

import (
	"context"
	"testing"
	"time"

	"flattr/ledger/flattr"
)

func TestSetPasswordReplacesTheHash(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		join(t, s, "Ann", 0)
		if err := s.SetPassword(ctx, time.Unix(0, 0), "ann", "another hash"); err != nil {
			t.Fatal(err)
		}
		_, hash, err := s.Password(ctx, "ANN")
		if err != nil || hash != "another hash" {
			t.Errorf("Password(ANN) = %q, %v, want the new hash", hash, err)
		}
		if err := s.SetPassword(ctx, time.Unix(0, 0), "nobody", "hash"); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("SetPassword(nobody) = %v, want %s", err, flattr.NotFound)
		}
	})
}
