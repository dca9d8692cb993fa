package world

import (
	"errors"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// step does what a line says: a code when a rule refuses it, a *badError when
// it makes no sense. Both leave nothing behind.
func (r *run) step(l *line) (flattr.Code, error) {
	switch l.Type {
	case memberLine:
		_, err := r.tx.AddMember(l.arrived, store.NewMember{Name: l.Name, Budget: l.budget, Means: l.amount})
		if flattr.CodeOf(err) != "" {
			return "", badLine("member %.60q: %w", l.Name, err)
		}
		return "", err
	case thingLine:
		return "", r.thing(l)
	case policyLine:
		return "", r.policy(l)
	case aliasLine:
		return judge(r.tx.Alias(l.arrived, l.URL, l.Of))
	case claimLine:
		owner, err := r.member(l.Owner)
		if err != nil {
			return "", err
		}
		return judge(r.tx.Claim(l.arrived, owner, l.URL))
	case partsLine:
		return r.parts(l)
	case budgetLine, creditLine, returnLine, refundLine, deleteLine:
		return r.account(l)
	case subscribeLine, pauseLine, stopLine:
		return r.subscription(l)
	case clickLine, undoLine: // these are judged many at a time
	}
	return "", badLine("unknown type %q", l.Type)
}

// judge tells a refusal, which has a code, from a line that makes no sense.
func judge(err error) (flattr.Code, error) {
	var refused *flattr.Error
	if !errors.As(err, &refused) {
		return "", err
	}
	if refused.Code == flattr.Invalid || refused.Code == flattr.BooksFull {
		return "", badLine("%s", refused.Sentence)
	}
	return refused.Code, nil
}

// member is the id of a member that a line names.
func (r *run) member(name string) (flattr.MemberID, error) {
	if id, ok := r.members[name]; ok {
		return id, nil
	}
	id, err := r.tx.MemberID(name)
	if flattr.CodeOf(err) == flattr.NotFound {
		return 0, badLine("unknown name %.60q", name)
	}
	if err == nil {
		r.members[name] = id
	}
	return id, err
}

func (r *run) thing(l *line) error {
	var owner flattr.MemberID
	if l.Owner != "" {
		var err error
		if owner, err = r.member(l.Owner); err != nil {
			return err
		}
	}
	err := r.tx.AddThing(l.arrived, l.URL, l.Title, owner)
	if errors.Is(err, store.ErrOwnerChanged) || flattr.CodeOf(err) != "" {
		return badLine("thing %.200q: %w", l.URL, err)
	}
	return err
}

func (r *run) policy(l *line) error {
	set, err := l.policies()
	if err != nil {
		return err
	}
	for _, p := range set {
		if err := r.tx.SetPolicy(l.arrived, p.name, p.value); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) parts(l *line) (flattr.Code, error) {
	parts := make([]flattr.Part, len(l.Parts))
	for i, p := range l.Parts {
		author, err := r.member(p.Author)
		if err != nil {
			return "", err
		}
		parts[i] = flattr.Part{Author: author, BP: p.BP}
	}
	return judge(r.tx.SetParts(l.arrived, l.URL, parts))
}

// account applies what concerns a member's money.
func (r *run) account(l *line) (flattr.Code, error) {
	id, err := r.member(l.Name)
	if err != nil {
		return "", err
	}
	switch l.Type {
	case budgetLine:
		err = r.tx.SetBudget(l.arrived, id, l.budget)
	case creditLine:
		_, err = r.tx.Credit(l.arrived, id, l.amount, l.Ref)
	case returnLine:
		_, err = r.tx.Return(l.arrived, id, l.Ref, l.amount)
	case refundLine:
		_, err = r.tx.Refund(l.arrived, id, l.amount, l.Ref)
	case deleteLine:
		if err = r.tx.Delete(l.arrived, id); err == nil {
			clear(r.members) // in whatever case the name was written
		}
	}
	return judge(err)
}

func (r *run) subscription(l *line) (flattr.Code, error) {
	reader, err := r.member(l.Reader)
	if err != nil {
		return "", err
	}
	switch l.Type {
	case subscribeLine:
		s := flattr.Subscription{ID: l.id, URL: l.URL}
		if l.Months != nil {
			s.Months = *l.Months
		}
		err = r.tx.Subscribe(l.arrived, reader, s)
	case pauseLine:
		err = r.tx.Pause(l.arrived, reader, l.id, l.On == nil || *l.On)
	case stopLine:
		err = r.tx.Stop(l.arrived, reader, l.id)
	}
	return judge(err)
}
