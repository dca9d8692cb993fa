package backup_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"flattr/daemon/accounts"
	"flattr/daemon/backup"
	"flattr/daemon/clicklog"
	"flattr/daemon/database"
	"flattr/daemon/wire"
)

var now = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// Clicks of these tests: so many are in the backup, so many were made later.
const (
	backedUp = 200
	later    = 40
)

func id(n int) string { return fmt.Sprintf("019abc00-0000-7000-8000-%012d", n) }

func open(t *testing.T, state string) *clicklog.Log {
	t.Helper()
	log, err := clicklog.Open(t.Context(), filepath.Join(state, "clicks.db"))
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func add(t *testing.T, log *clicklog.Log, first, last int) {
	t.Helper()
	done := make(chan error, last-first)
	for n := first; n < last; n++ {
		go func() {
			_, err := log.Append(t.Context(), now, clicklog.Event{
				Account: 1 + int64(n%2), ID: id(n), Kind: clicklog.Click, At: "2026-11-22T07:59:00.000Z", Month: "2026-11",
				Thing: wire.Thing{URL: fmt.Sprintf("https://a.example/%d", n), Title: strings.Repeat("A title ", 20)}, Form: "popup",
			})
			done <- err
		}()
	}
	for range last - first {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

// clicked is a state with clicks, of which the later ones are in no backup.
func clicked(t *testing.T) string {
	t.Helper()
	state := t.TempDir()
	log := open(t, state)
	add(t, log, 0, backedUp)
	if _, err := backup.Make(t.Context(), now, state, backup.Folder(state), backup.Clicks); err != nil {
		t.Fatal(err)
	}
	add(t, log, backedUp, backedUp+later)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return state
}

// held gives the clicks of both accounts, each of which has to be as it was made.
func held(t *testing.T, state string) map[int]bool {
	t.Helper()
	log := open(t, state)
	defer log.Close()
	all := map[int]bool{}
	for account := int64(1); account <= 2; account++ {
		events, err := log.Pending(t.Context(), account, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			var n int
			fmt.Sscanf(e.ID[24:], "%d", &n)
			if want := fmt.Sprintf("https://a.example/%d", n); e.ID != id(n) || e.Thing.URL != want || e.Account != 1+int64(n%2) || all[n] {
				t.Errorf("after the repair there is click %+v", e)
			}
			all[n] = true
		}
	}
	return all
}

// repaired does as the companion does when it opens its files.
func repaired(t *testing.T, state string) (note backup.Note, was bool) {
	t.Helper()
	needed, err := backup.Needed(now, state, backup.Clicks)
	if err != nil {
		t.Fatal(err)
	}
	if !needed {
		log, err := clicklog.Open(t.Context(), filepath.Join(state, "clicks.db"))
		if err == nil {
			log.Close()
			err = backup.Clicks.Check(t.Context(), state, true)
		}
		if err == nil {
			return backup.Note{}, false
		}
		if !database.Damaged(err) {
			t.Fatalf("a damaged file = %v, want database.Damaged", err)
		}
		if err := backup.Mark(now, state, backup.Clicks, err); err != nil {
			t.Fatal(err)
		}
	}
	if note, err = backup.Repair(t.Context(), state, backup.Clicks); err != nil {
		t.Fatal(err)
	}
	if err := backup.Clicks.Check(t.Context(), state, true); err != nil {
		t.Errorf("after the repair: %v", err)
	}
	return note, true
}

// leaf is where a page begins that holds older clicks and nothing else.
func leaf(file []byte) int {
	const tableLeaf = 13 // first byte of such a page, by SQLite's file format
	for at := 0; ; at++ {
		at += bytes.Index(file[at:], []byte("a.example/17\""))
		if file[at&^4095] == tableLeaf {
			return at &^ 4095
		}
	}
}

func TestADamagedLogIsMovedAsideAndItsBackupRestored(t *testing.T) {
	garbage := func(b []byte) []byte { rand.Read(b); return b }
	for name, damage := range map[string]struct {
		with func([]byte) []byte // nil: the file is deleted
		all  bool                // the later clicks can still be read
	}{
		"garbage":            {garbage, false},
		"garbage in front":   {func(b []byte) []byte { garbage(b[:100]); return b }, false},
		"text":               {func([]byte) []byte { return []byte("SQLite format 3\x00 and then nothing of the kind") }, false},
		"emptied":            {func([]byte) []byte { return nil }, false},
		"deleted":            {nil, false},
		"cut in the middle":  {func(b []byte) []byte { return b[:len(b)/2] }, false},
		"the last page lost": {func(b []byte) []byte { return b[:len(b)-4096] }, false},
		"zeros in an older page": {func(b []byte) []byte {
			clear(b[leaf(b):][:4096])
			return b
		}, true},
		"a letter of an older click": {func(b []byte) []byte { b[leaf(b)+bytes.Index(b[leaf(b):], []byte("a.example/17\""))] = 'b'; return b }, true},
		"a letter of a later click":  {func(b []byte) []byte { b[bytes.Index(b, []byte("a.example/230\""))] = 'b'; return b }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := clicked(t)
			path := filepath.Join(state, "clicks.db")
			bytes, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if damage.with == nil {
				err = os.Remove(path)
			} else {
				bytes = damage.with(bytes)
				err = os.WriteFile(path, bytes, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			note, was := repaired(t, state)
			if !was {
				t.Fatal("the damage was not found")
			}
			all := held(t, state)
			for n := range backedUp {
				if !all[n] {
					t.Fatalf("click %d of the backup is not there", n)
				}
			}
			if len(all) != backedUp+note.Taken || damage.all && note.Taken != later {
				t.Errorf("%d clicks, %d of them from the damaged file; %d of %d were readable: %v", len(all), note.Taken, later, later, damage.all)
			}
			if all[230] && name == "a letter of a later click" {
				t.Error("a click was taken that is not what the reader made")
			}
			if !note.Backup.Equal(now) || note.Reason == "" || !note.At.Equal(now) {
				t.Errorf("note = %+v, want the backup of %v", note, now)
			}
			if damage.with != nil {
				if kept, err := os.ReadFile(filepath.Join(state, "clicks.db.damaged-20261122T080000Z")); err != nil || string(kept) != string(bytes) {
					t.Errorf("the damaged file is not aside as it was: %v", err)
				}
			}
			if notes, err := backup.Notes(state); err != nil || len(notes) != 1 || notes[0] != note {
				t.Errorf("Notes = %+v, %v, want %+v", notes, err, note)
			}
			if needed, err := backup.Needed(now, state, backup.Clicks); needed || err != nil {
				t.Errorf("Needed after the repair = %v, %v", needed, err)
			}
		})
	}
}

// Wherever a bit flips, every click that is there afterwards is one that the
// reader made, and those of the backup are all there.
func TestAFlippedBitNeverMakesAClickNobodyMade(t *testing.T) {
	template := clicked(t)
	whole, err := os.ReadFile(filepath.Join(template, "clicks.db"))
	if err != nil {
		t.Fatal(err)
	}
	rng := mathrand.New(mathrand.NewPCG(1, 2))
	found, saved := 0, 0
	const flips = 40
	for range flips {
		state := t.TempDir()
		if err := os.CopyFS(state, os.DirFS(template)); err != nil {
			t.Fatal(err)
		}
		flipped, at := slices.Clone(whole), rng.IntN(len(whole))
		flipped[at] ^= 1 << rng.IntN(8)
		if err := os.WriteFile(filepath.Join(state, "clicks.db"), flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		note, was := repaired(t, state)
		all := held(t, state)
		for n := range backedUp {
			if !all[n] {
				t.Fatalf("bit of byte %d flipped: click %d of the backup is not there", at, n)
			}
		}
		if was {
			found++
			saved += note.Taken
		} else if len(all) != backedUp+later {
			t.Errorf("bit of byte %d flipped, not found, and %d clicks are left", at, len(all))
		}
	}
	if found == 0 {
		t.Error("no flipped bit was found: this test proved nothing")
	}
	t.Logf("%d of %d flipped bits found; of %d later clicks %d recovered", found, flips, found*later, saved)
}

// What was in the write-ahead log goes aside with its file, and is not played
// into the restored one.
func TestTheLogOfTheDamagedFileIsNotPlayedIntoTheBackup(t *testing.T) {
	state := clicked(t)
	log := open(t, state)
	add(t, log, 1000, 1003)
	killed := t.TempDir() // as a kill leaves it: the write-ahead log is there
	if err := os.CopyFS(killed, os.DirFS(state)); err != nil {
		t.Fatal(err)
	}
	log.Close()
	path := filepath.Join(killed, "clicks.db")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(whole[leaf(whole):][:4096])
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	// Opened before, SQLite would fold the log into the damaged file.
	if err := backup.Mark(now, killed, backup.Clicks, errors.New("damaged")); err != nil {
		t.Fatal(err)
	}
	note, err := backup.Repair(t.Context(), killed, backup.Clicks)
	if err != nil {
		t.Fatal(err)
	}
	if err := backup.Clicks.Check(t.Context(), killed, true); err != nil {
		t.Errorf("after the repair: %v", err)
	}
	if all := held(t, killed); len(all) != backedUp+later+3 || note.Taken != later+3 {
		t.Errorf("%d clicks, %+v, want %d: those of the write-ahead log too", len(all), note, backedUp+later+3)
	}
}

// A repair may be interrupted after each of its steps.
func TestAnInterruptedRepairGoesOn(t *testing.T) {
	template := clicked(t)
	for step := 0; ; step += 1 + step/8 {
		state := t.TempDir()
		if err := os.CopyFS(state, os.DirFS(template)); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(filepath.Join(state, "clicks.db"), 5000); err != nil {
			t.Fatal(err)
		}
		if err := backup.Mark(now, state, backup.Clicks, errors.New("cut")); err != nil {
			t.Fatal(err)
		}
		// A context that ends at its nth question stops the repair somewhere.
		ctx := &countdown{Context: t.Context(), left: step}
		if _, err := backup.Repair(ctx, state, backup.Clicks); err == nil {
			if step == 0 {
				t.Error("the repair was never interrupted: this test proved nothing")
			}
			break
		}
		repaired(t, state)
		if all := held(t, state); len(all) < backedUp {
			t.Fatalf("interrupted at step %d: %d clicks, want %d of the backup", step, len(all), backedUp)
		}
	}
}

// countdown is a context that is cancelled after it was asked a number of times.
type countdown struct {
	context.Context
	mu   sync.Mutex // contexts made of it ask from goroutines of their own
	left int
}

func (c *countdown) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

func (c *countdown) Done() <-chan struct{} {
	ended := make(chan struct{})
	if c.Err() != nil {
		close(ended)
	}
	return ended
}

func TestABackupThatIsDamagedItselfIsPassedOver(t *testing.T) {
	state := clicked(t)
	log := open(t, state)
	older, err := backup.Make(t.Context(), now.Add(-time.Hour), state, backup.Folder(state), backup.Clicks)
	if err != nil {
		t.Fatal(err)
	}
	log.Close()
	newer := list(t, state)[0]
	text, err := os.ReadFile(newer.Path)
	if err != nil {
		t.Fatal(err)
	}
	text[leaf(text)+bytes.Index(text[leaf(text):], []byte("a.example/17\""))] = 'b'
	if err := errors.Join(os.WriteFile(newer.Path, text, 0o600), os.Truncate(filepath.Join(state, "clicks.db"), 0)); err != nil {
		t.Fatal(err)
	}
	if note, _ := repaired(t, state); !note.Backup.Equal(older.At) {
		t.Errorf("restored the backup of %v, want that of %v: the other is damaged", note.Backup, older.At)
	}
	held(t, state)
}

func TestWithoutABackupWhatCanBeReadIsKept(t *testing.T) {
	state := clicked(t)
	if err := os.RemoveAll(backup.Folder(state)); err != nil {
		t.Fatal(err)
	}
	if err := backup.Mark(now, state, backup.Clicks, errors.New("x")); err != nil {
		t.Fatal(err)
	}
	note, _ := repaired(t, state)
	if all := held(t, state); len(all) != backedUp+later || !note.Backup.IsZero() {
		t.Errorf("%d clicks, %+v, want all", len(all), note)
	}
}

// Clicks of an account that the restored file does not know must not become
// those of the next one who signs in.
func TestRestoredAccountsGiveNoNumberTwice(t *testing.T) {
	state := t.TempDir()
	store, err := accounts.Open(t.Context(), filepath.Join(state, "accounts.db"), func(b []byte) { rand.Read(b) })
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Reserve(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	secret, err := store.NewTicket(now, 1)
	if err != nil {
		t.Fatal(err)
	}
	device, err := store.Enroll(t.Context(), now, sum(secret), 1, "o")
	if err != nil {
		t.Fatal(err)
	}
	account, err := store.Link(t.Context(), now, device.ID, accounts.Account{UID: 1, Ledger: "https://l.example", Member: "9", Token: accounts.Token{Access: "a"}})
	if err != nil || account.ID != 8 {
		t.Errorf("the next account = %d, %v, want 8", account.ID, err)
	}
}
