//go:build bench

package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"flattr/benchtable"
	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// How the pages are measured.
const (
	pageRounds  = 100                    // requests of a page, as many as there is time for
	pageTime    = 2 * time.Second        // for them
	pageLeast   = 11                     // requests at least
	fileRounds  = 3                      // downloads of a file
	maxPageSize = 100_000                // bytes
	maxPageTime = 100 * time.Millisecond // at the median
)

// floorPage is the smallest page: what every page takes that asks for nothing.
const floorPage = "/optout"

// pageColumns are those of the table of pages.
var pageColumns = []string{
	"page", "kB", "kB sent", "SQLite, p50", "p99", "× floor", "PostgreSQL, p50", "p99", "× floor", "under 100 kB and 100 ms",
}

// pageFigures are what one page has come to on one database.
type pageFigures struct {
	bytes, sent int
	p50, p99    time.Duration
	floor       time.Duration // p50 of the smallest page, in turn with it
}

// benchPages asks for every page of a ledger with a million things, in turn with
// the smallest one, on both databases.
func benchPages(b *bench) {
	size := fullLibrary
	if benchtable.Small() {
		size = smallLibrary
	}
	l := newLibrary(size)
	var onSQLite, onPostgres []pageFigures
	b.Run("SQLite", func(t *testing.T) {
		b := &bench{T: t, benchSize: b.benchSize, Table: b.Table}
		where := filepath.Join(b.TempDir(), "pages.db")
		b.loadLibrary(l, restOnSQLite, where)
		onSQLite = b.pages(l, where)
	})
	b.Run("PostgreSQL", func(t *testing.T) {
		b := &bench{T: t, benchSize: b.benchSize, Table: b.Table}
		where := b.durableServer().Database()
		b.loadLibrary(l, restOnPostgres, where)
		onPostgres = b.pages(l, where)
	})
	if b.Failed() {
		return
	}
	b.Say("%s.", l)
	b.Say("The floor is %s, the smallest page, asked in turn with the others: p50 %s on SQLite, %s on PostgreSQL.",
		floorPage, milliseconds(floorOfPages(onSQLite)), milliseconds(floorOfPages(onPostgres)))
	for i, page := range listedPages {
		sqlite, postgres := figuresAt(onSQLite, i), figuresAt(onPostgres, i)
		verdict := "yes"
		switch {
		case page.file:
			verdict = "a file"
		case benchtable.Small():
			verdict = "not judged"
		case max(sqlite.bytes, postgres.bytes) >= maxPageSize || max(sqlite.p50, postgres.p50) >= maxPageTime:
			verdict = "no"
		}
		as := string(page.viewer)
		if page.late {
			as += ", after a while"
		}
		b.AddLine(fmt.Sprintf("`%s`, %s", shortAddress(page.address), as), kilobytes(sqlite.bytes), kilobytes(sqlite.sent),
			milliseconds(sqlite.p50), milliseconds(sqlite.p99), times(sqlite), milliseconds(postgres.p50), milliseconds(postgres.p99), times(postgres), verdict)
	}
}

func figuresAt(all []pageFigures, i int) (f pageFigures) {
	if i < len(all) {
		f = all[i]
	}
	return f
}

// floorOfPages is the median of the floors that were measured beside pages.
func floorOfPages(all []pageFigures) time.Duration {
	var floors []time.Duration
	for _, f := range all {
		floors = append(floors, f.floor)
	}
	slices.Sort(floors)
	return percentile(floors, 50)
}

func kilobytes(n int) string { return fmt.Sprintf("%.1f", float64(n)/1000) }

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }

func times(f pageFigures) string {
	if f.floor == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f", float64(f.p50)/float64(f.floor))
}

// shortAddress leaves out what makes an address long.
func shortAddress(address string) string {
	if path, _, _ := strings.Cut(address, "?"); len(address) > 60 {
		return path + "?…"
	}
	return address
}

