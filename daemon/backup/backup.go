// Package backup keeps copies of the companion's databases: made, checked,
// bounded, and restored when a database is damaged.
package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"flattr/daemon/accounts"
	"flattr/daemon/clicklog"
	"flattr/daemon/database"
)

const (
	// Kept is how many copies there are of a database, besides those made
	// before migrations: one a day, and damage is found within a day.
	Kept = 3
	// keptMigrations bounds the copies made before migrations.
	keptMigrations = 2
	// keptDamaged bounds the damaged files that were moved aside.
	keptDamaged = 3
	// halfCopy is the age from which half a copy is one of a killed program.
	halfCopy = 6 * time.Hour
	// reserve is the room on the disk that a copy leaves to clicks.
	reserve = 16 << 20
)

// File is one of the companion's databases.
type File struct {
	Name  string // in the state folder
	check func(ctx context.Context, path string, thorough bool) error
}

// The databases.
var (
	Clicks   = File{"clicks.db", clicklog.Check}
	Accounts = File{"accounts.db", accounts.Check}
)

// Files are all databases. Accounts come first: clicks refer to them.
var Files = []File{Accounts, Clicks}

// Check reads the database in the state folder and says whether it is damaged
// (database.Damaged). It hinders nobody who writes.
func (f File) Check(ctx context.Context, state string, thorough bool) error {
	return f.check(ctx, filepath.Join(state, f.Name), thorough)
}

func (f File) base() string { return strings.TrimSuffix(f.Name, ".db") }

// Copy is a copy of a database.
type Copy struct {
	File   string    `json:"file"` // name of the database
	Path   string    `json:"path"`
	At     time.Time `json:"at"`
	Before int       `json:"before,omitempty"` // version it was made before; 0: made by the day or by command
}

// stamp writes a time into the name of a file, to the second, in UTC.
const stamp = "20060102T150405Z"

var (
	copyName = regexp.MustCompile(`^(clicks|accounts)-(?:(\d{8}T\d{6}Z)|before-(\d{1,4}))\.db$`)
	halfName = regexp.MustCompile(`^(clicks|accounts)-(?:\d{8}T\d{6}Z|before-\d{1,4})\.db\.part`)
)

// List gives the copies in a folder, newest first.
func List(folder string) ([]Copy, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	var copies []Copy
	for _, entry := range entries {
		match := copyName.FindStringSubmatch(entry.Name())
		if match == nil {
			continue
		}
		found := Copy{File: match[1] + ".db", Path: filepath.Join(folder, entry.Name())}
		if found.At, err = time.Parse(stamp, match[2]); err != nil {
			info, err := entry.Info()
			if err != nil {
				continue // removed meanwhile
			}
			found.At = info.ModTime().UTC()
			_, _ = fmt.Sscan(match[3], &found.Before)
		}
		copies = append(copies, found)
	}
	slices.SortStableFunc(copies, func(a, b Copy) int { return b.At.Compare(a.At) })
	return copies, nil
}

// of gives the copies of one database.
func of(copies []Copy, file File) []Copy {
	return slices.DeleteFunc(slices.Clone(copies), func(c Copy) bool { return c.File != file.Name })
}

// Sort sorts copies, newest first. Those of a time to come were made while the
// clock was wrong, nobody knows when: they come last.
func Sort(now time.Time, copies []Copy) {
	slices.SortStableFunc(copies, func(a, b Copy) int { return newerFirst(now, a.At, b.At) })
}

func newerFirst(now, a, b time.Time) int {
	switch toCome := a.After(now); {
	case toCome == b.After(now):
		return b.Compare(a)
	case toCome:
		return 1
	}
	return -1
}

// Folder is where the copies of a state lie.
func Folder(state string) string { return filepath.Join(state, database.CopiesFolder) }

// ErrNoRoom says that the disk has too little room for a copy.
var ErrNoRoom = errors.New("the disk has too little room for a backup; free some space")

// Make copies a database, which may be in use, into the folder and drops the
// copies that are too many once the new one is found good. An error that
// satisfies database.Damaged says that the database itself is damaged.
func Make(ctx context.Context, now time.Time, state, folder string, file File) (Copy, error) {
	path := filepath.Join(state, file.Name)
	made := Copy{File: file.Name, At: now.UTC().Truncate(time.Second), Path: filepath.Join(folder, file.base()+"-"+now.UTC().Format(stamp)+".db")}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return Copy{}, fmt.Errorf("back up %s: %w", file.Name, err)
	}
	if info, err := os.Stat(path); err != nil {
		return Copy{}, fmt.Errorf("back up %s: %w", file.Name, err)
	} else if free, err := Free(folder); err == nil && free < uint64(info.Size())+reserve {
		return Copy{}, fmt.Errorf("back up %s: %w", file.Name, ErrNoRoom)
	}
	if err := database.Copy(ctx, path, made.Path); err != nil {
		return Copy{}, fmt.Errorf("back up %s: %w", file.Name, err)
	}
	if err := file.check(ctx, made.Path, false); err != nil {
		if database.Damaged(err) && file.Check(ctx, state, false) == nil {
			err = fmt.Errorf("only the copy is bad: %v", err) // which is no damage of the database
		}
		return Copy{}, fmt.Errorf("back up %s: %w", file.Name, errors.Join(err, os.Remove(made.Path)))
	}
	return made, errors.Join(drop(made.At, folder, file), dropHalf(now, folder))
}

// dropHalf removes what killed programs have left of copies.
func dropHalf(now time.Time, folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("drop half backups: %w", err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !halfName.MatchString(entry.Name()) || now.Sub(info.ModTime()).Abs() < halfCopy {
			continue // gone meanwhile, another file, or one that is being made
		}
		if err := os.Remove(filepath.Join(folder, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("drop half a backup: %w", err)
		}
	}
	return nil
}

// drop removes the copies that are too many, oldest first.
func drop(now time.Time, folder string, file File) error {
	copies, err := List(folder)
	if err != nil {
		return err
	}
	Sort(now, copies)
	regular, migrations := 0, 0
	for _, c := range of(copies, file) {
		count, limit := &regular, Kept
		if c.Before > 0 {
			count, limit = &migrations, keptMigrations
		}
		if *count++; *count <= limit {
			continue
		}
		if err := os.Remove(c.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("drop an old backup: %w", err)
		}
	}
	return nil
}

// Due tells whether a database has changed since its last copy, which is older
// than the time given.
func Due(now time.Time, state string, file File, every time.Duration) (bool, error) {
	copies, err := List(Folder(state))
	if err != nil {
		return false, err
	}
	var last time.Time
	for _, c := range of(copies, file) {
		// A clock that was set back must not put an end to backups.
		if c.Before == 0 && !c.At.After(now) {
			last = c.At
			break
		}
	}
	if now.Sub(last) < every {
		return false, nil
	}
	return changedSince(state, file, last)
}

// changedSince looks at the times of the database and of its write-ahead log.
func changedSince(state string, file File, last time.Time) (bool, error) {
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(filepath.Join(state, file.Name+suffix))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("look at %s: %w", file.Name, err)
		}
		if info.ModTime().After(last) {
			return true, nil
		}
	}
	return false, nil
}
