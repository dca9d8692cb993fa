package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // where the machine has no zones

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"flattr/ledger/flattr"
	"flattr/ledger/mail"
	"flattr/ledger/money"
)

//go:embed words/en.json words/de.json
var wordFiles embed.FS

// languageCookie remembers the choice of a visitor for a year.
const (
	languageCookie = "flattr_language"
	languageAge    = 365 * 24 * time.Hour
)

// phrase is one entry of a word file: a text, or one text for each plural form.
type phrase struct {
	one, other string
}

// UnmarshalJSON reads "text" or {"one": "text", "other": "text"}.
func (p *phrase) UnmarshalJSON(raw []byte) error {
	if err := json.Unmarshal(raw, &p.other); err == nil {
		p.one = p.other
		return nil
	}
	var forms struct{ One, Other string }
	if err := json.Unmarshal(raw, &forms); err != nil {
		return fmt.Errorf("read phrase: %w", err)
	}
	p.one, p.other = forms.One, forms.Other
	return nil
}

// tongue is one language of the pages: its words, and how it writes amounts
// and dates.
type tongue struct {
	code  string // as in the lang attribute: en, de
	label string // the language's name for itself
	tag   language.Tag
	words map[string]phrase
	zone  *time.Location // in which times are shown
}

// tongues are the languages of the pages; the first is the fallback.
type tongues struct {
	all     []*tongue
	matcher language.Matcher
}

func loadTongues() (*tongues, error) {
	all := []*tongue{
		{code: "en", label: "English", tag: language.English, zone: time.UTC},
		{code: "de", label: "Deutsch", tag: language.German, zone: time.UTC},
	}
	tags := make([]language.Tag, len(all))
	for i, t := range all {
		raw, err := wordFiles.ReadFile("words/" + t.code + ".json")
		if err != nil {
			return nil, fmt.Errorf("read words: %w", err)
		}
		if err := json.Unmarshal(raw, &t.words); err != nil {
			return nil, fmt.Errorf("read words of %s: %w", t.code, err)
		}
		tags[i] = t.tag
	}
	return &tongues{all: all, matcher: language.NewMatcher(tags)}, nil
}

// of picks the language of a request: what the visitor chose, else that of the
// member, else what the browser asks for. Times are in the member's zone.
func (ts *tongues) of(r *http.Request) *tongue {
	m := memberOf(r.Context())
	t := ts.spoken(r, m)
	if m == nil {
		return t
	}
	return t.in(m.Zone)
}

func (ts *tongues) spoken(r *http.Request, m *flattr.Member) *tongue {
	if cookie, err := r.Cookie(languageCookie); err == nil {
		if t := ts.named(cookie.Value); t != nil {
			return t
		}
	}
	if m != nil {
		if t := ts.named(m.Language); t != nil {
			return t
		}
	}
	wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		return ts.all[0]
	}
	_, i, _ := ts.matcher.Match(wanted...)
	return ts.all[i]
}

// named is the language with that code, or nil.
func (ts *tongues) named(code string) *tongue {
	for _, t := range ts.all {
		if t.code == code {
			return t
		}
	}
	return nil
}

// in is the language with times in a zone; one that this program does not know is
// UTC.
func (t *tongue) in(zone string) *tongue {
	place, err := loadZone(zone)
	if err != nil || place == t.zone {
		return t
	}
	there := *t
	there.zone = place
	return &there
}

// zones are those that were asked for; to load one takes time. There are fewer
// than a thousand names.
var zones sync.Map // of *time.Location by name

// loadZone is the zone of that IANA name.
func loadZone(name string) (*time.Location, error) {
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location), nil
	}
	if name == "" || name == "Local" { // which mean something else to LoadLocation
		return nil, fmt.Errorf("zone %q: not a zone of the tz database", name)
	}
	if name == "UTC" {
		return time.UTC, nil
	}
	place, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("zone %.40q: %w", name, err)
	}
	zones.Store(name, place)
	return place, nil
}

// say is the text of key with args put in. A key that is missing shows itself;
// a test keeps that from happening.
func (t *tongue) say(key string, args ...any) string {
	p, ok := t.words[key]
	if !ok {
		return key
	}
	return fill(p.other, args)
}

