package backup_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"flattr/daemon/backup"
	"flattr/daemon/database"
)

// spoil runs SQL on a file that nobody has open.
func spoil(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func files(t *testing.T, state, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(state, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A restore that cannot be completed leaves everything as it was.
func TestARestoreOfAWrongFileChangesNothing(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, state, path string){
		"of a newer version": func(t *testing.T, state, path string) {
			copyFile(t, list(t, state)[0].Path, path)
			spoil(t, path, "PRAGMA user_version = 9999")
		},
		"of accounts": func(t *testing.T, _, path string) {
			store := enrolling(t, filepath.Dir(path))
			store.Close()
			copyFile(t, filepath.Join(filepath.Dir(path), "accounts.db"), path)
		},
		"of another program": func(t *testing.T, _, path string) { spoil(t, path, "CREATE TABLE song (title)") },
		"empty":              func(t *testing.T, _, path string) { os.WriteFile(path, nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state, path := clicked(t), filepath.Join(t.TempDir(), "clicks-20200101T000000Z.db")
			prepare(t, state, path)
			note, err := backup.Replace(t.Context(), now, state, backup.Clicks, backup.Copy{File: "clicks.db", Path: path, At: now})
			if err == nil {
				t.Errorf("Replace = %+v, want an error", note)
			}
			unchanged(t, state)
		})
	}
}

// unchanged tells that the clicks are in place, and nothing of a repair is.
func unchanged(t *testing.T, state string) {
	t.Helper()
	if needed, err := backup.Needed(now, state, backup.Clicks); needed || err != nil {
		t.Errorf("a repair is still needed: %v, %v", needed, err)
	}
	if left := files(t, state, "clicks.db.*"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if all := held(t, state); len(all) != backedUp+later {
		t.Errorf("%d clicks, want all %d", len(all), backedUp+later)
	}
}

// Clicks put in the place of accounts would keep the companion from starting.
func TestAccountsAreNotRestoredFromClicks(t *testing.T) {
	state := clicked(t)
	enrolling(t, state).Close()
	chosen := list(t, state)[0]
	chosen.File = "accounts.db"
	if note, err := backup.Replace(t.Context(), now, state, backup.Accounts, chosen); err == nil {
		t.Errorf("Replace = %+v, want an error", note)
	}
	if left := files(t, state, "accounts.db.*"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// A stick that is pulled out in the middle of a restore is no reason for a
// companion that never starts again.
func TestARestoreWhoseCopyIsGoneIsUndone(t *testing.T) {
	state := clicked(t)
	text := fmt.Sprintf(`{"at":%q,"reason":"x","moved":false,"command":true,"copy":{"file":"clicks.db","path":%q,"at":%q}}`,
		now.Format(time.RFC3339), filepath.Join(state, "gone"), now.Format(time.RFC3339))
	if err := os.WriteFile(filepath.Join(state, "clicks.db.repair"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Repair(t.Context(), state, backup.Clicks); err == nil {
		t.Error("Repair gave no error")
	}
	unchanged(t, state)
}

// A restore by command first ends a repair that was interrupted: the clicks of
// the file that is aside already are not forgotten.
func TestARestoreAfterAnInterruptedRepairForgetsNoClick(t *testing.T) {
	state := clicked(t)
	if err := backup.Mark(now, state, backup.Clicks, errors.New("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Repair(&countdown{Context: t.Context(), left: 3}, state, backup.Clicks); err == nil {
		t.Fatal("the repair was not interrupted")
	}
	if _, err := backup.Replace(t.Context(), now, state, backup.Clicks, list(t, state)[0]); err != nil {
		t.Fatal(err)
	}
	if all := held(t, state); len(all) != backedUp+later {
		t.Errorf("%d clicks, want all %d", len(all), backedUp+later)
	}
}

// A copy that this program cannot use is passed over, not tried for ever.
func TestACopyOfANewerVersionIsPassedOver(t *testing.T) {
	state := clicked(t)
	newer := filepath.Join(backup.Folder(state), "clicks-"+now.Add(-time.Second).Format("20060102T150405Z")+".db")
	if err := os.Rename(list(t, state)[0].Path, newer); err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(backup.Folder(state), "clicks-"+now.Format("20060102T150405Z")+".db")
	copyFile(t, newer, wrong)
	spoil(t, wrong, "PRAGMA user_version = 9999")
	if err := os.Truncate(filepath.Join(state, "clicks.db"), 0); err != nil {
		t.Fatal(err)
	}
	if note, _ := repaired(t, state); !note.Backup.Equal(now.Add(-time.Second)) {
		t.Errorf("restored %v", note.Backup)
	}
	if all := held(t, state); len(all) != backedUp {
		t.Errorf("%d clicks, want %d", len(all), backedUp)
	}
}

// The companion's daily copy and one by command at the same second spoil each
// other at most; the database is not damaged by that.
func TestCopiesMadeAtOnceSpeakOfNoDamage(t *testing.T) {
	state := clicked(t)
	for round := range 5 {
		at := time.Now().Add(time.Duration(round-5) * time.Minute) // of the files' clock
		var tasks sync.WaitGroup
		for range 6 {
			tasks.Go(func() {
				if _, err := backup.Make(t.Context(), at, state, backup.Folder(state), backup.Clicks); err != nil {
					t.Errorf("Make beside others: %v, damaged %v", err, database.Damaged(err))
				}
			})
		}
		tasks.Wait()
		if err := backup.Clicks.Check(t.Context(), state, true); err != nil {
			t.Fatal(err)
		}
		made := func(c backup.Copy) bool { return c.At.Equal(at.UTC().Truncate(time.Second)) }
		if copies := list(t, state); !slices.ContainsFunc(copies, made) {
			t.Errorf("copies = %+v, want one of %v", copies, at)
		}
	}
	if left := files(t, backup.Folder(state), "*.part*"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// Each kill in the middle of a copy would leave half a copy for ever.
func TestHalfCopiesOfKilledProgramsAreDropped(t *testing.T) {
	state := clicked(t)
	folder := backup.Folder(state)
	old := []string{"clicks-20261101T000000Z.db.part", "clicks-20261101T000000Z.db.part-journal", "clicks-before-2.db.part7"}
	for _, name := range append(old, "clicks-20261122T000000Z.db.part8", "mine.part") {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-48*time.Hour), now.Add(-48*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(filepath.Join(folder, "clicks-20261122T000000Z.db.part8"), now, now); err != nil { // is being made
		t.Fatal(err)
	}
	if _, err := backup.Make(t.Context(), now, state, folder, backup.Clicks); err != nil {
		t.Fatal(err)
	}
	if left := files(t, folder, "*.part*"); len(left) != 2 {
		t.Errorf("left: %v, want the one under way and the foreign one", left)
	}
}

// A damaged file may claim any number of events.
func TestSalvageEndsWhateverTheFileClaims(t *testing.T) {
	state := clicked(t)
	spoil(t, filepath.Join(state, "clicks.db"), "UPDATE sqlite_sequence SET seq = 9223372036854775000")
	if err := backup.Mark(now, state, backup.Clicks, errors.New("x")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := backup.Repair(ctx, state, backup.Clicks); err != nil {
		t.Fatal(err)
	}
	if all := held(t, state); len(all) != backedUp+later {
		t.Errorf("%d clicks, want all", len(all))
	}
}

// With copies of a year to come, made while the clock was wrong, new ones are
// made, kept and restored first.
func TestCopiesOfAWrongClockHinderNoOther(t *testing.T) {
	state := clicked(t)
	for n := range backup.Kept {
		if _, err := backup.Make(t.Context(), now.AddDate(10, 0, n), state, backup.Folder(state), backup.Clicks); err != nil {
			t.Fatal(err)
		}
	}
	again := now.Add(24 * time.Hour)
	if due, err := backup.Due(again, state, backup.Clicks, time.Hour); !due || err != nil {
		t.Errorf("Due after the clock was set right = %v, %v, want true", due, err)
	}
	made, err := backup.Make(t.Context(), again, state, backup.Folder(state), backup.Clicks)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(made.Path); err != nil {
		t.Fatalf("the copy just made: %v", err)
	}
	if err := backup.Mark(again, state, backup.Clicks, errors.New("x")); err != nil {
		t.Fatal(err)
	}
	if note, err := backup.Repair(t.Context(), state, backup.Clicks); err != nil || !note.Backup.Equal(made.At) {
		t.Errorf("restored %v, %v, want %v", note.Backup, err, made.At)
	}
}

// What a failing disk made of a note is no reason not to start.
func TestANoteThatCannotBeReadIsStillOne(t *testing.T) {
	state := clicked(t)
	for _, text := range []string{"", "{", `{"file":"../../x","aside":"../../etc/passwd","at":"2026-11-22T08:00:00Z"}`} {
		if err := os.WriteFile(filepath.Join(state, "clicks.db.damaged-20261122T080000Z.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		notes, err := backup.Notes(state)
		if err != nil || len(notes) != 1 || notes[0].File != "clicks.db" || notes[0].Aside != "clicks.db.damaged-20261122T080000Z" || !notes[0].At.Equal(now) {
			t.Errorf("Notes of %q = %+v, %v", text, notes, err)
		}
	}
}

// The mark of a repair may be what the failing disk has spoiled.
func TestAMarkThatCannotBeReadBeginsTheRepairAnew(t *testing.T) {
	state := clicked(t)
	if err := os.WriteFile(filepath.Join(state, "clicks.db.repair"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if note, _ := repaired(t, state); note.Taken != later {
		t.Errorf("note = %+v, want %d clicks taken over", note, later)
	}
	unmarked, err := backup.Needed(now, state, backup.Clicks)
	if all := held(t, state); len(all) != backedUp+later || unmarked || err != nil {
		t.Errorf("%d clicks, still to be repaired %v, %v, want all %d", len(all), unmarked, err, backedUp+later)
	}
}
