package web

import (
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// What pages show of notes at once. A note is at most 500 characters, which are up
// to five times as many bytes.
const (
	shownNotes = 5
	pageMuted  = 30
)

// notesPage is where an author says thanks, and a reader finds those again whose
// notes are put away.
type notesPage struct {
	Months []noteForm
	Muted  []store.Note
	Pages  pages // of the muted
	Most   int
}

// noteForm is the note for one month.
type noteForm struct {
	Month   flattr.Month
	Text    string // as typed
	Wrong   string
	Written bool
}

// thanks are the notes for a reader on the page of a month.
type thanks struct {
	Month flattr.Month
	Notes []store.Note
	Next  string // where to come back to
}

// thanksFor reads the notes of those whom a member flattred in a month.
func (s *Server) thanksFor(r *http.Request, reader flattr.MemberID, month flattr.Month) (thanks, error) {
	notes, err := s.store.Notes(r.Context(), reader, month, shownNotes)
	return thanks{Month: month, Notes: notes, Next: r.URL.RequestURI()}, err
}

// notes shows what the author says, and whom the reader has muted.
func (s *Server) notes(w http.ResponseWriter, r *http.Request) {
	s.showNotes(w, r, http.StatusOK, noteForm{})
}

func (s *Server) showNotes(w http.ResponseWriter, r *http.Request, status int, typed noteForm) {
	m := memberOf(r.Context())
	page := notesPage{Most: store.MaxNote}
	months, err := s.store.NoteMonths(r.Context(), s.now())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for _, month := range months {
		note, err := s.store.Note(r.Context(), m.ID, month)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		form := noteForm{Month: month, Text: note.Text, Written: note.Text != ""}
		if typed.Month == month {
			form.Text, form.Wrong = typed.Text, typed.Wrong
		}
		page.Months = append(page.Months, form)
	}
	number := pageNumber(r)
	if page.Muted, err = s.store.Muted(r.Context(), m.ID, pageMuted+1, (number-1)*pageMuted); err != nil {
		s.fail(w, r, err)
		return
	}
	page.Pages = newPages(onPath(r, "/notes"), number, pageMuted, (number-1)*pageMuted+len(page.Muted))
	page.Muted = page.Muted[:min(len(page.Muted), pageMuted)]
	s.render(w, r, status, "notes", s.tongues.of(r).say("notes.title"), page)
}

// writeNote writes what the author says to those who flattred in a month.
func (s *Server) writeNote(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	t := s.tongues.of(r)
	month, err := flattr.ParseMonth(r.PostForm.Get("month"))
	text := r.PostForm.Get("text")
	if err == nil {
		err = s.store.SetNote(r.Context(), s.now(), memberOf(r.Context()).ID, month, text)
	} else {
		err = flattr.Refuse(flattr.Invalid, err.Error())
	}
	var refused *flattr.Error
	switch {
	case errors.As(err, &refused):
		form := noteForm{Month: month, Text: text, Wrong: t.say("notes.wrong.long", store.MaxNote)}
		if utf8.RuneCountInString(text) <= store.MaxNote {
			s.sessions.Put(r.Context(), sessionNotice, t.say("notes.wrong.month"))
			form = noteForm{}
		}
		s.showNotes(w, r, http.StatusUnprocessableEntity, form)
		return
	case err != nil:
		s.fail(w, r, fmt.Errorf("write note: %w", err))
		return
	}
	s.sessions.Put(r.Context(), sessionNotice, t.say("notes.saved", t.month(month)))
	http.Redirect(w, r, "/notes", http.StatusSeeOther)
}

// muteNotes puts an author's notes away, or shows them again.
func (s *Server) muteNotes(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	t, on := s.tongues.of(r), r.PostForm.Get("on") != "no"
	author, err := s.store.MemberByName(r.Context(), r.PostForm.Get("author"))
	if err == nil {
		err = s.store.MuteNotes(r.Context(), s.now(), memberOf(r.Context()).ID, author.ID, on)
	}
	switch {
	case flattr.CodeOf(err) != "":
		s.problem(w, r, http.StatusUnprocessableEntity, "problem.title", "notes.wrong.author", "")
		return
	case err != nil:
		s.fail(w, r, fmt.Errorf("mute notes: %w", err))
		return
	}
	notice := "notes.muted"
	if !on {
		notice = "notes.unmuted"
	}
	s.sessions.Put(r.Context(), sessionNotice, t.say(notice, author.Name))
	next := safeNext(r.PostForm.Get("next"))
	if next == "" {
		next = "/notes"
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}
