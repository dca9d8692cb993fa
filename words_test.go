package flattr_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// sentence is what a person reads, in both languages.
type sentence struct{ where, english, german string }

// texts are all strings below a value of JSON, but for descriptions that only
// translators read.
func texts(value any, at string, into map[string]string) {
	switch v := value.(type) {
	case string:
		into[at] += v + "\n"
	case []any:
		for _, each := range v {
			texts(each, at, into)
		}
	case map[string]any:
		for key, each := range v {
			switch key {
			case "description":
			case "one", "other", "message", "subject", "lines", "link", "after":
				texts(each, at, into)
			default:
				texts(each, at+" "+key, into)
			}
		}
	}
}

// sentences are those of the pages, the letters and the extension.
func sentences(t *testing.T) []sentence {
	t.Helper()
	var all []sentence
	for place, path := range map[string]string{
		"page": "ledger/web/words/%.json", "letter": "ledger/mail/words/%.json", "extension": "extension/static/_locales/%/messages.json",
	} {
		said := map[string]map[string]string{}
		for _, language := range []string{"en", "de"} {
			raw, err := os.ReadFile(strings.Replace(path, "%", language, 1))
			if err != nil {
				t.Fatal(err)
			}
			var value any
			if err := json.Unmarshal(raw, &value); err != nil {
				t.Fatal(err)
			}
			said[language] = map[string]string{}
			texts(value, place, said[language])
		}
		for where, english := range said["en"] {
			all = append(all, sentence{where, english, said["de"][where]})
		}
	}
	if len(all) < 800 {
		t.Fatalf("%d sentences, where are the others?", len(all))
	}
	return all
}

// pairs are words of ours and the German ones for them: where English says the one,
// German says the other, on the pages as in letters and in the extension.
var pairs = []struct{ english, german string }{
	{`\b(a|the|this|your|my|each|no|such) things?\b|^things?\b`, `Beitr[aä]g`},
	{`\bsites?\b`, `[Ww]ebsite`},
	{`\bcompanion`, `Begleiter`},
	{`\bthe ledger\b|\bthis ledger\b`, `[Hh]auptb|hier `},
	{`\bmeans\b`, `Guthaben`},
	{`\bbudget`, `[Bb]udget`},
	{`\bpromises?\b`, `[Vv]erspr`},
	{`\binvit`, `[Ee]in(ge)?l[aä]d|lädt dich`},
	{`\bsettled\b`, `[Aa]b(ge)?rech`},
	{`\brevenue`, `Einnahmen`},
	{`\bset aside`, `zurückgelegt|Zurückgelegt`},
	{`\bundo\b|\bundone\b`, `[Zz]urück(ge|zu)?n[aeio]|[Nn]imm.* zurück`},
	{`\bmember`, `[Mm]itglied`},
	{`\boperator`, `[Bb]etreiber`},
	{`\btop(ped)? up\b`, `[Aa]uf(zu)?lad|[Ll]ade.* auf`},
	{`\bsubscription`, `Abo`},
	{`\bapplication`, `Anwendung`},
	{`\bdevice`, `Gerät`},
	{`\bfee\b`, `Gebühr`},
	{`\brevoke`, `[Ww]iderr`},
	{`\be-?mail address`, `E-Mail-Adresse`},
	{`\bletters? (to|come|go|with|is)\b`, `Post|Brief`},
}

// One idea has one word, in each language the same everywhere.
func TestOneGermanWordForEachOfOurs(t *testing.T) {
	all := sentences(t)
	for _, pair := range pairs {
		english, german, found := regexp.MustCompile(`(?im)`+pair.english), regexp.MustCompile(`(?s)`+pair.german), false
		for _, s := range all {
			if !english.MatchString(s.english) {
				continue
			}
			found = true
			if !german.MatchString(s.german) {
				t.Errorf("%s: English says %s, German not %s:\n%s%s", s.where, pair.english, pair.german, s.english, s.german)
			}
		}
		if !found {
			t.Errorf("no sentence says %s", pair.english)
		}
	}
}

// Words that others use for ours, ways of writing that are not ours, and quotation
// marks that are wrong in that language.
var (
	unsaidInEnglish = regexp.MustCompile(`(?i)\b(wallet|donor|tips?|users?|vote[sd]?|transactions?|oops|simply|sorry)\b|(^|[^-])\bmail address|something went wrong|[„"]`)
	unsaidInGerman  = regexp.MustCompile(`\b(Ding|Dinge|Dingen|Nutzer|Benutzer|Mailadresse|Spende|[Rr]ückgängig|[Nn]ochmal|Ihnen|Aufladung|Einzahlung|Flattre|Ups|[Vv]ersuche es|[Vv]erknüpft)\b|[^.:!?\n] Sie\b|["”]|\d\.\d\d €`)
	quotesMarkup    = "page buttons.rss.hint"
)

// Nobody says what somebody else would.
func TestWordsThatAreNotOurs(t *testing.T) {
	for _, s := range sentences(t) {
		if s.where == quotesMarkup {
			continue
		}
		if wrong := unsaidInEnglish.FindString(s.english); wrong != "" {
			t.Errorf("%s says %q: %s", s.where, wrong, s.english)
		}
		if wrong := unsaidInGerman.FindString(s.german); wrong != "" {
			t.Errorf("%s says %q: %s", s.where, wrong, s.german)
		}
		for text, marks := range map[string][2]string{s.english: {"“", "”"}, s.german: {"„", "“"}} {
			if opened, closed := strings.Count(text, marks[0]), strings.Count(text, marks[1]); opened != closed {
				t.Errorf("%s opens %d and closes %d quotations: %s", s.where, opened, closed, text)
			}
			if strings.Contains(text, "  ") || strings.Contains(text, "...") {
				t.Errorf("%s has a slip: %s", s.where, text)
			}
		}
	}
}
