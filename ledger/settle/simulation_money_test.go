package settle_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// What members do with their money and account beside flattring.

// refused counts what a rule refuses; anything else that fails is a fault.
func (s *simulation) refused(err error) bool {
	s.Helper()
	code := flattr.CodeOf(err)
	if code != "" {
		s.done["refused "+string(code)]++
	} else if err != nil {
		s.fatal("%v", err)
	}
	return err != nil
}

// name is what a member is called today.
func (s *simulation) name(member flattr.MemberID) string {
	m, err := s.store.Member(s.Context(), member)
	if err != nil {
		s.fatal("%v", err)
	}
	return m.Name
}

// use moves revenue to means: all, some, too much, or by a page that is out of date.
func (s *simulation) use() {
	author := s.member()
	u, err := s.store.Unspent(s.Context(), s.now, author)
	if err != nil {
		s.fatal("%v", err)
	}
	amount := u.Free
	if s.random.IntN(2) == 0 {
		amount = money.Micro(s.random.Int64N(int64(u.Free) + 2))
	}
	if s.random.IntN(8) == 0 {
		u.Moved--
	}
	if !s.refused(s.store.UseRevenue(s.Context(), s.now, author, amount, u.Moved)) {
		s.done["used"]++
	}
}

// gift gives everything that is free to another, which may be the giver.
func (s *simulation) gift() {
	giver, taker := s.member(), s.member()
	told, err := s.store.Givable(s.Context(), s.now, giver)
	if err != nil {
		s.fatal("%v", err)
	}
	given, err := s.store.Present(s.Context(), s.now, s.name(giver), s.name(taker), told.Sum())
	if s.refused(err) {
		return
	}
	if given != told {
		s.fatal("%d gave %+v, and was told %+v", giver, given, told)
	}
	s.done["given"]++
}

// leave gives everything away and deletes the account, if that is allowed. Another
// member takes the place.
func (s *simulation) leave() {
	at := s.random.IntN(len(s.members))
	member := s.members[at]
	_, err := s.store.Present(s.Context(), s.now, s.name(member), s.name(s.member()), 0)
	s.refused(err)
	name := s.name(member)
	before, err := s.store.Standing(s.Context(), member)
	if err != nil {
		s.fatal("%v", err)
	}
	became, err := s.store.Delete(s.Context(), s.now, name)
	if s.refused(err) {
		return
	}
	if !strings.HasPrefix(became, flattr.DeletedPrefix) {
		s.fatal("%d became %s", member, became)
	}
	if before.Means != 0 || before.Revenue != 0 || before.Owed != 0 {
		s.fatal("%d was deleted with %+v", member, before)
	}
	s.renamed(name, became)
	s.done["deleted"]++
	s.write(func(tx *store.Tx) (err error) {
		s.members[at], err = tx.AddMember(s.now, store.NewMember{
			Name: fmt.Sprintf("n%d", s.done["deleted"]), Budget: flattr.MinBudget, Means: money.Micro(s.random.IntN(12)) * money.Euro,
		})
		return err
	})
}

// renamed holds that in the statements of closed months nothing changed but a name
// (and with it the order of lines), and goes on from there.
func (s *simulation) renamed(name, became string) {
	s.Helper()
	sorted := func(text string) string {
		lines := strings.SplitAfter(text, "\n")
		slices.Sort(lines)
		return strings.Join(lines, "")
	}
	for month, was := range s.closed {
		s.closed[month] = s.statement(month)
		was = strings.ReplaceAll(was, fmt.Sprintf("%q", name), fmt.Sprintf("%q", became))
		if sorted(was) != sorted(s.closed[month]) {
			s.fatal("when %s was deleted, the statement of %s changed from\n%s\nto\n%s", name, month, was, s.closed[month])
		}
	}
}

// share lets the owner of something share it with others, end that, or lets another
// author leave.
func (s *simulation) share() {
	member, url := s.member(), s.scope()
	for _, owner := range s.members { // mostly who may
		if _, err := s.store.Sharing(s.Context(), owner, url); err == nil && s.random.IntN(4) > 0 {
			member = owner
		}
	}
	switch s.random.IntN(5) {
	case 0:
		s.refused(s.store.EndSharing(s.Context(), s.now, member, url))
	case 1:
		s.refused(s.store.GiveBack(s.Context(), s.now, member, url))
	default:
		part := 1 + s.random.IntN(9998)
		parts := []flattr.Part{{Author: member, BP: flattr.AllParts - part}, {Author: s.member(), BP: part}}
		if s.random.IntN(2) == 0 {
			parts[0], parts[1] = parts[1], parts[0]
		}
		if !s.refused(s.store.Share(s.Context(), s.now, member, url, parts)) {
			s.done["shared"]++
		}
	}
}

