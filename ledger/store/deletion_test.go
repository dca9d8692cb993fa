package store

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

func TestADeletedMemberIsGoneForGood(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("11-02 12:00:00")
		bob, ann := join(t, s, "bob", 9*money.Euro), join(t, s, "Ann", 4*money.Euro)
		own(t, s, "https://bob.example/", bob)
		claimed(t, s, at("10-01 12:00:00"), ann, "https://ann.example/")
		shared(t, s, at("10-01 12:00:00"), "https://bob.example/", flattr.Part{Author: bob, BP: 1}, flattr.Part{Author: ann, BP: 9999})
		for n, url := range map[int]string{1: "https://eve.example/1", 2: "https://eve.example/2"} {
			record(t, s, at("10-05 12:00:00"), ann, click(n, url, at("10-05 12:00:00")))
			record(t, s, at("11-01 12:00:00"), ann, click(10+n, url, at("11-01 12:00:00")))
			// A duplicate of the very instant would come to count when that is undone.
			record(t, s, now, ann, click(20+n, url, now))
		}
		// The id of the first undo that deletion makes is taken in advance.
		taken := flattr.Event{ID: flattr.EventID(uuid.NewSHA1(uuid.UUID(event(1)), []byte("undo"))), Kind: flattr.KindUndo, At: now, Click: event(99)}
		if out := record(t, s, now, bob, taken); out.Result != flattr.Accepted {
			t.Fatalf("undo = %+v", out)
		}
		if err := s.SaveToken(ctx, OAuthToken{Signature: "token", Grant: "g", Client: "c", Member: ann, Issued: now}); err != nil {
			t.Fatal(err)
		}
		if err := s.SaveCode(ctx, OAuthCode{Signature: "code", Grant: "g", Client: "c", Member: ann, Issued: now, Expires: now.AddDate(0, 0, 1)}); err != nil {
			t.Fatal(err)
		}
		subscribed(t, s, "11-01 13:00:00", ann, 30, "https://eve.example/3", 0)

		became, err := s.Delete(ctx, now, "ANN")
		if err != nil || !strings.HasPrefix(became, flattr.DeletedPrefix) || len(became) != len(flattr.DeletedPrefix)+8 {
			t.Fatalf("Delete = %q, %v", became, err)
		}
		for _, text := range []string{"2026-10", "2026-11"} {
			month, _ := flattr.ParseMonth(text)
			mustCount(t, s, ann, month)
			balancesAre(t, s, map[book.Account]money.Micro{heldOf(ann, month): 0})
		}
		balancesAre(t, s, map[book.Account]money.Micro{meansOf(ann): 4 * money.Euro})
		gone(t, s, ann, became)

		// What is hers is nobody's, and earns by nobody's parts.
		if owner := ownerAt(t, s, "https://ann.example/new"); owner != 0 {
			t.Errorf("owner of what she claimed = %d, want none", owner)
		}
		if out := record(t, s, now, bob, click(40, "https://ann.example/", now)); out.Result != flattr.Accepted || !out.Promise {
			t.Errorf("a click on what was hers = %+v, want a promise", out)
		}
		do(t, s, func(tx *Tx) error {
			key, _ := flattr.KeyOf("https://bob.example/")
			found, err := tx.thingByKey(key)
			if err != nil {
				return err
			}
			if parts, err := tx.authors(found); err != nil || len(parts) != 1 || parts[0].Author != bob {
				t.Errorf("authors of what she had a part in = %v, %v, want bob alone", parts, err)
			}
			return nil
		})
		claimed(t, s, now, bob, "https://ann.example/")

		// December comes without her.
		do(t, s, func(tx *Tx) error { return tx.dueAll(at("12-31 12:00:00")) })
		december, _ := flattr.ParseMonth("2026-12")
		mustCount(t, s, ann, december)
	})
}

