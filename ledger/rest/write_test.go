package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

// Tokens of the members of the golden world.
const (
	byAnn  = "Authorization: Bearer ann:flattr thing"
	byBob  = "Authorization: Bearer bob:flattr thing"
	byPoor = "Authorization: Bearer poor:flattr"
	byRead = "Authorization: Bearer ann:email"
	isJSON = "Content-Type: application/json"
	isForm = "Content-Type: application/x-www-form-urlencoded"
)

// step is a request of a story; its answer is compared with a file of that name.
type step struct{ name, method, path, body, as string }

// writeStory goes through everything that clients write, in one ledger, with
// every error of the routes.
var writeStory = []step{
	{"lookup_found", "GET", "/things/lookup?url=" + url.QueryEscape("http://www.bob.example/one"), "", ""},
	{"lookup_q", "GET", "/things/lookup/?q=https://bob.example/one", "", ""},
	{"lookup_page", "GET", "/things/lookup?url=" + url.QueryEscape("https://flattr.com/thing/4711/One-and-only"), "", ""},
	{"lookup_auto", "GET", "/things/lookup?url=" + url.QueryEscape("https://flattr.com/submit/auto?user_id=BOB&url="+url.QueryEscape("https://bob.example/one")), "", ""},
	{"lookup_mismatch", "GET", "/things/lookup?url=" + url.QueryEscape("https://flattr.com/submit/auto?user_id=mallory&url="+url.QueryEscape("https://bob.example/one")), "", ""},
	{"lookup_unknown", "GET", "/things/lookup?url=https://new.example/", "", ""},
	{"lookup_unknown_page", "GET", "/things/lookup?url=https://ledger.example/thing/99", "", ""},
	{"lookup_auto_new", "GET", "/things/lookup?url=" + url.QueryEscape("https://ledger.example/submit/auto?user_id=bob&url=https%3A%2F%2Fnew.example%2F"), "", ""},
	{"lookup_claimed", "GET", "/things/lookup?url=https://claimed.example/1", "", ""},
	{"lookup_nothing", "GET", "/things/lookup", "", ""},
	{"lookup_bad", "GET", "/things/lookup?url=javascript:alert(1)", "", ""},
	{"search", "GET", "/things/search?query=one", "", ""},
	{"search_all", "GET", "/things/search?user=bob&sort=flattrs&count=1&page=2", "", ""},
	{"search_reader", "GET", "/things/search?query=only+thing&full", "", byAnn},
	{"search_none", "GET", "/things/search?query=nothing", "", ""},
	{"search_bad_sort", "GET", "/things/search?query=one&sort=none", "", ""},
	{"search_bad_tags", "GET", "/things/search?tags=a%26%26b", "", ""},
	{"search_bad_page", "GET", "/things/search?page=0", "", ""},
	{"search_bad_url", "GET", "/things/search?url=javascript:alert(1)", "", ""},
	{"create", "POST", "/things", `{"url":"https://new.example/a","title":"New things","description":"All of them","tags":["New","old"],"hidden":false}`, byAnn},
	{"create_again", "POST", "/things", `{"url":"http://www.new.example/a"}`, byAnn},
	{"create_taken", "POST", "/things", `{"url":"https://bob.example/one"}`, byAnn},
	{"create_covered", "POST", "/things", `{"url":"https://claimed.example/2"}`, byAnn},
	{"create_nothing", "POST", "/things", `{}`, byAnn},
	{"create_bad_url", "POST", "/things", `{"url":"javascript:alert(1)"}`, byAnn},
	{"create_long_url", "POST", "/things", `{"url":"https://long.example/` + strings.Repeat("x", 10_000) + `"}`, byAnn},
	{"create_bad_title", "POST", "/things", `{"url":"https://new.example/b","title":"Abc"}`, byAnn},
	{"create_bad_category", "POST", "/things", `{"url":"https://new.example/b","category":"cats"}`, byAnn},
	{"create_bad_language", "POST", "/things", `{"url":"https://new.example/b","language":"tlh"}`, byAnn},
	{"create_bad_tags", "POST", "/things", `{"url":"https://new.example/b","tags":"` + strings.Repeat("t,", maxTags) + `t"}`, byAnn},
	{"create_unread", "POST", "/things", "{\"url\":\"https://new.example/\xff\"}", byAnn},
	{"create_scope", "POST", "/things", `{"url":"https://new.example/b"}`, byRead},
	{"create_refused", "POST", "/things", `{"url":"https://new.example/b"}`, ""},
	{"edit", "PATCH", "/things/4711", `{"title":"One and only","tags":"a, b","category":"audio","language":"de_DE"}`, byBob},
	{"edit_post", "POST", "/things/4711", "_method=patch&description=Described+anew&hidden=0", byBob},
	{"edited", "GET", "/things/4711", "", ""},
	{"edit_bad", "PATCH", "/things/4711", `{"description":"Abc"}`, byBob},
	{"edit_foreign", "PATCH", "/things/4711", `{"title":"Mine now"}`, byAnn},
	{"edit_unknown", "PATCH", "/things/99", `{"title":"Mine now"}`, byAnn},
	{"edit_scope", "PATCH", "/things/4711", `{"title":"Mine now"}`, byRead},
	{"edit_refused", "PATCH", "/things/4711", `{"title":"Mine now"}`, ""},
	{"flattr", "POST", "/things/4712/flattr", "", "Authorization: Bearer cyd:flattr"},
	{"flattr_once", "POST", "/things/4712/flattr", "", "Authorization: Bearer cyd:flattr"},
	{"flattr_owner", "POST", "/things/4712/flattr", "", byBob},
	{"flattr_no_means", "POST", "/things/4712/flattr", "", byPoor},
	{"flattr_unknown", "POST", "/things/99/flattr", "", byAnn},
	{"flattr_scope", "POST", "/things/4712/flattr", "", byRead},
	{"flattr_refused", "POST", "/things/4712/flattr", "", ""},
	{"flattr_bad", "POST", "/things/4712/flattr", `{"url":`, byAnn},
	{"flattr_url_page", "POST", "/flattr", "url=https%3A%2F%2Fledger.example%2Ft%2F4711", "Authorization: Bearer bea:flattr"},
	{"flattr_url_known", "POST", "/flattr", `{"url":"https://bob.example/two"}`, "Authorization: Bearer bea:flattr"},
	{"flattr_url_once", "POST", "/flattr", `{"url":"http://bob.example/two"}`, "Authorization: Bearer bea:flattr"},
	{"flattr_url_owner", "POST", "/flattr", `{"url":"https://bob.example/two"}`, byBob},
	{"flattr_url_no_means", "POST", "/flattr", `{"url":"https://bob.example/two"}`, byPoor},
	{"flattr_url_unknown", "POST", "/flattr", `{"url":"https://flattr.com/thing/99"}`, byAnn},
	{"flattr_url_nothing", "POST", "/flattr", `{}`, byAnn},
	{"flattr_url_bad", "POST", "/flattr", `{"url":"ftp://bob.example/"}`, byAnn},
	{"flattr_url_scope", "POST", "/flattr", `{"url":"https://bob.example/two"}`, byRead},
	{"flattr_url_refused", "POST", "/flattr", `{"url":"https://bob.example/two"}`, ""},
	{"bulk", "POST", "/flattr/bulk", `[{"url":"https://bob.example/one"},{"url":"https://bob.example/two"},{"url":"nonsense"},{"url":"https://flattr.com/t/99"},{"url":"https://bob.example/two"},{"no":"url"}]`, "Authorization: Bearer dan:flattr"},
	{"bulk_no_means", "POST", "/flattr/bulk", `[{"url":"https://bob.example/one"},{"url":"https://bob.example/two"}]`, byPoor},
	{"bulk_nothing", "POST", "/flattr/bulk", `{"url":"https://bob.example/one"}`, byAnn},
	{"bulk_many", "POST", "/flattr/bulk", `[` + strings.Repeat(`{"url":"https://bob.example/one"},`, maxBulk) + `{}]`, byAnn},
	{"bulk_scope", "POST", "/flattr/bulk", `[{"url":"https://bob.example/one"}]`, byRead},
	{"bulk_refused", "POST", "/flattr/bulk", `[{"url":"https://bob.example/one"}]`, ""},
	{"subscriptions_none", "GET", "/user/subscriptions", "", byAnn},
	{"subscribe", "POST", "/things/4711/subscriptions", "", byAnn},
	{"subscribe_again", "POST", "/things/4711/subscriptions", "", byAnn},
	{"subscribe_owner", "POST", "/things/4711/subscriptions", "", byBob},
	{"subscribe_unknown", "POST", "/things/99/subscriptions", "", byAnn},
	{"subscribe_bad", "POST", "/things/4712/subscriptions", `{"months":5}`, byAnn},
	{"subscribe_scope", "POST", "/things/4711/subscriptions", "", byRead},
	{"subscribe_refused", "POST", "/things/4711/subscriptions", "", ""},
	{"subscriptions", "GET", "/user/subscriptions", "", byAnn},
	{"subscription_pause", "PUT", "/things/4711/subscriptions", "", byAnn},
	{"subscriptions_paused", "GET", "/user/subscriptions", "", byAnn},
	{"subscription_start", "PUT", "/things/4711/subscriptions", "", byAnn},
	{"subscription_pause_unknown", "PUT", "/things/4712/subscriptions", "", byAnn},
	{"subscription_pause_scope", "PUT", "/things/4711/subscriptions", "", byRead},
	{"subscription_pause_refused", "PUT", "/things/4711/subscriptions", "", ""},
	{"unsubscribe_scope", "DELETE", "/things/4711/subscriptions", "", byRead},
	{"unsubscribe_refused", "DELETE", "/things/4711/subscriptions", "", ""},
	{"unsubscribe", "DELETE", "/things/4711/subscriptions", "", byAnn},
	{"unsubscribe_again", "DELETE", "/things/4711/subscriptions", "", byAnn},
	{"subscriptions_scope", "GET", "/user/subscriptions", "", byRead},
	{"subscriptions_refused", "GET", "/user/subscriptions", "", ""},
	{"delete_foreign", "DELETE", "/things/4712", "", byAnn},
	{"delete_scope", "DELETE", "/things/4712", "", byRead},
	{"delete_refused", "DELETE", "/things/4712", "", ""},
	{"delete", "DELETE", "/things/4712", "", byBob},
	{"delete_again", "DELETE", "/things/4712", "", byBob},
	{"deleted", "GET", "/things/4712", "", ""},
	{"deleted_lookup", "GET", "/things/lookup?url=https://bob.example/two", "", ""},
	{"deleted_flattr", "POST", "/things/4712/flattr", "", byAnn},
	{"deleted_subscribe", "POST", "/things/4712/subscriptions", "", byAnn},
}

