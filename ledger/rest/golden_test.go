package rest

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"flattr/ledger/flattr"
	"flattr/ledger/store/storetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// readGolden is what is asked, by the name of its golden file.
var readGolden = []struct{ name, path, header string }{
	{"rate_limit", "/rate_limit", ""},
	{"categories", "/categories", ""},
	{"languages", "/languages", ""},
	{"user_public", "/users/ann", ""},
	{"user_private", "/users/bob", ""},
	{"user_unknown", "/users/nobody", ""},
	{"user_own", "/user", "Authorization: Bearer ann:flattr"},
	{"user_own_email", "/user", "Authorization: Bearer ann:email"},
	{"user_own_extended", "/user", "Authorization: Bearer ann:extendedread"},
	{"user_own_refused", "/user", ""},
	{"user_things", "/users/bob/things", ""},
	{"user_things_full", "/users/bob/things?full&count=1&page=2", ""},
	{"user_things_unknown", "/users/nobody/things", ""},
	{"user_things_bad", "/users/bob/things?count=0", ""},
	{"own_things", "/user/things", "Authorization: Bearer bob:thing"},
	{"own_things_refused", "/user/things", ""},
	{"own_things_bad", "/user/things?page=x", "Authorization: Bearer bob:thing"},
	{"thing", "/things/4711", ""},
	{"thing_full", "/things/4711/?full", ""},
	{"thing_reader", "/things/4711", "Authorization: Bearer ann:flattr"},
	{"thing_owner", "/things/4711", "Authorization: Bearer bob:thing"},
	{"thing_unclaimed", "/things/4713", ""},
	{"thing_unknown", "/things/99", ""},
	{"things", "/things/4711,99,4713", ""},
	{"things_unknown", "/things/99,nothing", ""},
	{"things_many", "/things/" + strings.Repeat("1,", maxIDs) + "1", ""},
	{"user_flattrs", "/users/ann/flattrs", ""},
	{"user_flattrs_full", "/users/ann/flattrs?full&count=1", ""},
	{"user_flattrs_private", "/users/cyd/flattrs", ""},
	{"user_flattrs_unknown", "/users/nobody/flattrs", ""},
	{"user_flattrs_bad", "/users/ann/flattrs?count=many", ""},
	{"own_flattrs", "/user/flattrs", "Authorization: Bearer cyd:flattr"},
	{"own_flattrs_refused", "/user/flattrs", ""},
	{"own_flattrs_bad", "/user/flattrs?count=-1", "Authorization: Bearer cyd:flattr"},
	{"thing_flattrs", "/things/4711/flattrs", ""},
	{"thing_flattrs_unknown", "/things/99/flattrs", ""},
	{"thing_flattrs_bad", "/things/4711/flattrs?page=0", ""},
	{"hello", "/", ""},
}

var activityGolden = []struct{ name, path, header string }{
	{"user_activities", "/users/ann/activities", ""},
	{"user_activities_incoming", "/users/bob/activities?type=incoming", ""},
	{"own_activities_incoming", "/user/activities?type=incoming", "Authorization: Bearer bob:thing"},
	{"own_activities", "/user/activities", "Authorization: Bearer cyd:flattr"},
	{"user_activities_unknown", "/users/nobody/activities", ""},
	{"user_activities_bad", "/users/ann/activities?type=both", ""},
	{"own_activities_refused", "/user/activities", ""},
	{"own_activities_bad", "/user/activities?page=0", "Authorization: Bearer cyd:flattr"},
}

// newGoldenDesk is a small world that golden files are of: bob's three things,
// one of them hidden, one that nobody owns; ann, whose profile is public, and
// cyd, whose is not, have flattred.
func newGoldenDesk(t *testing.T, where string) *desk {
	t.Helper()
	d := newDesk(t, where)
	ann, cyd := d.member("ann"), d.member("cyd")
	bob := d.member("bob")
	d.pass(time.Minute)
	d.thing(4711, "https://bob.example/one", `One & "only" <thing>`, "bob")
	d.pass(time.Minute)
	d.thing(4712, "https://bob.example/two", "Two", "bob")
	d.thing(4713, "https://nobody.example/?a=1&b=2", "Nobody's", "")
	d.pass(time.Minute)
	d.thing(4714, "https://bob.example/hidden", "Hidden", "bob")
	d.sql("UPDATE thing SET hidden = 1 WHERE id = 4714")
	d.sql("UPDATE thing SET description = 'What it is', category = 'text', language = 'en_GB', tags = 'blog,two words' WHERE id = 4711")
	d.flattr(ann, 1, "https://bob.example/two") // before the profile is public
	d.pass(time.Minute)
	d.profile(ann, flattr.Profile{
		FirstName: "Ann", LastName: "Ärmel", About: "Reads a lot.\nWrites little.", City: "Malmö", Country: "Sweden",
		URL: "https://ann.example/", Email: "ann@ann.example", Public: true,
	})
	d.profile(bob, flattr.Profile{FirstName: "Bob", Email: "bob@bob.example"})
	d.pass(time.Minute)
	d.flattr(ann, 2, "https://bob.example/one")
	d.pass(time.Minute)
	d.flattr(ann, 3, "https://nobody.example/?a=1&b=2")
	d.flattr(cyd, 4, "https://bob.example/one")
	return d
}