// count is the text of key in the plural form that n asks for. Where the text
// has verbs, n is the first value put in.
func (t *tongue) count(key string, n int, args ...any) string {
	p, ok := t.words[key]
	if !ok {
		return key
	}
	text := p.other
	if plural.Cardinal.MatchPlural(t.tag, n, 0, 0, 0, 0) == plural.One {
		text = p.one
	}
	return fill(text, append([]any{n}, args...))
}

func fill(text string, args []any) string {
	if !strings.Contains(text, "%") {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// noBreak keeps an amount and its sign on one line.
const noBreak = "\u00a0"

// euro writes an amount as the language does: €0.20, 0,20 €. It is rounded to
// a tenth of a cent, which is shown where it is not 0.
func (t *tongue) euro(m money.Micro) string {
	const thousandth = money.Cent / 10
	sign := ""
	if m < 0 {
		sign, m = "-", -m
	}
	digits := ""
	switch near := (m + thousandth/2) / thousandth * thousandth; {
	case near == 0 && m > 0:
		sign, digits = "<"+noBreak, "0.001"
	case near%money.Cent == 0:
		digits = fmt.Sprintf("%s.%02d", grouped(int64(near/money.Euro)), int64(near%money.Euro/money.Cent))
	default:
		digits = fmt.Sprintf("%s.%03d", grouped(int64(near/money.Euro)), int64(near%money.Euro/thousandth))
	}
	if t.code == "de" {
		digits = strings.NewReplacer(",", ".", ".", ",").Replace(digits)
		return sign + digits + noBreak + "€"
	}
	return sign + "€" + digits
}

// plainEuro is an amount as one types it into a form: 2.00, 2,00.
func (t *tongue) plainEuro(m money.Micro) string {
	text := m.String()
	if t.code == "de" {
		text = strings.Replace(text, ".", ",", 1)
	}
	return text
}

// percent writes basis points: 0 %, 7.5 %.
func (t *tongue) percent(basisPoints int) string {
	text := fmt.Sprintf("%d.%02d", basisPoints/100, basisPoints%100)
	text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	if t.code == "de" {
		return strings.Replace(text, ".", ",", 1) + noBreak + "%"
	}
	return text + "%"
}

// readEuro reads an amount as people type it: with comma or point, with or
// without the sign.
func readEuro(text string) (money.Micro, error) {
	text = strings.TrimSpace(strings.Trim(strings.TrimSpace(strings.ReplaceAll(text, noBreak, " ")), "€"))
	return money.Parse(strings.Replace(text, ",", ".", 1))
}

// grouped writes n with a comma between thousands.
func grouped(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// month is "November 2026".
func (t *tongue) month(m flattr.Month) string {
	start := m.Start()
	return fmt.Sprintf("%s %d", t.say(fmt.Sprintf("date.%d", start.Month())), start.Year())
}

// day is "3 November" or "3. November".
func (t *tongue) day(at time.Time) string {
	at = at.In(t.zone)
	name := t.say(fmt.Sprintf("date.%d", at.Month()))
	if t.code == "de" {
		return fmt.Sprintf("%d.%s%s", at.Day(), noBreak, name)
	}
	return fmt.Sprintf("%d%s%s", at.Day(), noBreak, name)
}

// moment is day and time.
func (t *tongue) moment(at time.Time) string {
	return t.day(at) + ", " + at.In(t.zone).Format("15:04")
}

// instant is day and time with the zone, for what happens at a time that matters.
func (t *tongue) instant(at time.Time) string {
	return t.moment(at) + noBreak + at.In(t.zone).Format("MST")
}

// LetterFormat is how letters write amounts and times: as the pages do.
func LetterFormat() (mail.Format, error) {
	ts, err := loadTongues()
	if err != nil {
		return mail.Format{}, err
	}
	in := func(language string) *tongue {
		if t := ts.named(language); t != nil {
			return t
		}
		return ts.all[0]
	}
	return mail.Format{
		Euro:   func(language string, amount money.Micro) string { return in(language).euro(amount) },
		Month:  func(language string, month flattr.Month) string { return in(language).month(month) },
		Moment: func(language string, at time.Time) string { return in(language).instant(at) },
	}, nil
}
