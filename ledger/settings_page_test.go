package main

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"flattr/ledger/store/storetest"
)

// A member reads times in their own zone, and pages in their own language in
// whatever browser they sign in.
func TestAMemberSetsLanguageAndZone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := startLedgerOn(t, where)
		ann := s.join("ann", 0)
		ann.get("/settings")
		ann.wants("Settings", "Time zone", "Times are in UTC.", "Password, passkeys")
		for _, link := range ann.links("/settings") {
			if ann.get(link); ann.status != http.StatusOK {
				t.Errorf("%s, which the settings name, is %d", link, ann.status)
			}
		}
		ann.get("/settings")
		ann.submit("settings", map[string]string{"language": "de", "zone": "Asia/Tokyo"})
		ann.wants("Gespeichert.", "Zeiten sind in Asia/Tokyo.")
		if value := attr(ann.find(func(n *html.Node) bool { return attr(n, "id") == "zone" }), "value"); value != "Asia/Tokyo" {
			t.Errorf("the zone is %q", value)
		}

		// Another browser, which asks for English, has neither cookie nor session yet.
		other := newBrowser(t, s.origin)
		other.get("/signin")
		other.wants("Sign in")
		other.submit("signin", map[string]string{"name": "ann", "password": "correct horse"})
		other.get("/settings")
		other.wants("Einstellungen", "Zeiten sind in Asia/Tokyo.")

		for _, zone := range []string{"", "Local", "Europe/Nowhere", "../../etc/passwd", "europe berlin", strings.Repeat("Europe/", 500), "\x00", "<script>alert(1)</script>"} {
			ann.get("/settings")
			ann.submit("settings", map[string]string{"language": "en", "zone": zone})
			if ann.status != http.StatusUnprocessableEntity {
				t.Errorf("zone %q = %d, want %d", zone, ann.status, http.StatusUnprocessableEntity)
			}
			ann.wants("Diese Zone ist nicht bekannt.")
		}
		ann.get("/settings")
		ann.submit("settings", map[string]string{"language": "xx", "zone": "UTC"})
		if ann.status != http.StatusBadRequest {
			t.Errorf("a language that is not there = %d", ann.status)
		}
	})
}

// links are where a page leads to below main, but for itself.
func (b *browser) links(but string) (all []string) {
	b.find(func(n *html.Node) bool {
		if href := attr(n, "href"); n.Data == "a" && n.Parent != nil && n.Parent.Data == "dt" && href != but {
			all = append(all, href)
		}
		return false
	})
	return all
}
