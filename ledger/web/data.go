package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/report"
	"flattr/ledger/store"
)

// data adds the page about everything that is kept of a member, and the two ways
// out: with a copy, and for good.
func (s *Server) data(mux *http.ServeMux) {
	mux.HandleFunc("GET /settings/data", s.member(s.dataPage))
	mux.HandleFunc("GET /settings/data/flattr.zip", s.member(s.everything))
	mux.HandleFunc("POST /settings/data/gift", s.member(s.giveAway))
	mux.HandleFunc("POST /settings/data/delete", s.member(s.deleteAccount))
}

// dataPage is what a member can do with what is kept of them.
type dataPage struct {
	Name     string
	Stands   store.Standing
	Give     store.Given // what a gift would be
	CanGo    bool        // nothing stands between the member and the ledger
	To       string
	WrongTo  string // of the form of a gift
	WrongOwn string // of the same: the password
	Typed    string
	Wrong    map[string]string // of the form of the deletion, by field
}

// dataPage shows the page.
func (s *Server) dataPage(w http.ResponseWriter, r *http.Request) {
	s.showData(w, r, http.StatusOK, dataPage{})
}

func (s *Server) showData(w http.ResponseWriter, r *http.Request, status int, page dataPage) {
	m := memberOf(r.Context())
	var err error
	if page.Stands, err = s.store.Standing(r.Context(), m.ID); err != nil {
		s.fail(w, r, fmt.Errorf("read standing: %w", err))
		return
	}
	if page.Give, err = s.store.Givable(r.Context(), s.now(), m.ID); err != nil {
		s.fail(w, r, fmt.Errorf("read what can be given: %w", err))
		return
	}
	st := page.Stands
	page.Name = m.Name
	page.CanGo = st.Means == 0 && st.Revenue == 0 && st.Owed == 0
	s.render(w, r, status, "data", s.tongues.of(r).say("data.title"), page)
}

// everything hands a member all that is kept of them.
func (s *Server) everything(w http.ResponseWriter, r *http.Request) {
	m, now := memberOf(r.Context()), s.now()
	name := fmt.Sprintf("flattr-%s-%s.zip", m.Name, now.UTC().Format("2006-01-02"))
	s.hand(w, r, name, "application/zip", func(ctx context.Context, to io.Writer) error {
		return report.Everything{Member: *m, Now: now, Public: s.public.String()}.Write(ctx, s.store, to)
	})
}

// giveAway gives the member's means and revenue to another member, as one who
// leaves may wish.
func (s *Server) giveAway(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	t, m := s.tongues.of(r), memberOf(r.Context())
	page := dataPage{To: strings.TrimSpace(r.PostForm.Get("to"))}
	wrong, err := s.owner(r, r.PostForm.Get("password"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if wrong != "" {
		page.WrongOwn = wrong
		s.showData(w, r, http.StatusUnprocessableEntity, page)
		return
	}
	told, err := strconv.ParseInt(r.PostForm.Get("told"), 10, 64)
	if err != nil || told <= 0 {
		page.WrongTo = t.say("data.wrong.changed") // only a form of ours says which sum was shown
		s.showData(w, r, http.StatusUnprocessableEntity, page)
		return
	}
	given, err := s.store.Present(r.Context(), s.now(), m.Name, page.To, money.Micro(told))
	var refused *flattr.Error
	switch {
	case err == nil:
		s.sessions.Put(r.Context(), sessionNotice, t.say("data.given.notice", t.euro(given.Means+given.Revenue), page.To))
		http.Redirect(w, r, "/settings/data", http.StatusSeeOther)
	case errors.As(err, &refused):
		page.WrongTo = giftSentence(t, refused)
		s.showData(w, r, http.StatusUnprocessableEntity, page)
	default:
		s.fail(w, r, fmt.Errorf("give away: %w", err))
	}
}

// giftSentence says why a gift was refused.
func giftSentence(t *tongue, refused *flattr.Error) string {
	switch refused.Code {
	case flattr.NotFound:
		return t.say("data.wrong.nobody")
	case flattr.Invalid:
		return t.say("data.wrong.self")
	case flattr.NoMeans:
		return t.say("data.wrong.nothing")
	case flattr.Once:
		return t.say("data.wrong.changed")
	}
	return sentence(t, refused)
}

// deleteAccount deletes the member (product rule 16), who has typed their name
// and their password.
func (s *Server) deleteAccount(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	t, m := s.tongues.of(r), memberOf(r.Context())
	page := dataPage{Typed: strings.TrimSpace(r.PostForm.Get("name")), Wrong: map[string]string{}}
	if flattr.NameKey(page.Typed) != flattr.NameKey(m.Name) {
		page.Wrong["name"] = t.say("data.wrong.name", m.Name)
	} else {
		wrong, err := s.owner(r, r.PostForm.Get("password"))
		if err != nil {
			s.fail(w, r, err)
			return
		}
		if wrong != "" {
			page.Wrong["password"] = wrong
		}
	}
	if len(page.Wrong) > 0 {
		s.showData(w, r, http.StatusUnprocessableEntity, page)
		return
	}
	became, err := s.store.Delete(r.Context(), s.now(), m.Name)
	switch code := flattr.CodeOf(err); {
	case code == flattr.BalanceLeft:
		page.Wrong["all"] = t.say("data.wrong.balance")
	case code == flattr.MonthOpen:
		page.Wrong["all"] = t.say("data.wrong.open")
	case err != nil:
		s.fail(w, r, fmt.Errorf("delete member: %w", err))
		return
	}
	if len(page.Wrong) > 0 {
		s.showData(w, r, http.StatusConflict, page)
		return
	}
	if err := s.sessions.Destroy(r.Context()); err != nil {
		s.log.Error("end session of a deleted member", "error", err) // it is nobody's already
	}
	r = r.WithContext(context.WithValue(r.Context(), memberKey{}, (*flattr.Member)(nil)))
	s.problem(w, r, http.StatusOK, "data.gone.title", "data.gone", "", became)
}
