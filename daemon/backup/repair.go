package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"flattr/daemon/accounts"
	"flattr/daemon/clicklog"
	"flattr/daemon/database"
)

// Note says what was done about a damaged database. It lies beside the file
// that was moved aside, under its name with ".json".
type Note struct {
	File    string    `json:"file"`
	At      time.Time `json:"at"`
	Reason  string    `json:"reason"`
	Aside   string    `json:"aside"`             // name of the file that was moved aside
	Backup  time.Time `json:"backup,omitzero"`   // of the copy restored; zero: there was none
	Taken   int       `json:"taken"`             // clicks and undos made since, taken from the damaged file
	Unread  int       `json:"unread,omitempty"`  // those that could not be read
	Command bool      `json:"command,omitempty"` // by `flattrd restore`: nothing was damaged
}

// pending is a repair that has begun; it lies in the state as NAME.repair
// until the repair is complete, however often it is interrupted.
type pending struct {
	At      time.Time `json:"at"`
	Reason  string    `json:"reason"`
	Moved   bool      `json:"moved"`          // the damaged file is aside
	Copy    *Copy     `json:"copy,omitempty"` // the one to restore; nil: the newest that is good
	Command bool      `json:"command,omitempty"`
}

func (f File) marker(state string) string { return filepath.Join(state, f.Name+".repair") }

// aside is the new name of the database that is replaced.
func (p pending) aside(state string, file File) string {
	why := ".damaged-"
	if p.Command {
		why = ".replaced-"
	}
	return filepath.Join(state, file.Name+why+p.At.UTC().Format(stamp))
}

// Mark notes that a database is damaged: Repair has to come before it is opened.
func Mark(now time.Time, state string, file File, reason error) error {
	p, err := begin(now, state, file, pending{Reason: reason.Error()})
	if err != nil {
		return err
	}
	return mark(state, file, p)
}

// begin gives a repair its time, to the second: later than that of one before,
// whose file must not be written over.
func begin(now time.Time, state string, file File, p pending) (pending, error) {
	for p.At = now.UTC().Truncate(time.Second); ; p.At = p.At.Add(time.Second) {
		if there, err := database.Exists(p.aside(state, file)); !there || err != nil {
			return p, err
		}
	}
}

func mark(state string, file File, p pending) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if err := write(file.marker(state), text); err != nil {
		return fmt.Errorf("note the damage of %s: %w", file.Name, err)
	}
	return nil
}

// write puts a small file on the disk, whole or not at all.
func write(path string, text []byte) error {
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return database.Place(part, path)
}

