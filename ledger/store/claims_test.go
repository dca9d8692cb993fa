package store

import (
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// ask claims by request.
func ask(t testing.TB, s *Store, now time.Time, member flattr.MemberID, url string) flattr.Claim {
	t.Helper()
	c, err := s.AskClaim(t.Context(), now, member, url)
	if err != nil {
		t.Fatalf("AskClaim(%s) = %v", url, err)
	}
	return c
}

// checked books a finding.
func checked(t testing.TB, s *Store, now time.Time, c flattr.Claim, f flattr.Finding) flattr.Claim {
	t.Helper()
	after, err := s.ClaimChecked(t.Context(), now, c.Key, c.Member, f)
	if err != nil {
		t.Fatalf("ClaimChecked(%s) = %v", c.URL, err)
	}
	return after
}

var (
	byMeta = flattr.Finding{Proof: flattr.ProofMeta}
	byDNS  = flattr.Finding{Proof: flattr.ProofDNS}
	absent = flattr.Finding{Fault: flattr.FaultAbsent}
)

func TestAskingIsNotOwning(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		now := at("10-02 12:00:00")
		ann, mallory := join(t, s, "ann", 9*money.Euro), join(t, s, "mallory", 0)
		record(t, s, now, ann, click(1, "https://victim.example/1", now))
		c := ask(t, s, now, mallory, "https://victim.example/")
		if c.State != flattr.ClaimWaiting || c.Name != "mallory" {
			t.Errorf("claim = %+v, want waiting", c)
		}
		if c = checked(t, s, now, c, absent); c.State != flattr.ClaimWaiting || c.Fault != flattr.FaultAbsent {
			t.Errorf("claim after a check in vain = %+v", c)
		}
		if owner := ownerAt(t, s, "https://victim.example/1"); owner != 0 {
			t.Errorf("owner = %d, want nobody", owner)
		}
		if c = checked(t, s, now, c, byMeta); c.State != flattr.ClaimVerified || c.Proof != flattr.ProofMeta {
			t.Errorf("claim after a proof = %+v", c)
		}
		if owner := ownerAt(t, s, "https://victim.example/1"); owner != mallory {
			t.Errorf("owner = %d, want the claimant %d", owner, mallory)
		}
		if again := ask(t, s, now, mallory, "http://www.victim.example"); again.State != flattr.ClaimVerified {
			t.Errorf("asked again = %+v, want the claim there is", again)
		}
	})
}

func TestAMissingProofLapsesAfterFourWeeksAndForTheFuture(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		now := at("08-20 12:00:00")
		ann, bob, zoe := join(t, s, "ann", 50*money.Euro), join(t, s, "bob", 0), join(t, s, "zoe", 0)
		own(t, s, "https://bob.example/granted", bob)
		c := checked(t, s, now, ask(t, s, now, bob, "https://bob.example/"), byMeta)
		narrow := checked(t, s, now, ask(t, s, now, zoe, "https://bob.example/zoe/"), byDNS)
		if narrow.State != flattr.ClaimVerified {
			t.Fatalf("narrow claim by DNS = %+v", narrow)
		}
		record(t, s, now, ann, click(1, "https://bob.example/1", now))
		do(t, s, func(tx *Tx) error { return tx.FreezeThrough(at("09-04 00:00:00"), 202608) })
		lost := at("09-04 12:00:00")
		if c = checked(t, s, lost, c, absent); c.State != flattr.ClaimLost || !c.Lost.Equal(lost) || !c.Owns() {
			t.Errorf("claim after a missing proof = %+v, want lost", c)
		}
		if c = checked(t, s, lost.Add(27*24*time.Hour), c, flattr.Finding{Fault: flattr.FaultUnreachable}); c.State != flattr.ClaimLost || !c.Lost.Equal(lost) {
			t.Errorf("claim after 27 days = %+v, want lost", c)
		}
		back := checked(t, s, lost.Add(27*24*time.Hour), c, byMeta)
		if back.State != flattr.ClaimVerified || !back.Lost.IsZero() {
			t.Errorf("claim whose proof is back = %+v, want verified", back)
		}
		checked(t, s, lost, back, absent)
		end := lost.Add(flattr.ClaimLapse)
		if c = checked(t, s, end, c, absent); c.State != flattr.ClaimLapsed || c.Owns() {
			t.Errorf("claim after 28 days = %+v, want lapsed", c)
		}
		for url, want := range map[string]flattr.MemberID{
			"https://bob.example/1": 0, "https://bob.example/later": 0, "https://bob.example/granted": bob, "https://bob.example/zoe/1": zoe,
		} {
			if got := ownerAt(t, s, url); got != want {
				t.Errorf("owner of %s = %d, want %d", url, got, want)
			}
		}
		var frozen flattr.MemberID
		do(t, s, func(tx *Tx) error {
			return tx.row(`SELECT s.owner FROM snapshot_thing s JOIN thing t ON t.id = s.thing WHERE t.key = 'bob.example/1'`).Scan(&frozen)
		})
		if frozen != bob {
			t.Errorf("owner in the frozen month = %d, want %d for ever", frozen, bob)
		}
		if change, ok, err := s.LastChange(t.Context(), c.Key); err != nil || !ok || change.Owner != 0 || change.Former != bob || change.How != "lapsed" {
			t.Errorf("last change = %+v, %t, %v", change, ok, err)
		}
	})
}

