package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"flattr/ledger/api"
	"flattr/ledger/money"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
	"flattr/programtest"
)

// served is a ledger that runs on loopback as `serve` runs it.
type served struct {
	t      *testing.T
	db     string // where it is
	origin string
	store  *store.Store // another connection to the same database
	log    *programtest.Output
	stop   func() error

	mu  sync.Mutex
	now time.Time
}

func startLedger(t *testing.T, set ...func(*serveOptions)) *served {
	t.Helper()
	return startLedgerOn(t, storetest.SQLite(t), set...)
}

// loopback is where the servers of tests are.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// startLedgerOn is startLedger for a database that may be there already. It may
// dial loopback, unless set says otherwise.
func startLedgerOn(t *testing.T, db string, set ...func(*serveOptions)) *served {
	t.Helper()
	s := &served{t: t, db: db, log: &programtest.Output{}, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	var err error
	if s.store, err = store.Open(t.Context(), db); err != nil {
		t.Fatalf("open ledger: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	printed, out := io.Pipe()
	ended := make(chan error, 1)
	opt := serveOptions{
		db: db, listen: "127.0.0.1:0", networks: loopback, now: s.clock, out: out,
		sites: siteOptions{nameserver: "127.0.0.1:1"}, // nobody: tests ask no name server of the house
		log:   slog.New(slog.NewJSONHandler(s.log, nil)),
	}
	for _, change := range set {
		change(&opt)
	}
	go func() {
		ended <- serve(ctx, opt)
		_ = out.Close()
	}()
	s.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := errors.Join(s.stop(), s.store.Close()); err != nil {
			t.Errorf("stop ledger: %v", err)
		}
	})
	line := make([]byte, 256)
	n, err := printed.Read(line)
	if err != nil {
		t.Fatalf("ledger did not start: %v", s.stop())
	}
	found := regexp.MustCompile(`listening on (http://127\.0\.0\.1:\d+)\n$`).FindSubmatch(line[:n])
	if found == nil {
		t.Fatalf("ledger prints %q, want its address", line[:n])
	}
	s.origin = string(found[1])
	return s
}

func (s *served) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *served) setClock(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = now
}

// invite mints an operator's invite that carries means.
func (s *served) invite(means money.Micro) string {
	s.t.Helper()
	minted, err := s.store.MintInvites(s.t.Context(), s.clock(), 1, means)
	if err != nil {
		s.t.Fatalf("mint invite: %v", err)
	}
	return minted[0].Code
}

// join signs a new member up through the form, and looks at their month.
func (s *served) join(name string, means money.Micro) *browser {
	s.t.Helper()
	b := newBrowser(s.t, s.origin)
	b.get("/signup?invite=" + s.invite(means))
	b.submit("signup", map[string]string{"name": name, "password": "correct horse"})
	if b.status != http.StatusOK || b.at.Path != "/welcome" {
		s.t.Fatalf("sign-up of %s ends at %s with %d:\n%s", name, b.at, b.status, words(b.page))
	}
	b.get("/month")
	return b
}

// link consents to a companion and returns its client.
func (s *served) link(b *browser) *api.Client {
	s.t.Helper()
	config, err := api.CompanionOAuth(s.origin, "http://127.0.0.1:49152"+api.CompanionCallback)
	if err != nil {
		s.t.Fatalf("CompanionOAuth: %v", err)
	}
	verifier := oauth2.GenerateVerifier()
	ask, err := url.Parse(config.AuthCodeURL("state-of-the-device", oauth2.S256ChallengeOption(verifier)))
	if err != nil {
		s.t.Fatalf("authorization address: %v", err)
	}
	b.get(ask.RequestURI())
	resp := b.submit("consent", map[string]string{"decision": "allow"})
	to, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || to.Host != "127.0.0.1:49152" || to.Path != api.CompanionCallback || to.Query().Get("state") != "state-of-the-device" {
		s.t.Fatalf("consent leads to %v with %d, want the companion's callback:\n%s", to, resp.StatusCode, words(b.page))
	}
	token, err := config.Exchange(api.LinkContext(s.t.Context()), to.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		s.t.Fatalf("exchange code: %v", err)
	}
	if !token.Expiry.IsZero() || token.RefreshToken != "" {
		s.t.Errorf("token ends %v with refresh token %q, want neither", token.Expiry, token.RefreshToken)
	}
	client, err := api.NewClient(s.origin, token.AccessToken)
	if err != nil {
		s.t.Fatalf("NewClient: %v", err)
	}
	return client
}

func click(at time.Time, thing api.Thing) api.Event {
	return api.Event{ID: uuid.Must(uuid.NewV7()).String(), Kind: api.KindClick, At: at.Format(time.RFC3339), Thing: &thing}
}

func send(t *testing.T, c *api.Client, events ...api.Event) api.Results {
	t.Helper()
	results, meta, err := c.Send(t.Context(), api.Batch{Events: events})
	if err != nil {
		t.Fatalf("Send: %v", err)
	}
	if meta.Date.IsZero() {
		t.Error("the answer has no Date")
	}
	return results
}
