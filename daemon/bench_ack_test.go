//go:build bench

package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"flattr/benchtable"
	"flattr/daemon/clicklog"
	"flattr/daemon/wire"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

const (
	pageBytes   = 4096
	floorPages  = 256                    // written again and again, as the log of SQLite is
	clickPause  = 110 * time.Millisecond // one user may click ten times a second
	benchOwners = 32                     // that click at the same time
)

// benchAck has a browser click, signed in at a ledger that runs, and waits for
// each acknowledgement; before each click a page is written and synced.
func benchAck(b *bench) {
	p := newParts(b.T, b.programs)
	p.startLedger()
	p.startCompanion()
	reader := p.signUp("ann")
	device := p.pair()
	p.signIn(reader, device, "ann")
	client := p.connect(device)
	defer client.Close()
	var status wire.Status
	if err := client.Ask("s", wire.Ask{Type: wire.TypeStatus, ID: "s"}, &status); err != nil || status.Account == nil {
		b.Fatalf("status = %+v, %v", status, err)
	}
	page, err := os.OpenFile(filepath.Join(p.folder, "page"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	defer page.Close() // nobody reads it
	if _, err := page.Write(make([]byte, floorPages*pageBytes)); err != nil {
		b.Fatal(err)
	}
	if err := page.Sync(); err != nil {
		b.Fatal(err)
	}
	var acks, syncs spread
	content := make([]byte, pageBytes)
	for i := range b.clicks {
		pauseOr(b.Context(), clickPause/2)
		start := time.Now()
		if _, err := page.WriteAt(content, int64(i%floorPages)*pageBytes); err != nil {
			b.Fatal(err)
		}
		if err := unix.Fdatasync(int(page.Fd())); err != nil {
			b.Fatal(err)
		}
		syncs = append(syncs, time.Since(start))

		pauseOr(b.Context(), clickPause/2)
		click := wire.Flattr{
			Type: wire.TypeFlattr, ID: uuid.Must(uuid.NewV7()).String(), At: time.Now().UTC().Format(time.RFC3339), Account: status.Account.ID,
			Thing: wire.Thing{URL: fmt.Sprintf("https://site.example/%d", i), Title: "A thing"},
		}
		start = time.Now()
		var ack wire.Ack
		if err := client.Ask(click.ID, click, &ack); err != nil || ack.Type != wire.TypeAck {
			b.Fatalf("click %d is answered %+v, %v", i, ack, err)
		}
		acks = append(acks, time.Since(start))
	}
	row := func(name string, part, reach float64) {
		ack, sync := acks.at(part), syncs.at(part)
		b.Add(benchtable.Row{
			What:     "click to durable acknowledgement, one browser, " + name,
			Measured: ack.Round(time.Microsecond).String(), Floor: sync.Round(time.Microsecond).String() + ", one page written and synced",
			Ratio: float64(ack) / float64(sync), Reach: reach,
		})
	}
	row("p50", 0.5, -2.5)
	b.Say("Acknowledgement at p99: %s, one page synced %s; %d clicks, one each %s.",
		acks.at(0.99).Round(time.Microsecond), syncs.at(0.99).Round(time.Microsecond), b.clicks, clickPause)
}

// benchDurable has many clients append to the log of clicks, in turn with a
// group commit that does nothing else.
func benchDurable(b *bench) {
	var appended, bare float64
	for round := range b.rounds {
		appended = max(appended, b.appendClicks(fmt.Sprint(round)))
		bare = max(bare, b.groupCommit(fmt.Sprint(round)))
	}
	b.Add(benchtable.Row{
		What:     fmt.Sprintf("durable clicks, %d clients", benchOwners),
		Measured: benchtable.Rate(appended), Floor: benchtable.Rate(bare) + ", group commit by hand",
		Ratio: appended / bare, Reach: 0.8,
	})
}

// clickAt makes up a click.
func clickAt(client, i int) clicklog.Event {
	return clicklog.Event{
		Account: 1, ID: uuid.Must(uuid.NewV7()).String(), Kind: clicklog.Click, At: "2026-11-22T08:00:00Z", Month: "2026-11", Form: "button",
		Thing: wire.Thing{URL: fmt.Sprintf("https://site%d.example.org/2026/a-thing-of-some-length-%d", client, i), Title: "A thing"},
	}
}

// clicking has all clients call store for a while and gives the calls a second.
func (b *bench) clicking(store func(clicklog.Event) error) float64 {
	b.Helper()
	var group sync.WaitGroup
	var stored atomic.Int64
	start := time.Now()
	end := start.Add(b.seconds)
	for client := range benchOwners {
		group.Go(func() {
			for i := 0; time.Now().Before(end); i++ {
				if err := store(clickAt(client, i)); err != nil {
					b.Error(err)
					return
				}
				stored.Add(1)
			}
		})
	}
	group.Wait()
	return float64(stored.Load()) / time.Since(start).Seconds()
}

func (b *bench) appendClicks(name string) float64 {
	b.Helper()
	log, err := clicklog.Open(b.Context(), filepath.Join(b.TempDir(), name+".db"))
	if err != nil {
		b.Fatal(err)
	}
	rate := b.clicking(func(event clicklog.Event) error {
		_, err := log.Append(b.Context(), time.Now(), event)
		return err
	})
	if err := log.Close(); err != nil {
		b.Fatal(err)
	}
	return rate
}

// handRow waits for its place in a transaction of the floor.
type handRow struct {
	event clicklog.Event
	done  chan error
}

// groupCommit is the floor: rows with the same columns in a file with the same
// indexes, one prepared statement, one transaction for all that wait.
func (b *bench) groupCommit(name string) float64 {
	b.Helper()
	path := filepath.Join(b.TempDir(), name+"-floor.db")
	log, err := clicklog.Open(b.Context(), path) // makes the tables
	if err != nil {
		b.Fatal(err)
	}
	if err := log.Close(); err != nil {
		b.Fatal(err)
	}
	db, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL&_synchronous=FULL")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	insert, err := conn.PrepareContext(ctx, `
INSERT INTO event (account, id, kind, at, month, click, thing, form, digest, received_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`)
	if err != nil {
		b.Fatal(err)
	}
	defer insert.Close()
	queue := make(chan handRow, benchOwners)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for first := range queue {
			group := []handRow{first}
			for len(queue) > 0 {
				group = append(group, <-queue)
			}
			_, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE")
			for _, r := range group {
				if err == nil {
					_, err = insert.ExecContext(ctx, r.event.Account, r.event.ID, r.event.Kind, r.event.At, r.event.Month, "", `{"url":"`+r.event.Thing.URL+`","title":"A thing"}`, r.event.Form, make([]byte, 32), 1)
				}
			}
			if err == nil {
				_, err = conn.ExecContext(ctx, "COMMIT")
			}
			for _, r := range group {
				r.done <- err
			}
		}
	}()
	rate := b.clicking(func(event clicklog.Event) error {
		r := handRow{event, make(chan error, 1)}
		queue <- r
		return <-r.done
	})
	close(queue)
	<-ended
	return rate
}
