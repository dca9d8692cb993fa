package companion

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"flattr/daemon/accounts"
	"flattr/daemon/backup"
	"flattr/daemon/clicklog"
	"flattr/daemon/database"
	"flattr/daemon/wire"
)

// ErrDamaged ends Run when a database was found to be damaged. Open repairs it.
var ErrDamaged = errors.New("a database is damaged")

// Times of the keeper.
const (
	// afterStart leaves the machine's start to others; then what is due is done.
	afterStart = time.Minute
	// lookEvery is how often the keeper sees what is due. It is much less than
	// a day, for timers stand still while the machine sleeps.
	lookEvery = time.Hour
	// backUpEvery is the least time between two regular copies of a database.
	backUpEvery = 24 * time.Hour
	// checkEvery is how often the databases are read as a whole.
	checkEvery = 7 * 24 * time.Hour
	// gather has one copy made of several changes of the accounts.
	gather = 2 * time.Second
	// shownFor is how long the status speaks of a repair: over a long weekend.
	shownFor = 72 * time.Hour
)

// Files in the state by which the keeper knows what was.
const (
	runningFile = "running" // there while a companion runs: it was not ended cleanly if there is one at start
	checkedFile = "checked" // its time is that of the last thorough check
)

// keeper looks after the databases while the companion runs.
type keeper struct {
	companion *Companion
	unclean   bool          // the companion before this one was not ended cleanly
	changed   chan struct{} // accounts have changed
	suspect   chan error    // something that was read is not what was written
	repaired  []backup.Note // newest first
}

func newKeeper(c *Companion) *keeper {
	return &keeper{companion: c, changed: make(chan struct{}, 1), suspect: make(chan error, 1)}
}

// begin notes that a companion runs, and finds out how the one before ended.
func (k *keeper) begin() error {
	path := filepath.Join(k.companion.config.State, runningFile)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		k.unclean = true
		return nil
	}
	if database.Full(err) {
		k.unclean = true // who can tell; a full disk is told of by a companion that runs
		return nil
	}
	if err != nil {
		return fmt.Errorf("open state: %w", err)
	}
	return file.Close()
}

// end notes that the companion has closed its files; not while those of one
// that was killed have not been checked.
func (k *keeper) end() {
	if !k.unclean {
		_ = os.Remove(filepath.Join(k.companion.config.State, runningFile))
	}
}

// opened opens a database, after it was repaired if that is needed.
func opened[T any](ctx context.Context, c *Companion, file backup.File, open func(path string) (T, error)) (value T, err error) {
	state, path := c.config.State, filepath.Join(c.config.State, file.Name)
	needed, err := backup.Needed(c.config.Now(), state, file)
	if err != nil {
		return value, err
	}
	if !needed {
		if value, err = open(path); !database.Damaged(err) {
			return value, err
		}
		if err := backup.Mark(c.config.Now(), state, file, err); err != nil {
			return value, err
		}
	}
	note, err := backup.Repair(ctx, state, file)
	if err != nil {
		return value, err
	}
	c.config.Log.Error("database repaired", "file", note.File, "reason", note.Reason, "moved", note.Aside,
		"backup", note.Backup, "taken", note.Taken, "unread", note.Unread)
	return open(path)
}

// openFiles opens the databases, repaired if they are damaged.
func (c *Companion) openFiles(ctx context.Context) (err error) {
	c.accounts, err = opened(ctx, c, backup.Accounts, func(path string) (*accounts.Store, error) {
		return accounts.Open(ctx, path, c.config.Random)
	})
	if err != nil {
		return err
	}
	c.clicks, err = opened(ctx, c, backup.Clicks, func(path string) (*clicklog.Log, error) { return clicklog.Open(ctx, path) })
	if err != nil {
		return err
	}
	// After a repair or a restored backup clicks may name accounts that are not
	// known any more.
	highest, err := c.clicks.HighestAccount(ctx)
	if err != nil {
		return err
	}
	if err := c.accounts.Reserve(ctx, highest); err != nil {
		return err
	}
	c.keeper.repaired, err = backup.Notes(c.config.State)
	return err
}

// noticed has the databases checked when an error says that one is damaged.
func (k *keeper) noticed(err error) {
	if !database.Damaged(err) {
		return
	}
	select {
	case k.suspect <- err:
	default: // it is known already
	}
}

