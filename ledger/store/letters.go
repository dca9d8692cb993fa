package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/flattr"
)

// LetterKind is what a letter is about.
type LetterKind string

// Letters to members.
const (
	LetterConfirm     LetterKind = "confirm"      // is this your address? with a link
	LetterReset       LetterKind = "reset"        // set a new password, with a link
	LetterSummary     LetterKind = "summary"      // of a month; Detail is the month
	LetterPassword    LetterKind = "password"     // it was changed
	LetterPasskey     LetterKind = "passkey"      // one was added; Detail is its name
	LetterPasskeyGone LetterKind = "passkey_gone" // one was removed; Detail is its name
	LetterAllowed     LetterKind = "allowed"      // an application may act; Detail is its name, or the client id of what is none
	LetterPayout      LetterKind = "payout"       // revenue is to be paid elsewhere
	LetterAddress     LetterKind = "address"      // letters go to another address from now on
	LetterGift        LetterKind = "gift"         // all means and revenue went to somebody; Detail is how many micro-EUR, and to whom
	LetterShared      LetterKind = "shared"       // somebody made the member a co-author; Detail is who, and the host
	LetterParts       LetterKind = "parts"        // the member shares what a host earns; Detail is the host
	LetterDeleted     LetterKind = "deleted"      // the account was; Detail is the language and the name it had
	// letterAsked is no letter yet: somebody typed a name or an address to be sent
	// a link. Whose it is, is found out by who sends letters, so that the page
	// that takes the wish cannot tell.
	letterAsked LetterKind = "asked"
)

// How long a letter is worth sending.
const (
	noticeFor  = 3 * 24 * time.Hour
	summaryFor = 7 * 24 * time.Hour
)

// life is how long a letter is worth sending.
func (kind LetterKind) life() time.Duration {
	switch kind {
	case LetterConfirm:
		return ConfirmFor
	case LetterReset, letterAsked:
		return ResetFor
	case LetterSummary:
		return summaryFor
	case LetterPassword, LetterPasskey, LetterPasskeyGone, LetterAllowed, LetterPayout, LetterAddress,
		LetterGift, LetterShared, LetterParts, LetterDeleted:
	}
	return noticeFor
}

// Bounds of what waits.
const (
	// maxLettersOf is how many letters of one kind wait for a member at most: what
	// brings more is no news. Each kind has room of its own, so that nobody keeps a
	// letter that matters from being written by causing many of another kind.
	maxLettersOf = 5
	// sharedAfter is how long a letter about being made a co-author waits for others
	// of its kind, which it stands for: who takes somebody in and out again has one
	// letter an hour sent, and no more.
	sharedAfter = time.Hour
	// maxAsked is how many wishes for a link wait at most: they are taken in turn
	// within seconds, and pages take wishes at no such rate.
	maxAsked = 1000
	// maxResets is how many links for a new password a member is sent in an hour.
	maxResets = 3
)

// Letter is a letter that waits to be sent.
type Letter struct {
	ID       flattr.EventID // a UUID, the same whenever it is tried
	Kind     LetterKind
	Member   flattr.MemberID
	Name     string // of the member
	Language string // of the member
	Address  string
	Detail   string
	Made     time.Time
	Until    time.Time // it is worth nothing after
	Attempts int       // failed so far
}

const insertLetter = `
INSERT INTO letter (id, kind, member, address, detail, made, until, attempts, next_try, holder, lease)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, '', 0) ON CONFLICT DO NOTHING`

const countLettersOf = `SELECT COUNT(*) FROM letter WHERE member = $1 AND kind = $2`

const deleteLettersOf = `DELETE FROM letter WHERE member = $1 AND kind = $2`

const deleteOldLetters = `DELETE FROM letter WHERE until <= $1`

// addLetter has a letter sent, unless too many of its kind wait already.
func (tx *Tx) addLetter(now time.Time, l Letter) error {
	if _, err := tx.exec(deleteOldLetters, micros(now)); err != nil {
		return fmt.Errorf("forget old letters: %w", err)
	}
	most := maxLettersOf
	if l.Kind == letterAsked {
		most = maxAsked
	}
	var waiting int
	if err := tx.row(countLettersOf, int64(l.Member), string(l.Kind)).Scan(&waiting); err != nil {
		return fmt.Errorf("count letters: %w", err)
	}
	first := now
	if l.Kind == LetterShared {
		most, first = 1, now.Add(sharedAfter)
	}
	if waiting >= most {
		return nil
	}
	if l.ID == (flattr.EventID{}) {
		l.ID = flattr.NewEventID()
	}
	_, err := tx.exec(insertLetter, l.ID[:], string(l.Kind), int64(l.Member), l.Address, l.Detail, micros(now), micros(now.Add(l.Kind.life())), micros(first))
	if err != nil {
		return fmt.Errorf("write letter: %w", err)
	}
	return nil
}

