package store

import (
	"context"
	"database/sql"

	"github.com/pressly/goose/v3"
)

// engine is what differs between SQLite and PostgreSQL.
type engine struct {
	dialect    goose.Dialect
	name       string // of the database, for messages
	remote     bool   // a server, to which connections can be lost
	home       string // beginning of the keys of the ledger's own pages; "": not known
	beginWrite string
	beginRead  string
	// sharing is put behind a query of the row that a transaction depends on
	// and others change: they wait for each other. SQLite has one writer.
	sharing string
	// gate is the statement that keeps clicks out from the start of a
	// transaction that ends a month; empty where BEGIN does.
	gate string
	// counting is the statement that lets the planner count what a freeze has
	// written, so that it begins with the few and not with the many; empty where
	// the statements say themselves where to begin.
	counting string
	// prepared rewrites a statement before it is prepared.
	prepared func(query string) string
	// listTables asks for the names of all tables.
	listTables string
	// proof asks the engine whether every page is sound; empty where it cannot tell.
	proof string
	// words is how things are found by their words.
	words wordIndex
	// popularity are the triggers that keep how often things were flattred.
	popularity []string
	// dropTrigger is the statement that drops a trigger.
	dropTrigger func(trigger, table string) string
	// dialected rewrites the words of a statement that makes tables.
	dialected func(ddl string) string
	// shortWrites holds where each statement of a transaction that writes is over
	// so soon that it is not cut off when the caller gives up, only not followed
	// by another one. SQLite's driver starts a goroutine for each that can be.
	shortWrites bool
	// commit ends a transaction, or fails when it could not be kept.
	commit func(ctx context.Context, conn *sql.Conn) error
	// ended reports whether a driver's connection has ended.
	ended func(raw any) bool
	// again reports whether err says that the transaction lost against another
	// one and can be done again.
	again func(err error) bool
	// named says in words of the ledger what an error of the driver means: that
	// the database is away or damaged. Other errors stay as they are.
	named func(err error) error
	// previews are authors' months as they stood a moment ago, where there is much
	// to sum.
	previews previews
}