func TestASecondClaimantWaitsAndTheOperatorDecides(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		now := at("10-02 12:00:00")
		ann, bob, cyd := join(t, s, "ann", 9*money.Euro), join(t, s, "bob", 0), join(t, s, "cyd", 0)
		first := checked(t, s, now, ask(t, s, now, bob, "https://site.example/"), byMeta)
		record(t, s, now, ann, click(1, "https://site.example/1", now))
		second := checked(t, s, now, ask(t, s, now, cyd, "https://site.example/"), byDNS)
		if second.State != flattr.ClaimConflict || second.RivalName != "bob" {
			t.Errorf("second claim = %+v, want a conflict with bob", second)
		}
		if others, err := s.OtherClaims(t.Context(), first); err != nil || len(others) != 1 || others[0].Name != "cyd" {
			t.Errorf("bob sees %+v, %v, want cyd's claim", others, err)
		}
		below := checked(t, s, now, ask(t, s, now, cyd, "https://site.example/upload/"), byMeta)
		if below.State != flattr.ClaimConflict || below.RivalName != "bob" {
			t.Errorf("a page below bob's site = %+v, want a conflict", below)
		}
		for _, url := range []string{"https://site.example/1", "https://site.example/upload/x"} {
			if owner := ownerAt(t, s, url); owner != bob {
				t.Errorf("owner of %s = %d, want bob until it is decided", url, owner)
			}
		}
		decided := now.Add(time.Hour)
		if c, err := s.DecideClaim(t.Context(), decided, "https://site.example", "CYD"); err != nil || c.State != flattr.ClaimVerified || c.Proof != flattr.ProofOperator {
			t.Fatalf("DecideClaim = %+v, %v", c, err)
		}
		if owner := ownerAt(t, s, "https://site.example/1"); owner != cyd {
			t.Errorf("owner = %d, want cyd", owner)
		}
		if c, err := s.ClaimOf(t.Context(), bob, "https://site.example/"); err != nil || c.State != flattr.ClaimRefused || c.RivalName != "cyd" {
			t.Errorf("bob's claim = %+v, %v, want refused", c, err)
		}
		change, _, err := s.LastChange(t.Context(), first.Key)
		if err != nil || change.Former != bob || change.Owner != cyd || !change.Payable.Equal(decided.Add(7*24*time.Hour)) {
			t.Errorf("change = %+v, %v, want it payable after seven days", change, err)
		}
		if after := checked(t, s, decided, first, byMeta); after.State != flattr.ClaimRefused {
			t.Errorf("bob's claim after another proof = %+v, want refused still", after)
		}
		if _, err := s.DecideClaim(t.Context(), decided, "https://site.example/", "ann"); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("decided for one who claims nothing: %v", err)
		}
	})
}