// Needed tells whether a database has to be repaired before it is opened: that
// was noted, or it is empty or gone and there are copies of it.
func Needed(now time.Time, state string, file File) (bool, error) {
	text, err := os.ReadFile(file.marker(state))
	switch {
	case err == nil && json.Unmarshal(text, &pending{}) != nil:
		return true, Mark(now, state, file, fmt.Errorf("%w: so is the note of its repair", database.ErrDamaged))
	case !errors.Is(err, fs.ErrNotExist):
		return err == nil, err
	}
	info, err := os.Stat(filepath.Join(state, file.Name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() > 0 {
		return false, err
	}
	copies, err := List(Folder(state))
	if err != nil || len(of(copies, file)) == 0 {
		return false, err
	}
	return true, Mark(now, state, file, fmt.Errorf("%w: it is empty", database.ErrDamaged))
}

// Replace restores a copy by command, in the place of a database that is not in
// use; clicks and accounts that only that one has are taken over. Where it gives
// an error, the database is as it was, unless ctx has ended.
func Replace(ctx context.Context, now time.Time, state string, file File, chosen Copy) (Note, error) {
	// A repair that was interrupted has files aside that are to be read first.
	if begun, err := database.Exists(file.marker(state)); err != nil {
		return Note{}, err
	} else if begun {
		if _, err := Repair(ctx, state, file); err != nil {
			return Note{}, err
		}
	}
	p, err := begin(now, state, file, pending{Reason: "restored by command", Copy: &chosen, Command: true})
	if err != nil {
		return Note{}, err
	}
	if err := file.check(ctx, chosen.Path, true); err != nil {
		return Note{}, fmt.Errorf("restore %s: %w", file.Name, err)
	}
	if err := mark(state, file, p); err != nil {
		return Note{}, err
	}
	return Repair(ctx, state, file)
}

// Repair moves the damaged database aside, restores the newest copy that is
// good, or begins anew, and takes over the clicks that can still be read. A
// repair that is interrupted goes on where it was.
func Repair(ctx context.Context, state string, file File) (Note, error) {
	note, err := repair(ctx, state, file)
	if err != nil {
		return Note{}, fmt.Errorf("repair %s: %w", file.Name, err)
	}
	return note, nil
}

func repair(ctx context.Context, state string, file File) (Note, error) {
	var p pending
	text, err := os.ReadFile(file.marker(state))
	if err != nil {
		return Note{}, err
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return Note{}, err
	}
	path, aside := filepath.Join(state, file.Name), p.aside(state, file)
	note := Note{File: file.Name, At: p.At, Reason: p.Reason, Aside: filepath.Base(aside), Command: p.Command}
	if !p.Moved {
		// The write-ahead log goes first, for SQLite would play it into the
		// restored file.
		for _, suffix := range []string{"-wal", "-shm", ""} {
			if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return Note{}, err
			}
		}
		// Whoever put a file there may have let others read it.
		if err := os.Chmod(aside, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Note{}, err
		}
		if err := database.SyncFolder(state); err != nil {
			return Note{}, err
		}
		p.Moved = true
		if err := mark(state, file, p); err != nil {
			return Note{}, err
		}
	}
	if there, err := database.Exists(path); err != nil {
		return Note{}, err
	} else if !there {
		if note, err = restore(ctx, state, file, p, note); err != nil {
			if p.Command && ctx.Err() == nil {
				err = errors.Join(err, undo(state, file, p))
			}
			return Note{}, err
		}
	}
	if err := os.Remove(file.marker(state)); err != nil {
		return Note{}, err
	}
	return note, errors.Join(database.SyncFolder(state), dropDamaged(p.At, state, file))
}

// undo puts back what a restore by command had moved aside. Interrupted, it is
// a repair that has moved nothing yet.
func undo(state string, file File, p pending) error {
	p.Moved = false
	if err := mark(state, file, p); err != nil {
		return err
	}
	aside := p.aside(state, file)
	for _, suffix := range []string{"-wal", "-shm", ""} {
		if err := os.Rename(aside+suffix, filepath.Join(state, file.Name+suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Remove(aside + ".json"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := database.SyncFolder(state); err != nil {
		return err
	}
	return errors.Join(os.Remove(file.marker(state)), database.SyncFolder(state))
}

// restore makes the database anew in a folder of its own and puts it in place.
func restore(ctx context.Context, state string, file File, p pending, note Note) (Note, error) {
	work := filepath.Join(state, "restoring-"+file.base())
	defer os.RemoveAll(work)
	path := filepath.Join(work, file.Name)
	var err error
	if note.Backup, err = bestCopy(ctx, state, file, p, work); err != nil {
		return note, err
	}
	if file.Name == Clicks.Name {
		note.Taken, note.Unread, err = completeClicks(ctx, filepath.Join(state, note.Aside), path)
	} else {
		err = completeAccounts(ctx, state, filepath.Join(state, note.Aside), path, p)
	}
	if err != nil {
		return note, err
	}
	if left, err := database.Exists(path + "-wal"); left || err != nil {
		return note, errors.Join(errors.New("the restored file is not whole"), err)
	}
	made, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return note, err
	}
	if err := errors.Join(made.Sync(), made.Close()); err != nil {
		return note, err
	}
	text, err := json.Marshal(note)
	if err != nil {
		return note, err
	}
	if err := write(filepath.Join(state, note.Aside+".json"), text); err != nil {
		return note, err
	}
	return note, database.Place(path, filepath.Join(state, file.Name))
}

// bestCopy copies the newest copy that is good into a new folder and says of
// when it is; the zero time when there is none.
func bestCopy(ctx context.Context, state string, file File, p pending, work string) (time.Time, error) {
	copies, err := List(Folder(state))
	if err != nil {
		return time.Time{}, err
	}
	copies = of(copies, file)
	Sort(p.At, copies)
	if p.Copy != nil {
		copies = []Copy{*p.Copy}
	}
	for _, c := range copies {
		err := file.try(ctx, c.Path, work)
		switch {
		case err == nil:
			return c.At, nil
		case ctx.Err() != nil || database.Full(err) || p.Copy != nil:
			return time.Time{}, err
		}
	}
	return time.Time{}, errors.Join(os.RemoveAll(work), os.Mkdir(work, 0o700))
}

// try puts a copy into a new folder, and finds out whether it is good and of a
// version that this program can use.
func (f File) try(ctx context.Context, from, work string) error {
	if err := errors.Join(os.RemoveAll(work), os.Mkdir(work, 0o700)); err != nil {
		return err
	}
	path := filepath.Join(work, f.Name)
	if err := duplicate(from, path); err != nil {
		return err
	}
	if err := f.check(ctx, path, true); err != nil {
		return err
	}
	return f.update(ctx, path)
}

// update brings a database to the newest version.
func (f File) update(ctx context.Context, path string) error {
	if f.Name == Clicks.Name {
		log, err := clicklog.Open(ctx, path)
		if err != nil {
			return err
		}
		return log.Close()
	}
	store, err := openAccounts(ctx, path)
	if err != nil {
		return err
	}
	return store.Close()
}

// openAccounts opens accounts to which nobody is paired meanwhile.
func openAccounts(ctx context.Context, path string) (*accounts.Store, error) {
	return accounts.Open(ctx, path, func([]byte) { panic("a device is made by a repair") })
}

// duplicate copies a file byte by byte.
func duplicate(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// completeAccounts revokes what was revoked since the backup. By command it also
// keeps the numbers of accounts made since; a damaged file is not believed them.
func completeAccounts(ctx context.Context, state, damaged, path string, p pending) error {
	store, err := openAccounts(ctx, path)
	if err != nil {
		return err
	}
	copies, err := List(Folder(state))
	for _, c := range append(of(copies, Accounts), Copy{Path: damaged}) {
		if err == nil {
			err = store.KeepRevoked(ctx, c.Path)
		}
	}
	if err == nil && p.Command && accounts.Check(ctx, damaged, true) == nil {
		err = store.KeepNumbers(ctx, damaged)
	}
	return errors.Join(err, store.Close())
}

// completeClicks takes over the clicks that can still be read of the damaged file.
func completeClicks(ctx context.Context, damaged, path string) (taken, unread int, err error) {
	log, err := clicklog.Open(ctx, path)
	if err != nil {
		return 0, 0, err
	}
	if there, existsErr := database.Exists(damaged); existsErr != nil {
		err = existsErr
	} else if there {
		taken, unread, err = log.Salvage(ctx, damaged)
	}
	return taken, unread, errors.Join(err, log.Close())
}
