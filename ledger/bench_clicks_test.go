//go:build bench

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/ory/fosite"
	"github.com/ory/fosite/token/hmac"

	"flattr/benchtable"
	"flattr/ledger/api"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

const (
	knownThings     = 20_000 // that are there before the first click
	knownAuthors    = 1000
	oneInNew        = 50 // clicks on a thing nobody has flattred before
	connections     = 32 // that send at the same time
	clicksPerCommit = 1000
)

// clickWorld is a ledger to which readers send clicks.
type clickWorld struct {
	*bench
	path   string
	tokens []string // of readers who have sent nothing yet
	random *rand.Rand
	made   int            // things made up so far
	order  map[string]int // of the clicks of a round, by id
	seen   map[string]bool
}

// benchClicks sends clicks in batches of 100, each of a reader of its own, to
// a serving ledger, in turn with bulk inserts of the rows that these clicks
// have written.
func benchClicks(b *bench) {
	w := &clickWorld{bench: b, path: filepath.Join(b.TempDir(), "clicks.db"), random: rand.New(rand.NewPCG(4, 4)), seen: make(map[string]bool)}
	w.open((b.rounds + 1) * b.batches)
	floors := b.floorLedgers(w.path)
	w.rows() // what was there before
	server, origin := w.serve()
	var sent, inserted benchtable.Fastest
	for round := range b.rounds + 1 {
		took := w.send(origin)
		bare := b.floorOf(floors, w.rows(), clicksPerCommit)
		if round == 0 {
			continue // caches and statements are made
		}
		sent.Take(took)
		inserted.Take(bare)
		b.Tell("round %d: %s over HTTP, %s bare", round, took.Round(time.Millisecond), bare.Round(time.Millisecond))
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		b.Fatal(err)
	}
	clicks := b.batches * api.MaxBatch
	used := server.ProcessState.UserTime() + server.ProcessState.SystemTime()
	b.Say("Clicks over HTTP: %d batches a round over %d connections, %s things known before, one click in %d on a new one; "+
		"the ledger used %.0f µs of processor time a click.", b.batches, connections, benchtable.Grouped(knownThings), oneInNew,
		float64(used.Microseconds())/float64(clicks*(b.rounds+1)))
	b.Add(benchtable.Row{
		What:     "clicks accepted over HTTP in batches of 100, SQLite",
		Measured: benchtable.Rate(sent.PerSecond(clicks)), Floor: benchtable.Rate(inserted.PerSecond(clicks)),
		Ratio: float64(inserted) / float64(sent), Reach: 0.5,
	})
}

