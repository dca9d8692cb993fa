package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// Limits of the pages about parts.
const (
	pageSharings = 15
	spareRows    = 3 // empty rows of the form, for the next authors
	exampleClick = 20 * money.Cent
)

// sharedPage is everything of which parts are set by the member, or name them; the
// sites that are proved are what can be shared.
type sharedPage struct {
	Mine, Theirs []sharedLine
	Pages        pages
	URL, Wrong   string // as typed
	Sites        []string
}

type sharedLine struct {
	store.Sharing
	Label, Edit string
	BP          int // of the one who looks; 0: no part
}

// editPath is where the parts of an address are set; "" where it is too long to
// be handed on.
func editPath(address string) string {
	path := "/parts/edit?" + url.Values{"url": {address}}.Encode()
	if len(path) > maxBack {
		return ""
	}
	return path
}

// shared lists what the member shares with others, and others with the member.
func (s *Server) shared(w http.ResponseWriter, r *http.Request) {
	s.showShared(w, r, http.StatusOK, "", "")
}

func (s *Server) showShared(w http.ResponseWriter, r *http.Request, status int, typed, wrong string) {
	m, number := memberOf(r.Context()), pageNumber(r)
	all, err := s.store.Sharings(r.Context(), m.ID, pageSharings+1, (number-1)*pageSharings)
	if err != nil {
		s.fail(w, r, fmt.Errorf("read what is shared: %w", err))
		return
	}
	page := sharedPage{URL: typed, Wrong: wrong, Pages: newPages(onPath(r, "/parts"), number, pageSharings, (number-1)*pageSharings+len(all))}
	claims, err := s.store.Claims(r.Context(), m.ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for _, c := range claims {
		if c.Owns() && len(c.URL) <= store.MaxSharedURL {
			page.Sites = append(page.Sites, c.URL)
		}
	}
	for _, sh := range all[:min(len(all), pageSharings)] {
		line := sharedLine{Sharing: sh, Label: short(sh.URL, maxShownText), Edit: editPath(sh.URL)}
		for _, p := range sh.Parts {
			if p.Author == m.ID {
				line.BP += p.BP
			}
		}
		if sh.Owner == m.ID {
			page.Mine = append(page.Mine, line)
		} else if line.BP > 0 {
			page.Theirs = append(page.Theirs, line)
		}
	}
	s.render(w, r, status, "parts", s.tongues.of(r).say("parts.title"), page)
}

// sharePage is the form by which the owner of an address names who shares what
// it earns.
type sharePage struct {
	store.Sharing
	Label  string
	Rows   []shareRow
	Wrong  string
	NotYou string // what is wrong with the password
	Looked bool   // the rows are right, and say what a click becomes
	Held   bool   // there are parts to take away
	Click  money.Micro
}

type shareRow struct {
	Name, Percent string // as typed
	Number        int
	Mine          bool
	Amount        money.Micro // of a click
}

// share shows the form for an address of the member's own.
func (s *Server) share(w http.ResponseWriter, r *http.Request) {
	sh, ok := s.sharing(w, r, strings.TrimSpace(r.URL.Query().Get("url")))
	if !ok {
		return
	}
	t, m := s.tongues.of(r), memberOf(r.Context())
	var rows []shareRow
	for _, p := range sh.Parts {
		rows = append(rows, shareRow{Name: p.Name, Percent: t.plainPercent(p.BP)})
	}
	if len(rows) == 0 {
		rows = []shareRow{{Name: m.Name, Percent: t.plainPercent(flattr.AllParts)}}
	}
	s.showShare(w, r, http.StatusOK, sharePage{Sharing: sh, Rows: rows})
}

// sharing is what is shared of an address. It answers itself who does not own it.
func (s *Server) sharing(w http.ResponseWriter, r *http.Request, address string) (store.Sharing, bool) {
	if len(address) > store.MaxSharedURL {
		s.showShared(w, r, http.StatusUnprocessableEntity, short(address, maxShownText), s.tongues.of(r).say("parts.wrong.long", store.MaxSharedURL))
		return store.Sharing{}, false
	}
	sh, err := s.store.Sharing(r.Context(), memberOf(r.Context()).ID, address)
	switch t := s.tongues.of(r); flattr.CodeOf(err) {
	case flattr.Invalid:
		s.showShared(w, r, http.StatusUnprocessableEntity, address, t.say("parts.wrong.url"))
	case flattr.Forbidden:
		s.showShared(w, r, http.StatusForbidden, address, t.say("parts.wrong.owner"))
	default:
		if err != nil {
			s.fail(w, r, fmt.Errorf("read what is shared: %w", err))
		}
		return sh, err == nil
	}
	return sh, false
}

func (s *Server) showShare(w http.ResponseWriter, r *http.Request, status int, page sharePage) {
	page.Held, page.Click, page.Label = len(page.Parts) > 0, exampleClick, short(page.URL, maxShownText)
	for range min(spareRows, store.MaxAuthors-len(page.Rows)) {
		page.Rows = append(page.Rows, shareRow{})
	}
	me := flattr.NameKey(memberOf(r.Context()).Name)
	for i := range page.Rows {
		page.Rows[i].Number, page.Rows[i].Mine = i+1, flattr.NameKey(page.Rows[i].Name) == me
	}
	s.render(w, r, status, "share", s.tongues.of(r).say("parts.edit.title"), page)
}

// changeShare shows what a click becomes, or books the parts.
func (s *Server) changeShare(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	sh, ok := s.sharing(w, r, strings.TrimSpace(r.PostForm.Get("url")))
	if !ok {
		return
	}
	t, m := s.tongues.of(r), memberOf(r.Context())
	page := sharePage{Sharing: sh}
	names, percents := r.PostForm["name"], r.PostForm["percent"]
	for i := range names[:min(len(names), len(percents), store.MaxAuthors)] {
		row := shareRow{Name: strings.TrimSpace(names[i]), Percent: strings.TrimSpace(percents[i])}
		if row.Name != "" || row.Percent != "" {
			page.Rows = append(page.Rows, row)
		}
	}
	parts, wrong, err := s.readParts(r, page.Rows)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	save := wrong == "" && r.PostForm.Get("do") == "save"
	if save {
		// Parts lead the money of a site to somebody else.
		if page.NotYou, err = s.owner(r, r.PostForm.Get("password")); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	if save && page.NotYou == "" {
		err := s.store.Share(r.Context(), s.now(), m.ID, sh.URL, parts)
		switch flattr.CodeOf(err) {
		case flattr.Forbidden:
			wrong = t.say("parts.wrong.others")
		case flattr.Invalid:
			wrong = t.say("parts.wrong.sum", "")
		case flattr.SharingsFull:
			wrong = t.say("parts.wrong.full")
		case flattr.NotFound:
			wrong = t.say("parts.wrong.name", "")
		default:
			if err != nil {
				s.fail(w, r, fmt.Errorf("share: %w", err))
				return
			}
			s.sessions.Put(r.Context(), sessionNotice, t.say("parts.saved", where(sh.URL)))
			http.Redirect(w, r, "/parts", http.StatusSeeOther)
			return
		}
	}
	if page.Wrong = wrong; wrong != "" {
		s.showShare(w, r, http.StatusUnprocessableEntity, page)
		return
	}
	page.Looked = true
	for i, amount := range flattr.Divide(exampleClick, parts) {
		page.Rows[i].Amount = amount
	}
	status := http.StatusOK
	if page.NotYou != "" {
		status = http.StatusUnprocessableEntity
	}
	s.showShare(w, r, status, page)
}

// readParts reads the rows of the form, or says what is wrong with them.
func (s *Server) readParts(r *http.Request, rows []shareRow) (parts []flattr.Part, wrong string, err error) {
	t, me := s.tongues.of(r), memberOf(r.Context()).ID
	sum, own := 0, false
	named := make(map[flattr.MemberID]bool)
	for _, row := range rows {
		bp, err := readPercent(row.Percent)
		if err != nil {
			return nil, t.say("parts.wrong.percent", short(row.Name, maxSaid)), nil
		}
		m, err := s.store.MemberByName(r.Context(), row.Name)
		if flattr.CodeOf(err) != "" {
			return nil, t.say("parts.wrong.name", short(row.Name, maxSaid)), nil
		}
		if err != nil {
			return nil, "", fmt.Errorf("find author: %w", err)
		}
		if named[m.ID] {
			return nil, t.say("parts.wrong.twice", m.Name), nil
		}
		named[m.ID], own, sum = true, own || m.ID == me, sum+bp
		parts = append(parts, flattr.Part{Author: m.ID, BP: bp})
	}
	switch {
	case sum != flattr.AllParts:
		return nil, t.say("parts.wrong.sum", t.percent(sum)), nil
	case !own:
		return nil, t.say("parts.wrong.self"), nil
	}
	return parts, "", nil
}

// percentForm is a part as people type it.
var percentForm = regexp.MustCompile(`^(\d{1,3})(?:[.,](\d{1,2}))?\s*%?$`)

// readPercent reads a part with at most two decimals into basis points.
func readPercent(text string) (int, error) {
	found := percentForm.FindStringSubmatch(strings.ReplaceAll(text, noBreak, " "))
	if found == nil {
		return 0, errors.New("no percentage")
	}
	bp, err := strconv.Atoi(found[1] + (found[2] + "00")[:2])
	if err != nil || bp < 1 || bp > flattr.AllParts {
		return 0, errors.New("no percentage")
	}
	return bp, nil
}

// plainPercent is a part as one types it: 33.33, 33,33.
func (t *tongue) plainPercent(bp int) string {
	text := fmt.Sprintf("%d.%02d", bp/100, bp%100)
	if t.code == "de" {
		return strings.Replace(text, ".", ",", 1)
	}
	return text
}

// endShare takes the parts of an address away.
func (s *Server) endShare(w http.ResponseWriter, r *http.Request) {
	s.withoutPart(w, r, "parts.ended", func(address string) error {
		return s.store.EndSharing(r.Context(), s.now(), memberOf(r.Context()).ID, address)
	})
}

// giveBack gives up the member's own part of what somebody else shares.
func (s *Server) giveBack(w http.ResponseWriter, r *http.Request) {
	s.withoutPart(w, r, "parts.given", func(address string) error {
		return s.store.GiveBack(r.Context(), s.now(), memberOf(r.Context()).ID, address)
	})
}

func (s *Server) withoutPart(w http.ResponseWriter, r *http.Request, notice string, change func(address string) error) {
	if !s.parse(w, r) {
		return
	}
	t, address := s.tongues.of(r), r.PostForm.Get("url")
	err := change(address)
	switch code := flattr.CodeOf(err); {
	case code != "":
		s.showShared(w, r, http.StatusUnprocessableEntity, "", t.say("parts.wrong.gone"))
		return
	case err != nil:
		s.fail(w, r, fmt.Errorf("change what is shared: %w", err))
		return
	}
	s.sessions.Put(r.Context(), sessionNotice, t.say(notice, where(address)))
	http.Redirect(w, r, "/parts", http.StatusSeeOther)
}
