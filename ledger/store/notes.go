package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"flattr/ledger/flattr"
)

// Limits of notes.
const (
	// MaxNote bounds a note, in characters: a thank-you, not a newsletter.
	MaxNote = 500
	// maxMuted bounds the authors whose notes a reader has put away; more than
	// anybody flattrs.
	maxMuted = 2000
)

// Note is what an author says to those who flattred them in a month.
type Note struct {
	Author flattr.MemberID
	Name   string
	Text   string // plain: nothing in it is a link
	At     time.Time
}

const selectNote = `SELECT n.author, m.name, n.text, n.at FROM note n JOIN member m ON m.id = n.author WHERE n.author = $1 AND n.month = $2`

const upsertNote = `
INSERT INTO note (author, month, text, at) VALUES ($1, $2, $3, $4)
ON CONFLICT (author, month) DO UPDATE SET text = excluded.text, at = excluded.at`

const deleteNote = `DELETE FROM note WHERE author = $1 AND month = $2`

// NoteMonths are the months for which a note can be written: the running one, and
// the one before, whose readers may be looking at what it came to.
func (s *Store) NoteMonths(ctx context.Context, now time.Time) (months []flattr.Month, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		months, err = tx.noteMonths(now)
		return err
	})
	return months, err
}

func (tx *Tx) noteMonths(now time.Time) ([]flattr.Month, error) {
	running, err := tx.runningMonth(now)
	return []flattr.Month{running, running.Prev()}, err
}

// Note is the note of an author for a month; it has no text where there is none.
func (s *Store) Note(ctx context.Context, author flattr.MemberID, month flattr.Month) (n Note, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		var at int64
		err := tx.row(selectNote, int64(author), int32(month)).Scan(&n.Author, &n.Name, &n.Text, &at)
		n.At = timeOf(at)
		return ignoreNone(err)
	})
	if err != nil {
		return n, fmt.Errorf("read note: %w", err)
	}
	return n, nil
}

// SetNote writes the note of an author for one of NoteMonths, in place of what was
// there; without text it takes it away. It refuses with invalid_request another
// month, and what is longer than MaxNote characters.
func (s *Store) SetNote(ctx context.Context, now time.Time, author flattr.MemberID, month flattr.Month, text string) error {
	text = noteText(text)
	if utf8.RuneCountInString(text) > MaxNote {
		return flattr.Refuse(flattr.Invalid, fmt.Sprintf("A note has at most %d characters. Shorten it.", MaxNote))
	}
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.there(author); err != nil {
			return err
		}
		months, err := tx.noteMonths(now)
		if err != nil {
			return err
		}
		if month != months[0] && month != months[1] {
			return flattr.Refuse(flattr.Invalid, "A note is written for the running month or the one before.")
		}
		if text == "" {
			_, err = tx.exec(deleteNote, int64(author), int32(month))
		} else {
			_, err = tx.exec(upsertNote, int64(author), int32(month), text, micros(now))
		}
		if err != nil {
			return fmt.Errorf("write note: %w", err)
		}
		return nil
	})
}

// noteText takes out what is no text; lines stay, empty ones one at a time.
func noteText(text string) string {
	lines, empty := []string(nil), true
	for line := range strings.Lines(strings.ReplaceAll(text, "\r\n", "\n")) {
		line = strings.TrimSpace(cut(strings.TrimSuffix(line, "\n"), len(line)))
		if line != "" || !empty {
			lines = append(lines, line)
		}
		empty = line == ""
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

var (
	// By owners and parts as they are, and, of a frozen month, as its snapshot has
	// them. It begins with the reader's clicks: the month may have notes of many.
	selectNotes = `
WITH clicked AS MATERIALIZED (
    SELECT DISTINCT o.owner, o.parts_key FROM counted c CROSS JOIN thing t CROSS JOIN thing o
    WHERE c.month = $1 AND c.bucket = $2 AND c.reader = $3 AND t.id = c.thing AND o.id = COALESCE(t.alias_of, t.id) AND o.owner IS NOT NULL
), thanked AS (
    SELECT owner AS author FROM clicked
    UNION SELECT p.author FROM clicked o JOIN parts_author p ON p.key = o.parts_key WHERE ` + partsHold("o", "o.owner") + `
)` + notesOfThanked
	selectFrozenNotes = `
WITH clicked AS MATERIALIZED (
    SELECT s.owner, COALESCE(s.target, s.thing) AS thing FROM counted c CROSS JOIN snapshot_thing s
    WHERE c.month = $1 AND c.bucket = $2 AND c.reader = $3 AND s.month = c.month AND s.thing = c.thing
), thanked AS (
    SELECT owner AS author FROM clicked WHERE owner IS NOT NULL
    UNION SELECT p.author FROM clicked k JOIN snapshot_part p ON p.month = $1 AND p.thing = k.thing
)` + notesOfThanked
)

const notesOfThanked = `
SELECT n.author, m.name, n.text, n.at FROM thanked k CROSS JOIN note n CROSS JOIN member m
WHERE n.author = k.author AND n.month = $1 AND m.id = n.author
AND NOT EXISTS (SELECT 1 FROM note_mute u WHERE u.bucket = $2 AND u.reader = $3 AND u.author = n.author)
ORDER BY 2 LIMIT $4`

// Notes are the notes of those authors whom a reader flattred in a month, each
// once, in the order of their names and at most so many, without those whom the
// reader has muted.
func (s *Store) Notes(ctx context.Context, reader flattr.MemberID, month flattr.Month, most int) (notes []Note, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		state, err := tx.state(month)
		if err != nil {
			return err
		}
		query := selectFrozenNotes
		if state == flattr.Open {
			query = selectNotes
		}
		notes, err = tx.notes(query, int32(month), reader.Bucket(), int64(reader), most)
		return err
	})
	return notes, err
}