// open makes the ledger with things, authors, and readers who have a token.
func (w *clickWorld) open(readers int) {
	w.Helper()
	ctx, now := context.Background(), time.Now()
	s, err := store.Open(ctx, w.path)
	if err != nil {
		w.Fatal(err)
	}
	const secretBytes = 32 // as the authorization server has it
	secret, err := s.Secret(ctx, "oauth", secretBytes)
	if err != nil {
		w.Fatal(err)
	}
	signing := &hmac.HMACStrategy{Config: &fosite.Config{GlobalSecret: secret}}
	ids := make([]flattr.MemberID, 0, readers)
	err = s.Write(ctx, func(tx *store.Tx) error {
		var authors []flattr.MemberID
		for i := range knownAuthors {
			id, err := tx.AddMember(now, store.NewMember{Name: fmt.Sprintf("author%d", i), Budget: flattr.DefaultBudget})
			if err != nil {
				return err
			}
			authors = append(authors, id)
		}
		for i := range knownThings {
			if err := tx.AddThing(now, thingURL(i), fmt.Sprintf("Thing number %d", i), authors[i%len(authors)]); err != nil {
				return err
			}
		}
		ids = ids[:0]
		for i := range readers {
			id, err := tx.AddMember(now, store.NewMember{Name: fmt.Sprintf("reader%d", i), Budget: flattr.DefaultBudget, Means: 10 * money.Euro})
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return nil
	})
	for _, id := range ids {
		token, signature, failed := signing.Generate(ctx)
		if err == nil {
			err = failed
		}
		if err == nil {
			err = s.SaveToken(ctx, store.OAuthToken{
				Signature: signature, Grant: uuid.NewString(), Client: api.CompanionClient, Member: id, Scope: api.CompanionScope, Issued: now,
			})
		}
		w.tokens = append(w.tokens, token)
	}
	if err != nil {
		w.Fatal(err)
	}
	if err := s.Close(); err != nil {
		w.Fatal(err)
	}
	w.made = knownThings
}

func thingURL(i int) string {
	return fmt.Sprintf("https://site%d.example.org/2026/11/a-thing-of-some-length-%d", i%997, i)
}

// serve starts the ledger in a process of its own and answers its address.
func (w *clickWorld) serve() (*exec.Cmd, string) {
	w.Helper()
	cmd := exec.CommandContext(w.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=serve|"+w.path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.Fatal(err)
	}
	log, err := os.Create(filepath.Join(w.TempDir(), "log"))
	if err != nil {
		w.Fatal(err)
	}
	defer log.Close() // the process has it open too
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	found := regexp.MustCompile(`listening on (http://127\.0\.0\.1:\d+)\n$`).FindStringSubmatch(line)
	if found == nil {
		w.Fatalf("the ledger prints %q (%v), want its address", line, err)
	}
	return cmd, found[1]
}

// batch is a request that waits to be sent.
type batch struct {
	token string
	body  []byte
}

// next makes the requests of a round.
func (w *clickWorld) next() []batch {
	w.Helper()
	w.order = make(map[string]int)
	batches := make([]batch, w.batches)
	for i := range batches {
		events := make([]api.Event, api.MaxBatch)
		taken := make(map[int]bool)
		for j := range events {
			thing := w.random.IntN(knownThings)
			for taken[thing] {
				thing = w.random.IntN(knownThings)
			}
			taken[thing] = true
			if w.random.IntN(oneInNew) == 0 {
				thing = w.made
				w.made++
			}
			id := uuid.Must(uuid.NewV7())
			w.order[string(id[:])] = len(w.order)
			events[j] = api.Event{
				ID: id.String(), Kind: api.KindClick, At: time.Now().UTC().Format(time.RFC3339),
				Thing: &api.Thing{URL: thingURL(thing), Title: fmt.Sprintf("Thing number %d", thing)},
			}
		}
		body, err := json.Marshal(api.Batch{Events: events})
		if err != nil {
			w.Fatal(err)
		}
		batches[i] = batch{w.tokens[i], body}
	}
	w.tokens = w.tokens[w.batches:]
	return batches
}

// send sends a round and holds that every click was accepted.
func (w *clickWorld) send(origin string) time.Duration {
	w.Helper()
	batches := w.next()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	var next, accepted atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range connections {
		wg.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(batches); i = next.Add(1) - 1 {
				n, err := post(client, origin, batches[i])
				if err != nil {
					w.Error(err)
					return
				}
				accepted.Add(int64(n))
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	if want := int64(w.batches * api.MaxBatch); accepted.Load() != want {
		w.Fatalf("%d clicks were accepted, want %d", accepted.Load(), want)
	}
	return took
}

// post sends one request and counts the clicks that were accepted.
func post(client *http.Client, origin string, b batch) (int, error) {
	req, err := http.NewRequest(http.MethodPost, origin+api.PathEvents, bytes.NewReader(b.body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+b.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the ledger answers %s: %.300s", resp.Status, body)
	}
	return bytes.Count(body, []byte(`"outcome":"accepted"`)), err
}

// rows are what the clicks of the last round have written, events in the order
// in which they were sent.
func (w *clickWorld) rows() []bareTable {
	w.Helper()
	db := openRaw(w.bench, w.path, "OFF")
	defer db.Close() // it was only read
	tables := []bareTable{
		w.fresh(readTable(w.bench, db, "event", "SELECT * FROM event")),
		w.fresh(readTable(w.bench, db, "counted", "SELECT click, month, bucket, reader, thing, late FROM counted")),
		w.fresh(readTable(w.bench, db, "thing", "SELECT * FROM thing")),
		w.fresh(readTable(w.bench, db, "transfer", "SELECT * FROM transfer")),
		w.fresh(readTable(w.bench, db, "account", "SELECT * FROM account")),
		w.fresh(readTable(w.bench, db, "month", "SELECT * FROM month")),
	}
	for _, t := range tables[:2] {
		slices.SortFunc(t.rows, func(x, y []any) int {
			return w.order[string(x[0].([]byte))] - w.order[string(y[0].([]byte))]
		})
	}
	return tables
}

// fresh are the rows that were not there the last time, by their first column.
func (w *clickWorld) fresh(t bareTable) bareTable {
	t.rows = slices.DeleteFunc(t.rows, func(row []any) bool {
		key := fmt.Sprint(t.name, row[0])
		known := w.seen[key]
		w.seen[key] = true
		return known
	})
	return t
}
