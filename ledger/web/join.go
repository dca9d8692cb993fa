package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"flattr/ledger/flattr"
	"flattr/ledger/limit"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// joinForm is the sign-up form with what was typed (never the password) and
// what is wrong, by field.
type joinForm struct {
	Invite, Name, Next string
	From               string      // who invites; "": the operator, or not known
	Means              money.Micro // that the invite carries
	Wrong              map[string]string
	Budget             budgetChoice
	MinPassword        int
}

func (s *Server) signUpForm(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	form := joinForm{Invite: strings.TrimSpace(q.Get("invite")), Name: q.Get("name"), Next: safeNext(q.Get("next")), Wrong: map[string]string{}}
	if err := s.invited(r, &form); err != nil {
		s.fail(w, r, err)
		return
	}
	s.showSignUp(w, r, http.StatusOK, form)
}

// invited fills in who invites, to whoever has the code, or says at once that the
// code is of no use. Codes that are not known count as failures.
func (s *Server) invited(r *http.Request, form *joinForm) error {
	if form.Invite == "" || s.guesses.Wait(s.address(r), s.now()) > 0 {
		return nil
	}
	invite, err := s.store.Invite(r.Context(), form.Invite)
	if err == nil && invite.Used {
		err = flattr.Refuse(flattr.InviteUsed, "")
	}
	var refused *flattr.Error
	if errors.As(err, &refused) {
		s.guessed(r)
		form.Wrong["invite"] = sentence(s.tongues.of(r), refused)
		return nil
	}
	if err != nil {
		return err
	}
	return s.tell(r.Context(), form, invite)
}

// tell fills in what a visitor reads of an invite.
func (s *Server) tell(ctx context.Context, form *joinForm, invite flattr.Invite) error {
	form.Means = invite.Means
	if invite.By == 0 {
		return nil
	}
	by, err := s.store.Member(ctx, invite.By)
	form.From = by.Name
	return err
}

func (s *Server) showSignUp(w http.ResponseWriter, r *http.Request, status int, form joinForm) {
	form.MinPassword = minPassword
	var err error
	if form.Budget, err = s.newBudgetChoice(r.Context(), s.tongues.of(r), flattr.DefaultBudget); err != nil {
		s.fail(w, r, err)
		return
	}
	form.Budget.pick(r.PostForm, form.Wrong["budget"]) // nothing, where the form is new
	form.Budget.cover(form.Means)
	s.render(w, r, status, "signup", s.tongues.of(r).say("signup.title"), form)
}

// signUp lets a new member in, or says by field what is wrong and keeps what
// was typed.
func (s *Server) signUp(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	t, now := s.tongues.of(r), s.now()
	form := joinForm{
		Invite: strings.TrimSpace(r.PostForm.Get("invite")), Name: strings.TrimSpace(r.PostForm.Get("name")),
		Next: safeNext(r.PostForm.Get("next")), Wrong: map[string]string{},
	}
	if s.addresses.Wait(s.address(r), now) > 0 {
		form.Wrong["invite"] = t.say("wrong.too_many")
		s.showSignUp(w, r, http.StatusTooManyRequests, form)
		return
	}
	password := r.PostForm.Get("password")
	budget, malformed := chosenBudget(r.PostForm)
	if malformed != nil {
		form.Wrong["budget"] = t.say("wrong.budget_form", t.plainEuro(flattr.MinBudget))
	}
	if err := s.checkSignUp(r.Context(), t, &form, password); err != nil {
		s.fail(w, r, err)
		return
	}
	var id flattr.MemberID
	var hash string
	if len(form.Wrong) == 0 {
		var err error
		id, hash, err = s.makeMember(r, t, form, password, budget)
		if err = s.refusedMember(r.Context(), t, form, err); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	if len(form.Wrong) > 0 {
		s.addresses.Take(s.address(r), now)
		s.showSignUp(w, r, http.StatusUnprocessableEntity, form)
		return
	}
	s.enter(w, r, id, hash, cmp.Or(form.Next, "/welcome"), false)
}

// refusedMember says by field why the store let nobody in. What is no refusal it
// hands back.
func (s *Server) refusedMember(ctx context.Context, t *tongue, form joinForm, err error) error {
	var refused *flattr.Error
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Code {
	case flattr.InviteUnknown, flattr.InviteUsed:
		form.Wrong["invite"] = sentence(t, refused)
	case flattr.BudgetRange:
		form.Wrong["budget"], err = s.budgetSentence(ctx, t, 0, refused)
		return err
	default:
		form.Wrong["name"] = sentence(t, refused)
	}
	return nil
}

// checkSignUp looks at what can be told before a password is hashed.
func (s *Server) checkSignUp(ctx context.Context, t *tongue, form *joinForm, password string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < minPassword:
		form.Wrong["password"] = t.count("wrong.password_short", minPassword)
	case n > maxPassword:
		form.Wrong["password"] = t.count("wrong.password_long", maxPassword)
	}
	if form.Invite == "" {
		form.Wrong["invite"] = t.say("wrong.invite_missing")
		return nil
	}
	invite, err := s.store.Invite(ctx, form.Invite)
	switch code := flattr.CodeOf(err); {
	case code == flattr.InviteUnknown || code == flattr.NotFound:
		form.Wrong["invite"] = t.say("wrong.invite_unknown")
	case err != nil:
		return fmt.Errorf("find invite: %w", err)
	case invite.Used:
		form.Wrong["invite"] = t.say("wrong.invite_used")
	default:
		return s.tell(ctx, form, invite)
	}
	return nil
}

// makeMember lets a member in whose form is in order, and answers the hash of
// the password too.
func (s *Server) makeMember(r *http.Request, t *tongue, form joinForm, password string, budget money.Micro) (id flattr.MemberID, hash string, err error) {
	err = s.turn(r, func() (err error) {
		hash, err = HashPassword(password)
		return err
	})
	if err != nil {
		return 0, "", err
	}
	m, err := s.store.SignUp(r.Context(), s.now(), store.SignUp{Name: form.Name, PasswordHash: hash, InviteCode: form.Invite, Language: t.code, Budget: budget})
	return m.ID, hash, err
}

// sentence is the refusal in the visitor's language, or as the store says it.
func sentence(t *tongue, refused *flattr.Error, args ...any) string {
	key := "wrong." + string(refused.Code)
	if _, ok := t.words[key]; ok {
		return t.say(key, args...)
	}
	if t.code == "en" && refused.Sentence != "" {
		return refused.Sentence
	}
	return t.say("wrong.other")
}

// address is where a request comes from, for counting failures.
func (s *Server) address(r *http.Request) string {
	return limit.Address(r, s.public.Scheme == "https")
}
