package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

// What the ledger keeps of one member, row by row, as the member takes it home.
// Nothing of it opens an account: no hash, no token, no key.

// ownKind says what a column holds.
type ownKind int

const (
	ownText   ownKind = iota
	ownNumber         // also of a thing, and money
	ownTime
	ownMonth
	ownYes
	ownID // of an event or transfer
)

// OwnColumn is a column of what is kept of a member.
type OwnColumn struct {
	Name string
	kind ownKind
}

// OwnTable is a kind of thing that is kept of members.
type OwnTable struct {
	Name    string
	Columns []OwnColumn
	queries []ownQuery
}

// ownQuery reads a page of rows: those after the keys of the last one, in their
// order. The keys stand before the columns.
type ownQuery struct {
	text    string
	args    func(flattr.MemberID) []any // before the keys
	first   []any                       // keys before all others
	monthly bool                        // is asked for each month, as the first argument
}

// readerArgs and memberArgs are how rows say whose they are.
func readerArgs(m flattr.MemberID) []any { return []any{m.Bucket(), int64(m)} }

func memberArgs(m flattr.MemberID) []any { return []any{int64(m)} }

// smallest is below every number that is a key, and nothing below every text and
// every id.
const smallest = int64(-1)

var nothing = []byte{}

// eventColumns go with the table names e (event) and t (its thing).
const eventColumns = `e.id, e.kind, e.at, e.arrived, e.month, t.url, t.title, e.click, e.result, e.code, e.late
FROM event e LEFT JOIN thing t ON t.id = e.thing`

// transferColumns go with t (transfer), d and c (its accounts).
const transferColumns = `t.id, t.at, t.code, d.kind, c.kind, t.amount, CASE WHEN d.month <> 0 THEN d.month ELSE c.month END, t.reverses,
CASE WHEN t.code IN ('credit', 'refund', 'return') THEN t.batch ELSE '' END
FROM transfer t JOIN account d ON d.id = t.debit_account JOIN account c ON c.id = t.credit_account`

// OwnTables are all kinds of things that are kept of members, settled months
// aside, which have statements.
func OwnTables() []OwnTable {
	return append(ownActs(), ownBelongings()...)
}