// notify has a member told of something, where letters to them go anywhere.
func (tx *Tx) notify(now time.Time, member flattr.MemberID, kind LetterKind, detail string) error {
	a, err := tx.mailAddress(member)
	if err != nil || a.Address == "" {
		return err
	}
	return tx.addLetter(now, Letter{Kind: kind, Member: member, Address: a.Address, Detail: detail})
}

// AskReset has whoever has this name or confirmed address sent a link by which
// they can set a password. It does the same whether there is such a member or
// not: that is looked up later, by SortLetters.
func (s *Store) AskReset(ctx context.Context, now time.Time, typed string) error {
	return s.write(ctx, func(tx *Tx) error {
		return tx.addLetter(now, Letter{Kind: letterAsked, Address: typed})
	})
}

const selectNamingLetters = `SELECT id, kind, detail FROM letter WHERE kind IN ('gift', 'shared')`

const updateLetterDetail = `UPDATE letter SET detail = $1 WHERE id = $2`

// unnameLetters lets letters to others that wait call a member who is deleted by
// the name that is left. They are sent all the same: where money went stays news.
func (tx *Tx) unnameLetters(name, became string) error {
	renamed := make(map[flattr.EventID]string)
	err := tx.each(selectNamingLetters, func(rows *sql.Rows) error {
		var id flattr.EventID
		var kind, detail string
		if err := scanID(rows, &id, &kind, &detail); err != nil {
			return err
		}
		first, second, _ := strings.Cut(detail, " ")
		switch {
		case LetterKind(kind) == LetterGift && second == name:
			renamed[id] = first + " " + became
		case LetterKind(kind) == LetterShared && first == name:
			renamed[id] = became + " " + second
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read letters: %w", err)
	}
	for id, detail := range renamed {
		if _, err := tx.exec(updateLetterDetail, detail, id[:]); err != nil {
			return fmt.Errorf("erase name from a letter: %w", err)
		}
	}
	return nil
}

const selectAsked = `SELECT id, address, until FROM letter WHERE member = 0 AND kind = 'asked' ORDER BY made, id LIMIT $1`

const deleteLetter = `DELETE FROM letter WHERE id = $1`

const countResets = `
SELECT (SELECT COUNT(*) FROM link WHERE member = $1 AND kind = 'reset' AND at > $2)
     + (SELECT COUNT(*) FROM letter WHERE member = $1 AND kind = 'reset')`

// SortLetters makes letters of the wishes for a link: none where nobody is known
// by what was typed, or no address of theirs. It forgets letters that are worth
// nothing any more, and answers how many these were.
func (s *Store) SortLetters(ctx context.Context, now time.Time, most int) (dropped int64, err error) {
	type wish struct {
		id    flattr.EventID
		typed string
		until int64
	}
	err = s.write(ctx, func(tx *Tx) error {
		if dropped, err = tx.exec(deleteOldLetters, micros(now)); err != nil {
			return fmt.Errorf("forget old letters: %w", err)
		}
		var wishes []wish
		err := tx.each(selectAsked, func(rows *sql.Rows) error {
			var w wish
			err := scanID(rows, &w.id, &w.typed, &w.until)
			wishes = append(wishes, w)
			return err
		}, most)
		if err != nil {
			return fmt.Errorf("read who wants a link: %w", err)
		}
		for _, w := range wishes {
			members, err := tx.membersFor(w.typed)
			if err != nil {
				return err
			}
			for _, member := range members {
				if err := tx.sendReset(now, member); err != nil {
					return err
				}
			}
			if _, err := tx.exec(deleteLetter, w.id[:]); err != nil {
				return fmt.Errorf("forget who wants a link: %w", err)
			}
		}
		return nil
	})
	return dropped, err
}

// sendReset has a member sent a link, unless there were enough in the last hour.
func (tx *Tx) sendReset(now time.Time, member flattr.MemberID) error {
	var sent int
	if err := tx.row(countResets, int64(member), micros(now.Add(-time.Hour))).Scan(&sent); err != nil {
		return fmt.Errorf("count links: %w", err)
	}
	if sent >= maxResets {
		return nil
	}
	return tx.notify(now, member, LetterReset, "")
}

const selectDueLetter = `
SELECT l.id, l.kind, l.member, m.name, m.language, l.address, l.detail, l.made, l.until, l.attempts
FROM letter l JOIN member m ON m.id = l.member AND (m.deleted IS NULL OR l.kind = 'deleted')
WHERE l.next_try <= $1 AND l.lease <= $1 AND l.until > $1 AND l.kind <> 'asked' ORDER BY l.next_try, l.id LIMIT 1`

const leaseLetter = `UPDATE letter SET holder = $1, lease = $2 WHERE id = $3 AND lease <= $4`

// TakeLetter takes the lease of the next letter that is due: no other process
// sends it until then. It refuses with not_found where none is due.
func (s *Store) TakeLetter(ctx context.Context, now time.Time, holder string, until time.Time) (l Letter, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		l = Letter{}
		var kind string
		var made, ends int64
		var id []byte
		err := tx.row(selectDueLetter, micros(now)).Scan(&id, &kind, &l.Member, &l.Name, &l.Language, &l.Address, &l.Detail, &made, &ends, &l.Attempts)
		if err != nil {
			return found(err, "letter")
		}
		parsed, err := uuid.FromBytes(id)
		if err != nil {
			return fmt.Errorf("read letter: %w", err)
		}
		l.ID, l.Kind, l.Made, l.Until = flattr.EventID(parsed), LetterKind(kind), timeOf(made), timeOf(ends)
		if l.Kind == LetterDeleted {
			l.Language, l.Name, _ = strings.Cut(l.Detail, " ")
		}
		return one(tx.exec(leaseLetter, holder, micros(until), id, micros(now)))
	})
	return l, err
}