// gone holds that nothing lets anybody act, or be found, as a deleted member.
func gone(t *testing.T, s *Store, id flattr.MemberID, became string) {
	t.Helper()
	ctx, now := context.Background(), at("11-02 12:00:00")
	for what, err := range map[string]error{
		"Member":        func() error { _, err := s.Member(ctx, id); return err }(),
		"MemberByName":  func() error { _, err := s.MemberByName(ctx, "ann"); return err }(),
		"her new name":  func() error { _, err := s.MemberByName(ctx, became); return err }(),
		"Password":      func() error { _, _, err := s.Password(ctx, "Ann"); return err }(),
		"and under it":  func() error { _, _, err := s.Password(ctx, became); return err }(),
		"SetPassword":   s.SetPassword(ctx, time.Unix(0, 0), became, "x"),
		"SessionMember": func() error { _, _, err := s.SessionMember(ctx, time.Unix(0, 0), id, "x"); return err }(),
		"Code":          func() error { _, err := s.Code(ctx, "code"); return err }(),
		"Delete":        func() error { _, err := s.Delete(ctx, now, became); return err }(),
		"SetBudget":     s.SetBudget(ctx, now, id, 2*money.Euro),
	} {
		if flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("%s of a deleted member = %v, want not_found", what, err)
		}
	}
	if token, err := s.Token(ctx, "token"); err != nil || !token.Revoked {
		t.Errorf("the token = %+v, %v, want it revoked", token, err)
	}
	// A request that was let in before the deletion comes too late all the same.
	for n := 50; n < 60; n++ { // few and many events go other ways
		events := make([]flattr.Event, n-49)
		for i := range events {
			events[i] = click(100*n+i, "https://bob.example/", now)
		}
		outcomes, err := s.Record(ctx, now, id, events)
		if err != nil {
			t.Fatal(err)
		}
		for _, out := range outcomes {
			if out.Code != flattr.NotFound {
				t.Errorf("a click of a deleted member = %+v, want not_found", out)
			}
		}
	}
	for _, name := range []string{"ann", "Ann", "ANN", became} {
		invites, err := s.MintInvites(ctx, now, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.SignUp(ctx, now, SignUp{Name: name, InviteCode: invites[0].Code})
		if code := flattr.CodeOf(err); code != flattr.NameTaken && (name != became || code != flattr.NameInvalid) {
			t.Errorf("SignUp as %s = %v, want name_taken", name, err)
		}
	}
}

func TestNobodyIsDeletedWhoHasOrOwesMoney(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("10-05 12:00:00")
		ann, bob := join(t, s, "ann", 0), join(t, s, "bob", 0)
		topUp(t, s, "10-02 12:00:00", "ann", money.Euro)
		refused := func(name string, words ...string) {
			t.Helper()
			_, err := s.Delete(ctx, now, name)
			if flattr.CodeOf(err) != flattr.BalanceLeft {
				t.Errorf("Delete(%s) = %v, want balance_left", name, err)
				return
			}
			for _, word := range words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("Delete(%s) = %v, want it to say %q", name, err, word)
				}
			}
		}
		refused("ann", "1.00 EUR of means", "refund", "member gift")
		if booked, err := s.Refund(ctx, now, "ann", money.Euro, "B"); err != nil || !booked {
			t.Fatal(booked, err)
		}
		if _, booked, err := s.Return(ctx, now, "ann", "10-02 12:00:00", money.Euro); err != nil || !booked {
			t.Fatal(booked, err)
		}
		refused("ann", "1.00 EUR that are owed", "credit")
		topUp(t, s, "10-06 12:00:00", "ann", money.Euro)
		if _, err := s.Delete(ctx, now, "ann"); err != nil {
			t.Errorf("Delete(ann) = %v, when nothing is left", err)
		}
		balancesAre(t, s, map[book.Account]money.Micro{meansOf(ann): 0, receivableOf(ann): 0})

		month, _ := flattr.ParseMonth("2026-09")
		clearing := book.Account{Kind: book.Clearing, Month: int32(month)}
		do(t, s, func(tx *Tx) error {
			_, err := tx.post(micros(now), []book.Transfer{
				book.New("x", book.Credit, bank, clearing, clearing, money.Euro),
				book.New("x", book.Earn, clearing, revenueOf(bob), revenueOf(bob), money.Euro),
			})
			return err
		})
		refused("bob", "1.00 EUR of revenue", "member gift")
		if given, err := s.Present(ctx, now, "bob", "ann", 0); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("a gift to a deleted member = %+v, %v, want not_found", given, err)
		}
	})
}

// Nobody's things earn nothing at the freeze: who leaves between the end of the
// grace and the freeze is asked to wait for it, as a file that is loaded does.
func TestNobodyIsDeletedBeforeTheFreezeThatIsDue(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		now := at("11-04 00:00:00")
		bob, ann := join(t, s, "bob", 0), join(t, s, "ann", 9*money.Euro)
		own(t, s, "https://bob.example/", bob)
		record(t, s, at("10-05 12:00:00"), ann, click(1, "https://bob.example/", at("10-05 12:00:00")))
		if _, err := s.Delete(t.Context(), now, "bob"); flattr.CodeOf(err) != flattr.MonthOpen || !strings.Contains(err.Error(), "settle --month 2026-10") {
			t.Errorf("Delete before the freeze that is due = %v, want month_open", err)
		}
		frozen(t, s, "11-04 00:00:00")
		if _, err := s.Delete(t.Context(), now, "bob"); flattr.CodeOf(err) != flattr.BalanceLeft {
			t.Errorf("Delete after it = %v, want balance_left", err)
		}
	})
}
