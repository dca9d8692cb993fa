package web

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// toldOf is where the privacy page tells of a table that names members, and the
// words by which it does.
var toldOf = map[string]struct{ text, words string }{
	"member":             {"privacy.account", "Your name, language and time zone; your password only as a hash"},
	"budget":             {"privacy.account", "each budget you set"},
	"snapshot_budget":    {"privacy.account", "each budget you set"},
	"account":            {"privacy.account", "each movement of your money"},
	"transfer":           {"privacy.account", "each movement of your money"},
	"topup":              {"privacy.account", "the reference your bank gave it"},
	"topup_return":       {"privacy.account", "the reference your bank gave it"},
	"refund":             {"privacy.account", "the reference your bank gave it"},
	"invite":             {"privacy.account", "your invites, and who joined with them"},
	"profile":            {"privacy.profile", "your profile"},
	"event":              {"privacy.flattred", "each click and undo"},
	"counted":            {"privacy.flattred", "each click and undo"},
	"snapshot_merged":    {"privacy.flattred", "each click and undo"},
	"promise":            {"privacy.flattred", "your promises"},
	"subscription":       {"privacy.flattred", "your subscriptions"},
	"subscription_month": {"privacy.flattred", "your subscriptions"},
	"session":            {"privacy.cookies", "One cookie while you are signed in"},
	"signin":             {"privacy.signin", "each browser in which you are signed in"},
	"passkey":            {"privacy.signin", "each passkey"},
	"oauth_code":         {"privacy.programs", "devices and applications may act for you"},
	"oauth_token":        {"privacy.programs", "devices and applications may act for you"},
	"oauth_app":          {"privacy.programs", "Applications that you register"},
	"mail_address":       {"privacy.mail", "that address, when you confirmed it"},
	"link":               {"privacy.letters", "A letter waits here"},
	"letter":             {"privacy.letters", "A letter waits here"},
	"thing":              {"privacy.earn", "Your things"},
	"snapshot_thing":     {"privacy.earn", "Your things"},
	"earning":            {"privacy.earn", "what each brought in each month"},
	"author_sum":         {"privacy.earn", "what each brought in each month"},
	"claim":              {"privacy.earn", "the sites you claim"},
	"claim_request":      {"privacy.earn", "the sites you claim"},
	"claim_change":       {"privacy.earn", "the sites you claim"},
	"flattr_id":          {"privacy.earn", "how they name you"},
	"page_proof":         {"privacy.earn", "how they name you"},
	"parts":              {"privacy.earn", "what you share with them"},
	"parts_author":       {"privacy.earn", "your co-authors"},
	"snapshot_part":      {"privacy.earn", "your co-authors"},
	"partner_identity":   {"privacy.earn", "who a partner says you are"},
	"partner_dispute":    {"privacy.earn", "who a partner says you are"},
	"payout_target":      {"privacy.payout", "the IBAN and the holder of the account"},
	"note":               {"privacy.notes", "A word of thanks"},
	"note_mute":          {"privacy.notes", "does not want to see"},
	"hook_delivery":      {"privacy.others", "waits here for seven days at most"},
	"rest_hits":          {"privacy.log", "counted under a keyed hash"},
	"retired_name":       {"privacy.rest", "a hash of your name"},
}

// tablesOfMembers are the tables of the ledger with a column that names a member,
// read from what makes them.
func tablesOfMembers(t *testing.T) (naming []string, all map[string]bool) {
	t.Helper()
	files, err := filepath.Glob("../store/migrations/*.sql")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d migrations, %v", len(files), err)
	}
	made := regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n\)`)
	added := regexp.MustCompile(`ALTER TABLE (\w+) ADD COLUMN (\w+) `)
	names := regexp.MustCompile(`(?m)^ *(member|reader|owner|author|minted_by|used_by|registrar|setter|rival|former|caller|debit_account) `)
	all = map[string]bool{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range made.FindAllStringSubmatch(string(source), -1) {
			all[table[1]] = true
			if names.MatchString(table[2]) {
				naming = append(naming, table[1])
			}
		}
		for _, column := range added.FindAllStringSubmatch(string(source), -1) {
			if names.MatchString(column[2] + " ") {
				naming = append(naming, column[1])
			}
		}
	}
	slices.Sort(naming)
	return slices.Compact(naming), all
}

// Every table that names members is told of on the privacy page, by words that
// stand there.
func TestThePrivacyPageTellsOfEveryTableOfMembers(t *testing.T) {
	naming, all := tablesOfMembers(t)
	for _, table := range naming {
		if _, known := toldOf[table]; !known {
			t.Errorf("the table %s names members, and the privacy page does not tell of it: write what is kept, and for how long", table)
		}
	}
	english := loadAll(t).named("en")
	for table, told := range toldOf {
		if !all[table] {
			t.Errorf("there is no table %s any more", table)
		}
		if !slices.ContainsFunc(privacyParts, func(p privacyPart) bool { return slices.Contains(p.Texts, told.text) }) {
			t.Errorf("the privacy page does not say %s", told.text)
		}
		if text := english.say(told.text); !strings.Contains(text, told.words) {
			t.Errorf("the privacy page tells of %s by %q, which does not stand there: %s", table, told.words, text)
		}
	}
}

// Every cookie of the pages is told of, with how long it stays.
func TestThePrivacyPageTellsOfEveryCookie(t *testing.T) {
	told := map[string]string{
		"flattr_session": "while you are signed in, for 30 days", "flattr_known": "for 180 days", "flattr_language": "for a year if you choose a language",
	}
	ages := map[string]time.Duration{"for 30 days": sessionLifetime, "for 180 days": knownAge, "for a year": languageAge}
	for said, age := range map[string]int{"for 30 days": 30, "for 180 days": 180, "for a year": 365} {
		if ages[said] != time.Duration(age)*24*time.Hour {
			t.Errorf("the page says %s, the cookie stays for %v", said, ages[said])
		}
	}
	text := loadAll(t).named("en").say("privacy.cookies")
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`"(?:__Host-)?(flattr_[a-z]+)"`)
	found := map[string]bool{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, cookie := range named.FindAllStringSubmatch(string(source), -1) {
			found[cookie[1]] = true
			if words, known := told[cookie[1]]; !known || !strings.Contains(text, words) {
				t.Errorf("%s names the cookie %s, and the privacy page does not tell of it by %q", file, cookie[1], words)
			}
		}
	}
	if len(found) != len(told) {
		t.Errorf("the cookies are %v, want those of %v", found, told)
	}
}