// accountsChanged has the accounts copied soon: a copy that lacks a browser
// means pairing again, one that still has it means that revoking was in vain.
func (k *keeper) accountsChanged() {
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

// run looks after the databases until ctx ends. Its error is ErrDamaged, or nil.
func (k *keeper) run(ctx context.Context) error {
	if k.unclean {
		if err := k.check(ctx, false); err != nil {
			return err
		}
	}
	look := time.NewTimer(afterStart)
	defer look.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-k.companion.clicks.Damage():
			err = k.damaged(backup.Clicks, database.ErrDamaged)
		case reason := <-k.suspect:
			err = k.find(ctx, reason)
		case <-k.changed:
			err = k.afterChange(ctx)
		case <-look.C:
			look.Reset(lookEvery)
			err = k.due(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// afterChange copies the accounts once they have stopped changing for a moment.
func (k *keeper) afterChange(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(gather):
	}
	return k.backUp(ctx, backup.Accounts)
}

// due makes the copies and checks whose time has come.
func (k *keeper) due(ctx context.Context) error {
	now, state := k.companion.config.Now(), k.companion.config.State
	for _, file := range backup.Files {
		due, err := backup.Due(now, state, file, backUpEvery)
		if err != nil {
			k.companion.config.Log.Error("look for backups", "error", err)
			continue
		}
		if due {
			if err := k.backUp(ctx, file); err != nil {
				return err
			}
		}
	}
	info, err := os.Stat(filepath.Join(state, checkedFile))
	if err == nil && now.Sub(info.ModTime()).Abs() < checkEvery { // also after a clock was set back
		return nil
	}
	return k.check(ctx, true)
}

// backUp copies a database. That it cannot is logged, and shown by doctor.
func (k *keeper) backUp(ctx context.Context, file backup.File) error {
	state := k.companion.config.State
	_, err := backup.Make(ctx, k.companion.config.Now(), state, backup.Folder(state), file)
	_, err = k.judge(ctx, file, err)
	return err
}

// judge tells whether something came to its end. Its error says that the
// database is damaged; others are logged.
func (k *keeper) judge(ctx context.Context, file backup.File, err error) (done bool, damaged error) {
	switch {
	case err == nil:
		return true, nil
	case ctx.Err() != nil: // the companion stops
	case database.Damaged(err):
		return false, k.damaged(file, err)
	default:
		k.companion.config.Log.Error("look after the databases", "error", err)
	}
	return false, nil
}

// check reads the databases as a whole, while they are in use.
func (k *keeper) check(ctx context.Context, thorough bool) error {
	for _, file := range backup.Files {
		if done, err := k.judge(ctx, file, file.Check(ctx, k.companion.config.State, thorough)); !done {
			return err
		}
	}
	k.unclean = false
	if !thorough {
		return nil
	}
	now, path := k.companion.config.Now(), filepath.Join(k.companion.config.State, checkedFile)
	err := os.WriteFile(path, nil, 0o600)
	if err == nil {
		err = os.Chtimes(path, now, now)
	}
	if err != nil {
		k.companion.config.Log.Error("note the check of the databases", "error", err)
	}
	return nil
}

// find looks for the database that an error spoke of.
func (k *keeper) find(ctx context.Context, reason error) error {
	k.companion.config.Log.Error("something read is not what was written", "error", reason)
	return k.check(ctx, true)
}

// damaged notes that a database is to be repaired, and ends the companion.
func (k *keeper) damaged(file backup.File, reason error) error {
	k.companion.config.Log.Error("database damaged", "file", file.Name, "reason", reason)
	if err := backup.Mark(k.companion.config.Now(), k.companion.config.State, file, reason); err != nil {
		k.companion.config.Log.Error("note the damage", "error", err)
	}
	return fmt.Errorf("%w: %s: %w", ErrDamaged, file.Name, reason)
}

// storageProblems is what the reader should know of the databases.
func (c *Companion) storageProblems() []wire.StatusProblem {
	problems := []wire.StatusProblem{}
	switch err := c.clicks.Failing(); {
	case database.Full(err):
		problems = append(problems, wire.StatusProblem{Code: wire.CodeDegraded, Sentence: "The disk is full. Free some space; until then new clicks stay in the browser."})
	case err != nil:
		problems = append(problems, wire.StatusProblem{Code: wire.CodeDegraded, Sentence: "The companion cannot write its log; new clicks stay in the browser. To see why: flattrd doctor"})
	}
	for _, note := range c.keeper.repaired {
		if age := c.config.Now().Sub(note.At).Abs(); !note.Command && age < shownFor {
			problems = append(problems, wire.StatusProblem{Code: wire.CodeRestored, Sentence: repairSentence(note)})
			break
		}
	}
	return problems
}

// repairSentence tells a reader of a repair, and of what it cost.
func repairSentence(note backup.Note) string {
	what, lost := "The file of accounts", "Browsers paired since then have to be paired again."
	if note.File == backup.Clicks.Name {
		what, lost = "The click log", "Clicks that the ledger has are safe there."
		if note.Unread > 0 {
			lost = fmt.Sprintf("%d could not be read; those that the ledger has are safe there.", note.Unread)
		}
	}
	text := fmt.Sprintf("%s was damaged on %s and moved aside as %s.", what, note.At.UTC().Format("2006-01-02 15:04 UTC"), note.Aside)
	if note.Backup.IsZero() {
		text += " There was no backup of it."
	} else {
		text += fmt.Sprintf(" The backup of %s was restored.", note.Backup.UTC().Format("2006-01-02 15:04 UTC"))
	}
	if note.Taken > 0 {
		text += fmt.Sprintf(" %d clicks and undos were recovered from the damaged file.", note.Taken)
	}
	return text + " " + lost
}
