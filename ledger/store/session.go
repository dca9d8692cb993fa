package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// session is one connection with the statements prepared on it. It is made at
// its first use, and anew after the connection was lost.
type session struct {
	*engine
	db         *sql.DB
	conn       *sql.Conn // nil: not connected
	statements map[string]*sql.Stmt
}

// connect makes the connection where there is none.
func (on *session) connect(ctx context.Context) error {
	if on.conn != nil {
		return nil
	}
	conn, err := on.db.Conn(ctx)
	if err != nil {
		return on.named(err)
	}
	on.conn, on.statements = conn, make(map[string]*sql.Stmt)
	return nil
}

// lost reports whether the connection has ended.
func (on *session) lost() bool {
	if on.conn == nil {
		return false
	}
	ended := false
	err := on.conn.Raw(func(raw any) error {
		ended = on.ended(raw)
		return nil
	})
	return ended || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone)
}

// discard gives up the connection, so that the next use makes a new one.
func (on *session) discard() {
	if on.conn == nil {
		return
	}
	conn, statements := on.conn, on.statements
	on.conn, on.statements = nil, nil
	if !on.remote {
		// SQLite keeps a connection, and the lock of what it has begun, as long as
		// one of its statements. A server may not answer any more.
		for _, st := range statements {
			_ = st.Close()
		}
	}
	// That the connection is bad makes the pool close it instead of keeping it.
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
}

// close gives the connection back. Statements that are left open would keep a
// file; a server forgets them with the connection, which may be lost already.
func (on *session) close() error {
	if on.conn == nil {
		return nil
	}
	if on.remote {
		on.discard()
		return nil
	}
	var errs []error
	for _, st := range on.statements {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, on.conn.Close())...)
}

// statement is the prepared form of query.
func (on *session) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	if st, ok := on.statements[query]; ok {
		return st, nil
	}
	st, err := on.conn.PrepareContext(ctx, on.prepared(query))
	if err == nil {
		on.statements[query] = st
	}
	return st, err
}
