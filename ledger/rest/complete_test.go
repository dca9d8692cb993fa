package rest

import (
	"fmt"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"flattr/ledger/store/storetest"
)

// answersIn are the formats in which a route answers an outcome.
func (rt *route) answersIn(o outcome) []string {
	switch {
	case rt.Formats != nil:
		return rt.Formats
	case o.Body != nil && reflect.TypeOf(o.Body).Kind() == reflect.Slice:
		return usualFormats
	}
	return []string{formatJSON, formatXML, formatYAML}
}

// TestEveryRowHasGoldenFiles holds that each route of the table has a golden
// file for each success in every format it is answered in, and for each error
// that it lists. With FLATTR_GOLDEN_LIST the list is written to that file.
func TestEveryRowHasGoldenFiles(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t))
	files := d.goldenFiles()
	var list strings.Builder
	for i := range d.server.routes {
		rt := &d.server.routes[i]
		fmt.Fprintf(&list, "%s %s\n", rt.Method, rt.Pattern)
		find := func(what, format string, fits func(goldenFile) bool) {
			t.Helper()
			names := []string{}
			for _, g := range files {
				if g.route == rt && g.format == format && fits(g) {
					names = append(names, strings.TrimPrefix(g.file, "testdata/golden/"))
				}
			}
			if len(names) == 0 {
				t.Errorf("%s %s lacks a golden file in %s for %s", rt.Method, rt.Pattern, format, what)
			}
			fmt.Fprintf(&list, "  %s %s: %s\n", what, format, strings.Join(names, " "))
		}
		for _, answer := range rt.Answers {
			for _, format := range rt.answersIn(answer) {
				find(fmt.Sprint(answer.Status), format, func(g goldenFile) bool {
					return g.status == answer.Status && (answer.Status >= 400 || g.code() == "") && g.media == mediaOf(format, answer)
				})
			}
		}
		for _, code := range rt.refusals() {
			for _, format := range rt.answersIn(outcome{http.StatusOK, object{}, ""}) {
				find(code, format, func(g goldenFile) bool { return g.code() == code })
			}
		}
	}
	if file := os.Getenv("FLATTR_GOLDEN_LIST"); file != "" {
		if err := os.WriteFile(file, []byte(list.String()), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// mediaOf is the media type of an outcome in a format.
func mediaOf(format string, o outcome) string {
	if o.Body == nil {
		return ""
	}
	return formats[format].media[0]
}

// TestEveryErrorHasGoldenFiles holds that each code that is answered here is in a
// golden file in every format that says errors. A scope that is none is refused
// by OAuth, whose error points to this list; what cannot be said in the format
// that was asked for is said in JSON.
func TestEveryErrorHasGoldenFiles(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t))
	files := d.goldenFiles()
	for _, kind := range errorKinds {
		for _, format := range []string{formatJSON, formatXML, formatYAML} {
			if kind.Code == codeInvScope || kind.Code == codeFormat && format != formatJSON {
				continue
			}
			if !slices.ContainsFunc(files, func(g goldenFile) bool { return g.code() == kind.Code && g.media == formats[format].media[0] }) {
				t.Errorf("%s lacks a golden file in %s", kind.Code, format)
			}
		}
	}
}
