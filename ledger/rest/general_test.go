package rest

import (
	"strings"
	"testing"

	"flattr/ledger/store/storetest"
)

// generalStory is what any route can answer.
var generalStory = []step{
	{"unknown_route", "GET", "/nothing", "", ""},
	{"unknown_method", "PUT", "/users/ann", "", ""},
	{"unknown_token", "GET", "/categories", "", "Authorization: Bearer nobody"},
	{"too_long", "POST", "/flattr", "url=" + strings.Repeat("x", maxBodyBytes), byAnn},
	{"callback_bad", "GET", "/categories?jsonp=alert(1)", "", ""},
	{"callback_token", "GET", "/categories?jsonp=call", "", byAnn},
}

// TestGeneralGolden has what any route can answer, at last to a caller whose hour
// is used up, and from a store that is broken.
func TestGeneralGolden(t *testing.T) {
	for _, format := range []string{formatJSON, formatXML, formatYAML} {
		d := newGoldenDesk(t, storetest.SQLite(t))
		for _, s := range generalStory {
			d.step(s, format)
		}
		for range hourlyLimit {
			d.ask("GET", "/categories", "", byRead)
		}
		d.step(step{"used_up", "GET", "/user", "", byRead}, format)
		d.sql("DROP TABLE profile")
		d.step(step{"broken", "GET", "/users/ann", "", ""}, format)
	}
}
