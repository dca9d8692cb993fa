package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/mattn/go-sqlite3"
)

// CopiesFolder is the folder beside the files in which their copies lie.
const CopiesFolder = "backups"

// ErrDamaged says that a file does not hold what SQLite left there.
var ErrDamaged = errors.New("the file is damaged")

// Damaged tells whether an error says that a file is damaged, as opposed to
// one that cannot be read or written now.
func Damaged(err error) bool {
	var failed sqlite3.Error
	if !errors.As(err, &failed) {
		return errors.Is(err, ErrDamaged)
	}
	return failed.Code == sqlite3.ErrCorrupt || failed.Code == sqlite3.ErrNotADB || failed.ExtendedCode == sqlite3.ErrIoErrShortRead
}

// Full tells whether an error says that the disk has no room.
func Full(err error) bool {
	var failed sqlite3.Error
	return errors.As(err, &failed) && (failed.Code == sqlite3.ErrFull || isNoSpace(failed.SystemErrno)) || isNoSpace(err)
}

// BeforeMigration names the copy that Open makes of the file at path before it
// leaves the version.
func BeforeMigration(path string, version int) string {
	name, _ := strings.CutSuffix(filepath.Base(path), ".db")
	return filepath.Join(filepath.Dir(path), CopiesFolder, fmt.Sprintf("%s-before-%d.db", name, version+1))
}

// Check reads the whole file at path, with quick_check or, where thorough,
// integrity_check, which compares the indexes, too. The error satisfies
// [Damaged] if something is wrong with it. It hinders nobody who writes.
func Check(ctx context.Context, path string, thorough bool) error {
	db, err := Reader(path)
	if err != nil {
		return fmt.Errorf("check %s: %w", filepath.Base(path), err)
	}
	defer db.Close()
	pragma := "PRAGMA quick_check(1)"
	if thorough {
		pragma = "PRAGMA integrity_check(1)"
	}
	var verdict string
	err = db.QueryRowContext(ctx, pragma).Scan(&verdict)
	if err == nil && verdict != "ok" {
		err = fmt.Errorf("%w: %s", ErrDamaged, strings.ReplaceAll(verdict, "\n", "; "))
	}
	if err != nil {
		return fmt.Errorf("check %s: %w", filepath.Base(path), err)
	}
	return nil
}

// Reader opens a file that may be damaged, on one connection that changes
// nothing of it. Where tables end too early, what is there is read.
func Reader(path string) (*sql.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite3", dsn(path, url.Values{"mode": {"ro"}}))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// Copy writes the database at from, which may be in use, to a new file at to,
// mode 0600, in a folder with mode 0700. The copy is checked, and on the disk
// under its name when Copy returns nil; else there is none.
func Copy(ctx context.Context, from, to string) (err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	// VACUUM INTO writes to a file that is there if it is empty; one that it
	// makes itself could be read by others. Others may be making the same copy.
	file, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".part*") // mode 0600
	if err != nil {
		return err
	}
	defer file.Close()
	part := file.Name()
	defer func() {
		if err != nil {
			_ = os.Remove(part)
			_ = os.Remove(part + "-journal") // which a full disk leaves
		}
	}()
	if err := vacuum(ctx, from, part); err != nil {
		return err
	}
	if err := Check(ctx, part, false); err != nil {
		if Damaged(err) && Check(ctx, from, false) == nil {
			return fmt.Errorf("only the copy is bad: %v", err) // which is no damage of the file
		}
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return Place(part, to)
}

func vacuum(ctx context.Context, from, to string) error {
	db, err := Reader(from)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, "VACUUM INTO $1", to)
	return err
}

// Place renames a file, in the place of another if there is one, and returns
// when the new name is on the disk.
func Place(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(to))
}

// SyncFolder returns when the names in a folder are on the disk.
func SyncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // which writes names through, and syncs no folders
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Exists tells whether there is a file.
func Exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