func TestWhatIsDecidedBelowAWiderClaimGoesToWhomTheOperatorNames(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		now := at("10-02 12:00:00")
		ann, bob, cyd, host := join(t, s, "ann", 9*money.Euro), join(t, s, "bob", 0), join(t, s, "cyd", 0), join(t, s, "host", 0)
		const page = "https://site.example/~cyd/1"
		checked(t, s, now, ask(t, s, now, bob, "https://site.example/~cyd/"), byDNS)
		record(t, s, now, ann, click(1, page, now))
		checked(t, s, now, ask(t, s, now, host, "https://site.example/"), byDNS)
		checked(t, s, now, ask(t, s, now, cyd, "https://site.example/~cyd/"), byDNS)
		if owner := ownerAt(t, s, page); owner != bob {
			t.Fatalf("owner = %d, want bob %d until it is decided", owner, bob)
		}
		if _, err := s.DecideClaim(t.Context(), now, "https://site.example/~cyd/", "cyd"); err != nil {
			t.Fatal(err)
		}
		if owner := ownerAt(t, s, page); owner != cyd {
			t.Errorf("owner = %d, want cyd %d and not the wider claim's %d", owner, cyd, host)
		}
	})
}

func TestWhoeverTakesOverWaitsForThePayoutEvenWithNobodyBetween(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		now := at("10-02 12:00:00")
		bob, cyd := join(t, s, "bob", 0), join(t, s, "cyd", 0)
		first := checked(t, s, now, ask(t, s, now, bob, "https://site.example/"), byMeta)
		if change, _, _ := s.LastChange(t.Context(), first.Key); !change.Payable.Equal(now) {
			t.Errorf("the first owner's change = %+v, want it payable at once", change)
		}
		if err := s.GiveUp(t.Context(), now, bob, "https://site.example/"); err != nil {
			t.Fatal(err)
		}
		later := now.Add(time.Hour)
		checked(t, s, later, ask(t, s, later, cyd, "https://site.example/"), byMeta)
		change, _, err := s.LastChange(t.Context(), first.Key)
		if err != nil || change.Owner != cyd || !change.Payable.Equal(later.Add(7*24*time.Hour)) {
			t.Errorf("change = %+v, %v, want it payable seven days later", change, err)
		}
	})
}

func TestWhatWantsNoMoneyIsNobodys(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		now := at("10-02 12:00:00")
		ann, bob := join(t, s, "ann", 9*money.Euro), join(t, s, "bob", 0)
		c := checked(t, s, now, ask(t, s, now, bob, "https://site.example/"), byMeta)
		record(t, s, now, ann, click(1, "https://site.example/private/1", now))
		c = checked(t, s, now, c, flattr.Finding{Proof: flattr.ProofMeta, OptOut: "https://site.example/private/"})
		if c.State != flattr.ClaimVerified {
			t.Errorf("claim = %+v: only a part wants no money", c)
		}
		record(t, s, now, ann, click(2, "https://site.example/private/2", now))
		record(t, s, now, ann, click(3, "https://site.example/open", now))
		for url, want := range map[string]flattr.MemberID{
			"https://site.example/private/1": 0, "https://site.example/private/2": 0, "https://site.example/open": bob,
		} {
			if got := ownerAt(t, s, url); got != want {
				t.Errorf("owner of %s = %d, want %d", url, got, want)
			}
		}
		narrow := checked(t, s, now, ask(t, s, now, bob, "https://site.example/private/2"), byMeta)
		if narrow.State != flattr.ClaimOptedOut {
			t.Errorf("a claim of what wants no money = %+v", narrow)
		}
		for what, err := range map[string]error{
			"a claim":        s.Write(t.Context(), func(tx *Tx) error { return tx.Claim(now, bob, "https://site.example/private/") }),
			"the operator's": s.Write(t.Context(), func(tx *Tx) error { return tx.AddThing(now, "https://site.example/private/3", "", bob) }),
		} {
			if flattr.CodeOf(err) != flattr.OptedOut {
				t.Errorf("%s word for what wants no money: %v, want %s", what, err, flattr.OptedOut)
			}
		}
		c = checked(t, s, now, c, flattr.Finding{Fault: flattr.FaultOptedOut, OptOut: "https://site.example/"})
		if c.State != flattr.ClaimOptedOut || ownerAt(t, s, "https://site.example/open") != 0 {
			t.Errorf("claim of a site that wants no money = %+v", c)
		}
		if err := s.OptIn(t.Context(), now, "https://site.example/"); err != nil {
			t.Fatal(err)
		}
		if c = checked(t, s, now, c, byMeta); c.State != flattr.ClaimVerified || ownerAt(t, s, "https://site.example/open") != bob {
			t.Errorf("claim of a site that takes money again = %+v", c)
		}
		if got := ownerAt(t, s, "https://site.example/private/1"); got != 0 {
			t.Errorf("owner of what still wants no money = %d", got)
		}
	})
}

