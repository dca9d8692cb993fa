package companion

import (
	"context"
	"math"
	"strconv"
	"time"

	"flattr/daemon/accounts"
	"flattr/daemon/clicklog"
	"flattr/daemon/wire"

	"github.com/google/uuid"
)

// pageRows is how many clicks are read for a page; fewer are sent when they
// do not fit into a frame.
const pageRows = 64

// grace is how long after its end a month stays open.
const grace = 72 * time.Hour

// page answers month (clicks of the open months) and history (all).
func (s *session) page(ctx context.Context, ask wire.MonthAsk) (any, error) {
	page := wire.MonthPage{Type: ask.Type, ID: ask.ID, Rows: []wire.ClickRow{}}
	account := s.account()
	before := int64(math.MaxInt64)
	if ask.Cursor != "" {
		var err error
		if before, err = strconv.ParseInt(ask.Cursor, 10, 64); err != nil {
			return wire.Problem{Type: wire.TypeProblem, ID: ask.ID, Code: wire.CodeBadMessage, Sentence: "The page asked for does not exist."}, nil
		}
	}
	if account == 0 {
		return page, nil
	}
	now := s.companion.ledgerTime(account)
	var rows []clicklog.Row
	var err error
	if ask.Type == wire.TypeHistory {
		rows, err = s.companion.clicks.History(ctx, int64(account), before, pageRows)
	} else {
		rows, err = s.companion.clicks.InMonths(ctx, int64(account), openMonths(now), before, pageRows)
	}
	if err != nil {
		return nil, err
	}
	return fill(page, rows, now)
}

// fill puts as many rows on the page as fit into a frame.
func fill(page wire.MonthPage, rows []clicklog.Row, now time.Time) (wire.MonthPage, error) {
	const cursorBytes = 64 // room for the cursor and commas
	empty, err := encode(page)
	if err != nil {
		return page, err
	}
	size := len(empty) + cursorBytes
	for i, row := range rows {
		shown := clickRow(row, now)
		text, err := encode(shown)
		if err != nil {
			return page, err
		}
		size += len(text) + 1
		if size > wire.MaxJSONBytes && i > 0 {
			page.Cursor = strconv.FormatInt(rows[i-1].Seq, 10)
			return page, nil
		}
		page.Rows = append(page.Rows, shown)
	}
	if len(rows) == pageRows {
		page.Cursor = strconv.FormatInt(rows[len(rows)-1].Seq, 10)
	}
	return page, nil
}

// Bounds of what the ledger says about a click, so that one row fits a frame.
const maxSentenceRunes = 500

// maxRowBytes is a frame less what stands around a single row.
const maxRowBytes = wire.MaxJSONBytes - 1<<10

// clickRow shows a click to the extension, in one frame always: of a row that
// is too long with every character escaped, the prose stays behind.
func clickRow(row clicklog.Row, now time.Time) wire.ClickRow {
	shown := fullRow(row, now)
	if text, err := encode(shown); err == nil && len(text) > maxRowBytes {
		shown.Sentence, shown.Thing.Title = "", ""
	}
	return shown
}

// fullRow is all that is shown of a click. Description, tags and the like stay
// behind: they are not needed to find the click on its page.
func fullRow(row clicklog.Row, now time.Time) wire.ClickRow {
	thing := row.Event.Thing
	shown := wire.ClickRow{
		ID: row.Event.ID, State: row.State, Code: wire.Code(cut(row.Code, maxWordRunes)), Sentence: cut(row.Sentence, maxSentenceRunes),
		Month: row.Month, At: row.Event.At, Title: cut(row.Title, wire.MaxTitleRunes), URL: row.URL, ThingID: row.ThingID,
		Thing:   wire.Thing{URL: thing.URL, ID: thing.ID, FID: thing.FID, Owner: thing.Owner, Title: thing.Title},
		Promise: row.Promise,
	}
	if shown.Title == "" {
		shown.Title = thing.Title
	}
	if shown.Code == wire.CodeDuplicate {
		shown.Counts, shown.CountsAt = row.Counts, madeAt(row)
	}
	if shown.URL == "" || len(shown.URL) > wire.MaxURLBytes {
		shown.URL = thing.URL
	}
	switch row.State {
	case wire.StateWaiting:
		shown.Undoable = true
	case wire.StateAccepted, wire.StateLate:
		shown.Undoable = isOpen(row.Month, now)
	case wire.StateRefused:
		shown.Undoable = row.Code == noMeans // else it would be tried again
	case wire.StateUndone, wire.StateKept:
	}
	return shown
}

// madeAt is when the click was made that counts instead of this one. Where it
// came from another companion, its id tells: a UUID of version 7 begins with
// the time.
func madeAt(row clicklog.Row) string {
	id, err := uuid.Parse(row.Counts)
	if row.CountsAt != "" || err != nil || id.Version() != 7 {
		return row.CountsAt
	}
	seconds, nanoseconds := id.Time().UnixTime()
	return time.Unix(seconds, nanoseconds).UTC().Format(wireTime)
}

// wireTime writes a time as the extension does, in UTC.
const wireTime = "2006-01-02T15:04:05.000Z"

// tell pushes clicks to connections, as far as they still act for the account.
func (c *Companion) tell(_ context.Context, to []*session, account accounts.AccountID, rows []clicklog.Row) {
	now := c.ledgerTime(account)
	for _, row := range rows {
		push := wire.ClickPush{Type: wire.TypeClick, Click: clickRow(row, now)}
		for _, s := range to {
			if s.account() == account {
				s.send(push)
			}
		}
	}
}

// openMonths gives the running month and, within 72 hours of its end, the one
// before.
func openMonths(now time.Time) []string {
	months := []string{now.UTC().Format(monthFormat)}
	if earlier := now.Add(-grace).UTC().Format(monthFormat); earlier != months[0] {
		months = append(months, earlier)
	}
	return months
}

func isOpen(month string, now time.Time) bool {
	for _, open := range openMonths(now) {
		if month == open {
			return true
		}
	}
	return false
}
