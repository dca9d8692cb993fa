//go:build bench

package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flattr/benchtable"
	"flattr/ledger/flattr"
	"flattr/ledger/rest"
	"flattr/ledger/store"
)

// How the interface of old clients is measured.
const (
	perAddress   = 900 // requests that come from one address: fewer than an hour allows
	restRequests = 10  // GETs a round, for each batch of clicks of this size
	restFlattrs  = 4   // flattrs a round, for each batch of clicks of this size
	restLookups  = 20
	perReader    = 30 // things that a reader flattrs
)

// restWorld is a ledger that old clients ask.
type restWorld struct {
	*bench
	engine  restEngine
	store   *store.Store
	where   string
	server  *httptest.Server
	client  *http.Client
	asked   atomic.Int64
	random  *rand.Rand
	ids     []int64   // of all things, in the order of their numbers
	popular [][]int64 // of those with clicks, as in popularities
	readers []flattr.MemberID
}

// benchREST asks for things, looks them up, searches and flattrs, each in turn
// with its floor, on both databases.
func benchREST(b *bench) {
	b.Run("SQLite", func(t *testing.T) {
		b := &bench{T: t, benchSize: b.benchSize, Table: b.Table}
		where := filepath.Join(b.TempDir(), "rest.db")
		makeLedger(b, where)
		newRESTWorld(b, restOnSQLite, where).measure(b.floorLedgers("")[0])
	})
	b.Run("PostgreSQL", func(t *testing.T) {
		b := &bench{T: t, benchSize: b.benchSize, Table: b.Table}
		server := b.durableServer()
		where := server.Database()
		makeLedger(b, where)
		newRESTWorld(b, restOnPostgres, where).measure(restOnPostgres.open(b, where))
	})
}

func newRESTWorld(b *bench, engine restEngine, where string) *restWorld {
	return &restWorld{bench: b, engine: engine, where: where, random: rand.New(rand.NewPCG(6, 6))}
}

// alternations is how often what is measured and its floor take turns: rounds are
// short here, and a busy neighbour is to miss one of them.
func (w *restWorld) alternations() int { return 2 * w.rounds }

func (w *restWorld) readersPerRound() int { return w.batches * restFlattrs / perReader }

// measure measures everything; durable is a database into which single rows are
// inserted.
func (w *restWorld) measure(durable *sql.DB) {
	w.load()
	w.serve()
	w.things()
	w.lookups()
	w.searches()
	w.flattrs(durable)
}

// serve serves the ledger in this process.
func (w *restWorld) serve() {
	w.Helper()
	s, err := store.Open(w.Context(), w.where)
	if err != nil {
		w.Fatal(err)
	}
	w.store = s
	w.Cleanup(func() { _ = s.Close() })
	server, err := rest.New(w.Context(), rest.Config{
		Store: w.store, Public: &url.URL{Scheme: "https", Host: "ledger.example"}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Member: func(_ context.Context, token string) (flattr.MemberID, []string, string, error) {
			i, err := strconv.Atoi(token)
			if err != nil {
				return 0, nil, "", err
			}
			return w.readers[i], []string{"flattr"}, "bench", nil
		},
	})
	if err != nil {
		w.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/constant", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = io.WriteString(rw, constantThing)
	})
	w.server = httptest.NewServer(server.Before(mux))
	w.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	w.Cleanup(w.server.Close)
	w.Cleanup(w.client.CloseIdleConnections)
}

// constantThing is as long as the answer about a thing.
var constantThing = `{"type":"thing","padding":"` + strings.Repeat("x", 640) + `"}`

