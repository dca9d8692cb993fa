package companion

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flattr/daemon/clicklog"
	"flattr/daemon/wire"
)

var silent = slog.New(slog.DiscardHandler)

func hashOf(secret []byte) [32]byte { return sha256.Sum256(secret) }

func age(t *testing.T, path string, at time.Time) {
	t.Helper()
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func modified(t *testing.T, path string) time.Time {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

// swap writes one text over another in a file that is in use, as a disk that
// fails would.
func swap(t *testing.T, path, old, fresh string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte(old)) {
		t.Fatalf("%s does not hold %q", path, old)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteAt(bytes.ReplaceAll(text, []byte(old), []byte(fresh)), 0)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

// settled is a companion whose clicks are in the file, backed up, with its
// files opened again.
func settled(t *testing.T) *Companion {
	t.Helper()
	c := keepingCompanion(t, time.Now().Add(time.Second))
	c.member(t, 1000, "ann", 2)
	if err := c.keeper.due(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.reopen(t)
	return c
}

func (c *Companion) reopen(t *testing.T) {
	t.Helper()
	if err := errors.Join(c.clicks.Close(), c.accounts.Close()); err != nil {
		t.Fatal(err)
	}
	c.keeper = newKeeper(c)
	if err := c.openFiles(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// kept runs the keeper until it finds damage, at most for a while.
func kept(t *testing.T, c *Companion) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return c.keeper.run(ctx)
}

// A click that is not what the reader made is never sent to the ledger.
func TestAChangedLetterIsFoundBeforeTheClickIsSent(t *testing.T) {
	c := settled(t)
	swap(t, filepath.Join(c.config.State, "clicks.db"), "ann.example", "eve.example")
	events, err := c.clicks.Pending(t.Context(), 1, 10)
	if err == nil {
		t.Fatalf("Pending = %+v, want an error", events)
	}
	select {
	case <-c.clicks.Damage():
	default:
		t.Fatal("the damage is not told of")
	}
	if err := kept(t, c); !errors.Is(err, ErrDamaged) {
		t.Fatalf("the keeper = %v, want ErrDamaged", err)
	}
	c.reopen(t)
	if events, err = c.clicks.Pending(t.Context(), 1, 10); err != nil || len(events) != 2 || !strings.HasPrefix(events[0].Thing.URL, "https://ann.example/") {
		t.Errorf("after the repair Pending = %+v, %v, want both clicks as they were made", events, err)
	}
	problems := c.storageProblems()
	if len(problems) != 1 || problems[0].Code != wire.CodeRestored || !strings.Contains(problems[0].Sentence, "moved aside as clicks.db.damaged-") {
		t.Errorf("problems = %+v, want that it was restored", problems)
	}
	later := c.config.Now().Add(shownFor)
	if c.config.Now = func() time.Time { return later }; len(c.storageProblems()) != 0 {
		t.Error("the status speaks of a repair for ever")
	}
}

// After a kill the databases are read as a whole, while browsers are served.
func TestAnUncleanStopIsFollowedByACheck(t *testing.T) {
	c := settled(t)
	if err := c.keeper.begin(); err != nil || c.keeper.unclean {
		t.Fatalf("the first start: %v, unclean %v, want clean", err, c.keeper.unclean)
	}
	c.reopen(t) // without end: as after a kill
	swap(t, filepath.Join(c.config.State, "clicks.db"), "ann.example", "eve.example")
	if err := c.keeper.begin(); err != nil || !c.keeper.unclean {
		t.Fatalf("the start after a kill: %v, unclean %v", err, c.keeper.unclean)
	}
	if err := kept(t, c); !errors.Is(err, ErrDamaged) {
		t.Errorf("the keeper after a kill = %v, want ErrDamaged", err)
	}
	c.keeper.end()
	if _, err := os.Stat(filepath.Join(c.config.State, runningFile)); err != nil {
		t.Errorf("an unclean stop is forgotten before the files were found well: %v", err)
	}
}

// The keeper's own work, with a clock of the test's.
func TestTheKeeperCopiesDailyAndChecksWeekly(t *testing.T) {
	now := time.Now()
	c := keepingCompanion(t, now)
	c.config.Now = func() time.Time { return now }
	c.member(t, 1000, "ann", 2)
	made := func() int {
		t.Helper()
		if err := c.keeper.due(t.Context()); err != nil {
			t.Fatal(err)
		}
		names, err := filepath.Glob(filepath.Join(c.config.State, "backups", "clicks-2*.db"))
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	now = now.Add(time.Second)
	if got := made(); got != 1 {
		t.Errorf("%d copies on the first day, want 1", got)
	}
	if now = now.Add(time.Hour); made() != 1 {
		t.Error("a second copy on the same day")
	}
	if _, err := c.clicks.Append(t.Context(), now, clicklog.Event{Account: 1, ID: "019abc00-0000-7000-8000-000000000999", Kind: clicklog.Click, At: "2026-11-22T07:59:00.000Z", Month: "2026-11"}); err != nil {
		t.Fatal(err)
	}
	// The files' times are the machine's; the copies' are the test's.
	age(t, filepath.Join(c.config.State, "clicks.db-wal"), now)
	if now = now.Add(24 * time.Hour); made() != 2 {
		t.Error("no second copy on the second day")
	}
	checked := func() time.Time { return modified(t, filepath.Join(c.config.State, checkedFile)) }
	first := checked()
	if now = now.Add(5 * 24 * time.Hour); made() == 0 || !checked().Equal(first) {
		t.Error("checked again within a week")
	}
	if now = now.Add(24 * time.Hour); made() == 0 || checked().Equal(first) {
		t.Error("not checked after a week")
	}
}
