package store

import (
	"database/sql"
	"strconv"
	"strings"
	"sync"
)

// rowsPerInsert is how many rows one statement inserts: enough that what a
// statement costs by itself, above all on the way to another machine, does not
// count, few enough that its parameters stay far below the bounds of both
// engines.
const rowsPerInsert = 64

// many inserts rows, many with one statement.
type many struct {
	tx         *Tx
	head, tail string
	columns    int
	args       []any
	each       func(*sql.Rows) error // takes what RETURNING in tail returns
}

// many begins to insert rows of so many columns. head ends with VALUES.
func (tx *Tx) many(head, tail string, columns int) *many {
	return &many{tx: tx, head: head, tail: tail, columns: columns, args: make([]any, 0, columns*rowsPerInsert)}
}

// add inserts a row, now or with the ones that follow.
func (m *many) add(values ...any) error {
	m.args = append(m.args, values...)
	if len(m.args) < m.columns*rowsPerInsert {
		return nil
	}
	return m.insert(rowsPerInsert)
}

// flush inserts what is left, in statements of 32, 16, 8 … rows: few enough
// kinds that all of them can stay prepared.
func (m *many) flush() error {
	for size := rowsPerInsert / 2; size > 0; size /= 2 {
		if len(m.args) >= size*m.columns {
			if err := m.insert(size); err != nil {
				return err
			}
		}
	}
	return nil
}

// insert inserts the first rows that wait.
func (m *many) insert(rows int) error {
	query, args := m.statement(rows), m.args[:rows*m.columns]
	var err error
	if m.each != nil {
		err = m.tx.each(query, m.each, args...)
	} else {
		_, err = m.tx.exec(query, args...)
	}
	m.args = append(m.args[:0], m.args[rows*m.columns:]...)
	return err
}

// texts holds the statements by what they begin with and how many rows they
// insert: making them takes as long as binding their values. They are few.
var texts sync.Map

// statement is the statement that inserts so many rows.
func (m *many) statement(rows int) string {
	type kind struct {
		head, tail string
		rows       int
	}
	k := kind{m.head, m.tail, rows}
	text, known := texts.Load(k)
	if !known {
		text, _ = texts.LoadOrStore(k, m.head+placeholders(rows, m.columns)+m.tail)
	}
	return text.(string)
}

// placeholders is "($1,$2),($3,$4)" for two rows of two columns.
func placeholders(rows, columns int) string {
	var b strings.Builder
	for i := range rows * columns {
		switch {
		case i == 0:
			b.WriteByte('(')
		case i%columns == 0:
			b.WriteString("),(")
		default:
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(i + 1))
	}
	b.WriteByte(')')
	return b.String()
}
