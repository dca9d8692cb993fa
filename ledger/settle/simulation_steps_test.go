package settle_test

import (
	"errors"
	"fmt"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// recorded is a click that was sent, whatever became of it.
type recorded struct {
	reader flattr.MemberID
	event  flattr.Event
}

// subscribed is a subscription and whose it is.
type subscribed struct {
	reader flattr.MemberID
	id     flattr.EventID
}

// topUp is a top-up that can be returned.
type topUp struct {
	reader flattr.MemberID
	ref    string
	amount money.Micro
}

// How many take part: few enough that they meet on the same things.
const (
	simulatedMembers = 6
	simulatedThings  = 12
	simulatedHosts   = 3
)

// begin makes the members and some of the things.
func (s *simulation) begin() {
	for i := range simulatedMembers {
		member := store.NewMember{
			Name: fmt.Sprintf("m%d", i), Budget: flattr.MinBudget + money.Micro(s.random.IntN(300)*10_000),
			Means: money.Micro(s.random.IntN(12)) * money.Euro,
		}
		var id flattr.MemberID
		s.write(func(tx *store.Tx) (err error) {
			id, err = tx.AddMember(s.now, member)
			return err
		})
		s.members = append(s.members, id)
	}
	for i := range simulatedThings {
		folder := ""
		if i%2 == 0 {
			folder = "folder/"
		}
		s.urls = append(s.urls, fmt.Sprintf("https://h%d.example/%s%d", i%simulatedHosts, folder, i))
		if i%3 == 0 {
			owner := s.member()
			s.write(func(tx *store.Tx) error { return tx.AddThing(s.now, s.urls[i], "", owner) })
		}
	}
}

func (s *simulation) member() flattr.MemberID { return s.members[s.random.IntN(len(s.members))] }

func (s *simulation) url() string { return s.urls[s.random.IntN(len(s.urls))] }

// scope is a thing, a folder or a site.
func (s *simulation) scope() string {
	host := fmt.Sprintf("https://h%d.example/", s.random.IntN(simulatedHosts))
	return []string{s.url(), host, host + "folder/"}[s.random.IntN(3)]
}

func (s *simulation) id() (id flattr.EventID) {
	for i := range id {
		id[i] = byte(s.random.Uint32())
	}
	return id
}

// past is now, or up to some days before it: such an event arrives late.
func (s *simulation) past() time.Time {
	if s.random.IntN(3) > 0 {
		return s.now
	}
	return s.now.Add(-time.Duration(s.random.Int64N(int64(6 * 24 * time.Hour)))).Truncate(time.Second)
}

// step lets somebody do something.
func (s *simulation) step() {
	steps := []struct {
		name  string
		often int
		do    func()
	}{
		{"click", 50, s.click},
		{"undo", 14, s.undo},
		{"again", 4, s.again},
		{"credit", 10, s.credit},
		{"return", 2, s.returned},
		{"refund", 1, s.refund},
		{"budget", 9, s.budget},
		{"policy", 2, s.policy},
		{"claim", 6, s.claim},
		{"owner", 4, s.owner},
		{"parts", 3, s.parts},
		{"alias", 1, s.alias},
		{"subscribe", 4, s.subscribe},
		{"interrupt", 3, s.interrupt},
		{"use", 6, s.use},
		{"gift", 2, s.gift},
		{"leave", 3, s.leave},
		{"share", 10, s.share},
		{"say", 2, s.say},
	}
	total := 0
	for _, step := range steps {
		total += step.often
	}
	at := s.random.IntN(total)
	for _, step := range steps {
		if at -= step.often; at < 0 {
			s.done[step.name]++
			step.do()
			return
		}
	}
}

// record sends events of a reader, as a companion does.
func (s *simulation) record(reader flattr.MemberID, events ...flattr.Event) {
	outcomes, err := s.store.Record(s.Context(), s.now, reader, events)
	if err != nil {
		s.fatal("record for %d: %v", reader, err)
	}
	for i, o := range outcomes {
		s.done[string(events[i].Kind)+" "+string(o.Result)]++
		if o.Code != "" {
			s.done["refused "+string(o.Code)]++
		}
	}
}

// click flattrs something, or many things of some days at once.
func (s *simulation) click() {
	reader := s.member()
	events := make([]flattr.Event, []int{1, 1, 1, 1, 8}[s.random.IntN(5)])
	for i := range events {
		events[i] = flattr.Event{ID: s.id(), Kind: flattr.KindClick, At: s.past(), Thing: flattr.ThingRef{URL: s.url()}}
		s.events = append(s.events, recorded{reader, events[i]})
	}
	s.record(reader, events...)
}

// undo takes back one of the last clicks, one that a subscription or promise
// makes, or one that is still to come.
func (s *simulation) undo() {
	if len(s.events) == 0 {
		return
	}
	of := s.events[max(0, len(s.events)-1-s.random.IntN(20))]
	reader, click := of.reader, of.event.ID
	switch s.random.IntN(10) {
	case 0:
		click = s.id()
		e := flattr.Event{ID: click, Kind: flattr.KindClick, At: s.past(), Thing: flattr.ThingRef{URL: s.url()}}
		defer s.record(reader, e)
	case 1:
		if len(s.subscriptions) > 0 {
			sub := s.subscriptions[s.random.IntN(len(s.subscriptions))]
			reader, click = sub.reader, flattr.SubscriptionClick(sub.id, flattr.MonthOf(s.now))
		}
	}
	s.record(reader, flattr.Event{ID: s.id(), Kind: flattr.KindUndo, At: s.past(), Click: click})
}

// again sends a click once more, as companions do.
func (s *simulation) again() {
	if len(s.events) > 0 {
		of := s.events[s.random.IntN(len(s.events))]
		s.record(of.reader, of.event)
	}
}

func (s *simulation) credit() {
	t := topUp{s.member(), "top-up " + s.id().String(), money.Micro(1+s.random.IntN(12)) * money.Euro}
	if s.write(func(tx *store.Tx) error {
		_, err := tx.Credit(s.now, t.reader, t.amount, t.ref)
		return err
	}) {
		s.topUps = append(s.topUps, t)
	}
}

func (s *simulation) returned() {
	if len(s.topUps) > 0 {
		t := s.topUps[s.random.IntN(len(s.topUps))]
		s.write(func(tx *store.Tx) error {
			_, err := tx.Return(s.now, t.reader, t.ref, t.amount)
			return err
		})
	}
}

func (s *simulation) refund() {
	reader, amount, ref := s.member(), money.Micro(1+s.random.IntN(4))*money.Euro, "refund "+s.id().String()
	s.write(func(tx *store.Tx) error {
		_, err := tx.Refund(s.now, reader, amount, ref)
		return err
	})
}

func (s *simulation) budget() {
	reader, amount := s.member(), flattr.MinBudget+money.Micro(s.random.IntN(500)-60)*10_000
	s.write(func(tx *store.Tx) error { return tx.SetBudget(s.now, reader, amount) })
}

func (s *simulation) policy() {
	name, value := store.PolicyFeeBP, int64(s.random.IntN(10_001))
	if s.random.IntN(2) == 0 {
		name, value = store.PolicyPromiseMonths, int64(1+s.random.IntN(6))
	}
	s.write(func(tx *store.Tx) error { return tx.SetPolicy(s.now, name, value) })
}

func (s *simulation) claim() {
	member, url := s.member(), s.scope()
	s.write(func(tx *store.Tx) error { return tx.Claim(s.now, member, url) })
}

func (s *simulation) alias() {
	url, of := s.url(), s.url()
	s.write(func(tx *store.Tx) error { return tx.Alias(s.now, url, of) })
}

// owner gives a thing an owner, as the operator says, where it has none.
func (s *simulation) owner() {
	url, member := s.url(), s.member()
	err := s.store.Write(s.Context(), func(tx *store.Tx) error { return tx.AddThing(s.now, url, "", member) })
	if err != nil && !errors.Is(err, store.ErrOwnerChanged) {
		s.fatal("%v", err)
	}
}

func (s *simulation) parts() {
	order := s.random.Perm(len(s.members))[:1+s.random.IntN(3)]
	left := flattr.AllParts
	parts := make([]flattr.Part, len(order))
	for i, member := range order {
		parts[i] = flattr.Part{Author: s.members[member], BP: left}
		if i < len(order)-1 {
			parts[i].BP = 1 + s.random.IntN(left-len(order))
		}
		left -= parts[i].BP
	}
	url := s.scope()
	s.write(func(tx *store.Tx) error { return tx.SetParts(s.now, url, parts) })
}

func (s *simulation) subscribe() {
	sub := flattr.Subscription{ID: s.id(), URL: s.url(), Months: []int{0, 3, 6, 12}[s.random.IntN(4)]}
	reader := s.member()
	if s.write(func(tx *store.Tx) error { return tx.Subscribe(s.now, reader, sub) }) {
		s.subscriptions = append(s.subscriptions, subscribed{reader, sub.ID})
	}
}

// interrupt pauses, resumes or stops a subscription.
func (s *simulation) interrupt() {
	if len(s.subscriptions) == 0 {
		return
	}
	sub := s.subscriptions[s.random.IntN(len(s.subscriptions))]
	what := s.random.IntN(5)
	s.write(func(tx *store.Tx) error {
		if what == 0 {
			return tx.Stop(s.now, sub.reader, sub.id)
		}
		return tx.Pause(s.now, sub.reader, sub.id, what < 3)
	})
}
