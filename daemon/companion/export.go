package companion

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"flattr/daemon/control"
)

// exportBytes bounds a page of an export, well below what an answer to a
// command may have.
const exportBytes = 128 << 10

// export gives a page of all the clicks of a user. The cursor names the account
// and the click after which it goes on: "ACCOUNT.SEQ".
func (c *Companion) export(ctx context.Context, uid uint32, cursor string) (control.ExportPage, error) {
	page := control.ExportPage{Clicks: []control.ExportedClick{}}
	from, before := int64(0), int64(math.MaxInt64)
	if cursor != "" {
		account, seq, _ := strings.Cut(cursor, ".")
		var err, err2 error
		from, err = strconv.ParseInt(account, 10, 64)
		before, err2 = strconv.ParseInt(seq, 10, 64)
		if err != nil || err2 != nil {
			return page, &control.Problem{Code: "bad_cursor", Sentence: "The page asked for does not exist. Begin again with: flattrd export"}
		}
	}
	own, err := c.accounts.Accounts(ctx, uid)
	if err != nil {
		return page, err
	}
	size := 0
	for _, account := range own { // by id, upwards
		id := int64(account.ID)
		if id < from {
			continue
		}
		if id > from {
			before = math.MaxInt64
		}
		for {
			rows, err := c.clicks.History(ctx, id, before, pageRows)
			if err != nil {
				return page, err
			}
			for _, row := range rows {
				click := control.ExportedClick{Account: account.Name, Ledger: account.Ledger, ClickRow: fullRow(row, c.ledgerTime(account.ID))}
				text, err := json.Marshal(click) // as the answer is written, with every & escaped
				if err != nil {
					return page, err
				}
				if size += len(text); size > exportBytes && len(page.Clicks) > 0 {
					page.Next = fmt.Sprintf("%d.%d", id, before)
					return page, nil
				}
				page.Clicks, before = append(page.Clicks, click), row.Seq
			}
			if len(rows) < pageRows {
				break
			}
		}
	}
	return page, nil
}