// LetterResult is what became of a try.
type LetterResult struct {
	Done    bool      // it was sent, or is not to be: it is forgotten
	Refused bool      // the server takes no letter for the address, for good
	Next    time.Time // else: when it is tried again
}

// ErrLetterLost is what EndLetter answers where another process has the lease.
var ErrLetterLost = errors.New("another process sends this letter by now")

const endLetter = `DELETE FROM letter WHERE id = $1 AND holder = $2`

const postponeLetter = `
UPDATE letter SET attempts = attempts + 1, next_try = $1, holder = '', lease = 0 WHERE id = $2 AND holder = $3`

const noteRefused = `UPDATE mail_address SET refused = $1 WHERE member = $2 AND address = $3`

// EndLetter writes down what became of a try and gives the lease back.
func (s *Store) EndLetter(ctx context.Context, now time.Time, holder string, l Letter, r LetterResult) error {
	return s.write(ctx, func(tx *Tx) error {
		var n int64
		var err error
		if r.Done || r.Refused {
			n, err = tx.exec(endLetter, l.ID[:], holder)
		} else {
			n, err = tx.exec(postponeLetter, micros(r.Next), l.ID[:], holder)
		}
		if err != nil {
			return fmt.Errorf("end letter: %w", err)
		}
		if n == 0 {
			return ErrLetterLost
		}
		switch {
		case r.Refused:
			_, err = tx.exec(noteRefused, micros(now), int64(l.Member), l.Address)
		case r.Done:
			_, err = tx.exec(noteRefused, 0, int64(l.Member), l.Address)
		}
		if err != nil {
			return fmt.Errorf("note what the mail server said: %w", err)
		}
		return nil
	})
}

const anyLetterDue = `SELECT 1 FROM letter WHERE next_try <= $1 AND lease <= $1 LIMIT 1`

// LettersDue says whether there is something to send, or a wish for a link.
func (s *Store) LettersDue(ctx context.Context, now time.Time) (due bool, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		var one int
		err := tx.row(anyLetterDue, micros(now)).Scan(&one)
		due = err == nil
		return ignoreNone(err)
	})
	if err != nil {
		return false, fmt.Errorf("look for letters: %w", err)
	}
	return due, nil
}