// percentile of sorted times; 0 of none.
func percentile(sorted []time.Duration, of int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)*of/100, len(sorted)-1)]
}

// countLibrary counts what counts, which PostgreSQL's trigger would do far too slowly for all clicks at once: it is made for the clicks of a batch.
const countLibrary = `
INSERT INTO popularity (thing, first, flattrs, readers)
SELECT thing, MIN(month), COUNT(*), COUNT(DISTINCT reader) FROM counted GROUP BY thing`

// loadLibrary makes the ledger.
func (b *bench) loadLibrary(l *library, engine restEngine, where string) {
	b.Helper()
	start := time.Now()
	makeLedger(b, where)
	if engine.name == restOnPostgres.name {
		b.onDatabase(where, "/"+databaseOf(b, where), "ALTER TABLE counted DISABLE TRIGGER counted_more")
	}
	engine.load(b, where, func(into func(table string, columns ...string) inserter) error {
		words := engine.words(into)
		return errors.Join(l.fill(into, func(number int, id int64, title string) error {
			return engine.list(words, number, id, title)
		}), words.flush())
	})
	if engine.name == restOnPostgres.name {
		b.onDatabase(where, "/"+databaseOf(b, where), countLibrary)
		b.onDatabase(where, "/"+databaseOf(b, where), "ALTER TABLE counted ENABLE TRIGGER counted_more")
		b.onDatabase(where, "/"+databaseOf(b, where), "VACUUM ANALYZE popularity")
	}
	b.Tell("%s, made in %s on %s", l, time.Since(start).Round(time.Second), engine.name)
}

// pageServer is the ledger that is asked.
type pageServer struct {
	*bench
	server  *httptest.Server
	took    atomic.Int64 // of the last request, in the handler
	ahead   atomic.Int64 // of libraryNow: downloads are counted
	sent    atomic.Int64 // bytes that came from the server
	clients map[viewer]*http.Client
	filled  *strings.Replacer
}

// pages measures all pages of a ledger.
func (b *bench) pages(l *library, where string) (all []pageFigures) {
	b.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent)) // as serve has it
	p := b.servePages(l, where)
	defer p.server.Close()
	for _, page := range listedPages {
		f := p.measure(page)
		b.Tell("%-52s %7s kB %10s %10s %6s × floor", page.address[:min(52, len(page.address))], kilobytes(f.bytes), milliseconds(f.p50), milliseconds(f.p99), times(f))
		all = append(all, f)
	}
	return all
}

// servePages serves a ledger in this process, and signs its two members in.
func (b *bench) servePages(l *library, where string) *pageServer {
	b.Helper()
	s, err := store.Open(b.Context(), where)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	p := &pageServer{bench: b, server: httptest.NewUnstartedServer(nil), clients: make(map[viewer]*http.Client)}
	public := &url.URL{Scheme: "http", Host: p.server.Listener.Addr().String()}
	now := func() time.Time { return libraryNow.Add(time.Duration(p.ahead.Load())) }
	opt := serveOptions{db: where, networks: loopback, now: now, sites: siteOptions{nameserver: "127.0.0.1:1"}, log: slog.New(slog.DiscardHandler)}
	handler, _, err := newHandler(b.Context(), s, public, opt.keeper(s, public), true, now, opt.log)
	if err != nil {
		b.Fatal(err)
	}
	p.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		handler.ServeHTTP(w, r)
		p.took.Store(int64(time.Since(start)))
	})
	p.server.Start()
	for of, name := range map[viewer]string{visitor: "", asReader: libraryReader, asAuthor: libraryAuthor} {
		p.clients[of] = p.newClient(name)
	}
	invites, err := s.Invites(b.Context(), l.reader)
	if err != nil || len(invites) == 0 {
		b.Fatal(invites, err)
	}
	links := make(map[store.LinkKind]string)
	for _, kind := range []store.LinkKind{store.LinkReset, store.LinkConfirm} {
		if links[kind], err = s.MakeLink(b.Context(), libraryNow, store.Link{Kind: kind, Member: l.reader, Address: "heavy@example.org", Expires: libraryNow.AddDate(0, 0, 1)}); err != nil {
			b.Fatal(err)
		}
	}
	mine := slices.IndexFunc(l.owners, func(owner int64) bool { return owner == int64(l.author) })
	p.filled = strings.NewReplacer("{thing}", fmt.Sprint(l.things[mine]), "{settled}", l.settled[len(l.settled)-1].String(),
		"{grace}", l.open[0].String(), "{running}", flattr.MonthOf(libraryNow).String(), "{invite}", invites[0].Code,
		"{author}", libraryAuthor, "{reader}", libraryReader, "{reset}", links[store.LinkReset], "{confirm}", links[store.LinkConfirm], "{site}", url.QueryEscape(l.address(mine)))
	return p
}

