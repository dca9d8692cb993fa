package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"

	"flattr/ledger/flattr"
)

// How transactions of PostgreSQL that lose against each other are done again.
// With as many writers as an installation has, the first waits are enough; the
// bound is for a database in which something else never lets go.
const (
	writeAttempts = 40
	firstPause    = time.Millisecond
	longestPause  = 100 * time.Millisecond
)

// endTimeout is how long a transaction may take to be rolled back when its own
// time is over: without it a dead network would hold the session for ever.
const endTimeout = 5 * time.Second

// Tx is a running transaction. It is used by one goroutine and ends with the
// function it was given to.
type Tx struct {
	*session
	ctx      context.Context // of the caller
	uncut    context.Context // what statements run under
	writes   bool
	months   map[int32]flattr.State // states of months, as read or written by this transaction
	awaited  bool                   // no freeze is under way, nor begins before this transaction ends
	failed   error                  // the first statement that the database failed
	changed  int64                  // rows so far
	accounts accounts               // what is known of readers' accounts
	hooks    *[]flattr.Hook         // those that are told of promises; nil: not read yet
}

// Write runs work in one transaction that sees nothing of others and is
// durable when Write returns. When work fails, nothing of it is kept.
//
// On PostgreSQL several transactions run at the same time, and one that loses
// against another is rolled back and done again: WORK MAY RUN MORE THAN ONCE
// and must set what it fills outside of itself anew each time.
func (s *Store) Write(ctx context.Context, work func(*Tx) error) error { return s.write(ctx, work) }

func (s *Store) write(ctx context.Context, work func(*Tx) error) error {
	return s.repeat(ctx, order{writes: true, keep: true}, work)
}

// WriteGated is Write for what ends a month: from its start it keeps out
// everything that reads the state of a month to write into it, so that it
// waits once for the clicks under way and is not overtaken again and again.
func (s *Store) WriteGated(ctx context.Context, work func(*Tx) error) error {
	return s.repeat(ctx, order{writes: true, keep: true, gated: true}, work)
}

// Rehearse runs work in a transaction like Write's and rolls it back, whatever
// work returns: nothing of it is ever kept. Others wait as for a Write.
func (s *Store) Rehearse(ctx context.Context, work func(*Tx) error) error {
	return s.repeat(ctx, order{writes: true, gated: true}, work)
}

// read runs work on one unchanging view of the database.
func (s *Store) read(ctx context.Context, work func(*Tx) error) error {
	return s.repeat(ctx, order{}, work)
}

// glance runs work that reads a few single rows which need not be of one moment.
// It is spared the transaction, which costs more than the rows; on SQLite it is
// not cut off when the caller gives up, as with shortWrites. Where it finds the
// connection to a server lost it runs once more, with another one: WORK MAY RUN
// MORE THAN ONCE.
func (s *Store) glance(ctx context.Context, work func(*Tx) error) error {
	return s.repeat(ctx, order{loose: true}, work)
}

// order is how a transaction is wanted.
type order struct {
	writes bool
	keep   bool // else what it writes is rolled back
	gated  bool // keeps clicks out from the start
	shared bool // is for others too: once begun it goes on when the caller gives up
	loose  bool // there is none: each statement sees what is there when it runs
}

// repeat does a transaction until it does not lose against another one.
func (s *Store) repeat(ctx context.Context, o order, work func(*Tx) error) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		changed, err := s.transact(ctx, o, work)
		if err == nil && o.keep && s.committed != nil {
			s.committed(ctx, changed)
		}
		if err == nil || !o.writes || !s.again(err) || attempt == writeAttempts {
			return s.named(err)
		}
		select {
		case <-time.After(pause/2 + rand.N(pause/2+1)):
		case <-ctx.Done():
			return ctx.Err()
		}
		pause = min(2*pause, longestPause)
	}
}

// transact runs work once, on the next free session, and answers how many rows it
// has changed.
func (s *Store) transact(ctx context.Context, o order, work func(*Tx) error) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	sessions, begin := s.readers, s.beginRead
	if o.writes {
		sessions, begin = s.writers, s.beginWrite
	}
	if cap(sessions) == 0 {
		return 0, fmt.Errorf("the ledger %s cannot be written to: it was opened for reading only", s.name)
	}
	var on *session
	select {
	case on = <-sessions:
		defer func() { sessions <- on }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if o.loose {
		return 0, on.look(ctx, work)
	}
	if err := on.begin(ctx, begin); err != nil {
		return 0, err
	}
	if o.shared {
		ctx = context.WithoutCancel(ctx)
	}
	tx := &Tx{session: on, ctx: ctx, uncut: ctx, writes: o.writes, months: make(map[int32]flattr.State)}
	if s.shortWrites && o.writes {
		tx.uncut = context.WithoutCancel(ctx)
	}
	if o.gated && s.gate != "" {
		if _, err := on.conn.ExecContext(ctx, s.gate); err != nil {
			return 0, on.rollBack(ctx, fmt.Errorf("wait for clicks under way: %w", err))
		}
	}
	returned := false
	defer func() {
		if !returned {
			on.discard() // work panicked in the middle of its transaction
		}
	}()
	err := work(tx)
	returned = true
	if err == nil && tx.failed != nil {
		err = fmt.Errorf("a statement failed and the work went on: %w", tx.failed)
	}
	if tx.failed != nil && s.again(tx.failed) {
		err = tx.failed // whatever work made of it
	}
	if err != nil || !o.keep && o.writes {
		return 0, on.rollBack(ctx, err)
	}
	if err := s.commit(ctx, on.conn); err != nil {
		return 0, on.rollBack(ctx, fmt.Errorf("commit: %w", err))
	}
	return tx.changed, nil
}

