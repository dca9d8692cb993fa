package closing

import (
	"context"
	"fmt"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/settle"
	"flattr/ledger/store"
)

// postedPerTransaction is how many readers or authors are booked at once. Ids of
// transfers are spread over all of their table: of few rows each would write a
// page of its own, in every transaction. Clicks wait for two seconds.
const postedPerTransaction = 150_000

// post books what readers give, then what authors earn, and ends the step when
// the month's clearing is at 0.
func (s Settlement) post(ctx context.Context) error {
	if err := s.postReaders(ctx); err != nil {
		return err
	}
	return s.postAuthors(ctx)
}

// postReaders books what readers give, a page in each transaction.
func (s Settlement) postReaders(ctx context.Context) error {
	said := 0
	for after := flattr.MemberID(0); ; {
		var last flattr.MemberID
		err := s.Store.Write(ctx, func(tx *store.Tx) error {
			last = 0
			budgets, err := tx.Budgets(s.Month, after, postedPerTransaction)
			if err != nil || len(budgets) == 0 {
				return err
			}
			transfers := make([]book.Transfer, 0, len(budgets))
			for _, b := range budgets {
				if b.Budget > 0 {
					transfers = append(transfers, settle.Give(s.Month, b.Reader, b.Budget))
				}
			}
			last = budgets[len(budgets)-1].Reader
			return tx.Post(s.Now, transfers)
		})
		if err != nil || last == 0 {
			return err
		}
		after = last
		if bucket := after.Bucket(); bucket >= said+flattr.Buckets/8 {
			said = bucket
			s.Say("%s: posted the readers of %d of %d buckets", s.Month, bucket, flattr.Buckets)
		}
	}
}

// postAuthors books what authors earn, a page in each transaction.
func (s Settlement) postAuthors(ctx context.Context) error {
	for after := flattr.MemberID(0); ; {
		var last flattr.MemberID
		err := s.Store.Write(ctx, func(tx *store.Tx) error {
			last = 0
			sums, err := tx.AuthorSums(s.Month, after, postedPerTransaction)
			if err != nil {
				return err
			}
			if len(sums) == 0 {
				return s.endPost(tx)
			}
			transfers := make([]book.Transfer, 0, 2*len(sums))
			for _, a := range sums {
				transfers = append(transfers, settle.Earn(s.Month, settle.Author{ID: a.Author, Fee: a.Fee, Net: a.Net})...)
			}
			last = sums[len(sums)-1].Author
			return tx.Post(s.Now, transfers)
		})
		if err != nil || last == 0 {
			return err
		}
		after = last
	}
}

// endPost holds that all that readers gave was handed on.
func (s Settlement) endPost(tx *store.Tx) error {
	left, err := tx.ClearingBalance(s.Month)
	if err != nil {
		return err
	}
	if left != 0 {
		return fmt.Errorf("the clearing of %s ends at %d micro-EUR instead of 0: the database is damaged; run audit", s.Month, int64(left))
	}
	return tx.Advance(s.Month, flattr.Computed, flattr.Posted)
}
