package clicklog

import (
	"context"
	"encoding/json"
	"fmt"
)

// counted reads what the ledger has taken: clicks that count in the listed
// months, or that it knows to be duplicates there, and the undos of those. It
// begins after an event.
const counted = selectEvent + `
WHERE account = $1 AND answered_ms IS NOT NULL AND outcome <> 'refused'
  AND seq > coalesce((SELECT seq FROM event WHERE account = $1 AND id = $2), 0)
  AND coalesce((SELECT coalesce(nullif(c.counts_in, ''), c.month) FROM event c WHERE c.account = event.account AND c.id = event.click AND c.kind = 'click'),
               nullif(counts_in, ''), month) IN (SELECT value FROM json_each($3))
ORDER BY seq LIMIT $4`

// Counted gives the oldest events that the ledger has answered and not refused,
// of the named months, after the event with the id last; "" begins.
func (l *Log) Counted(ctx context.Context, account int64, months []string, last string, limit int) ([]Event, error) {
	list, err := json.Marshal(months)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return l.events(ctx, account, counted, account, last, string(list), limit)
}