// look runs work without a transaction.
func (on *session) look(ctx context.Context, work func(*Tx) error) error {
	for fresh := on.conn == nil; ; fresh = true {
		if err := on.connect(ctx); err != nil {
			return err
		}
		err := on.lookOnce(ctx, work)
		gone := err != nil && on.lost()
		if gone {
			on.discard()
		}
		if !gone || fresh || ctx.Err() != nil {
			return err
		}
	}
}

func (on *session) lookOnce(ctx context.Context, work func(*Tx) error) error {
	tx := &Tx{session: on, ctx: ctx, uncut: ctx, months: make(map[int32]flattr.State)}
	if on.shortWrites {
		tx.uncut = context.WithoutCancel(ctx)
	}
	returned := false
	defer func() {
		if !returned {
			on.discard() // work panicked, perhaps in the middle of an answer
		}
	}()
	err := work(tx)
	returned = true
	if err == nil && tx.failed != nil {
		err = fmt.Errorf("a statement failed and the work went on: %w", tx.failed)
	}
	return err
}

// begin begins a transaction. A connection that was lost while nobody used it is
// made anew.
func (on *session) begin(ctx context.Context, begin string) error {
	for fresh := on.conn == nil; ; fresh = true {
		if err := on.connect(ctx); err != nil {
			return err
		}
		_, err := on.conn.ExecContext(ctx, begin)
		if err == nil {
			return nil
		}
		gone := on.lost()
		if gone {
			on.discard()
		}
		if !gone || fresh || ctx.Err() != nil {
			return fmt.Errorf("begin: %w", err)
		}
	}
}

// rollBack ends a transaction that is not kept, and answers why: err.
func (on *session) rollBack(ctx context.Context, err error) error {
	if on.lost() {
		on.discard()
		return err
	}
	// The context may be over; what was begun must end all the same.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if _, failed := on.conn.ExecContext(end, "ROLLBACK"); failed != nil {
		on.discard()
		return errors.Join(err, fmt.Errorf("roll back: %w", failed))
	}
	return err
}

// note remembers the first failure of a statement: PostgreSQL keeps nothing of
// a transaction in which one failed.
func (tx *Tx) note(err error) error {
	if err != nil && tx.failed == nil && !errors.Is(err, sql.ErrNoRows) {
		tx.failed = err
	}
	return err
}

// check refuses text that PostgreSQL could not keep.
func check(args []any) error {
	for _, arg := range args {
		if s, ok := arg.(string); ok && (!utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0) {
			return flattr.Refuse(flattr.Invalid, "Text is UTF-8 without the character 0. Write it anew and try again.")
		}
	}
	return nil
}

// prepare checks the arguments of a query and prepares it.
func (tx *Tx) prepare(query string, args []any) (*sql.Stmt, error) {
	if err := cmp.Or(tx.ctx.Err(), check(args)); err != nil {
		return nil, err
	}
	st, err := tx.statement(tx.uncut, query)
	return st, tx.note(err)
}

// exec runs a statement and says how many rows it touched.
func (tx *Tx) exec(query string, args ...any) (int64, error) {
	st, err := tx.prepare(query, args)
	if err != nil {
		return 0, err
	}
	result, err := st.ExecContext(tx.uncut, args...)
	if err != nil {
		return 0, tx.note(err)
	}
	n, err := result.RowsAffected()
	tx.changed += n
	return n, err
}

// one holds that a statement touched exactly one row.
func one(n int64, err error) error {
	if err == nil && n != 1 {
		err = fmt.Errorf("%d rows changed instead of 1", n)
	}
	return err
}

// ignoreNone lets a query find nothing.
func ignoreNone(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// row is the one row of a query.
type row struct {
	*sql.Row
	tx  *Tx
	err error
}

// Scan reads the row's columns; it answers sql.ErrNoRows when there is none.
func (r row) Scan(to ...any) error {
	if r.err != nil {
		return r.err
	}
	return r.tx.note(r.Row.Scan(to...))
}

func (tx *Tx) row(query string, args ...any) row {
	st, err := tx.prepare(query, args)
	if err != nil {
		return row{err: err}
	}
	return row{Row: st.QueryRowContext(tx.uncut, args...), tx: tx}
}

// each runs scan for every row of a query. scan must not use the transaction.
func (tx *Tx) each(query string, scan func(*sql.Rows) error, args ...any) error {
	st, err := tx.prepare(query, args)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(tx.uncut, args...)
	if err != nil {
		return tx.note(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return tx.note(rows.Err())
}

// micros is how times are stored.
func micros(t time.Time) int64 { return t.UnixMicro() }

// timeOf is the time that was stored.
func timeOf(micros int64) time.Time { return time.UnixMicro(micros).UTC() }