// ownActs are what a member did.
func ownActs() []OwnTable {
	return []OwnTable{
		{"events", []OwnColumn{
			{"id", ownID},
			{"kind", ownText},
			{"at", ownTime},
			{"arrived", ownTime},
			{"month", ownMonth},
			{"url", ownText},
			{"title", ownText},
			{"click", ownID},
			{"result", ownText},
			{"code", ownText},
			{"late", ownYes},
		}, []ownQuery{
			{
				text: `SELECT e.thing, e.id, ` + eventColumns + `
WHERE e.month = $1 AND e.bucket = $2 AND e.reader = $3 AND (e.thing, e.id) > ($4, $5) ORDER BY e.thing, e.id LIMIT $6`,
				args: readerArgs, first: []any{smallest, nothing}, monthly: true,
			},
			{text: `SELECT e.id, ` + eventColumns + `
WHERE e.month IS NULL AND e.bucket = $1 AND e.reader = $2 AND e.id > $3 ORDER BY e.id LIMIT $4`, args: readerArgs, first: []any{nothing}},
		}},
		{"transfers", []OwnColumn{
			{"id", ownID},
			{"at", ownTime},
			{"code", ownText},
			{"from", ownText},
			{"to", ownText},
			{"micro", ownNumber},
			{"month", ownMonth},
			{"reverses", ownID},
			{"reference", ownText},
		}, []ownQuery{
			{
				text: `SELECT t.debit_account, t.id, ` + transferColumns + `
WHERE t.code <> 'earn' AND t.debit_account <= $1 AND (t.debit_account, t.id) > ($2, $3) ORDER BY t.debit_account, t.id LIMIT $4`,
				args: lastAccount, first: []any{firstAccount, nothing},
			},
			{
				text: `SELECT t.credit_account, t.id, ` + transferColumns + `
WHERE t.code <> 'give' AND t.credit_account <= $1 AND NOT (t.debit_account >= $2 AND t.debit_account <= $1)
  AND (t.credit_account, t.id) > ($3, $4) ORDER BY t.credit_account, t.id LIMIT $5`,
				args: bothAccounts, first: []any{firstAccount, nothing},
			},
		}},
		{"budgets", []OwnColumn{{"micro", ownNumber}, {"at", ownTime}}, []ownQuery{
			{text: `SELECT seq, amount, at FROM budget WHERE bucket = $1 AND member = $2 AND seq > $3 ORDER BY seq LIMIT $4`, args: readerArgs, first: []any{smallest}},
		}},
		{"subscriptions", []OwnColumn{
			{"id", ownID}, {"url", ownText}, {"title", ownText}, {"months", ownNumber}, {"at", ownTime}, {"paused", ownYes}, {"stopped", ownTime},
		}, []ownQuery{
			{text: `SELECT u.id, u.id, t.url, t.title, u.months, u.at, u.paused, u.stopped FROM subscription u LEFT JOIN thing t ON t.id = u.thing
WHERE u.bucket = $1 AND u.reader = $2 AND u.id > $3 ORDER BY u.id LIMIT $4`, args: readerArgs, first: []any{nothing}},
		}},
		{"subscription_months", []OwnColumn{{"month", ownMonth}, {"subscription", ownID}, {"state", ownText}}, []ownQuery{
			{text: `SELECT subscription, month, subscription, state FROM subscription_month
WHERE month = $1 AND bucket = $2 AND reader = $3 AND subscription > $4 ORDER BY subscription LIMIT $5`, args: readerArgs, first: []any{nothing}, monthly: true},
		}},
		{"promises", []OwnColumn{
			{"click", ownID}, {"month", ownMonth}, {"at", ownTime}, {"url", ownText}, {"title", ownText}, {"state", ownText}, {"became", ownID},
		}, []ownQuery{
			{
				text: `SELECT p.state, p.month, p.thing, p.click, p.month, p.at, t.url, t.title, p.state, p.became FROM promise p JOIN thing t ON t.id = p.thing
WHERE p.bucket = $1 AND p.reader = $2 AND (p.state, p.month, p.thing) > ($3, $4, $5) ORDER BY p.state, p.month, p.thing LIMIT $6`,
				args: readerArgs, first: []any{"", smallest, smallest},
			},
		}},
	}
}