// newClient is a browser, signed in where it has a name.
func (p *pageServer) newClient(name string) *http.Client {
	p.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.Fatal(err)
	}
	client := &http.Client{Jar: jar, Transport: &http.Transport{DisableCompression: true, Dial: func(network, address string) (net.Conn, error) {
		conn, err := net.Dial(network, address)
		return counted{conn, &p.sent}, err
	}}}
	p.Cleanup(client.CloseIdleConnections)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if name == "" {
		return client
	}
	resp, err := client.PostForm(p.server.URL+"/signin", url.Values{"name": {name}, "password": {libraryPassword}})
	if err == nil && resp.StatusCode != http.StatusSeeOther {
		err = fmt.Errorf("%s cannot sign in: %s", name, resp.Status)
	}
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		p.Fatal(err)
	}
	return client
}

// counted counts what is read from a connection.
type counted struct {
	net.Conn
	bytes *atomic.Int64
}

// Read reads and counts.
func (c counted) Read(to []byte) (int, error) {
	n, err := c.Conn.Read(to)
	c.bytes.Add(int64(n))
	return n, err
}

// measure asks for a page again and again, in turn with the floor.
func (p *pageServer) measure(page listedPage) (f pageFigures) {
	p.Helper()
	address := p.filled.Replace(page.address)
	var took, floor []time.Duration
	rounds, least := pageRounds, pageLeast
	if page.file {
		rounds, least = fileRounds, fileRounds
	}
	if benchtable.Small() {
		rounds, least = min(rounds, 3), min(least, 3)
	}
	for start, n := time.Now(), 0; n < rounds && (n < least || time.Since(start) < pageTime); n++ {
		switch {
		case page.file:
			p.ahead.Add(int64(time.Minute)) // the next one may be taken
		case page.late:
			p.ahead.Add(int64(3 * time.Minute)) // longer than the store keeps a month as it stands
		}
		size, sent, one := p.ask(page.viewer, address)
		_, _, none := p.ask(visitor, floorPage)
		f.bytes, f.sent = size, sent
		if n > 0 || page.file { // the first one fills caches
			took, floor = append(took, one), append(floor, none)
		}
	}
	slices.Sort(took)
	slices.Sort(floor)
	f.p50, f.p99, f.floor = percentile(took, 50), percentile(took, 99), percentile(floor, 50)
	return f
}

// ask asks for one page: its size, what came over the connection, and how long
// the handler took.
func (p *pageServer) ask(as viewer, address string) (size, sent int, took time.Duration) {
	p.Helper()
	before := p.sent.Load()
	resp, err := p.clients[as].Get(p.server.URL + address)
	if err != nil {
		p.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		p.Fatal(address, err)
	}
	want := http.StatusOK
	switch {
	case strings.HasPrefix(address, "/language"):
		want = http.StatusSeeOther
	case strings.HasSuffix(address, "token=none"):
		want = http.StatusNotFound
	}
	if resp.StatusCode != want {
		p.Fatalf("%s, %s: %s\n%.500s", address, as, resp.Status, body)
	}
	return len(body), int(p.sent.Load() - before), time.Duration(p.took.Load())
}
