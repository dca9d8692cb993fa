package report

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// maxEverything bounds the months of one download: a century.
const maxEverything = 1200

// Everything is what a member takes home: all that the ledger keeps of them.
type Everything struct {
	Member flattr.Member
	Now    time.Time
	Public string // origin of the ledger, for links to things
}

// aboutMember is member.json.
type aboutMember struct {
	Name     string         `json:"name"`
	Language string         `json:"language"`
	Zone     string         `json:"zone"`
	Since    time.Time      `json:"since"`
	FlattrID string         `json:"flattr_id,omitempty"`
	Profile  flattr.Profile `json:"profile"`
	Means    money.Micro    `json:"means_micro"`
	Held     money.Micro    `json:"held_micro"`
	Revenue  money.Micro    `json:"revenue_micro"`
	Owed     money.Micro    `json:"owed_micro"`
	Taken    time.Time      `json:"taken"` // when this was written
}

// Write writes a zip file as it reads: member.json; each kind of thing that is
// kept, as JSON and as CSV; and the statements and revenue of each closed month.
// What is read stays in short transactions: the file says how things stood while
// it was made.
func (e Everything) Write(ctx context.Context, s *store.Store, to io.Writer) error {
	z := zip.NewWriter(to)
	if err := e.file(z, "README.txt", func(w io.Writer) error {
		_, err := io.WriteString(w, everythingReadme)
		return err
	}); err != nil {
		return err
	}
	if err := e.file(z, "member.json", func(w io.Writer) error { return e.about(ctx, s, w) }); err != nil {
		return err
	}
	for _, table := range store.OwnTables() {
		for _, format := range []Format{JSON, CSV} {
			err := e.file(z, table.Name+"."+string(format), func(w io.Writer) error { return ownTable(ctx, s, e.Member.ID, table, format, w) })
			if err != nil {
				return err
			}
		}
	}
	if err := e.months(ctx, s, z); err != nil {
		return err
	}
	return z.Close()
}

// everythingReadme says what is in the file, in both languages.
const everythingReadme = `Everything this ledger keeps of you.

member.json      name, profile, how you stand
events           each click, undo and refusal
shares           each click of settled months, with what it gave
transfers        each movement of your money
revenue          what your things brought, month by month
the others       what their names say

Amounts called micro are millionths of a euro; in shares.csv and in the revenue
they are euros. Times are in UTC. JSON and CSV hold the same; a ' before =, +, -
or @ in CSV keeps spreadsheets from calculating.
Passwords, tokens and keys are not in here: the ledger keeps only what tells
whether one is right.

Alles, was dieses Hauptbuch von dir aufbewahrt.

member.json      Name, Profil, dein Stand
events           jeder Klick, jedes Zurücknehmen, jede Ablehnung
shares           jeder Klick abgerechneter Monate, mit dem, was er gab
transfers        jede Bewegung deines Geldes
revenue          was deine Beiträge brachten, Monat für Monat
die anderen      was ihre Namen sagen

Beträge namens micro sind millionstel Euro; in shares.csv und bei den Einnahmen
sind es Euro. Zeiten sind in UTC. JSON und CSV enthalten dasselbe; ein ' vor =, +,
- oder @ in CSV hält Tabellenprogramme vom Rechnen ab.
Passwörter, Token und Schlüssel stehen hier nicht: Das Hauptbuch hat nur, woran es
erkennt, ob eines stimmt.
`

// file writes one file of the zip file.
func (e Everything) file(z *zip.Writer, name string, write func(io.Writer) error) error {
	w, err := z.CreateHeader(&zip.FileHeader{Name: "flattr/" + name, Method: zip.Deflate, Modified: e.Now})
	if err == nil {
		err = write(w)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func (e Everything) about(ctx context.Context, s *store.Store, to io.Writer) error {
	about := aboutMember{Name: e.Member.Name, Language: e.Member.Language, Zone: e.Member.Zone, Since: e.Member.Since, Taken: e.Now}
	stands, err := s.Standing(ctx, e.Member.ID)
	if err != nil {
		return err
	}
	about.Means, about.Held, about.Revenue, about.Owed = stands.Means, stands.Held, stands.Revenue, stands.Owed
	if about.Profile, err = s.Profile(ctx, e.Member.ID); err != nil {
		return err
	}
	if about.FlattrID, err = s.KnownFlattrID(ctx, e.Member.ID); err != nil {
		return err
	}
	return writeJSON(to, about)
}

// months writes the statements and the revenue of closed months.
func (e Everything) months(ctx context.Context, s *store.Store, z *zip.Writer) error {
	given, err := s.GivenMonths(ctx, e.Member.ID, flattr.MonthOf(e.Now).Add(maxEverything), 0, maxEverything)
	if err != nil {
		return err
	}
	var closed []flattr.Month
	for i := len(given) - 1; i >= 0; i-- { // oldest first
		if given[i].State == flattr.Closed {
			closed = append(closed, given[i].Month)
		}
	}
	for _, format := range []Format{JSON, CSV} {
		err := e.file(z, "shares."+string(format), func(w io.Writer) error { return ReaderMonths(ctx, s, e.Member.Name, closed, format, w) })
		if err != nil {
			return err
		}
	}
	var earned []flattr.Month
	err = s.View(ctx, func(tx *store.Tx) error {
		earned, err = tx.EarnedMonths(e.Member.ID)
		return err
	})
	if err != nil {
		return err
	}
	for _, month := range earned {
		revenue := Revenue{Author: e.Member.Name, Month: month, Public: e.Public}
		for _, format := range []Format{JSON, CSV} {
			name := fmt.Sprintf("revenue/%s.%s", month, format)
			if err := e.file(z, name, func(w io.Writer) error { return revenue.Write(ctx, s, format, w) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// ownTable writes one kind of thing that is kept of a member: an array of
// objects, or rows under a header.
func ownTable(ctx context.Context, s *store.Store, member flattr.MemberID, table store.OwnTable, format Format, to io.Writer) error {
	out := bufio.NewWriter(to)
	if format == CSV {
		w := csvWriter{out}
		header := make([]any, len(table.Columns))
		for i, column := range table.Columns {
			header[i] = column.Name
		}
		w.row(header...)
		err := s.EachOwn(ctx, member, table, func(row []any) error {
			for i := range row {
				row[i] = cell(row[i])
			}
			w.row(row...)
			return nil
		})
		if err != nil {
			return err
		}
		return w.end()
	}
	before := "["
	err := s.EachOwn(ctx, member, table, func(row []any) error {
		for i, column := range table.Columns {
			value, err := json.Marshal(plain(row[i]))
			if err != nil {
				return err
			}
			if i == 0 {
				fmt.Fprintf(out, "%s{", before)
			} else {
				out.WriteByte(',')
			}
			fmt.Fprintf(out, "%q:%s", column.Name, value)
		}
		before = "},\n"
		return nil
	})
	if err != nil {
		return err
	}
	if before != "[" {
		before = "}"
	}
	out.WriteString(before + "]\n")
	return out.Flush()
}

// plain is a value as JSON has it.
func plain(value any) any {
	switch v := value.(type) {
	case flattr.EventID:
		return v.String()
	case flattr.Month:
		return v.String()
	}
	return value
}

// cell is a value as CSV has it.
func cell(value any) any {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return quoted(v)
	case bool:
		if v {
			return 1
		}
		return 0
	case time.Time:
		return v.Format(time.RFC3339Nano)
	}
	return plain(value)
}