// ownBelongings are what belongs to a member.
func ownBelongings() []OwnTable {
	things := `SELECT id, id, url, title, description, category, language, tags, hidden, since, updated, withdrawn FROM thing `
	return []OwnTable{
		{"invites", []OwnColumn{{"code", ownText}, {"micro", ownNumber}, {"made", ownTime}, {"used", ownTime}, {"let_in", ownText}}, []ownQuery{
			{text: `SELECT i.id, i.code, i.means, i.minted_at, i.used_at, COALESCE(m.name, '') FROM invite i LEFT JOIN member m ON m.id = i.used_by
WHERE i.minted_by = $1 AND i.id > $2 ORDER BY i.id LIMIT $3`, args: memberArgs, first: []any{nothing}},
		}},
		{"things", []OwnColumn{
			{"id", ownNumber},
			{"url", ownText},
			{"title", ownText},
			{"description", ownText},
			{"category", ownText},
			{"language", ownText},
			{"tags", ownText},
			{"hidden", ownYes},
			{"since", ownTime},
			{"updated", ownTime},
			{"withdrawn", ownTime},
		}, []ownQuery{
			{text: things + `WHERE owner = $1 AND id > $2 ORDER BY id LIMIT $3`, args: memberArgs, first: []any{smallest}},
			{text: things + `WHERE registrar = $1 AND owner IS NULL AND id > $2 ORDER BY id LIMIT $3`, args: memberArgs, first: []any{smallest}},
		}},
		{"parts", []OwnColumn{{"url", ownText}, {"basis_points", ownNumber}, {"at", ownTime}}, []ownQuery{
			{text: `SELECT a.key, a.position, p.url, a.bp, p.at FROM parts_author a JOIN parts p ON p.key = a.key
WHERE a.author = $1 AND (a.key, a.position) > ($2, $3) ORDER BY a.key, a.position LIMIT $4`, args: memberArgs, first: []any{"", smallest}},
		}},
		{"payout_targets", []OwnColumn{{"iban_end", ownText}, {"holder", ownText}, {"at", ownTime}, {"payable", ownTime}}, []ownQuery{
			{text: `SELECT seq, CASE kind WHEN 'iban' THEN SUBSTR(iban, LENGTH(iban) - 3, 4) ELSE '' END, holder, at, payable FROM payout_target
WHERE member = $1 AND seq > $2 ORDER BY seq LIMIT $3`, args: memberArgs, first: []any{smallest}},
		}},
		{"notes", []OwnColumn{{"month", ownMonth}, {"text", ownText}, {"at", ownTime}}, []ownQuery{
			{text: `SELECT month, month, text, at FROM note WHERE author = $1 AND month > $2 ORDER BY month LIMIT $3`, args: memberArgs, first: []any{smallest}},
		}},
		{"muted_authors", []OwnColumn{{"name", ownText}, {"at", ownTime}}, []ownQuery{
			{text: `SELECT u.author, m.name, u.at FROM note_mute u JOIN member m ON m.id = u.author
WHERE u.bucket = $1 AND u.reader = $2 AND u.author > $3 ORDER BY u.author LIMIT $4`, args: readerArgs, first: []any{smallest}},
		}},
		{"claims", []OwnColumn{
			{"url", ownText}, {"state", ownText}, {"proof", ownText}, {"fault", ownText}, {"since", ownTime}, {"checked", ownTime}, {"lost", ownTime},
		}, []ownQuery{
			{
				text: `SELECT key, url, state, proof, fault, since, checked, lost FROM claim_request WHERE member = $1 AND key > $2 ORDER BY key LIMIT $3`,
				args: memberArgs, first: []any{""},
			},
		}},
		{"changes_of_owner", []OwnColumn{{"key", ownText}, {"how", ownText}, {"at", ownTime}, {"payable", ownTime}}, []ownQuery{
			{
				text: `SELECT at, key, seq, key, how, at, payable FROM claim_change WHERE owner = $1 AND (at, key, seq) > ($2, $3, $4) ORDER BY at, key, seq LIMIT $5`,
				args: memberArgs, first: []any{smallest, "", smallest},
			},
		}},
		{"grants", []OwnColumn{{"client", ownText}, {"application", ownText}, {"may", ownText}, {"browser", ownText}, {"since", ownTime}, {"used", ownTime}, {"revoked", ownTime}}, []ownQuery{
			{text: `SELECT t.signature, t.client, COALESCE(a.name, ''), t.scope, t.agent, t.issued, NULLIF(t.used, 0), t.revoked FROM oauth_token t LEFT JOIN oauth_app a ON a.id = t.client
WHERE t.member = $1 AND t.signature > $2 ORDER BY t.signature LIMIT $3`, args: memberArgs, first: []any{""}},
		}},
		{"applications", []OwnColumn{{"client", ownText}, {"name", ownText}, {"callback", ownText}, {"registered", ownTime}, {"revoked", ownTime}}, []ownQuery{
			{
				text: `SELECT id, id, name, callback, created, revoked FROM oauth_app WHERE member = $1 AND id > $2 ORDER BY id LIMIT $3`,
				args: memberArgs, first: []any{""},
			},
		}},
		{"sign_ins", []OwnColumn{{"browser", ownText}, {"by_passkey", ownYes}, {"since", ownTime}, {"seen", ownTime}, {"until", ownTime}}, []ownQuery{
			{
				text: `SELECT since, id, agent, passkey, since, seen, expires FROM signin WHERE member = $1 AND (since, id) > ($2, $3) ORDER BY since, id LIMIT $4`,
				args: memberArgs, first: []any{smallest, ""},
			},
		}},
		{"passkeys", []OwnColumn{{"name", ownText}, {"since", ownTime}, {"used", ownTime}}, []ownQuery{
			{
				text: `SELECT since, id, name, since, used FROM passkey WHERE member = $1 AND (since, id) > ($2, $3) ORDER BY since, id LIMIT $4`,
				args: memberArgs, first: []any{smallest, nothing},
			},
		}},
		{"mail_addresses", []OwnColumn{{"address", ownText}, {"confirmed", ownTime}, {"summary", ownYes}, {"refused", ownTime}}, []ownQuery{
			{
				text: `SELECT member, address, confirmed, summary, refused FROM mail_address WHERE member = $1 AND member > $2 ORDER BY member LIMIT $3`,
				args: memberArgs, first: []any{smallest},
			},
		}},
		{"partner_identities", []OwnColumn{{"identity", ownText}, {"at", ownTime}}, []ownQuery{
			{
				text: `SELECT identity, identity, at FROM partner_identity WHERE member = $1 AND identity > $2 ORDER BY identity LIMIT $3`,
				args: memberArgs, first: []any{""},
			},
		}},
		{"disputed_identities", []OwnColumn{{"identity", ownText}, {"at", ownTime}}, []ownQuery{
			{
				text: `SELECT identity, identity, at FROM partner_dispute WHERE member = $1 AND identity > $2 ORDER BY identity LIMIT $3`,
				args: memberArgs, first: []any{""},
			},
		}},
	}
}

