package store_test

import (
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

func TestSessionsEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		st, err := store.Open(t.Context(), where)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = st.Close() })
		now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		sessions := st.Sessions(func() time.Time { return now })
		for _, data := range []string{"first", "second"} {
			if err := sessions.Commit("token", []byte(data), now.Add(time.Hour)); err != nil {
				t.Fatalf("Commit = %v", err)
			}
			if got, ok, err := sessions.Find("token"); string(got) != data || !ok || err != nil {
				t.Errorf("Find = %q, %v, %v, want %q", got, ok, err, data)
			}
		}
		if _, ok, err := sessions.Find("other"); ok || err != nil {
			t.Errorf("Find of another token = %v, %v, want neither", ok, err)
		}
		now = now.Add(time.Hour)
		if _, ok, err := sessions.Find("token"); ok || err != nil {
			t.Errorf("Find at the end = %v, %v, want neither", ok, err)
		}
		now = now.Add(-time.Minute)
		if err := sessions.Delete("token"); err != nil {
			t.Errorf("Delete = %v", err)
		}
		if _, ok, _ := sessions.Find("token"); ok {
			t.Error("Find after Delete finds it")
		}
		if err := sessions.Delete("token"); err != nil {
			t.Errorf("Delete of what is gone = %v, want nil", err)
		}
	})
}

func TestCodesAreRememberedForADay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		st, err := store.Open(t.Context(), where)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = st.Close() })
		now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		var ann flattr.MemberID
		err = st.Write(t.Context(), func(tx *store.Tx) (err error) {
			ann, err = tx.AddMember(now, store.NewMember{Name: "ann", Budget: flattr.MinBudget})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		save := func(signature string, at time.Time) {
			t.Helper()
			err := st.SaveCode(t.Context(), store.OAuthCode{Signature: signature, Grant: "g", Client: "c", Member: ann, Issued: at, Expires: at.Add(time.Minute)})
			if err != nil {
				t.Fatalf("SaveCode = %v", err)
			}
		}
		save("old", now)
		if err := st.SpendCode(t.Context(), "old"); err != nil {
			t.Fatalf("SpendCode = %v", err)
		}
		if err := st.SpendCode(t.Context(), "old"); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("SpendCode again = %v, want not_found", err)
		}
		save("new", now.Add(23*time.Hour))
		if code, err := st.Code(t.Context(), "old"); err != nil || !code.Spent {
			t.Errorf("Code 23 hours later = %+v, %v, want it spent", code, err)
		}
		save("newer", now.Add(25*time.Hour))
		if _, err := st.Code(t.Context(), "old"); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("Code 25 hours later = %v, want not_found", err)
		}
	})
}
