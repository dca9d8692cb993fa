package clicklog

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
)

// Answer is what the ledger said about one event.
type Answer struct {
	ID       string
	Outcome  string // accepted, late, duplicate or refused
	Code     string
	Sentence string
	Month    string // where it counts
	Counts   string // of a duplicate: the click that counts
	ThingID  string
	URL      string // canonical URL of the thing
	Title    string
	Promise  bool
	Retry    bool
	Undone   bool // of a click: nothing counts for its thing any more
}

const answerEvent = `
UPDATE event SET answered_ms = $1, outcome = $2, code = $3, sentence = $4, counts_in = $5, thing_id = $6, url = $7, title = $8, promise = $9, retry = $10, counts = $11, undone = $12
WHERE account = $13 AND id = $14`

const writeSummary = `
INSERT INTO summary (account, months, means_micro, synced_ms) VALUES ($1, $2, $3, $4)
ON CONFLICT (account) DO UPDATE SET months = excluded.months, means_micro = excluded.means_micro, synced_ms = excluded.synced_ms`

// Answered keeps the ledger's answers and its summary, in one transaction. A
// duplicate is kept with the code duplicate, whatever the ledger's own code, so
// that the reader sees that nothing went wrong.
func (l *Log) Answered(ctx context.Context, account int64, answers []Answer, summary Summary) error {
	months, err := json.Marshal(summary.Months)
	if err != nil {
		return fmt.Errorf("keep answers: %w", err)
	}
	err = l.db.Change(ctx, func(tx *sql.Tx) error {
		for _, a := range answers {
			if a.Outcome == duplicate {
				a.Code = duplicate
			}
			_, err := tx.ExecContext(ctx, answerEvent, summary.Synced.UnixMilli(), a.Outcome, a.Code, a.Sentence, a.Month,
				a.ThingID, a.URL, a.Title, a.Promise, a.Retry, a.Counts, a.Undone, account, a.ID)
			if err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, writeSummary, account, string(months), summary.MeansMicro, summary.Synced.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("keep answers: %w", l.notice(err))
	}
	return nil
}

// Touched gives the clicks that events changed: clicks are named as they are,
// undos by the click they take back.
func (l *Log) Touched(ctx context.Context, account int64, ids []string) ([]Row, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, fmt.Errorf("read changed clicks: %w", l.notice(err))
	}
	rows, err := scan(l.db.Read.QueryContext(ctx, touched, account, string(list)))
	if err != nil {
		return nil, fmt.Errorf("read changed clicks: %w", l.notice(err))
	}
	return rows, nil
}

const touched = selectClick + `
AND e.id IN (SELECT value FROM json_each($2) UNION SELECT click FROM event WHERE account = $1 AND kind = 'undo' AND id IN (SELECT value FROM json_each($2)))`