// accountEnd stands for the smallest id of a member's accounts among keys.
type accountEnd struct{}

var firstAccount = accountEnd{}

func lastAccount(m flattr.MemberID) []any {
	_, last := accountsOf(m)
	return []any{last[:]}
}

func bothAccounts(m flattr.MemberID) []any {
	first, last := accountsOf(m)
	return []any{last[:], first[:]}
}

// EachOwn hands over what of a kind is kept of a member: text, numbers,
// times, months, truths and ids, or nil. It reads in short
// transactions, so that whoever takes it slowly keeps nobody waiting.
func (s *Store) EachOwn(ctx context.Context, member flattr.MemberID, table OwnTable, use func(row []any) error) error {
	var months []flattr.Month
	err := s.read(ctx, func(tx *Tx) (err error) {
		months, err = tx.Months()
		return err
	})
	if err != nil {
		return err
	}
	for _, q := range table.queries {
		if !q.monthly {
			err = s.ownRows(ctx, table, q, q.args(member), member, use)
		}
		for i := 0; q.monthly && err == nil && i < len(months); i++ {
			err = s.ownRows(ctx, table, q, append([]any{int32(months[i])}, q.args(member)...), member, use)
		}
		if err != nil {
			return fmt.Errorf("read %s of a member: %w", table.Name, err)
		}
	}
	return nil
}

// ownRows reads the rows of one query, page by page.
func (s *Store) ownRows(ctx context.Context, table OwnTable, q ownQuery, args []any, member flattr.MemberID, use func([]any) error) error {
	keys := make([]any, len(q.first))
	copy(keys, q.first)
	for i, key := range keys {
		if key == (accountEnd{}) {
			first, _ := accountsOf(member)
			keys[i] = first[:]
		}
	}
	for {
		var rows [][]any
		err := s.read(ctx, func(tx *Tx) error {
			rows = nil
			all := append(append(args[:len(args):len(args)], keys...), page)
			return tx.each(q.text, func(r *sql.Rows) error {
				row := make([]any, len(keys)+len(table.Columns))
				to := make([]any, len(row))
				for i := range row {
					to[i] = &row[i]
				}
				err := r.Scan(to...)
				rows = append(rows, row)
				return err
			}, all...)
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			values := row[len(keys):]
			for i, column := range table.Columns {
				if values[i], err = column.value(values[i]); err != nil {
					return err
				}
			}
			if err := use(values); err != nil {
				return err
			}
		}
		if len(rows) < page {
			return nil
		}
		copy(keys, rows[len(rows)-1][:len(keys)])
	}
}

// value is what the database has, as what it is.
func (c OwnColumn) value(raw any) (any, error) {
	switch v := raw.(type) {
	case nil:
		return nil, nil
	case string:
		return v, nil
	case []byte:
		if c.kind == ownText {
			return string(v), nil
		}
		var id flattr.EventID
		if len(v) != len(id) {
			return nil, fmt.Errorf("an id in %s has %d bytes", c.Name, len(v))
		}
		copy(id[:], v)
		return id, nil
	case int64:
		return c.number(v), nil
	}
	return nil, fmt.Errorf("%s is a %T", c.Name, raw)
}

// number is a number as what it is; there are no times and no months at 0.
func (c OwnColumn) number(v int64) any {
	switch {
	case c.kind == ownTime && v == 0, c.kind == ownMonth && v == 0:
		return nil
	case c.kind == ownTime:
		return time.UnixMicro(v).UTC()
	case c.kind == ownMonth:
		return flattr.Month(v)
	case c.kind == ownYes:
		return v != 0
	}
	return v
}
