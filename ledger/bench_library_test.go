//go:build bench

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"flattr/benchtable"
	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/web"
)

// What the pages are asked of: a reader who has flattred for years as much as
// anybody ever did in a month, and an author of very many things.
const (
	libraryReader   = "heavy"
	libraryAuthor   = "prolific"
	libraryPartner  = "partner" // who shares what the author's site earns
	libraryPassword = "correct horse"

	libraryClicks      = 933 // of the reader each month
	libraryMine        = 10  // one of so many of them is on a thing of the author
	libraryOrphans     = 20  // one of so many things has no owner
	libraryEarning     = 3   // one of so many of the author's things earns in a settled month
	libraryOthersMine  = 10  // clicks of each other reader on the author's things in an open month
	librarySubscribed  = 50
	libraryClaims      = 60
	libraryNotes       = 30
	libraryBudget      = 50 * money.Euro
	libraryShare       = money.Micro(50_000) // what a click brings the author in a settled month
	libraryBrowsers    = 20
	libraryInvites     = 40
	libraryOldestMonth = flattr.Month(201807)
)

// libraryNow is the time of the pages: October can still be looked over.
var libraryNow = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// librarySize is how much there is.
type librarySize struct {
	things  int // in all
	authors int // to whom they belong
	mine    int // things of the author
	months  int // settled ones, in which the reader flattred
	readers int // beside the reader, who flattr in the newest three months
}

var (
	fullLibrary  = librarySize{1_000_000, 20_000, 10_000, 99, 2_000}
	smallLibrary = librarySize{20_000, 400, 500, 5, 50}
)

// library is a ledger whose pages are asked for. The same size is always the same.
type library struct {
	librarySize
	random         *rand.Rand
	things         []int64
	owners         []int64 // of things; 0: nobody
	members        []flattr.MemberID
	reader, author flattr.MemberID
	partner        flattr.MemberID
	readers        []flattr.MemberID
	settled        []flattr.Month
	open           []flattr.Month
	thanking       map[int64]bool // authors who say thanks to those who flattred
	into           func(table string, columns ...string) inserter
}

func newLibrary(size librarySize) *library {
	l := &library{librarySize: size, random: rand.New(rand.NewPCG(7, 7)), thanking: make(map[int64]bool)}
	member := func() flattr.MemberID {
		id := flattr.MemberID(l.random.Int64N(flattr.MaxID) + 1)
		l.members = append(l.members, id)
		return id
	}
	l.reader, l.author, l.partner = member(), member(), member()
	for range size.readers {
		l.readers = append(l.readers, member())
	}
	authors := make([]int64, size.authors)
	for i := range authors {
		authors[i] = int64(member())
	}
	for range size.things {
		l.things = append(l.things, l.random.Int64N(flattr.MaxID)+1)
	}
	slices.Sort(l.things) // the table is written from its beginning to its end
	for i := range l.things {
		owner := authors[i%len(authors)]
		switch {
		case l.isMine(i):
			owner = int64(l.author)
		case i%libraryOrphans == 3:
			owner = 0
		}
		l.owners = append(l.owners, owner)
	}
	l.open = []flattr.Month{flattr.MonthOf(libraryNow).Prev(), flattr.MonthOf(libraryNow)}
	for i := size.months; i > 0; i-- {
		l.settled = append(l.settled, l.open[0].Add(-i))
	}
	return l
}

// isMine tells the author's things, which are spread over all.
func (l *library) isMine(i int) bool { return i%(l.librarySize.things/l.mine) == 1 }

// anyMine is one of the author's things.
func (l *library) anyMine() int {
	step := l.librarySize.things / l.mine
	return l.random.IntN(l.mine)*step + 1
}

// address is that of a thing: the author's are all on one site.
func (l *library) address(i int) string {
	if l.isMine(i) {
		return fmt.Sprintf("https://prolific.example/2026/11/an-article-of-some-length-%d", i)
	}
	return thingURL(i)
}

