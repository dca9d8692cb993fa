package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// cells are all cells of all tables that have one of the words in them.
func cells(t *testing.T, s *Store, words ...string) (found []string) {
	t.Helper()
	tables, err := s.tables(t.Context(), s.dbs[len(s.dbs)-1])
	if err != nil {
		t.Fatal(err)
	}
	for name := range tables {
		more, err := cellsOf(t.Context(), s, name, words)
		if err != nil {
			t.Fatalf("read %s: %v", name, err)
		}
		found = append(found, more...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func cellsOf(ctx context.Context, s *Store, table string, words []string) (found []string, err error) {
	rows, err := s.dbs[len(s.dbs)-1].QueryContext(ctx, "SELECT * FROM "+table)
	if err != nil {
		return nil, err
	}
	defer func() { err = joinClose(rows, err) }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	row, to := make([]any, len(columns)), make([]any, len(columns))
	for i := range row {
		to[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		for i, cell := range row {
			text := strings.ToLower(fmt.Sprint(cell))
			if raw, ok := cell.([]byte); ok {
				text = strings.ToLower(string(raw))
			}
			for _, word := range words {
				if strings.Contains(text, strings.ToLower(word)) {
					found = append(found, fmt.Sprintf("%s.%s: %s", table, columns[i], text))
				}
			}
		}
	}
	return found, rows.Err()
}

// Nothing that a deleted member said of themselves is left in any table, and
// nothing of what was under way at that moment comes in after it.
func TestNothingTellsWhoADeletedMemberWas(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := t.Context(), at("10-05 00:00:00")
		zaphod, bob := join(t, s, "Zaphod", 9*money.Euro), join(t, s, "bob", 9*money.Euro)
		words := []string{"zaphod", "beeblebrox", "betelgeuse", "DE89370400440532013000", "Asia/Thimphu"}
		say := func(now time.Time) map[string]error {
			return map[string]error{
				"profile": s.SetProfile(ctx, now, zaphod, flattr.Profile{Public: true, About: "Beeblebrox", City: "Betelgeuse", Email: "zaphod@betelgeuse.example"}),
				"target":  s.SetPayoutTarget(ctx, now, zaphod, "DE89370400440532013000", "Beeblebrox"),
				"note":    s.SetNote(ctx, now, zaphod, 202610, "Beeblebrox says thanks"),
				"mute":    s.MuteNotes(ctx, now, zaphod, bob, true),
				"display": s.SetDisplay(ctx, zaphod, "de", "Asia/Thimphu"),
				"passkey": s.AddPasskey(ctx, now, Passkey{ID: []byte{1}, Member: zaphod, Name: "Beeblebrox", PublicKey: []byte("k")}),
				"sign-in": func() error {
					_, err := s.AddSignIn(ctx, now, zaphod, SignIn{Agent: "Beeblebrox"}, now.AddDate(0, 1, 0))
					return err
				}(),
				"address": s.AskAddress(ctx, now, zaphod, "zaphod@betelgeuse.example"),
				"link": func() error {
					_, err := s.MakeLink(ctx, now, Link{Kind: LinkConfirm, Member: zaphod, Address: "zaphod@betelgeuse.example", Expires: now.Add(ConfirmFor)})
					return err
				}(),
				"app":   s.AddApp(ctx, App{ID: flattr.NewEventID().String(), Member: zaphod, Name: "Beeblebrox", Callback: "https://betelgeuse.example/", Created: now}),
				"claim": func() error { _, err := s.AskClaim(ctx, now, zaphod, "https://claimed.example/"); return err }(),
				"subscribe": s.Write(ctx, func(tx *Tx) error {
					return tx.Subscribe(now, zaphod, flattr.Subscription{ID: flattr.NewEventID(), URL: "https://bob.example/"})
				}),
				"budget": s.SetBudget(ctx, now, zaphod, 3*money.Euro),
				"use":    s.UseRevenue(ctx, now, zaphod, 1, 0),
				"share":  s.Share(ctx, now, zaphod, "https://claimed.example/", []flattr.Part{{Author: zaphod, BP: 9999}, {Author: bob, BP: 1}}),
				"token":  s.SaveToken(ctx, OAuthToken{Signature: now.String(), Grant: "g", Client: "c", Member: zaphod, Issued: now}),
				"code":   s.SaveCode(ctx, OAuthCode{Signature: now.String(), Grant: "g", Client: "c", Member: zaphod, Issued: now, Expires: now.AddDate(0, 0, 1)}),
				"registered": func() error {
					_, err := s.Register(ctx, now, zaphod, flattr.ThingRef{URL: fmt.Sprintf("https://registered.example/%d", now.Unix())})
					return err
				}(),
			}
		}
		for what, err := range say(now) {
			if err != nil && what != "use" && what != "share" {
				t.Errorf("%s: %v", what, err)
			}
		}
		address(t, s, now, zaphod, "zaphod@betelgeuse.example")
		if booked, err := s.Refund(ctx, now, "zaphod", 6*money.Euro, "back"); err != nil || !booked {
			t.Fatal(booked, err)
		}
		if len(cells(t, s, words...)) < 10 {
			t.Fatal("little was said that could be erased")
		}
		later := now.Add(time.Hour)
		if _, err := s.Delete(ctx, later, "zaphod"); err != nil {
			t.Fatal(err)
		}
		if got := sendAll(t, s, later); !slices.Equal(got, []string{"deleted zaphod@betelgeuse.example"}) {
			t.Errorf("letters after the deletion: %v", got)
		}
		if left := cells(t, s, words...); len(left) > 0 {
			t.Errorf("after the deletion there is\n%s", strings.Join(left, "\n"))
		}
		before := countOf(t, s, zaphod)
		for what, err := range say(later.Add(time.Hour)) {
			if flattr.CodeOf(err) != flattr.NotFound && flattr.CodeOf(err) != flattr.Forbidden {
				t.Errorf("%s after the deletion = %v, want a refusal", what, err)
			}
		}
		if left := cells(t, s, words...); len(left) > 0 {
			t.Errorf("what came too late is there:\n%s", strings.Join(left, "\n"))
		}
		if after := countOf(t, s, zaphod); after != before {
			t.Errorf("rows that name the member:\n%s\nbefore what came too late\n%s", after, before)
		}
		if invites, err := s.Invites(ctx, zaphod); err != nil || len(invites) > 0 {
			t.Errorf("a deleted member invites: %v, %v", invites, err)
		}
	})
}

// countOf tells how many rows of each table name a member in any column.
func countOf(t *testing.T, s *Store, member flattr.MemberID) string {
	t.Helper()
	counts := map[string]int{}
	for _, cell := range cells(t, s, fmt.Sprint(int64(member))) {
		table, _, _ := strings.Cut(cell, ".")
		counts[table]++
	}
	return fmt.Sprint(counts)
}
