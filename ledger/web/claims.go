package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"flattr/ledger/claim"
	"flattr/ledger/flattr"
)

// Each check asks a stranger's site: a member may have five made at once, and
// then one every ten seconds.
const checkBurst, checkInterval = 5, 10 * time.Second

// claimWords are the words for the states of a claim, claimHints what follows
// from them, and faultWords why a check found nothing.
var (
	claimWords = map[flattr.ClaimState]string{
		flattr.ClaimWaiting: "claims.state.waiting", flattr.ClaimVerified: "claims.state.verified", flattr.ClaimLost: "claims.state.lost",
		flattr.ClaimLapsed: "claims.state.lapsed", flattr.ClaimConflict: "claims.state.conflict", flattr.ClaimRefused: "claims.state.refused",
		flattr.ClaimOptedOut: "claims.state.opted_out",
	}
	claimHints = map[flattr.ClaimState]string{
		flattr.ClaimConflict: "claims.hint.conflict", flattr.ClaimRefused: "claims.hint.refused", flattr.ClaimLapsed: "claims.hint.lapsed",
	}
	faultWords = map[flattr.Fault]string{
		flattr.FaultAbsent: "claims.fault.absent", flattr.FaultUnreachable: "claims.fault.unreachable", flattr.FaultOther: "claims.fault.other",
		flattr.FaultAmbiguous: "claims.fault.ambiguous", flattr.FaultOptedOut: "claims.fault.opted_out",
	}
	proofWords = map[flattr.Proof]string{
		flattr.ProofMeta: "claims.proof.meta", flattr.ProofFile: "claims.proof.file", flattr.ProofDNS: "claims.proof.dns", flattr.ProofOperator: "claims.proof.operator",
		flattr.ProofPartner: "claims.proof.partner",
	}
)

// claimsPage is what a member sees of the sites they say are theirs.
type claimsPage struct {
	Lines              []claimLine
	Site, Wrong        string // as typed, and what is wrong with it
	Meta, File, Record string // what to put where
	Days               int    // until a claim without proof lapses
	Identities         []identityLine
}

// maxIdentities bounds what the page shows of partners.
const maxIdentities = 100

// identityLine is what a partner says of the member.
type identityLine struct {
	Identity string
	Other    string // of whom it says the same; "": nobody
}