// send sends so many requests over all connections and answers how long it took.
func (w *restWorld) send(count int, request func(i int) (method, path, token string), want int) time.Duration {
	w.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range connections {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < count; i = int(next.Add(1)) - 1 {
				method, path, token := request(i)
				if err := w.once(method, path, token, want); err != nil {
					w.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

func (w *restWorld) once(method, path, token string, want int) error {
	req, err := http.NewRequest(method, w.server.URL+path, nil)
	if err != nil {
		return err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	from := w.asked.Add(1) / perAddress
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", from>>16&255, from>>8&255, from&255))
	resp, err := w.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != want {
		err = fmt.Errorf("%s %s answers %s: %.300s", method, path, resp.Status, body)
	}
	return err
}

// row adds a line of which more a second is better.
func (w *restWorld) row(what, beside string, count int, measured, floor benchtable.Fastest, reach float64) {
	w.Add(benchtable.Row{
		What: what + ", " + w.engine.name, Measured: benchtable.Rate(measured.PerSecond(count)),
		Floor: benchtable.Rate(floor.PerSecond(count)) + ", " + beside,
		Ratio: float64(floor) / float64(measured), Reach: reach,
	})
}

// things asks for things of each popularity, in turn with the categories, which
// are a constant that goes the same way: route, limits, headers and encoding.
func (w *restWorld) things() {
	w.Helper()
	count := w.batches * restRequests
	get := func(path func(i int) string) time.Duration {
		return w.send(count, func(i int) (string, string, string) { return http.MethodGet, path(i), "" }, http.StatusOK)
	}
	measured := make([]benchtable.Fastest, len(popularities))
	var floor, bare benchtable.Fastest
	for range w.alternations() {
		for p, ids := range w.popular {
			measured[p].Take(get(func(i int) string { return rest.Base + "/things/" + strconv.FormatInt(ids[i%len(ids)], 10) }))
		}
		floor.Take(get(func(int) string { return rest.Base + "/categories" }))
		bare.Take(get(func(int) string { return "/constant" }))
	}
	for p, of := range popularities {
		w.row(fmt.Sprintf("GET /things/:id of one with %s clicks, keep-alive, %d connections", benchtable.Grouped(of.clicks), connections),
			"the same server answers a constant", count, measured[p], floor, 0.5)
	}
	w.Say("%s: a handler of net/http that writes %d bytes, without routes, limits and headers, answers %s here.",
		w.engine.name, len(constantThing), benchtable.Rate(bare.PerSecond(count)))
}

// lookups finds things by URL, in turn with reads of the rows by their key.
func (w *restWorld) lookups() {
	w.Helper()
	var measured, floor benchtable.Fastest
	count := w.batches * restLookups
	db := w.engine.open(w.bench, w.where)
	defer db.Close() // it is only read
	for range w.alternations() {
		start := time.Now()
		for range count {
			i := w.random.IntN(w.listed)
			known, err := w.store.LookUp(w.Context(), thingURL(i))
			if err != nil || int64(known.Thing) != w.ids[i] {
				w.Fatal(known, err)
			}
		}
		measured.Take(time.Since(start))
		floor.Take(w.byKey(db, count))
	}
	w.row("lookup by URL among "+benchtable.Grouped(w.listed)+" things, through the store", "the row by its primary key", count, measured, floor, 0.5)
}

func (w *restWorld) byKey(db *sql.DB, count int) time.Duration {
	w.Helper()
	read, err := db.PrepareContext(w.Context(), `SELECT id, url, title, owner FROM thing WHERE id = $1`)
	if err != nil {
		w.Fatal(err)
	}
	defer read.Close()
	start := time.Now()
	for range count {
		var id int64
		var address, title string
		var owner sql.NullInt64
		if err := read.QueryRowContext(w.Context(), w.ids[w.random.IntN(w.listed)]).Scan(&id, &address, &title, &owner); err != nil {
			w.Fatal(err)
		}
	}
	return time.Since(start)
}

// searches looks for words, in turn with the bare query of the index.
func (w *restWorld) searches() {
	w.Helper()
	var measured, floor benchtable.Fastest
	count := w.batches / 2
	db := w.engine.open(w.bench, w.where)
	defer db.Close() // it is only read
	bare, err := db.PrepareContext(w.Context(), w.engine.bare)
	if err != nil {
		w.Fatal(err)
	}
	defer bare.Close()
	for range w.alternations() {
		start := time.Now()
		for range count {
			found, err := w.store.Search(w.Context(), start, store.Search{Query: w.word(), Sort: store.ByRelevance, Count: 30})
			if err != nil || found.Total == 0 {
				w.Fatal(found, err)
			}
		}
		measured.Take(time.Since(start))
		start = time.Now()
		for range count {
			w.bare(bare)
		}
		floor.Take(time.Since(start))
	}
	w.row("search among "+benchtable.Grouped(w.listed)+" things, a word that one in 2,000 has, through the store",
		"the bare "+w.engine.index+" query", count, measured, floor, 0.5)
}

// word is one that some things have.
func (w *restWorld) word() string { return fmt.Sprintf("subject%d", w.random.IntN(oneInWord)) }

func (w *restWorld) bare(query *sql.Stmt) {
	w.Helper()
	rows, err := query.QueryContext(w.Context(), w.word())
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	var id, found int64
	for rows.Next() {
		if err := rows.Scan(&id); err != nil {
			w.Fatal(err)
		}
		found++
	}
	if err := rows.Err(); err != nil || found == 0 {
		w.Fatal(found, err)
	}
}

// flattrs flattrs things, 30 each reader, in turn with inserts of one row that is
// durable before the next.
func (w *restWorld) flattrs(db *sql.DB) {
	w.Helper()
	var measured, floor benchtable.Fastest
	readers := w.readersPerRound()
	count := readers * perReader
	for round := range w.alternations() {
		measured.Take(w.send(count, func(i int) (string, string, string) {
			path := rest.Base + "/things/" + strconv.FormatInt(w.ids[i/readers*len(w.ids)/perReader+i], 10) + "/flattr"
			return http.MethodPost, path, strconv.Itoa(round*readers + i%readers)
		}, http.StatusOK))
		floor.Take(w.durable(db, round, count))
	}
	w.row(fmt.Sprintf("POST /things/:id/flattr, %d connections, %d things a reader", connections, perReader), "durable inserts of one row", count, measured, floor, 0.6)
}

func (w *restWorld) durable(db *sql.DB, round, count int) time.Duration {
	w.Helper()
	insert, err := db.PrepareContext(w.Context(), `INSERT INTO secret (name, value) VALUES ($1, $2)`)
	if err != nil {
		w.Fatal(err)
	}
	defer insert.Close()
	start := time.Now()
	for i := range count {
		if _, err := insert.ExecContext(w.Context(), fmt.Sprintf("%d of %d", i, round), []byte("x")); err != nil {
			w.Fatal(err)
		}
	}
	return time.Since(start)
}
