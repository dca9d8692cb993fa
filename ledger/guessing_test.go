package main

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// Who guesses from one address is stopped there, and locks nobody else out.
func TestAnAddressThatHasToWaitUsesUpNobodysTurns(t *testing.T) {
	s := startLedger(t)
	b := newBrowser(t, s.origin)
	for tries := range 120 { // sign-ups with a wrong code cost no hashing
		b.do(http.MethodPost, "/signup", url.Values{"invite": {fmt.Sprint("wrong-", tries)}, "name": {"x"}, "password": {"long enough"}})
	}
	if b.status != http.StatusTooManyRequests {
		t.Fatalf("after 120 wrong codes = %d, want 429", b.status)
	}
	guess := url.Values{"name": {"ann"}, "password": {"wrong horse"}}
	for range 20 {
		b.do(http.MethodPost, "/signin", guess)
	}
	s.setClock(s.clock().Add(3 * time.Second)) // one more turn for the address, none would have come for the name
	b.do(http.MethodPost, "/signin", guess)
	if b.status != http.StatusUnprocessableEntity {
		t.Errorf("sign-in as ann = %d, want 422: her turns were used up by an address that had to wait", b.status)
	}
}