// identities are what partners say of a member.
func (s *Server) identities(r *http.Request, m *flattr.Member) (lines []identityLine, err error) {
	all, err := s.store.IdentitiesOf(r.Context(), m.ID, maxIdentities)
	if err != nil {
		return nil, err
	}
	for _, i := range all {
		line := identityLine{Identity: i.Identity}
		for _, other := range append([]string{i.Name}, i.Others...) {
			if other != m.Name && line.Other == "" {
				line.Other = other
			}
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// claimLine is one claim as the page shows it.
type claimLine struct {
	flattr.Claim
	Link   string // of the site
	State  string // key of the word
	Hint   string // key of the sentence, or ""
	Proof  string // key of the word, or ""
	Fault  string // key of the sentence, or ""
	Others []string
	Looks  bool // the ledger looks there again by itself
	// Cooling is until when nothing is paid out of it, or zero.
	Cooling time.Time
}

// claims shows the member's claims, and what to put where.
func (s *Server) claims(w http.ResponseWriter, r *http.Request) {
	s.showClaims(w, r, http.StatusOK, r.URL.Query().Get("url"), "")
}

func (s *Server) showClaims(w http.ResponseWriter, r *http.Request, status int, typed, wrong string) {
	m, now := memberOf(r.Context()), s.now()
	id, err := s.store.FlattrID(r.Context(), now, m.ID)
	if err != nil {
		s.fail(w, r, fmt.Errorf("read flattr:id: %w", err))
		return
	}
	page := claimsPage{
		Site: typed, Wrong: wrong, Days: int(flattr.ClaimLapse.Hours() / 24),
		Meta: `<meta name="flattr:id" content="` + id + `">`, File: "flattr: " + id, Record: "flattr=" + id,
	}
	if page.Identities, err = s.identities(r, m); err != nil {
		s.fail(w, r, err)
		return
	}
	all, err := s.store.Claims(r.Context(), m.ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for _, c := range all {
		line, err := s.claimLine(r, c, now)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		page.Lines = append(page.Lines, line)
	}
	s.render(w, r, status, "claims", s.tongues.of(r).say("claims.title"), page)
}

func (s *Server) claimLine(r *http.Request, c flattr.Claim, now time.Time) (claimLine, error) {
	line := claimLine{
		Claim: c, Link: webLink(c.URL), State: claimWords[c.State], Hint: claimHints[c.State], Proof: proofWords[c.Proof], Fault: faultWords[c.Fault],
		Looks: c.Due.Before(flattr.Never),
	}
	others, err := s.store.OtherClaims(r.Context(), c)
	if err != nil {
		return line, err
	}
	for _, other := range others {
		if other.State == flattr.ClaimConflict || other.Owns() {
			line.Others = append(line.Others, other.Name)
		}
	}
	change, changed, err := s.store.LastChange(r.Context(), c.Key)
	if err != nil {
		return line, err
	}
	if changed && c.Owns() && change.Owner == c.Member && change.Payable.After(now) {
		line.Cooling = change.Payable
	}
	return line, nil
}

// claim takes a site that a member says is theirs, and asks it at once.
func (s *Server) claim(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) || !s.mayCheck(w, r) {
		return
	}
	typed := strings.TrimSpace(r.PostForm.Get("site"))
	c, err := s.sites.Ask(r.Context(), memberOf(r.Context()).ID, typed)
	s.answerCheck(w, r, c, err, typed)
}

// checkClaim asks the site of a claim anew.
func (s *Server) checkClaim(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) || !s.mayCheck(w, r) {
		return
	}
	c, err := s.store.ClaimOf(r.Context(), memberOf(r.Context()).ID, r.PostForm.Get("url"))
	if err == nil {
		c, err = s.sites.Check(r.Context(), c)
	}
	s.answerCheck(w, r, c, err, "")
}

// mayCheck answers itself where a member asks too often.
func (s *Server) mayCheck(w http.ResponseWriter, r *http.Request) bool {
	if s.checks.Take(memberOf(r.Context()).Name, s.now()) == 0 {
		return true
	}
	s.showClaims(w, r, http.StatusTooManyRequests, r.PostForm.Get("site"), s.tongues.of(r).say("wrong.too_many"))
	return false
}

// answerCheck goes back to the claims and says how one stands.
func (s *Server) answerCheck(w http.ResponseWriter, r *http.Request, c flattr.Claim, err error, typed string) {
	t := s.tongues.of(r)
	var refused *flattr.Error
	switch {
	case errors.Is(err, claim.ErrBusy):
		s.problem(w, r, http.StatusServiceUnavailable, "problem.title", "problem.busy", "")
		return
	case errors.As(err, &refused):
		s.showClaims(w, r, http.StatusUnprocessableEntity, typed, sentence(t, refused))
		return
	case err != nil:
		s.fail(w, r, fmt.Errorf("check claim: %w", err))
		return
	}
	s.sessions.Put(r.Context(), sessionNotice, t.say("claims.checked", where(c.URL), t.say(claimWords[c.State])))
	http.Redirect(w, r, "/claims#"+url.PathEscape(string(c.Key)), http.StatusSeeOther)
}

// endClaim gives a claim up.
func (s *Server) endClaim(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	raw := r.PostForm.Get("url")
	err := s.store.GiveUp(r.Context(), s.now(), memberOf(r.Context()).ID, raw)
	if err != nil && flattr.CodeOf(err) == "" {
		s.fail(w, r, fmt.Errorf("give claim up: %w", err))
		return
	}
	s.sessions.Put(r.Context(), sessionNotice, s.tongues.of(r).say("claims.ended", where(raw)))
	http.Redirect(w, r, "/claims", http.StatusSeeOther)
}