// textStory is what is written and answered in lines.
var textStory = []step{
	{"subscriptions", "GET", "/user/subscriptions", "", "Authorization: Bearer eve:flattr"},
	{"bulk", "POST", "/flattr/bulk", `[{"url":"https://bob.example/two"},{"url":"nonsense"}]`, "Authorization: Bearer eve:flattr"},
	{"bulk_no_means", "POST", "/flattr/bulk", `[{"url":"https://bob.example/two"}]`, byPoor},
}

// verifyStory is what partners ask.
var verifyStory = []step{
	{"verify", "POST", "/user/verify", `{"identity":"partner:player:1"}`, byAnn},
	{"verify_user", "POST", "/users/ann/verify", "identity=1", byAnn},
	{"verify_user_other", "POST", "/users/bob/verify", "identity=2", byAnn},
	{"verify_user_unknown", "POST", "/users/nobody/verify", "identity=2", byAnn},
	{"verify_user_nothing", "POST", "/users/ann/verify", "", byAnn},
	{"verify_user_unread", "POST", "/users/ann/verify", "identity=%ff", byAnn},
	{"verify_user_bad", "POST", "/users/ann/verify", "identity=partner:player:", byAnn},
	{"verify_taken", "POST", "/user/verify", "identity=1", byBob},
	{"verify_namespace", "POST", "/user/verify", "identity=partner:radio:1", byBob},
	{"verify_nothing", "POST", "/user/verify", "", byBob},
	{"verify_bad", "POST", "/user/verify", "identity=partner:player:", byBob},
	{"verify_refused", "POST", "/user/verify", "identity=2", ""},
	{"status", "GET", "/subscription-status", "", byAnn},
	{"status_means", "GET", "/subscription-status", "", byBob},
	{"status_poor", "GET", "/subscription-status", "", byPoor},
	{"status_refused", "GET", "/subscription-status", "", ""},
}