func TestAPageThatNamesItsOwnerIsTheirsAlone(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		now := at("10-02 12:00:00")
		ann, bob := join(t, s, "ann", 9*money.Euro), join(t, s, "bob", 0)
		e := click(1, "https://blog.example/", now)
		e.Thing.Owner = "bob"
		record(t, s, now, ann, e)
		record(t, s, now, ann, click(2, "https://blog.example/nobody", now))
		looks, err := s.DueLooks(t.Context(), now, time.Hour, 10)
		if err != nil || len(looks) != 1 || looks[0].Asserted != "bob" {
			t.Fatalf("due = %+v, %v, want the one thing whose owner is asserted", looks, err)
		}
		if again, err := s.DueLooks(t.Context(), now, time.Hour, 10); err != nil || len(again) != 0 {
			t.Errorf("due again at once: %+v, %v", again, err)
		}
		if err := s.Looked(t.Context(), now, looks[0].Thing, 0, ""); err != nil {
			t.Fatal(err)
		}
		if got := ownerAt(t, s, "https://blog.example/"); got != 0 {
			t.Errorf("owner after a look in vain = %d", got)
		}
		if err := s.Looked(t.Context(), now, looks[0].Thing, bob, "bob"); err != nil {
			t.Fatal(err)
		}
		for url, want := range map[string]flattr.MemberID{"https://blog.example/": bob, "https://blog.example/other": 0} {
			if got := ownerAt(t, s, url); got != want {
				t.Errorf("owner of %s = %d, want %d", url, got, want)
			}
		}
	})
}

func TestAFlattrIDIsMadeOnceAndNamesItsMember(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		now := at("10-02 12:00:00")
		bob := join(t, s, "bob", 0)
		code, err := s.FlattrID(t.Context(), now, bob)
		if err != nil || len(code) != 6 || code[0] < 'a' || code[0] > 'z' {
			t.Fatalf("FlattrID = %q, %v", code, err)
		}
		if again, err := s.FlattrID(t.Context(), now, bob); err != nil || again != code {
			t.Errorf("FlattrID again = %q, %v, want %q", again, err, code)
		}
		for who, want := range map[string]flattr.MemberID{code: bob, "BOB": bob, "nobody": 0, "": 0, "\xff": 0} {
			if got, err := s.Named(t.Context(), who); err != nil || got != want {
				t.Errorf("Named(%q) = %d, %v, want %d", who, got, err, want)
			}
		}
		if _, err := s.FlattrID(t.Context(), now, 77); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("FlattrID of nobody: %v", err)
		}
		do(t, s, func(tx *Tx) error { return tx.Delete(now, bob) })
		if _, err := s.MemberByFlattrID(t.Context(), code); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("a deleted member's flattr:id: %v", err)
		}
	})
}
