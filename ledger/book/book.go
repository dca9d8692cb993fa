// Package book is double entry: accounts, transfers between them, and ids by
// which a transfer done twice is done once.
package book

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"flattr/ledger/money"
)

// Kind says what an account is for.
type Kind string

// The kinds of accounts. Bank is the world outside and gift the operator's
// generosity: both go below zero by what has come in. Receivable goes below
// zero by what its reader owes.
const (
	Bank       Kind = "bank"
	Gift       Kind = "gift"
	Means      Kind = "means"      // of a reader
	Held       Kind = "held"       // of a reader, for a month
	Receivable Kind = "receivable" // of a reader, after a returned top-up
	Clearing   Kind = "clearing"   // of a month; ends at 0
	Revenue    Kind = "revenue"    // of an author
	Fee        Kind = "fee"
)

// number is the place of a kind in account ids; it never changes.
func (k Kind) number() uint16 {
	switch k {
	case Bank:
		return 1
	case Gift:
		return 2
	case Means:
		return 3
	case Held:
		return 4
	case Receivable:
		return 5
	case Clearing:
		return 6
	case Revenue:
		return 7
	case Fee:
		return 8
	}
	panic("book: unknown kind of account " + string(k))
}

// Account names an account by what it is for.
type Account struct {
	Kind   Kind
	Bucket int   // of the owner; 0 for the operator's
	Owner  int64 // member; 0 is the operator
	Month  int32 // of held and clearing, as 202611; else 0
}

// AccountID is bucket, owner, kind and month in 16 bytes, so that the accounts
// of a member lie together and an id is known without asking the store.
type AccountID [16]byte

// ID is the account's id.
func (a Account) ID() AccountID {
	var id AccountID
	binary.BigEndian.PutUint16(id[0:], uint16(a.Bucket))
	binary.BigEndian.PutUint64(id[2:], uint64(a.Owner))
	binary.BigEndian.PutUint16(id[10:], a.Kind.number())
	binary.BigEndian.PutUint32(id[12:], uint32(a.Month))
	return id
}

// String writes the id as 32 hexadecimal digits.
func (id AccountID) String() string { return hex.EncodeToString(id[:]) }

// Code says why money moved.
type Code string

// The codes of transfers.
const (
	Credit  Code = "credit"  // bank -> means: a top-up
	Opening Code = "opening" // bank -> means: loaded with the member
	Welcome Code = "welcome" // gift -> means: carried by an invite
	Hold    Code = "hold"    // means -> held: the first click of a month
	Release Code = "release" // held -> means: nothing counts any more, or only promises
	Raise   Code = "raise"   // means -> held: the budget went up
	Lower   Code = "lower"   // held -> means: the budget went down
	Give    Code = "give"    // held -> clearing: a reader's budget at the settlement
	Earn    Code = "earn"    // clearing -> revenue: an author's net
	Charge  Code = "charge"  // clearing -> fee
	Return  Code = "return"  // means or receivable -> bank: the bank took a top-up back
	Repay   Code = "repay"   // means -> receivable: what was owed after that
	Refund  Code = "refund"  // means -> bank: paid back to the reader
	Present Code = "present" // means or revenue -> means of another member, as a gift
	Use     Code = "use"     // revenue -> means of the same member
	Reverse Code = "reverse" // the other way of the transfer that it reverses
	Reclaim Code = "reclaim" // clearing -> gift: what a reversed earn brought back
)

// Transfer moves an amount above 0 out of the account Debit into the account
// Credit.
type Transfer struct {
	ID     uuid.UUID
	Debit  Account
	Credit Account
	Amount money.Micro
	Code   Code
	Batch  string // what it belongs to
}

var transferSpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("flattr:transfer"))

// TransferID is the same for the same cause (a month, or what else brings a
// transfer about once), code and account.
func TransferID(cause string, code Code, account Account) uuid.UUID {
	return uuid.NewSHA1(transferSpace, []byte(cause+"|"+string(code)+"|"+account.ID().String()))
}

// ParseTransferID reads the id of a transfer in its usual form of 36 characters.
func ParseTransferID(s string) (uuid.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil || len(s) != 36 {
		return uuid.UUID{}, fmt.Errorf("%.40q is no id of a transfer, which looks like 1b4e28ba-2fa1-51d2-883f-0016d3cca427", s)
	}
	return id, nil
}

// New makes the transfer of an amount for a cause. Its id is that of the cause,
// the code and the account by, which is one of the two.
func New(cause string, code Code, debit, credit, by Account, amount money.Micro) Transfer {
	return Transfer{
		ID: TransferID(cause, code, by), Debit: debit, Credit: credit,
		Amount: amount, Code: code, Batch: cause,
	}
}

// ErrAmount is what Check answers to a transfer of nothing or less.
var ErrAmount = errors.New("a transfer must move more than 0")

// Check holds the invariants of one transfer.
func (t Transfer) Check() error {
	if t.Amount <= 0 {
		return fmt.Errorf("transfer %s: %w", t.ID, ErrAmount)
	}
	if t.Debit.ID() == t.Credit.ID() {
		return fmt.Errorf("transfer %s: both sides are one account", t.ID)
	}
	return nil
}

// Balance is what is on an account: credits less debits. On means, held and
// revenue it is what is owed to the member.
type Balance struct{ Debits, Credits money.Micro }

// Net is credits less debits.
func (b Balance) Net() money.Micro { return b.Credits - b.Debits }

// Change is what transfers do to one account.
type Change struct {
	Account Account
	Balance
}

// Changes sums what transfers do to each account, in the order in which the
// accounts first appear. Debits and credits of all changes are equal, unless
// an amount overflows, which is an error.
func Changes(transfers []Transfer) ([]Change, error) {
	at := make(map[AccountID]int, 2*len(transfers))
	changes := make([]Change, 0, len(transfers)+1)
	slot := func(a Account) *Change {
		id := a.ID()
		i, known := at[id]
		if !known {
			i = len(changes)
			at[id] = i
			changes = append(changes, Change{Account: a})
		}
		return &changes[i]
	}
	for _, t := range transfers {
		if err := t.Check(); err != nil {
			return nil, err
		}
		var err error
		debit := slot(t.Debit)
		if debit.Debits, err = money.Add(debit.Debits, t.Amount); err != nil {
			return nil, err
		}
		credit := slot(t.Credit)
		if credit.Credits, err = money.Add(credit.Credits, t.Amount); err != nil {
			return nil, err
		}
	}
	return changes, nil
}