// madeID is the id of a thing that the interface made, which is random.
var madeID = regexp.MustCompile(`(things?\\?/|"?id"?: ?|<id>|the thing )[0-9]{5,16}`)

func TestWriteGolden(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		for i, format := range []string{formatJSON, formatXML, formatYAML} {
			if i > 0 {
				where = storetest.SQLite(t)
			}
			d := newGoldenDesk(t, where)
			d.member("bea")
			d.member("dan")
			d.poor("poor")
			d.claims("bob", "https://claimed.example/")
			d.member("eve")
			for _, s := range writeStory {
				d.step(s, format)
				if s.name == "subscriptions_refused" && format == formatJSON {
					d.ok(d.ask("POST", "/things/4711/subscriptions", "", "Authorization: Bearer eve:flattr"), http.StatusOK)
					for _, s := range textStory {
						d.step(s, formatText)
					}
				}
			}
			d.step(step{"verify_no_partner", "POST", "/user/verify", `{"identity":"partner:player:1"}`, byAnn}, format)
			d.sql("INSERT INTO partner (namespace, client, at) VALUES ('player', 'a client', 0)")
			for _, s := range verifyStory {
				d.step(s, format)
			}
			if strings.HasSuffix(t.Name(), "postgres") {
				break
			}
		}
	})
}

