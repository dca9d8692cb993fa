package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

// writerVariable makes the test binary a process that writes clicks: its value
// is the database and the readers, separated by |.
const writerVariable = "FLATTR_TEST_WRITER"

const (
	writerProcesses = 2
	writersEach     = 4
	clicksBefore    = 40     // that all writers have written when the freeze begins
	clicksAfter     = 5      // that each writer writes after it has seen the freeze
	clicksMost      = 20_000 // of a writer that never sees it
	ownedThings     = 50
)

// ack is a click that was acknowledged, and the month it was acknowledged in.
type ack struct {
	ID    string
	Month string
	Late  bool
}

// writeClicks writes clicks of October that arrive in the last second of the
// grace, and prints each that was acknowledged.
func writeClicks(to, errs io.Writer) int {
	path, readers, _ := strings.Cut(os.Getenv(writerVariable), "|")
	ctx := context.Background()
	s, err := store.Open(ctx, path)
	if err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	defer s.Close()
	arrived := flattr.Month(202610).FreezeAt().Add(-time.Second)
	var mu sync.Mutex
	var wg sync.WaitGroup
	enc := json.NewEncoder(to)
	failed := false
	for _, text := range strings.Split(readers, ",") {
		wg.Go(func() {
			reader, err := strconv.ParseInt(text, 10, 64)
			late := 0
			for i := 0; err == nil && i < clicksMost && late < clicksAfter; i++ {
				var outcomes []flattr.Outcome
				outcomes, err = s.Record(ctx, arrived, flattr.MemberID(reader), []flattr.Event{{
					ID: flattr.EventID(uuid.New()), Kind: flattr.KindClick,
					At: flattr.Month(202610).Start().Add(time.Duration(i) * time.Second),
					// Every other click is for a thing of the author.
					Thing: flattr.ThingRef{URL: fmt.Sprintf("https://bob.example/%d", i)},
				}})
				if err == nil {
					if outcomes[0].Result == flattr.Late {
						late++
					}
					mu.Lock()
					err = enc.Encode(ack{outcomes[0].ID.String(), outcomes[0].Month.String(), outcomes[0].Result == flattr.Late})
					mu.Unlock()
				}
			}
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				fmt.Fprintln(errs, err)
				failed = true
			}
		})
	}
	wg.Wait()
	if failed {
		return 1
	}
	return 0
}

// freezes is how often the freeze is run against clicks on each engine.
const freezes = 10

// TestFreezeAgainstClicks freezes October while eight writers in two processes
// write clicks of October: each acknowledged click is in October or, late, in
// November, none in both and none in neither.
func TestFreezeAgainstClicks(t *testing.T) {
	for i := range freezes {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, freezeAgainstClicks)
		})
	}
}

func freezeAgainstClicks(t *testing.T, db string) {
	readers := freezeWorld(t, db)
	acks := make(chan ack, writerProcesses*writersEach*clicksMost)
	var writers sync.WaitGroup
	for p := range writerProcesses {
		startWriter(t, &writers, db, readers[p*writersEach:(p+1)*writersEach], acks)
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	var all []ack
	for len(all) < clicksBefore {
		select {
		case a := <-acks:
			all = append(all, a)
		case <-time.After(time.Minute):
			t.Fatal("the writers write nothing")
		}
	}
	ledger(t, "settle", "--db", db, "--month", "2026-10", "--now", "2026-11-04T00:00:00Z")
	<-done
	close(acks)
	for a := range acks {
		all = append(all, a)
	}
	ledger(t, "settle", "--db", db, "--month", "2026-11", "--now", "2026-12-04T00:00:00Z")
	in := map[string]map[string]bool{}
	for _, month := range []string{"2026-10", "2026-11"} {
		in[month] = map[string]bool{}
		for _, line := range jsonLines(t, ledger(t, "statement", "--db", db, "--month", month)) {
			if line["type"] == "share" {
				in[month][line["click"].(string)] = true
			}
		}
	}
	for _, a := range all {
		if october, november := in["2026-10"][a.ID], in["2026-11"][a.ID]; october == november ||
			october != (a.Month == "2026-10") || november != a.Late {
			t.Errorf("click %+v: in October %v, in November %v", a, october, november)
		}
	}
	if october, november := len(in["2026-10"]), len(in["2026-11"]); october+november != len(all) ||
		october < clicksBefore || november != writerProcesses*writersEach*clicksAfter {
		t.Errorf("of %d clicks %d are in October, %d in November", len(all), october, november)
	}
	ledger(t, "audit", "--db", db)
}

// freezeWorld makes the readers and an author who has half of the things.
func freezeWorld(t *testing.T, db string) []flattr.MemberID {
	t.Helper()
	s, err := store.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var readers []flattr.MemberID
	err = s.Write(context.Background(), func(tx *store.Tx) error {
		readers = nil
		start := flattr.Month(202610).Start()
		bob, err := tx.AddMember(start, store.NewMember{Name: "bob", Budget: flattr.DefaultBudget})
		if err != nil {
			return err
		}
		for i := range ownedThings {
			if err := tx.AddThing(start, fmt.Sprintf("https://bob.example/%d", 2*i), "", bob); err != nil {
				return err
			}
		}
		for i := range writerProcesses * writersEach {
			id, err := tx.AddMember(start, store.NewMember{
				Name: fmt.Sprintf("reader%d", i), Budget: flattr.DefaultBudget, Means: 10 * money.Euro,
			})
			if err != nil {
				return err
			}
			readers = append(readers, id)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return readers
}

// startWriter starts a process that writes clicks of the readers.
func startWriter(t *testing.T, wg *sync.WaitGroup, db string, readers []flattr.MemberID, acks chan<- ack) {
	t.Helper()
	var names []string
	for _, r := range readers {
		names = append(names, strconv.FormatInt(int64(r), 10))
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0]) // killed when the test gives up
	cmd.Env = append(os.Environ(), writerVariable+"="+db+"|"+strings.Join(names, ","))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wg.Wait)
	wg.Go(func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			var a ack
			if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
				t.Errorf("a writer wrote %q: %v", lines.Text(), err)
				continue
			}
			acks <- a
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("a writer ended: %v", err)
		}
	})
}
