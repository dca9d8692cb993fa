package web

import (
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"strings"
	"sync"
	"time"

	"flattr/ledger/chart"
)

// maxPages bounds how many pages are kept ready; when there are more, all are
// made anew as they are asked for. In one language and zone there are about fifty.
const maxPages = 2000

// pageSet is all pages in all languages and zones: templates can say words and
// times without being handed a language.
type pageSet struct {
	parsed map[string]*template.Template // by page; never executed, so that they can be cloned
	mu     sync.RWMutex
	ready  map[pageKey]*template.Template
}

type pageKey struct{ page, language, zone string }

// newPageSet parses all pages, each with the parts that several have.
func newPageSet(ts *tongues) (*pageSet, error) {
	names, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("list pages: %w", err)
	}
	set := &pageSet{parsed: map[string]*template.Template{}, ready: map[pageKey]*template.Template{}}
	for _, name := range names {
		charts, err := template.New("layout.html").Funcs(functions(ts.all[0])).Parse(chart.Templates)
		if err != nil {
			return nil, fmt.Errorf("parse charts: %w", err)
		}
		parsed, err := charts.ParseFS(pageFiles, "pages/layout.html", "pages/parts/*.html", name)
		if err != nil {
			return nil, fmt.Errorf("parse page: %w", err)
		}
		set.parsed[strings.TrimSuffix(strings.TrimPrefix(name, "pages/"), ".html")] = parsed
	}
	return set, nil
}

// execute writes a page in a language, with times in its zone.
func (set *pageSet) execute(w io.Writer, t *tongue, page string, v view) error {
	key := pageKey{page, t.code, t.zone.String()}
	set.mu.RLock()
	ready := set.ready[key]
	set.mu.RUnlock()
	if ready == nil {
		var err error
		if ready, err = set.make(key, t); err != nil {
			return err
		}
	}
	return ready.Execute(w, v)
}

func (set *pageSet) make(key pageKey, t *tongue) (*template.Template, error) {
	parsed, ok := set.parsed[key.page]
	if !ok {
		return nil, fmt.Errorf("there is no page %q", key.page)
	}
	page, err := parsed.Clone()
	if err != nil {
		return nil, fmt.Errorf("copy page: %w", err)
	}
	page.Funcs(functions(t))
	set.mu.Lock()
	defer set.mu.Unlock()
	if len(set.ready) >= maxPages {
		clear(set.ready)
	}
	set.ready[key] = page
	return page, nil
}

func functions(t *tongue) template.FuncMap {
	return template.FuncMap{
		"t": t.say, "n": t.count, "eur": t.euro, "plain": t.plainEuro, "percent": t.percent,
		"month": t.month, "day": t.day, "moment": t.moment, "instant": t.instant, "date": t.date,
		"iso":   func(at time.Time) string { return at.UTC().Format(time.RFC3339) },
		"where": where, "zone": t.zone.String,
	}
}