func (tx *Tx) notes(query string, args ...any) (notes []Note, err error) {
	err = tx.each(query, func(rows *sql.Rows) error {
		var n Note
		var at int64
		err := rows.Scan(&n.Author, &n.Name, &n.Text, &at)
		n.At = timeOf(at)
		notes = append(notes, n)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("read notes: %w", err)
	}
	return notes, nil
}

const insertMute = `INSERT INTO note_mute (bucket, reader, author, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`

const deleteMute = `DELETE FROM note_mute WHERE bucket = $1 AND reader = $2 AND author = $3`

const countMuted = `SELECT COUNT(*) FROM note_mute WHERE bucket = $1 AND reader = $2`

const selectMuted = `
SELECT u.author, m.name, '', u.at FROM note_mute u JOIN member m ON m.id = u.author
WHERE u.bucket = $1 AND u.reader = $2 ORDER BY m.name LIMIT $3 OFFSET $4`

// MuteNotes lets a reader see no notes of an author any more, or see them again.
// It refuses with invalid_request more authors than may be.
func (s *Store) MuteNotes(ctx context.Context, now time.Time, reader, author flattr.MemberID, on bool) error {
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.there(reader); err != nil {
			return err
		}
		if !on {
			_, err := tx.exec(deleteMute, reader.Bucket(), int64(reader), int64(author))
			return err
		}
		count := 0
		if err := tx.row(countMuted, reader.Bucket(), int64(reader)).Scan(&count); err != nil {
			return fmt.Errorf("count muted authors: %w", err)
		}
		if count >= maxMuted {
			return flattr.Refuse(flattr.Invalid, fmt.Sprintf("You have muted %d authors, which is as many as may be. Show the notes of one again first.", count))
		}
		if _, err := tx.exec(insertMute, reader.Bucket(), int64(reader), int64(author), micros(now)); err != nil {
			return fmt.Errorf("mute notes: %w", err)
		}
		return nil
	})
}

// Muted are the authors whose notes a reader does not see, in the order of their
// names and at most limit after offset.
func (s *Store) Muted(ctx context.Context, reader flattr.MemberID, limit, offset int) (authors []Note, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		authors, err = tx.notes(selectMuted, reader.Bucket(), int64(reader), limit, offset)
		return err
	})
	return authors, err
}

const deleteNotesOf = `DELETE FROM note WHERE author = $1`

const deleteMutesFor = `DELETE FROM note_mute WHERE author = $1`

const deleteMutesOf = `DELETE FROM note_mute WHERE bucket = $1 AND reader = $2`

// eraseNotes forgets what a member who is deleted said to readers, and whose words
// the member did not want.
func (tx *Tx) eraseNotes(_ time.Time, member flattr.MemberID) error {
	for _, statement := range []string{deleteNotesOf, deleteMutesFor} {
		if _, err := tx.exec(statement, int64(member)); err != nil {
			return fmt.Errorf("erase notes: %w", err)
		}
	}
	if _, err := tx.exec(deleteMutesOf, member.Bucket(), int64(member)); err != nil {
		return fmt.Errorf("erase muted authors: %w", err)
	}
	return nil
}
