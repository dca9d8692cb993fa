//go:build bench

package main

import (
	"context"
	"database/sql"
	"errors"
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
	"time"

	"flattr/benchtable"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/rest"
	"flattr/ledger/store"
)

// How the interface of old clients is measured.
const (
	perAddress   = 900 // requests that come from one address: fewer than an hour allows
	restRequests = 20  // GETs a round, for each batch of clicks of this size
	restFlattrs  = 8   // flattrs a round, for each batch of clicks of this size
	restLookups  = 40
	oneInWord    = 2000 // things have a word that is looked for
	perLoad      = 5000 // things a transaction while the ledger is made
)

// restWorld is a ledger that old clients ask.
type restWorld struct {
	*bench
	store   *store.Store
	path    string
	server  *httptest.Server
	client  *http.Client
	asked   atomic.Int64
	random  *rand.Rand
	ids     []flattr.ThingID // of some things
	readers []flattr.MemberID
}

// benchREST asks for things, looks them up, searches and flattrs, each in turn
// with its floor.
func benchREST(b *bench) {
	w := &restWorld{bench: b, path: filepath.Join(b.TempDir(), "rest.db"), random: rand.New(rand.NewPCG(6, 6))}
	w.open()
	w.things()
	w.lookups()
	w.searches()
	w.flattrs()
}

