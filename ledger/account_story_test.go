package main

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"flattr/ledger/store/storetest"
)

// story is a world in short lines and what must come of it.
type story struct {
	name  string
	world string // "DATE what …", see storyLine; lines without a date come first
	said  string // what load says of it
	want  string // "MONTH reader thing micro" for each share, then "MONTH reader = budget clicks"
	means string // "name means held owed" in the end, for each that is named
}

// storyThing is the URL of a thing in a story.
func storyThing(name string) string { return "https://things.example/" + name }

// storyID is the n-th id of a story; "1@2026-11" is the click that the
// subscription 1 makes in November.
func storyID(n string) string {
	n, month, derived := strings.Cut(n, "@")
	id := fmt.Sprintf("5d000000-0000-4000-8000-%012s", n)
	if derived {
		id = uuid.NewSHA1(uuid.MustParse(id), []byte(month)).String()
	}
	return id
}

// storyLine writes a short line as a line of a world.
func storyLine(t *testing.T, short string) string {
	t.Helper()
	words := strings.Fields(short)
	date := ""
	if words[0][0] >= '0' && words[0][0] <= '9' {
		date, words = words[0], words[1:]
	}
	arrived := date
	if day, later, two := strings.Cut(date, "/"); two {
		date, arrived = day, later
	}
	words = append(words, "", "", "", "")
	var fields string
	switch what, a, b, c, d := words[0], words[1], words[2], words[3], words[4]; what {
	case "member":
		fields = fmt.Sprintf(`"name":%q,"means":%q`, a, cmp.Or(b, "0.00"))
		if c != "" {
			fields += fmt.Sprintf(`,"budget":%q`, c)
		}
	case "thing":
		fields = fmt.Sprintf(`"url":%q`, storyThing(a))
		if b != "" {
			fields += fmt.Sprintf(`,"owner":%q`, b)
		}
	case "click":
		fields = fmt.Sprintf(`"id":%q,"reader":%q,"url":%q,"arrived":%q`, storyID(a), b, storyThing(c), arrived)
	case "undo":
		fields = fmt.Sprintf(`"id":%q,"reader":%q,"click":%q,"arrived":%q`, storyID(a), b, storyID(c), arrived)
	case "budget":
		fields = fmt.Sprintf(`"name":%q,"budget":%q`, a, b)
	case "credit", "return", "refund":
		fields = fmt.Sprintf(`"name":%q,"amount":%q,"ref":%q`, a, b, c)
	case "subscribe":
		fields = fmt.Sprintf(`"id":%q,"reader":%q,"url":%q`, storyID(a), b, storyThing(c))
		if d != "" {
			fields += `,"months":` + d
		}
	case "pause", "resume":
		fields = fmt.Sprintf(`"subscription":%q,"reader":%q,"on":%v`, storyID(a), b, what == "pause")
		what = "pause"
		words[0] = what
	case "stop":
		fields = fmt.Sprintf(`"subscription":%q,"reader":%q`, storyID(a), b)
	case "claim":
		fields = fmt.Sprintf(`"owner":%q,"url":%q`, a, storyThing(b))
	case "parts":
		fields = fmt.Sprintf(`"url":%q,"parts":[{"author":%q,"bp":5000},{"author":%q,"bp":5000}]`, storyThing(a), b, c)
	case "alias":
		fields = fmt.Sprintf(`"url":%q,"of":%q`, storyThing(a), storyThing(b))
	case "delete":
		fields = fmt.Sprintf(`"name":%q`, a)
	default:
		t.Fatalf("%q is no line of a story", short)
	}
	if date != "" {
		fields += fmt.Sprintf(`,"at":%q`, date)
	}
	return fmt.Sprintf(`{"type":%q,%s}`, words[0], fields) + "\n"
}

// storyLines are the lines of a text without what makes it readable in the source.
func storyLines(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// come is what came of a world, in the form of story.want.
func come(t *testing.T, db string, months ...string) []string {
	t.Helper()
	var got []string
	for _, month := range months {
		ledger(t, "settle", "--db", db, "--month", month, "--now", "2029-01-01T00:00:00Z")
		for _, line := range jsonLines(t, ledger(t, "statement", "--db", db, "--month", month)) {
			switch line["type"] {
			case "share":
				thing := strings.TrimPrefix(line["url"].(string), storyThing(""))
				got = append(got, fmt.Sprintf("%s %s %s %.0f", month, line["reader"], thing, line["micro"]))
			case "reader":
				got = append(got, fmt.Sprintf("%s %s = %.0f %.0f", month, line["name"], line["budget_micro"], line["clicks"]))
			}
		}
	}
	return got
}

func (s story) run(t *testing.T, db string, cut bool) {
	var world strings.Builder
	for _, line := range storyLines(s.world) {
		world.WriteString(storyLine(t, line))
	}
	said := loadParts(t, db, world.String(), cut)
	if !cut { // else lines have other numbers
		if diff := gocmp.Diff(storyLines(s.said), storyLines(said)); diff != "" {
			t.Errorf("load says (-want +got):\n%s", diff)
		}
	}
	var months []string
	for _, line := range storyLines(s.want) {
		if month := strings.Fields(line)[0]; len(months) == 0 || months[len(months)-1] != month {
			months = append(months, month)
		}
	}
	var want []string
	for _, line := range storyLines(s.want) {
		if strings.Contains(line, " ") { // a month alone has nothing
			want = append(want, line)
		}
	}
	if diff := gocmp.Diff(want, come(t, db, months...)); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}
	for _, line := range storyLines(s.means) {
		w := strings.Fields(line)
		want := fmt.Sprintf("%s: means %s EUR, held %s EUR, revenue %s EUR, owes %s EUR", w[0], w[1], w[2], w[3], w[4])
		if got := ledger(t, "member", "show", "--db", db, w[0]); !strings.HasPrefix(got, want+"\n") {
			t.Errorf("in the end\n%s, want\n%s", strings.SplitN(got, "\n", 2)[0], want)
		}
	}
	ledger(t, "audit", "--db", db)
}

func TestStoriesOfAccounts(t *testing.T) {
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db string) { s.run(t, db, false) })
		})
		t.Run(s.name+"/cut", func(t *testing.T) {
			t.Parallel()
			s.run(t, storetest.SQLite(t), true)
		})
	}
}
