package report

import (
	"context"
	"fmt"
	"io"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// operatorLine is a closed month as the operator sees it, and the books as they
// are now. Amounts are micro-EUR.
type operatorLine struct {
	Type     string      `json:"type"`
	Month    string      `json:"month"`
	Readers  int         `json:"readers"`
	Empty    int         `json:"readers_with_promises_only"`
	Clicks   int         `json:"clicks"`
	Promises int         `json:"promised_clicks"`
	Authors  int         `json:"authors"`
	Budget   money.Micro `json:"budget_micro"`
	Net      money.Micro `json:"net_micro"`
	Fee      money.Micro `json:"fee_micro"`

	Means      money.Micro `json:"means_micro"`
	Held       money.Micro `json:"held_micro"`
	Receivable money.Micro `json:"receivable_micro"` // what readers owe
	Clearing   money.Micro `json:"clearing_micro"`
	Unpaid     money.Micro `json:"unpaid_micro"` // revenue of authors
	FeeBalance money.Micro `json:"fee_balance_micro"`
	Gift       money.Micro `json:"gift_micro"` // below zero: given away
	Bank       money.Micro `json:"bank_micro"` // what came in and is here
}

// unpaidLine is an author in the operator's statement.
type unpaidLine struct {
	Type   string      `json:"type"`
	Name   string      `json:"name"`
	Clicks int         `json:"clicks"`
	Gross  money.Micro `json:"gross_micro"`
	Fee    money.Micro `json:"fee_micro"`
	Net    money.Micro `json:"net_micro"`
	Unpaid money.Micro `json:"unpaid_micro"` // on the account revenue now
}

// OperatorStatement writes a closed month for the operator: sums, fee, promises,
// what each author earned and has not been paid, and what is on the books. It is
// proved against the books as it is written, and answers ErrDamaged where they
// say otherwise. It refuses with month_open when the month is not closed.
func OperatorStatement(ctx context.Context, s *store.Store, month flattr.Month, format Format, to io.Writer) error {
	return s.View(ctx, func(tx *store.Tx) error {
		if err := closed(tx, month); err != nil {
			return err
		}
		line, err := operatorSums(tx, month)
		if err != nil {
			return err
		}
		switch format {
		case NDJSON, JSON:
			out := newObjects(to, format)
			if err := writeUnpaid(tx, month, line, func(u store.Unpaid) error {
				return out.write(unpaidLine{Type: "author", Name: u.Name, Clicks: u.Clicks, Gross: u.Gross, Fee: u.Fee, Net: u.Net, Unpaid: u.Balance})
			}); err != nil {
				return err
			}
			if err := out.write(line); err != nil {
				return err
			}
			return out.end()
		case CSV:
			out := newCSV(to, "period;author;clicks;gross;fee;net;unpaid")
			if err := writeUnpaid(tx, month, line, func(u store.Unpaid) error {
				out.row(month, quoted(u.Name), u.Clicks, decimal(u.Gross, 6), decimal(u.Fee, 6), decimal(u.Net, 6), decimal(u.Balance, 6))
				return nil
			}); err != nil {
				return err
			}
			return out.end()
		case Text:
		}
		return operatorText(tx, month, line, to)
	})
}

// operatorSums sums the month and the books, and proves one by the other.
func operatorSums(tx *store.Tx, month flattr.Month) (operatorLine, error) {
	sums, err := tx.MonthSums(month)
	if err != nil {
		return operatorLine{}, err
	}
	kinds, err := tx.Kinds()
	if err != nil {
		return operatorLine{}, err
	}
	given, net, fee, err := tx.Posted(month)
	if err != nil {
		return operatorLine{}, err
	}
	if given != sums.Budget || net != sums.Net || fee != sums.Fee || sums.Budget != sums.Net+sums.Fee {
		return operatorLine{}, fmt.Errorf("%s: readers gave %s, authors got %s, the fee was %s; booked are %s, %s and %s: %w",
			month, sums.Budget, sums.Net, sums.Fee, given, net, fee, ErrDamaged)
	}
	all := money.Micro(0)
	for _, balance := range kinds {
		all += balance
	}
	if all != 0 {
		return operatorLine{}, fmt.Errorf("debits and credits of all accounts differ by %d micro-EUR: %w", int64(all), ErrDamaged)
	}
	return operatorLine{
		Type: "operator", Month: month.String(), Readers: sums.Readers, Empty: sums.Empty, Clicks: sums.Clicks, Promises: sums.Promises,
		Authors: sums.Authors, Budget: sums.Budget, Net: sums.Net, Fee: sums.Fee,
		Means: kinds[book.Means], Held: kinds[book.Held], Receivable: -kinds[book.Receivable], Clearing: kinds[book.Clearing],
		Unpaid: kinds[book.Revenue], FeeBalance: kinds[book.Fee], Gift: kinds[book.Gift], Bank: -kinds[book.Bank],
	}, nil
}

// writeUnpaid hands over the authors and proves their sums.
func writeUnpaid(tx *store.Tx, month flattr.Month, sums operatorLine, use func(store.Unpaid) error) error {
	net, unpaid := money.Micro(0), money.Micro(0)
	err := tx.EachUnpaid(month, func(u store.Unpaid) error {
		net += u.Net
		unpaid += u.Balance
		return use(u)
	})
	if err == nil && (net != sums.Net || unpaid != sums.Unpaid) {
		err = fmt.Errorf("authors earned %s and have %s unpaid, by the books it is %s and %s: %w", net, unpaid, sums.Net, sums.Unpaid, ErrDamaged)
	}
	return err
}

func operatorText(tx *store.Tx, month flattr.Month, sums operatorLine, to io.Writer) error {
	out := newTable(to)
	out.line("%s for the operator", month)
	out.line("")
	out.row("author", ">clicks", ">gross", ">fee", ">net", ">unpaid now")
	if err := writeUnpaid(tx, month, sums, func(u store.Unpaid) error {
		out.row(u.Name, u.Clicks, u.Gross, u.Fee, u.Net, u.Balance)
		return nil
	}); err != nil {
		return err
	}
	out.line("")
	out.line("%s gave %s EUR with %s.", counted(sums.Readers-sums.Empty, "reader"), sums.Budget, counted(sums.Clicks, "click"))
	out.line("%s, and %s with promises only.", counted(sums.Promises, "promise"), counted(sums.Empty, "reader"))
	out.line("%s got %s EUR; the fee was %s EUR.", counted(sums.Authors, "author"), sums.Net, sums.Fee)
	out.line("")
	out.row("on the books now", ">EUR")
	for _, account := range []struct {
		name string
		net  money.Micro
	}{
		{"bank", sums.Bank},
		{"gift", sums.Gift},
		{"means of readers", sums.Means},
		{"held for open months", sums.Held},
		{"owed by readers", sums.Receivable},
		{"on its way to authors", sums.Clearing},
		{"unpaid revenue", sums.Unpaid},
		{"fee", sums.FeeBalance},
	} {
		out.row(account.name, account.net)
	}
	return out.end()
}
