package main

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/net/html"

	"flattr/ledger/api"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// The reader is told which click was a promise of a month before, and can take
// it back like any other.
func TestAKeptPromiseIsToldOnTheMonthPage(t *testing.T) {
	s := startLedger(t)
	ann := s.join("ann", 50*money.Euro)
	s.join("cyd", 0)
	send(t, s.link(ann), click(s.clock(), api.Thing{URL: "https://cyd.example/1", Title: "A picture", Owner: "mallory"}))
	ann.get("/month")
	ann.wants("Nobody has claimed this yet, so it costs nothing.")
	s.setClock(time.Date(2026, 12, 10, 12, 0, 0, 0, time.UTC))
	err := s.store.Write(t.Context(), func(tx *store.Tx) error {
		author, err := tx.MemberID("cyd")
		return errors.Join(err, tx.FreezeDue(s.clock()), tx.Claim(s.clock(), author, "https://cyd.example/"))
	})
	if err != nil {
		t.Fatal(err)
	}
	ann = s.enters("ann", "correct horse") // who is away for so long is signed out
	ann.get("/month")
	ann.wants("A picture", "Your promise of November 2026: its author is known now.", "You have €48.00")
	undo := ann.find(func(n *html.Node) bool { return n.Data == "form" && attr(n, "action") == "/undo" })
	if undo == nil {
		t.Fatalf("no undo button:\n%s", ann.text)
	}
	ann.send(undo, nil)
	ann.wants("Taken back.", "You have €50.00")
}
