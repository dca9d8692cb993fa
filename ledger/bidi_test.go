package main

import (
	"strings"
	"testing"

	"flattr/ledger/api"
	"flattr/ledger/money"
)

// A title or an address can hold characters that turn the direction of what
// follows: they must not reach past themselves, to the owner's name or a sum.
func TestTitlesTurnNothingAroundThem(t *testing.T) {
	s := startLedger(t)
	ann := s.join("ann", 50*money.Euro)
	send(t, s.link(ann), click(s.clock(), api.Thing{URL: "https://blog.example/%E2%80%AEmoc.knab", Title: "One \u202eowT"}))
	ann.get("/month")
	for _, want := range []string{"One \u202eowT</a></bdi>", "blog.example/\u202emoc.knab</bdi>"} {
		if !strings.Contains(ann.text, want) {
			t.Errorf("the page lacks %q, isolated from what is around it", want)
		}
	}
}