func (d *desk) profile(id flattr.MemberID, p flattr.Profile) {
	d.t.Helper()
	if err := d.store.SetProfile(d.t.Context(), d.now(), id, p); err != nil {
		d.t.Fatalf("SetProfile = %v", err)
	}
}

// flattr makes the n-th click.
func (d *desk) flattr(reader flattr.MemberID, n int, address string) {
	d.t.Helper()
	out, err := d.store.Record(d.t.Context(), d.now(), reader, []flattr.Event{{
		ID: flattr.EventID(uuid.UUID{15: byte(n), 6: 0x40, 8: 0x80}), Kind: flattr.KindClick, At: d.now(), Thing: flattr.ThingRef{URL: address},
	}})
	if err != nil || out[0].Result != flattr.Accepted {
		d.t.Fatalf("Record(%s) = %+v, %v", address, out, err)
	}
}

func TestGolden(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		d := newGoldenDesk(t, where)
		for _, g := range readGolden {
			for _, format := range []string{formatJSON, formatXML, formatYAML} {
				d.golden(g.name, g.path, format, g.header)
			}
		}
		for _, list := range []string{"categories", "languages", "users/bob/things", "users/ann/flattrs", "things/4711/flattrs", "things/4711,4713"} {
			d.golden(strings.NewReplacer("/", "_", ",", "_").Replace(list), "/"+list, formatText, "")
		}
		d.golden("own_things", "/user/things", formatText, "Authorization: Bearer bob:thing")
		d.golden("own_flattrs", "/user/flattrs", formatText, "Authorization: Bearer cyd:flattr")
		for _, format := range usualFormats {
			d.golden("user_activities_usual", "/users/ann/activities", format, "")
		}
		for _, g := range activityGolden {
			for _, format := range activityFormats {
				d.golden(g.name, g.path, format, g.header)
			}
		}
	})
}

// memberID is the id of a member, which is random.
var memberID = regexp.MustCompile(`("id":"|<id>|\bid: ")[0-9]{9,16}`)

// golden compares an answer with its file; what a path asks for after its "?"
// follows the suffix.
func (d *desk) golden(name, path, format, header string) {
	d.t.Helper()
	bare, query, asked := strings.Cut(path, "?")
	if bare != "/" {
		bare = strings.TrimSuffix(bare, "/")
	}
	bare += "." + format
	if asked {
		bare += "?" + query
	}
	lines := []string{}
	if header != "" {
		lines = append(lines, header)
	}
	w := d.ask("GET", bare, "", lines...)
	d.compare(name+"."+format+".http", memberID.ReplaceAll(show("GET "+Base+bare, lines, w), []byte("${1}4503599627370496")))
}

// compare compares an answer with its golden file, or writes that.
func (d *desk) compare(name string, got []byte) {
	d.t.Helper()
	file := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			d.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		d.t.Error(err)
		return
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		d.t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// show is a request and its answer as text.
func show(request string, header []string, w *httptest.ResponseRecorder) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s\n", request)
	for _, line := range header {
		fmt.Fprintln(&out, line)
	}
	fmt.Fprintf(&out, "\n%d\n", w.Code)
	names := []string{}
	for name := range w.Header() {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		// Every answer has these; other tests hold them.
		if strings.HasPrefix(name, "Access-Control") || strings.HasPrefix(name, "X-") || name == "Vary" || name == "Cache-Control" ||
			name == "Content-Security-Policy" || name == "Referrer-Policy" || name == "Content-Length" {
			continue
		}
		fmt.Fprintf(&out, "%s: %s\n", name, w.Header().Get(name))
	}
	fmt.Fprintln(&out)
	_, _ = io.Copy(&out, w.Body) // a buffer takes everything
	return append(bytes.TrimRight(out.Bytes(), "\n"), '\n')
}
