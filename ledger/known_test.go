package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"

	"flattr/ledger/money"
	"flattr/ledger/store"
)

// signsIn tries name and password where the browser is and answers the status.
func (b *browser) signsIn(name, password string) int {
	b.t.Helper()
	form := url.Values{"name": {name}, "password": {password}}
	b.request(http.MethodPost, "/signin", form.Encode(), map[string]string{"Content-Type": formType, "Sec-Fetch-Site": "same-origin"})
	return b.status
}

// signedOut is a browser in which a member was signed in once.
func (s *served) signedOut(name, password string) *browser {
	s.t.Helper()
	b := s.enters(name, password)
	b.get("/month")
	b.submit("signout", nil)
	return b
}

// Who guesses at a name keeps its owner out of no browser that they have used
// before; such a browser has no more tries than others.
func TestGuessesElsewhereDoNotKeepTheOwnerOut(t *testing.T) {
	s := startLedger(t)
	s.join("Ann", 0)
	s.join("mallory", 0)
	own, second, third := s.signedOut("ann", "correct horse"), s.signedOut("ann", "correct horse"), s.signedOut("ann", "correct horse")
	thief := s.signedOut("mallory", "correct horse") // known, as somebody else's
	for i := range 12 {
		want := http.StatusUnprocessableEntity
		if i >= 10 {
			want = http.StatusTooManyRequests
		}
		// However the name is written, it is the same one.
		if got := thief.signsIn([]string{"ann", "ANN", "Ann", " ann "}[i%4], "a guess"); got != want {
			t.Fatalf("guess %d = %d, want %d", i, got, want)
		}
	}
	if got := newBrowser(t, s.origin).signsIn("ann", "correct horse"); got != http.StatusTooManyRequests {
		t.Errorf("a browser that nobody knows = %d, want 429", got)
	}
	if got := own.signsIn("ann", "correct horse"); got != http.StatusSeeOther {
		t.Errorf("ann in a browser of hers = %d, want in", got)
	}
	// A stolen one has ten tries, and copies of it have the same ten.
	for i := range 10 {
		if got := second.signsIn("ann", "a guess"); got != http.StatusUnprocessableEntity {
			t.Fatalf("try %d in a known browser = %d", i, got)
		}
	}
	if got := second.signsIn("ann", "correct horse"); got != http.StatusTooManyRequests {
		t.Errorf("the eleventh try in a known browser = %d, want 429", got)
	}
	// Another password: what was known is not any more, but for where it was changed.
	own.get("/settings/signin")
	own.submit("change-password", map[string]string{"old": "correct horse", "new": "another horse", "all": ""})
	if got := third.signsIn("ann", "another horse"); got != http.StatusTooManyRequests {
		t.Errorf("a browser of the old password = %d, want 429", got)
	}
	own.get("/month")
	own.submit("signout", nil)
	if got := own.signsIn("ann", "another horse"); got != http.StatusSeeOther {
		t.Errorf("ann where she changed it = %d, want in", got)
	}
}

// Who fails without end keeps the others of the same address out of no browser that
// they have used before.
func TestNeighboursKeepNobodyOutOfTheirOwnBrowser(t *testing.T) {
	s := startLedger(t)
	s.join("ann", 0)
	own := s.signedOut("ann", "correct horse")
	other := newBrowser(t, s.origin)
	for tries := range 120 { // sign-ups with a wrong code cost no hashing
		other.do(http.MethodPost, "/signup", url.Values{"invite": {fmt.Sprint("wrong-", tries)}, "name": {"x"}, "password": {"long enough"}})
	}
	if got := other.signsIn("ann", "correct horse"); got != http.StatusTooManyRequests {
		t.Errorf("a browser that nobody knows = %d, want 429", got)
	}
	if got := own.signsIn("ann", "correct horse"); got != http.StatusSeeOther {
		t.Errorf("ann in a browser of hers = %d, want in", got)
	}
}

// Any page can make a browser ask for an address: that keeps nobody from signing
// in. Codes are not guessed without end, all the same.
func TestAddressesAloneKeepNobodyFromSigningIn(t *testing.T) {
	s := startLedger(t)
	s.join("ann", 0)
	code := s.invite(7 * money.Euro)
	b := newBrowser(t, s.origin)
	if b.get("/signup?invite=" + code); !strings.Contains(words(b.page), "€7.00") {
		t.Fatalf("the invite does not say what it carries:\n%s", words(b.page))
	}
	foreign := map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}
	for i := range 130 {
		for _, path := range []string{"/signup?invite=AAAA-AAAA-AAAA-", "/signin/reset?token=", "/mail/confirm?token=", "/mail/unsubscribe?token="} {
			b.request(http.MethodGet, fmt.Sprintf("%s%04d", path, i), "", foreign)
		}
	}
	if got := b.signsIn("ann", "correct horse"); got != http.StatusSeeOther {
		t.Errorf("sign-in after many addresses = %d, want in", got)
	}
	if b.get("/signup?invite=" + code); strings.Contains(words(b.page), "€7.00") {
		t.Error("after many guesses a code is still told from one that is none")
	}
}

// A password that was kept under weaker parameters is kept under today's when it is
// typed, and nobody is told that it was changed.
func TestAnOldHashIsMadeStronger(t *testing.T) {
	s := startLedger(t)
	s.join("ann", 0)
	weak, err := argon2id.CreateHash("correct horse", &argon2id.Params{Memory: 1024, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.store.SetPassword(t.Context(), s.clock(), "ann", weak); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, s.origin)
	if b.signsIn("ann", "a guess") != http.StatusUnprocessableEntity || hashOf(t, s.store) != weak {
		t.Error("a wrong password changes the hash")
	}
	b = s.enters("ann", "correct horse")
	hash := hashOf(t, s.store)
	if !b.isIn() || hash == weak || !strings.Contains(hash, "m=19456,t=2,p=1") {
		t.Errorf("signed in %v, the hash is %.40s…", b.isIn(), hash)
	}
	if !s.enters("ann", "correct horse").isIn() || hashOf(t, s.store) != hash {
		t.Error("the next time is another hash, or nobody gets in")
	}
}

func hashOf(t *testing.T, st *store.Store) string {
	t.Helper()
	_, hash, err := st.Password(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	return hash
}