// say lets somebody name a payout target, write a note or mute one.
func (s *simulation) say() {
	member := s.member()
	switch s.random.IntN(3) {
	case 0:
		iban := []string{"", "DE89370400440532013000", "NL91ABNA0417164300", "NL91ABNA0417164301"}[s.random.IntN(4)]
		s.refused(s.store.SetPayoutTarget(s.Context(), s.now, member, iban, "Somebody"))
	case 1:
		month := flattr.MonthOf(s.now).Add(-s.random.IntN(3))
		s.refused(s.store.SetNote(s.Context(), s.now, member, month, []string{"", "Thanks!"}[s.random.IntN(2)]))
	case 2:
		s.refused(s.store.MuteNotes(s.Context(), s.now, member, s.member(), s.random.IntN(2) == 0))
	}
}

// provePages holds that what members see of closed months is what the statements
// say, to the unit.
func (s *simulation) provePages() {
	s.Helper()
	type key struct {
		name  string
		month flattr.Month
	}
	gave, earned := make(map[key]money.Micro), make(map[key]money.Micro)
	for month, text := range s.closed {
		for line := range strings.Lines(text) {
			var l statementLine
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				s.fatal("%v", err)
			}
			switch l.Type {
			case "reader":
				gave[key{l.Name, month}] = l.Budget
			case "author":
				earned[key{l.Name, month}] = l.Net
			}
		}
	}
	for _, member := range s.members {
		name := s.name(member)
		months, err := s.store.GivenMonths(s.Context(), member, flattr.MonthOf(s.now).Add(2), 0, 1000)
		if err != nil {
			s.fatal("%v", err)
		}
		years := make(map[int]money.Micro)
		for _, m := range months {
			if m.State == flattr.Open {
				continue
			}
			_, closed := s.closed[m.Month]
			if want := gave[key{name, m.Month}]; closed && m.Budget != want {
				s.fatal("%s gave %s in %s, the history says %s", name, want, m.Month, m.Budget)
			}
			years[int(m.Month)/100] += m.Budget
		}
		for year, sum := range years {
			list, err := s.store.GivenTo(s.Context(), member, year, 1000, 0)
			if err != nil {
				s.fatal("%v", err)
			}
			each := money.Micro(0)
			for _, to := range list.Owners {
				each += to.Amount
			}
			if list.Amount != sum || each != sum {
				s.fatal("%s gave %s in %d, by authors it is %s, one by one %s", name, sum, year, list.Amount, each)
			}
		}
		s.proveRevenue(member, func(month flattr.Month) money.Micro { return earned[key{name, month}] })
	}
}

// proveRevenue holds that an author's closed months are what was earned, and that
// with what was moved away they are the balance.
func (s *simulation) proveRevenue(author flattr.MemberID, earned func(flattr.Month) money.Micro) {
	s.Helper()
	rev, err := s.store.Revenue(s.Context(), s.now, author, 1000)
	if err != nil {
		s.fatal("%v", err)
	}
	sum := money.Micro(0)
	for _, m := range rev.Months {
		list, _, err := s.store.EarnedThings(s.Context(), author, m.Month, 1000)
		if err != nil {
			s.fatal("%v", err)
		}
		things := money.Micro(0)
		for _, t := range list {
			things += t.Gross
		}
		if m.Net != earned(m.Month) || m.Net+m.Fee != m.Gross || things != m.Gross {
			s.fatal("%d earned %s in %s, the page says %+v", author, earned(m.Month), m.Month, m)
		}
		sum += m.Net
	}
	u, err := s.store.Unspent(s.Context(), s.now, author)
	if err != nil {
		s.fatal("%v", err)
	}
	if sum-u.Moved != u.Balance || u.Free > u.Balance || u.Free < 0 {
		s.fatal("%d earned %s, and has %+v", author, sum, u)
	}
}