// open makes the ledger and serves it.
func (w *restWorld) open() {
	w.Helper()
	ctx, now := w.Context(), time.Now()
	s, err := store.Open(ctx, w.path)
	if err != nil {
		w.Fatal(err)
	}
	w.store = s
	w.Cleanup(func() { _ = s.Close() })
	var author flattr.MemberID
	err = s.Write(ctx, func(tx *store.Tx) error {
		author, err = tx.AddMember(now, store.NewMember{Name: "author", Budget: flattr.DefaultBudget})
		for i := 0; err == nil && i < (w.rounds+1)*w.batches*restFlattrs; i++ {
			var id flattr.MemberID
			id, err = tx.AddMember(now, store.NewMember{Name: fmt.Sprintf("reader%d", i), Budget: flattr.DefaultBudget, Means: 10 * money.Euro})
			w.readers = append(w.readers, id)
		}
		return err
	})
	for from := 0; err == nil && from < w.listed; from += perLoad {
		err = s.Write(ctx, func(tx *store.Tx) error {
			for i := from; i < min(from+perLoad, w.listed); i++ {
				if err := tx.AddThing(now, thingURL(i), w.title(i), author); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		w.Fatal(err)
	}
	for range knownAuthors {
		known, err := s.LookUp(ctx, thingURL(w.random.IntN(w.listed)))
		if err != nil {
			w.Fatal(err)
		}
		w.ids = append(w.ids, known.Thing)
	}
	w.serve()
}

// serve serves the ledger in this process, and beside it a constant.
func (w *restWorld) serve() {
	w.Helper()
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

// title is that of a thing; one in oneInWord has a word that others have not.
func (w *restWorld) title(i int) string {
	return fmt.Sprintf("Thing number %d of many about subject%d", i, i%oneInWord)
}

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
func (w *restWorld) row(what string, count int, measured, floor benchtable.Fastest, reach float64) {
	w.Add(benchtable.Row{
		What: what, Measured: benchtable.Rate(measured.PerSecond(count)), Floor: benchtable.Rate(floor.PerSecond(count)),
		Ratio: float64(floor) / float64(measured), Reach: reach,
	})
}

// things asks for things, in turn with a constant answer of that length.
func (w *restWorld) things() {
	w.Helper()
	var measured, floor benchtable.Fastest
	count := w.batches * restRequests
	for range w.rounds {
		measured.Take(w.send(count, func(i int) (string, string, string) {
			return http.MethodGet, rest.Base + "/things/" + strconv.FormatInt(int64(w.ids[i%len(w.ids)]), 10), ""
		}, http.StatusOK))
		floor.Take(w.send(count, func(int) (string, string, string) { return http.MethodGet, "/constant", "" }, http.StatusOK))
	}
	w.row(fmt.Sprintf("GET /things/:id, keep-alive, %d connections; floor: a constant answer", connections), count, measured, floor, 0.5)
}

// lookups finds things by URL, in turn with reads of the same rows by their key,
// each in a transaction of its own too.
func (w *restWorld) lookups() {
	w.Helper()
	var measured, floor benchtable.Fastest
	count := w.batches * restLookups
	db := openRaw(w.bench, w.path, "FULL")
	defer db.Close() // it is only read
	for range w.rounds {
		start := time.Now()
		for range count {
			known, err := w.store.LookUp(w.Context(), thingURL(w.random.IntN(w.listed)))
			if err != nil || known.Thing == 0 {
				w.Fatal(known, err)
			}
		}
		measured.Take(time.Since(start))
		floor.Take(w.byKey(db, count))
	}
	w.row("lookup by URL among "+benchtable.Grouped(w.listed)+" things; floor: the row read by its primary key", count, measured, floor, 0.5)
}

func (w *restWorld) byKey(db *sql.DB, count int) time.Duration {
	w.Helper()
	ctx := w.Context()
	conn, err := db.Conn(ctx)
	if err != nil {
		w.Fatal(err)
	}
	defer conn.Close() // nothing was written
	read, err := conn.PrepareContext(ctx, `SELECT id, url, title, owner FROM thing WHERE id = ?`)
	if err != nil {
		w.Fatal(err)
	}
	defer read.Close()
	start := time.Now()
	for range count {
		var id int64
		var address, title string
		var owner sql.NullInt64
		_, began := conn.ExecContext(ctx, "BEGIN DEFERRED")
		err := read.QueryRowContext(ctx, int64(w.ids[w.random.IntN(len(w.ids))])).Scan(&id, &address, &title, &owner)
		_, ended := conn.ExecContext(ctx, "COMMIT")
		if err = errors.Join(began, err, ended); err != nil {
			w.Fatal(err)
		}
	}
	return time.Since(start)
}

// searches looks for words, in turn with the bare query of the index.
func (w *restWorld) searches() {
	w.Helper()
	var measured, floor benchtable.Fastest
	count := w.batches
	db := openRaw(w.bench, w.path, "FULL")
	defer db.Close() // it is only read
	bare, err := db.PrepareContext(w.Context(), `SELECT docid FROM words WHERE words MATCH ?`)
	if err != nil {
		w.Fatal(err)
	}
	defer bare.Close()
	for range w.rounds {
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
	w.row("search among "+benchtable.Grouped(w.listed)+" things; floor: the bare FTS4 query", count, measured, floor, 0.5)
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

// flattrs flattrs things, each by a reader who has not yet flattred, in turn with
// inserts of one row that is durable before the next.
func (w *restWorld) flattrs() {
	w.Helper()
	var measured, floor benchtable.Fastest
	count := w.batches * restFlattrs
	floors := w.floorLedgers("")
	for round := range w.rounds {
		measured.Take(w.send(count, func(i int) (string, string, string) {
			path := rest.Base + "/things/" + strconv.FormatInt(int64(w.ids[i%len(w.ids)]), 10) + "/flattr"
			return http.MethodPost, path, strconv.Itoa(round*count + i)
		}, http.StatusOK))
		floor.Take(w.durable(floors[0], round, count))
	}
	w.row("POST /things/:id/flattr, "+strconv.Itoa(connections)+" connections; floor: durable inserts of one row", count, measured, floor, 0.6)
}

func (w *restWorld) durable(db *sql.DB, round, count int) time.Duration {
	w.Helper()
	insert, err := db.PrepareContext(w.Context(), `INSERT INTO secret (name, value) VALUES (?, ?)`)
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
