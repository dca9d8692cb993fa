// Flattr-ledger is the central server of Flattr: it keeps members, things and
// clicks, divides each reader's budget at the end of the month, and books what
// authors earn.
//
// # A tour
//
// Begin with the nouns. Package flattr has members, things, months, events and
// the rules that need no store: which of several clicks on one thing counts
// (Counting), how a budget is divided (Shares), which names and invite codes
// are good. Package money has the exact amounts, thing the key by which two
// URLs are one thing, book the double entry.
//
// Then follow a click. A companion posts it to package sync, whose types and
// client are in api; package oauth has let the companion in. sync hands it to
// Store.Record in package store, which judges it in one transaction: the thing
// is found by its key, the month by the reader's time (months.go), what counts
// is derived from the log (record.go, counted.go), and the first click of a
// month moves the budget from the account means to held (budgets.go, books.go).
// Everything is in the one database that --db names, a file of SQLite or
// PostgreSQL (sqlite.go, postgres.go); store/migrations says what each table is
// for. Whose a thing is, and who shares what it earns, is in ownership.go,
// parts.go and aliases.go, and package claim asks sites about it (claims.go);
// promises.go and subscriptions.go make clicks of
// their own; returns.go, reversal.go and deletion.go move money back.
//
// Package closing ends a month: open, frozen, computed, posted, closed. The
// freeze writes a snapshot of budgets, owners and policy in the transaction
// that ends the month for clicks (store/freeze.go); compute, which is package
// settle applied bucket by bucket, sums what each thing and author gets; post
// books it. Each step can be broken off and run again.
//
// Package report writes statements, revenue and the audit, which recomputes all
// of it from the log, the snapshot and the transfers by statements of its own.
// Package world loads a whole world from a file, in the order in which its
// lines arrived. Package rest answers clients of Flattr's interface by one
// table of routes, from which its reference is made too. Package button has what
// pages of authors load: loader, frame and badges. Package feed serves Atom
// feeds. Package hook tells partners of clicks that nobody has claimed: what they
// are to be told is written with the click (store/hooks.go).
//
// Package web has the pages for people: web.go says which there are, pages/ how
// they look and words/ what they say, in English and German. They need no script
// but for passkeys (package passkey), and draw with package chart. What a member
// did is read by store/history.go, find_clicks.go and own.go, what an author
// earned by revenue.go and author_things.go. Package mail sends letters, if the
// operator lets it: they wait in the store (store/letters.go) until a mail server
// has them, and serve owns who sends them.
//
// # Who may do what
//
// The rules (flattr, money, thing, book, settle) know no database, no HTTP and
// no clock: now is passed in, and only this package asks for the time. SQL is
// only in store. A test at the top of the project holds who imports whom.
//
// # Refusals
//
// What can be expected to go wrong is a *flattr.Error: a code for programs and
// a sentence for the person, which names the next step. Everything else is
// internal and logged at the edge.
//
// # Running it
//
//	flattr-ledger invite new --db ledger.db --means 5.00
//	flattr-ledger serve --db ledger.db --listen 127.0.0.1:8080
//	flattr-ledger settle --db ledger.db --month 2026-10
//	flattr-ledger statement --db ledger.db --month 2026-10
//	flattr-ledger audit --db ledger.db
//
// The files in testdata are a manual of the commands and are run as tests.
package main
