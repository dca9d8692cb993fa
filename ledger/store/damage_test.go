package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store/storetest"
)

// pageSize is how SQLite divides a file.
const pageSize = 4096

// someLedger makes a ledger with a hundred members and their clicks.
func someLedger(t *testing.T, where string) {
	t.Helper()
	s, err := Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Write(t.Context(), func(tx *Tx) error {
		for i := range 100 {
			id, err := tx.AddMember(at("10-01 00:00:00"), NewMember{Name: "m" + strings.Repeat("x", i%20+1) + string(rune('a'+i/20)), Budget: flattr.DefaultBudget, Means: 9 * money.Euro})
			if err != nil {
				return err
			}
			if _, err := tx.Record(at("10-02 00:00:00"), id, click(i, "https://a.example/"+strings.Repeat("y", i), at("10-02 00:00:00"))); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
}

// readAll opens a ledger and reads all there is.
func readAll(ctx context.Context, where string) error {
	s, err := OpenExisting(ctx, where)
	if err != nil {
		return err
	}
	err = s.View(ctx, func(tx *Tx) error {
		for _, table := range []string{"member", "budget", "thing", "event", "counted", "account", "transfer"} {
			if err := tx.each("SELECT * FROM "+table, func(*sql.Rows) error { return nil }); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, s.Close())
}

func TestADamagedFileIsNamedAndLeftAlone(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, file []byte) []byte{
		"no database":        func(*testing.T, []byte) []byte { return []byte(strings.Repeat("no database ", 1000)) },
		"beginning gone":     func(_ *testing.T, file []byte) []byte { return file[pageSize:] },
		"beginning zero":     func(_ *testing.T, file []byte) []byte { clear(file[:100]); return file },
		"cut in half":        func(_ *testing.T, file []byte) []byte { return file[:len(file)/2] },
		"cut within a page":  func(_ *testing.T, file []byte) []byte { return file[:len(file)-pageSize/2] },
		"schema overwritten": func(_ *testing.T, file []byte) []byte { fill(file[100:pageSize]); return file },
		"pages overwritten":  func(_ *testing.T, file []byte) []byte { fill(file[pageSize:]); return file },
		"last pages zero":    func(_ *testing.T, file []byte) []byte { clear(file[len(file)/2:]); return file },
	} {
		t.Run(name, func(t *testing.T) {
			path := storetest.SQLite(t)
			someLedger(t, path)
			if err := readAll(t.Context(), path); err != nil {
				t.Fatalf("the ledger as it was: %v", err)
			}
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			broken := damage(t, file)
			if err := os.WriteFile(path, broken, 0o600); err != nil {
				t.Fatal(err)
			}
			err = readAll(t.Context(), path)
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "backup") {
				t.Errorf("a damaged ledger is answered with %v", err)
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != string(broken) {
				t.Errorf("the damaged file was changed (%v)", err)
			}
		})
	}
}

// TestEveryOverwrittenPageIsFound overwrites one page after the other.
func TestEveryOverwrittenPageIsFound(t *testing.T) {
	path := storetest.SQLite(t)
	someLedger(t, path)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	prove := func() error {
		s, err := OpenExisting(t.Context(), path)
		if err != nil {
			return err
		}
		return errors.Join(s.View(t.Context(), (*Tx).Integrity), s.Close())
	}
	if err := prove(); err != nil {
		t.Fatalf("the file as it was: %v", err)
	}
	for page := 0; page < len(file); page += pageSize {
		broken := bytes.Clone(file)
		fill(broken[page : page+pageSize])
		if err := os.WriteFile(path, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := prove(); !errors.Is(err, ErrDamaged) {
			t.Errorf("with page %d overwritten: %v", page/pageSize+1, err)
		}
	}
}

// fill overwrites with what is no page of a database.
func fill(b []byte) {
	for i := range b {
		b[i] = byte(i*7 + 3)
	}
}

func TestAnEmptyOrMissingFileIsNoLedger(t *testing.T) {
	path := storetest.SQLite(t)
	if _, err := OpenExisting(t.Context(), path); !errors.Is(err, ErrMissing) {
		t.Errorf("a missing file is answered with %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file was made")
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenExisting(t.Context(), path); !errors.Is(err, ErrMissing) {
		t.Errorf("an empty file is answered with %v", err)
	}
}

func TestAnEmptyDatabaseIsNoLedger(t *testing.T) {
	where := storetest.EmptyPostgres(t)
	if _, err := OpenExisting(t.Context(), where); !errors.Is(err, ErrMissing) {
		t.Errorf("OpenExisting of an empty database = %v", err)
	}
	tables, err := postgresEngine(where).tables(t.Context(), storetest.DB(t, where))
	if err != nil || len(tables) != 0 {
		t.Errorf("it made the tables %v, %v", tables, err)
	}
	u, err := url.Parse(where)
	if err != nil {
		t.Fatal(err)
	}
	u.Path += "x"
	if _, err := Open(t.Context(), u.String()); err == nil || !strings.Contains(err.Error(), "createdb") {
		t.Errorf("Open of no database = %v", err)
	}
}

// everyEmpty runs a test on an empty place for a ledger of each engine.
func everyEmpty(t *testing.T, run func(t *testing.T, where string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { run(t, storetest.SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { run(t, storetest.EmptyPostgres(t)) })
}

func TestAnotherProgramsDatabaseIsLeftAlone(t *testing.T) {
	everyEmpty(t, func(t *testing.T, where string) {
		db := storetest.DB(t, where)
		if _, err := db.ExecContext(t.Context(), "CREATE TABLE member (other TEXT)"); err != nil {
			t.Fatal(err)
		}
		for name, open := range map[string]func(context.Context, string) (*Store, error){"Open": Open, "OpenExisting": OpenExisting} {
			if _, err := open(t.Context(), where); !errors.Is(err, ErrForeign) {
				t.Errorf("%s of another program's database = %v", name, err)
			}
		}
		if _, err := db.ExecContext(t.Context(), "SELECT id FROM event"); err == nil {
			t.Error("tables were made in it")
		}
	})
}

func TestALedgerThatLostItsTablesIsNoLedger(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		someLedger(t, where)
		if _, err := storetest.DB(t, where).ExecContext(t.Context(), "DROP TABLE transfer"); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), where); !errors.Is(err, ErrForeign) {
			t.Errorf("Open without the table transfer = %v", err)
		}
	})
}

func TestANewerLedgerIsLeftAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		someLedger(t, where)
		_, err := storetest.DB(t, where).ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied, tstamp) VALUES (9999, "+
			map[bool]string{true: "TRUE", false: "1"}[isURL(where)]+", CURRENT_TIMESTAMP)")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), where); !errors.Is(err, ErrNewer) {
			t.Errorf("Open of a newer ledger = %v", err)
		}
	})
}

func TestAReadOnlyFileCanBeRead(t *testing.T) {
	dir := t.TempDir()
	path := dir + "/ledger.db"
	someLedger(t, path)
	// Root may write to what nobody may: what a read-only file is, is asked of
	// the function that tells.
	s := &Store{engine: sqliteEngine(path)}
	if err := s.openReadOnly(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if m, err := s.MemberByName(t.Context(), "mxa"); err != nil || m.Name != "mxa" {
		t.Errorf("MemberByName = %+v, %v", m, err)
	}
	_, err := s.MintInvites(t.Context(), at("10-03 00:00:00"), 1, 0)
	if err == nil || !strings.Contains(err.Error(), "reading only") {
		t.Errorf("MintInvites = %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the file lies %v, %v", entries, err)
	}
}
