package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

var noteName = regexp.MustCompile(`^(clicks|accounts)\.db\.(damaged|replaced)-(\d{8}T\d{6}Z)\.json$`)

// Notes gives the repairs whose damaged files are still there, newest first.
// Of a note that cannot be read, what its name tells.
func Notes(state string) ([]Note, error) {
	entries, err := os.ReadDir(state)
	if err != nil {
		return nil, fmt.Errorf("read the notes of repairs: %w", err)
	}
	var notes []Note
	for _, entry := range entries {
		match := noteName.FindStringSubmatch(entry.Name())
		if match == nil {
			continue
		}
		var note Note
		if text, err := os.ReadFile(filepath.Join(state, entry.Name())); err == nil {
			_ = json.Unmarshal(text, &note)
		}
		note.File, note.Aside, note.Command = match[1]+".db", strings.TrimSuffix(entry.Name(), ".json"), match[2] == "replaced"
		if note.At, err = time.Parse(stamp, match[3]); err != nil {
			continue // no name that a repair gives
		}
		notes = append(notes, note)
	}
	slices.SortStableFunc(notes, func(a, b Note) int { return b.At.Compare(a.At) })
	return notes, nil
}

// dropDamaged bounds the files that were moved aside.
func dropDamaged(now time.Time, state string, file File) error {
	notes, err := Notes(state)
	if err != nil {
		return err
	}
	notes = slices.DeleteFunc(notes, func(n Note) bool { return n.File != file.Name })
	slices.SortStableFunc(notes, func(a, b Note) int { return newerFirst(now, a.At, b.At) })
	for _, note := range notes[min(len(notes), keptDamaged):] {
		for _, suffix := range []string{"", "-wal", "-shm", ".json"} {
			if err := os.Remove(filepath.Join(state, note.Aside+suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