// fill writes everything through inserters made by into.
func (l *library) fill(into func(table string, columns ...string) inserter, words func(number int, id int64, title string) error) error {
	l.into = into
	for _, part := range []func() error{
		l.fillMembers, func() error { return l.fillThings(words) }, l.fillMonths, l.fillClicks, l.fillEarnings, l.fillBelongings,
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

func (l *library) fillMembers() error {
	hash, err := web.HashPassword(libraryPassword)
	if err != nil {
		return err
	}
	member := l.into("member", "bucket", "id", "name", "name_key", "password_hash", "language", "since")
	budget := l.into("budget", "bucket", "member", "seq", "amount", "at")
	account := l.into("account", "id", "kind", "owner", "month", "currency", "debits", "credits")
	since := libraryOldestMonth.Start().UnixMicro()
	for i, id := range l.members {
		name, password, amount := fmt.Sprintf("member%d", i), "", flattr.DefaultBudget
		switch id {
		case l.reader:
			name, password, amount = libraryReader, hash, libraryBudget
		case l.author:
			name, password = libraryAuthor, hash
		case l.partner:
			name = libraryPartner
		}
		means := book.Account{Kind: book.Means, Bucket: id.Bucket(), Owner: int64(id)}.ID()
		err = errors.Join(err, member.add(id.Bucket(), int64(id), name, name, password, "en", since),
			budget.add(id.Bucket(), int64(id), 1, int64(amount), since),
			account.add(means[:], string(book.Means), int64(id), 0, "EUR", 0, int64(100*money.Euro)))
	}
	revenue := book.Account{Kind: book.Revenue, Bucket: l.author.Bucket(), Owner: int64(l.author)}.ID()
	err = errors.Join(err, account.add(revenue[:], string(book.Revenue), int64(l.author), 0, "EUR", 0, int64(500*money.Euro)))
	for _, month := range l.open {
		for _, id := range append([]flattr.MemberID{l.reader}, l.readers...) {
			amount := flattr.DefaultBudget
			if id == l.reader {
				amount = libraryBudget
			}
			held := book.Account{Kind: book.Held, Bucket: id.Bucket(), Owner: int64(id), Month: int32(month)}.ID()
			err = errors.Join(err, account.add(held[:], string(book.Held), int64(id), int64(month), "EUR", 0, int64(amount)))
		}
	}
	return errors.Join(err, member.flush(), budget.flush(), account.flush())
}

func (l *library) fillThings(words func(number int, id int64, title string) error) error {
	things := l.into("thing", "id", "key", "url", "title", "description", "category", "language", "tags", "hidden", "owner", "asserted", "since", "granted", "parts_key")
	start := libraryOldestMonth.Start().UnixMicro()
	for i, id := range l.things {
		key, err := flattr.KeyOf(l.address(i))
		if err != nil {
			return err
		}
		var owner, parts any
		if l.owners[i] != 0 {
			owner = l.owners[i]
		}
		if l.isMine(i) {
			parts = "prolific.example/"
		}
		err = errors.Join(
			things.add(id, string(key), l.address(i), titleOf(i), "What it is about, in a sentence or two.", "text", "en_GB", "one,two", 0, owner, "", start+int64(i), 1, parts),
			words(i+1, id, titleOf(i)))
		if err != nil {
			return err
		}
	}
	return things.flush()
}

func (l *library) fillMonths() error {
	months := l.into("month", "month", "state", "frozen_at", "fee_bp", "promise_months", "next_bucket", "max_budget", "grace_hours")
	var err error
	for _, month := range l.settled {
		err = errors.Join(err, months.add(int64(month), string(flattr.Closed), month.FreezeAt().UnixMicro(), 0, 6, 4096, int64(flattr.DefaultMaxBudget), 72))
	}
	for _, month := range l.open {
		err = errors.Join(err, months.add(int64(month), string(flattr.Open), nil, nil, nil, 0, nil, nil))
	}
	return errors.Join(err, months.flush())
}

// shelf is the tables that clicks are written to.
type shelf struct{ event, counted, budget, thing, promise inserter }

func (l *library) fillClicks() error {
	s := shelf{
		event:   l.into("event", "id", "kind", "bucket", "reader", "at", "arrived", "month", "thing", "late", "body", "result", "code", "place"),
		counted: l.into("counted", "month", "bucket", "reader", "thing", "click", "late"),
		budget:  l.into("snapshot_budget", "month", "bucket", "reader", "budget"),
		thing:   l.into("snapshot_thing", "month", "thing", "owner"),
		promise: l.into("promise", "thing", "bucket", "reader", "month", "click", "at", "state"),
	}
	for _, month := range slices.Concat(l.settled, l.open) {
		seen := make(map[int]bool) // things of the month's snapshot
		if err := l.clicksOf(s, month, l.reader, libraryClicks, libraryClicks/libraryMine, seen); err != nil {
			return err
		}
		if month < l.settled[len(l.settled)-1] {
			continue
		}
		for _, reader := range l.readers {
			if err := l.clicksOf(s, month, reader, clicksPerReader, libraryOthersMine, seen); err != nil {
				return err
			}
		}
	}
	return errors.Join(s.event.flush(), s.counted.flush(), s.budget.flush(), s.thing.flush(), s.promise.flush())
}

// clicksOf writes so many clicks of a reader in a month, some on the author's things.
func (l *library) clicksOf(s shelf, month flattr.Month, reader flattr.MemberID, count, mine int, seen map[int]bool) error {
	done := make(map[int]bool, count)
	settled := !slices.Contains(l.open, month)
	length := month.End().Sub(month.Start())
	if month == flattr.MonthOf(libraryNow) {
		length = libraryNow.Sub(month.Start())
	}
	for n := 0; len(done) < count; n++ {
		i := l.random.IntN(len(l.things))
		if n < mine {
			i = l.anyMine()
		}
		if done[i] {
			continue
		}
		done[i] = true
		if reader == l.reader && !settled && l.owners[i] != 0 && len(l.thanking) < libraryNotes {
			l.thanking[l.owners[i]] = true
		}
		at := month.Start().Add(time.Duration(l.random.Int64N(int64(length))))
		id := l.eventID(at)
		err := errors.Join(
			s.event.add(id, "click", reader.Bucket(), int64(reader), at.UnixMicro(), at.UnixMicro(), int64(month), l.things[i], 0, id, "accepted", "", 0),
			s.counted.add(int64(month), reader.Bucket(), int64(reader), l.things[i], id, 0))
		if settled && l.owners[i] == 0 {
			err = errors.Join(err, s.promise.add(l.things[i], reader.Bucket(), int64(reader), int64(month), id, at.UnixMicro(), "waiting"))
		}
		if settled && !seen[i] {
			seen[i] = true
			var owner any
			if l.owners[i] != 0 {
				owner = l.owners[i]
			}
			err = errors.Join(err, s.thing.add(int64(month), l.things[i], owner))
		}
		if err != nil {
			return err
		}
	}
	if !settled {
		return nil
	}
	budget := flattr.DefaultBudget
	if reader == l.reader {
		budget = libraryBudget
	}
	return s.budget.add(int64(month), reader.Bucket(), int64(reader), int64(budget))
}

// eventID is a UUID of version 7, as companions make them.
func (l *library) eventID(at time.Time) []byte {
	id := make([]byte, 16)
	binary.BigEndian.PutUint64(id, uint64(at.UnixMilli())<<16|0x7000|l.random.Uint64N(1<<12))
	binary.BigEndian.PutUint64(id[8:], l.random.Uint64()>>2|1<<63)
	return id
}

// fillEarnings writes what the author has earned.
func (l *library) fillEarnings() error {
	earning := l.into("earning", "month", "author", "thing", "clicks", "gross")
	sums := l.into("author_sum", "month", "author", "clicks", "gross", "fee", "net")
	transfers := l.into("transfer", "id", "debit_account", "credit_account", "amount", "code", "batch", "at")
	var err error
	for n, month := range l.settled {
		clicks, gross := 0, int64(0)
		for i, id := range l.things {
			if !l.isMine(i) || i/(l.librarySize.things/l.mine)%libraryEarning != n%libraryEarning {
				continue
			}
			c := 1 + l.random.IntN(4)
			clicks, gross = clicks+c, gross+int64(c)*int64(libraryShare)
			err = errors.Join(err, earning.add(int64(month), int64(l.author), id, c, int64(c)*int64(libraryShare)))
		}
		err = errors.Join(err, sums.add(int64(month), int64(l.author), clicks, gross, 0, gross))
		revenue := book.Account{Kind: book.Revenue, Bucket: l.author.Bucket(), Owner: int64(l.author)}
		clearing := book.Account{Kind: book.Clearing, Month: int32(month)}
		t := book.New(month.String(), book.Earn, clearing, revenue, revenue, money.Micro(gross))
		from, to := t.Debit.ID(), t.Credit.ID()
		err = errors.Join(err, transfers.add(t.ID[:], from[:], to[:], int64(t.Amount), string(t.Code), t.Batch, month.FreezeAt().UnixMicro()))
	}
	return errors.Join(err, earning.flush(), sums.flush(), transfers.flush())
}

// fillBelongings writes what else the reader and the author have.
func (l *library) fillBelongings() error {
	subscription := l.into("subscription", "id", "bucket", "reader", "thing", "months", "at", "paused", "next_month", "body")
	invite := l.into("invite", "id", "code", "means", "minted_by", "minted_at")
	signin := l.into("signin", "id", "member", "agent", "passkey", "since", "seen", "expires")
	claim := l.into("claim", "key", "url", "owner", "site", "at")
	request := l.into("claim_request", "key", "member", "url", "state", "proof", "fault", "rival", "since", "checked", "lost", "due")
	parts := l.into("parts", "key", "url", "site", "at", "setter")
	authors := l.into("parts_author", "key", "position", "author", "bp")
	note := l.into("note", "author", "month", "text", "at")
	code := l.into("flattr_id", "code", "member", "at")
	profile := l.into("profile", "member", "firstname", "lastname", "about", "city", "country", "url", "email", "public_since")
	at := libraryOldestMonth.Start().UnixMicro()
	err := errors.Join(profile.add(int64(l.reader), "Heavy", "Reader", "I read.", "Malmö", "Sweden", "", "", at), code.add("read01", int64(l.reader), at), code.add("auth01", int64(l.author), at),
		claim.add("prolific.example/", "https://prolific.example/", int64(l.author), 1, at),
		parts.add("prolific.example/", "https://prolific.example/", 1, at, int64(l.author)),
		authors.add("prolific.example/", 1, int64(l.author), 7000), authors.add("prolific.example/", 2, int64(l.partner), 3000))
	for i := range librarySubscribed {
		id := l.eventID(libraryOldestMonth.Start())
		err = errors.Join(err, subscription.add(id, l.reader.Bucket(), int64(l.reader), l.things[i*7], 0, at, 0, int64(l.open[1].Next()), id))
	}
	for i := range libraryInvites {
		err = errors.Join(err, invite.add(l.eventID(libraryNow), fmt.Sprintf("%016d", i), int64(5*money.Euro), int64(l.reader), at))
	}
	for i := range libraryBrowsers {
		for _, m := range []flattr.MemberID{l.reader, l.author} {
			err = errors.Join(err, signin.add(fmt.Sprintf("signin-%d-%d", m, i), int64(m), "Firefox, Linux", 0, libraryNow.UnixMicro()-int64(i), libraryNow.UnixMicro(), libraryNow.AddDate(0, 1, 0).UnixMicro()))
		}
	}
	for i := range libraryClaims {
		key := fmt.Sprintf("site%d.prolific.example/", i)
		err = errors.Join(err, request.add(key, int64(l.author), "https://"+key, string(flattr.ClaimWaiting), "", "absent", 0, at+int64(i), at, 0, libraryNow.AddDate(0, 0, 1).UnixMicro()))
	}
	for author := range l.thanking {
		for _, month := range l.open {
			err = errors.Join(err, note.add(author, int64(month), "Thank you all, it means a lot to me.", at))
		}
	}
	for _, each := range []inserter{subscription, invite, signin, claim, request, parts, authors, note, code, profile} {
		err = errors.Join(err, each.flush())
	}
	return err
}

func (l *library) String() string {
	return fmt.Sprintf("%s things; a reader with %s clicks in %d months, an author with %s things, %s other readers",
		benchtable.Grouped(len(l.things)), benchtable.Grouped(libraryClicks*(len(l.settled)+len(l.open))), len(l.settled)+len(l.open),
		benchtable.Grouped(l.mine), benchtable.Grouped(len(l.readers)))
}
