package closing

import (
	"cmp"
	"slices"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// Two tables by thing that hold millions of them in little memory: open
// addressing, no pointers, at most three of four slots used. Ids of things are
// random, begin at 1 and have at most 53 bits.

// firstSlots is how many slots a table begins with; a power of two.
const firstSlots = 1 << 10

// spread is the slot from which a thing is looked for: the upper bits of the
// product with 2^64 / golden ratio.
func spread(thing flattr.ThingID, bits int) int {
	return int(uint64(thing) * 0x9E3779B97F4A7C15 >> (64 - bits))
}

// paidThings are the things of a month whose clicks are no promises.
type paidThings struct {
	slots   []flattr.ThingID // 0: free; below 0: an alias
	bits    int
	used    int
	targets map[flattr.ThingID]flattr.ThingID // of aliases
}

func newPaidThings() *paidThings {
	return &paidThings{slots: make([]flattr.ThingID, firstSlots), bits: 10, targets: make(map[flattr.ThingID]flattr.ThingID)}
}

// add takes a thing that is not there yet, with the thing after aliases.
func (p *paidThings) add(thing, target flattr.ThingID) {
	if p.used >= len(p.slots)/4*3 {
		old := p.slots
		p.bits++
		p.slots = make([]flattr.ThingID, 1<<p.bits)
		for _, kept := range old {
			if kept != 0 {
				p.put(kept)
			}
		}
	}
	p.used++
	if target != thing {
		p.targets[thing] = target
		thing = -thing
	}
	p.put(thing)
}

func (p *paidThings) put(marked flattr.ThingID) {
	i := spread(max(marked, -marked), p.bits)
	for p.slots[i] != 0 {
		i = (i + 1) & (len(p.slots) - 1)
	}
	p.slots[i] = marked
}

// target is the thing after aliases, or 0 where a click on thing is a promise.
func (p *paidThings) target(thing flattr.ThingID) flattr.ThingID {
	for i := spread(thing, p.bits); ; i = (i + 1) & (len(p.slots) - 1) {
		switch p.slots[i] {
		case thing:
			return thing
		case -thing:
			return p.targets[thing]
		case 0:
			return 0
		}
	}
}

// sums are what things get.
type sums struct {
	slots []store.ThingSum // Thing 0: free
	bits  int
	used  int
}

func newSums() *sums { return &sums{slots: make([]store.ThingSum, firstSlots), bits: 10} }

// of is the sum of a thing, 0 where there was none. It holds until the next call.
func (s *sums) of(thing flattr.ThingID) *store.ThingSum {
	for i := spread(thing, s.bits); ; i = (i + 1) & (len(s.slots) - 1) {
		slot := &s.slots[i]
		if slot.Thing == thing {
			return slot
		}
		if slot.Thing != 0 {
			continue
		}
		if s.used >= len(s.slots)/4*3 {
			s.grow()
			return s.of(thing)
		}
		s.used++
		slot.Thing = thing
		return slot
	}
}

func (s *sums) grow() {
	old := s.slots
	s.bits++
	s.slots = make([]store.ThingSum, 1<<s.bits)
	for _, kept := range old {
		if kept.Thing == 0 {
			continue
		}
		i := spread(kept.Thing, s.bits)
		for s.slots[i].Thing != 0 {
			i = (i + 1) & (len(s.slots) - 1)
		}
		s.slots[i] = kept
	}
}

// give adds a click's share to a thing.
func (s *sums) give(thing flattr.ThingID, share money.Micro) error {
	sum := s.of(thing)
	gross, err := money.Add(sum.Gross, share)
	if err != nil {
		return err
	}
	sum.Clicks++
	sum.Gross = gross
	return nil
}

// take empties the table and answers what was in it, in the order of things.
func (s *sums) take() []store.ThingSum {
	taken := make([]store.ThingSum, 0, s.used)
	for _, slot := range s.slots {
		if slot.Thing != 0 {
			taken = append(taken, slot)
		}
	}
	clear(s.slots)
	s.used = 0
	slices.SortFunc(taken, func(a, b store.ThingSum) int { return cmp.Compare(a.Thing, b.Thing) })
	return taken
}