// poor adds a member without means.
func (d *desk) poor(name string) {
	d.t.Helper()
	err := d.store.Write(d.t.Context(), func(tx *store.Tx) error {
		_, err := tx.AddMember(d.now(), store.NewMember{Name: name, Budget: flattr.DefaultBudget})
		return err
	})
	if err != nil {
		d.t.Fatalf("AddMember(%s) = %v", name, err)
	}
}

// claims books a verified claim.
func (d *desk) claims(name, address string) {
	d.t.Helper()
	err := d.store.Write(d.t.Context(), func(tx *store.Tx) error {
		id, err := tx.MemberID(name)
		if err != nil {
			return err
		}
		return tx.Claim(d.now(), id, address)
	})
	if err != nil {
		d.t.Fatalf("Claim(%s) = %v", address, err)
	}
}

// step asks and compares the answer with its golden file.
func (d *desk) step(s step, format string) {
	d.t.Helper()
	bare, query, asked := strings.Cut(s.path, "?")
	bare = strings.TrimSuffix(bare, "/") + "." + format
	if asked {
		bare += "?" + query
	}
	var header []string
	if s.as != "" {
		header = append(header, s.as)
	}
	if s.body != "" && strings.ContainsAny(s.body[:1], "{[") {
		header = append(header, isJSON)
	} else if s.body != "" {
		header = append(header, isForm)
	}
	w := d.ask(s.method, bare, s.body, header...)
	request := s.method + " " + Base + bare
	if s.body != "" && len(s.body) < 500 {
		header = append(header, fmt.Sprintf("%q", s.body))
	}
	got := madeID.ReplaceAll(show(request, header, w), []byte("${1}ID"))
	d.compare(filepath.Join("write", s.name+"."+format+".http"), got)
}

// TestNobodyEarnsByALink tries to steal: mallory names herself as the owner of
// the victim's page, in every way in which clients can name one.
func TestNobodyEarnsByALink(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		d := newDesk(t, where)
		ann, mallory := d.member("ann"), d.member("mallory")
		d.member("victim")
		link := "https://ledger.example/submit/auto?user_id=mallory&url=" + url.QueryEscape("https://victim.example/")
		d.ok(d.ask("POST", "/flattr", fmt.Sprintf(`{"url":%q}`, link), byAnn, isJSON), http.StatusOK)
		d.ok(d.ask("POST", "/things", fmt.Sprintf(`{"url":%q}`, link), "Authorization: Bearer mallory:thing", isJSON), http.StatusCreated)
		d.ok(d.ask("POST", "/things", `{"url":"https://victim.example/2","owner":"mallory","user_id":"mallory"}`, "Authorization: Bearer mallory:thing", isJSON), http.StatusCreated)
		d.ok(d.ask("POST", "/flattr", `{"url":"https://victim.example/2"}`, byAnn, isJSON), http.StatusOK)
		clicks, err := d.store.Clicks(t.Context(), d.now(), ann, 202611)
		if err != nil || len(clicks) != 2 {
			t.Fatalf("Clicks = %+v, %v, want two", clicks, err)
		}
		for _, click := range clicks {
			if !click.Promise || click.Owner != "" || click.Share != 0 {
				t.Errorf("%s is %+v, want a promise", click.URL, click)
			}
		}
		got := d.ok(d.ask("GET", "/things/search?query=&user=mallory", ""), http.StatusOK)
		for _, found := range got["things"].([]any) {
			if owner := found.(map[string]any)["owner"].(map[string]any)["username"]; owner != "unclaimed" {
				t.Errorf("what mallory registered says its owner is %v", owner)
			}
		}
		revenue, err := d.store.Revenue(t.Context(), d.now(), mallory, 100)
		if err != nil || revenue.Balance != 0 || revenue.Preview.Clicks != 0 || revenue.Preview.Gross != 0 {
			t.Errorf("mallory earns %+v, %v", revenue, err)
		}
		d.claims("victim", "https://victim.example/")
		d.wants(d.ask("POST", "/things", `{"url":"https://victim.example/3"}`, "Authorization: Bearer mallory:thing", isJSON), http.StatusBadRequest, "validation")
		if clicks, err = d.store.Clicks(t.Context(), d.now(), ann, 202611); err != nil {
			t.Fatal(err)
		}
		for _, click := range clicks {
			if click.Owner != "victim" || click.Share != money.Euro {
				t.Errorf("after the claim %s is %+v, want the victim's", click.URL, click)
			}
		}
	})
}

// ok holds the status of an answer that is an object.
func (d *desk) ok(w *httptest.ResponseRecorder, status int) map[string]any {
	d.t.Helper()
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != status {
		d.t.Fatalf("answer = %d %s, %v, want %d", w.Code, w.Body, err, status)
	}
	return got
}

// TestNothingIsDoneThatCannotBeSaid holds that a refused format refuses the deed.
func TestNothingIsDoneThatCannotBeSaid(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	const byCyd = "Authorization: Bearer cyd:flattr thing"
	d.wants(d.ask("POST", "/things/4712/flattr.txt", "", byCyd), http.StatusNotAcceptable, "not_acceptable")
	d.wants(d.ask("POST", "/things", `{"url":"https://said.example/"}`, byCyd, isJSON, "Accept: text/plain"), http.StatusNotAcceptable, "not_acceptable")
	d.wants(d.ask("GET", "/things/4711.txt", ""), http.StatusNotAcceptable, "not_acceptable")
	d.ok(d.ask("POST", "/things/4712/flattr", "", byCyd), http.StatusOK)
	d.ok(d.ask("POST", "/things", `{"url":"https://said.example/"}`, byCyd, isJSON), http.StatusCreated)
	if w := d.ask("POST", "/flattr/bulk.txt", `[{"url":"https://bob.example/one"}]`, byCyd, isJSON); w.Code != http.StatusOK {
		t.Errorf("a list as txt = %d %s", w.Code, w.Body)
	}
}

// TestSearchByThePageOfAThing holds that the address of a thing's page finds that
// thing alone.
func TestSearchByThePageOfAThing(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	for page, want := range map[string]float64{"https://ledger.example/thing/4711": 1, "https://flattr.com/t/4711/One": 1, "https://ledger.example/thing/99": 0} {
		found := d.ok(d.ask("GET", "/things/search?url="+url.QueryEscape(page), ""), http.StatusOK)
		if things, ok := found["things"].([]any); found["total_items"] != want || !ok || len(things) != int(want) {
			t.Errorf("search for %s = %v, want %v things", page, found, want)
		}
	}
}

// TestPartnersNameOwnersTheirWay holds that only another member's name is a
// mismatch.
func TestPartnersNameOwnersTheirWay(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	for owner, want := range map[string]int{"partner:player:1": 302, "email:d41d8cd98f00b204e9800998ecf8427e": 302, "bob": 302, "": 302, "mallory": 400} {
		auto := "https://flattr.com/submit/auto?owner=" + owner + "&url=" + url.QueryEscape("https://bob.example/one")
		if w := d.ask("GET", "/things/lookup?url="+url.QueryEscape(auto), ""); w.Code != want {
			t.Errorf("lookup of a thing of bob with the owner %q = %d %s, want %d", owner, w.Code, w.Body, want)
		}
	}
}
