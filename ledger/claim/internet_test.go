package claim

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"flattr/ledger/claim/claimtest"
	"flattr/ledger/flattr"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

func init() { storetest.Schema = storetest.MadeBy(store.Open) }

// internet is a net on loopback, and what a fetcher may reach of it.
type internet struct {
	*claimtest.Internet
	t testing.TB
	r reach
}

func startInternet(t testing.TB) *internet {
	t.Helper()
	in := &internet{Internet: claimtest.Start(t), t: t}
	at := netip.MustParseAddrPort("127.0.0.1" + in.Port)
	in.r = reach{networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, ports: []uint16{at.Port()}}
	return in
}

// ledger is a store with a keeper on this net, and a clock.
type ledger struct {
	*internet
	store  *store.Store
	keeper *Keeper
	now    time.Time
}

func (in *internet) ledger(where string) *ledger {
	in.t.Helper()
	s, err := store.Open(context.Background(), where)
	if err != nil {
		in.t.Fatal(err)
	}
	in.t.Cleanup(func() { _ = s.Close() })
	l := &ledger{internet: in, store: s, now: time.Date(2026, 10, 2, 12, 0, 0, 0, time.UTC)}
	l.keeper = New(Config{
		Store: s, Now: func() time.Time { return l.now }, Log: slog.New(slog.DiscardHandler),
		Public:   &url.URL{Scheme: "https", Host: "ledger.example"},
		Networks: in.r.networks, Ports: in.r.ports, Nameserver: in.Names.Address,
	})
	return l
}

// join adds a member.
func (l *ledger) join(name string) (id flattr.MemberID, code string) {
	l.t.Helper()
	err := l.store.Write(context.Background(), func(tx *store.Tx) (err error) {
		id, err = tx.AddMember(l.now, store.NewMember{Name: name, Budget: flattr.DefaultBudget, Means: 50_000_000})
		return err
	})
	if err == nil {
		code, err = l.store.FlattrID(context.Background(), l.now, id)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return id, code
}

// ask claims a site.
func (l *ledger) ask(who flattr.MemberID, at string) flattr.Claim {
	l.t.Helper()
	c, err := l.keeper.Ask(context.Background(), who, l.URL(at))
	if err != nil {
		l.t.Fatalf("claim %s: %v", at, err)
	}
	return c
}

// fetcherFor is a fetcher on this net.
func (in *internet) fetcherFor(r reach) *fetcher {
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, in.Names.Address)
	}}
	return newFetcher(r, resolver)
}

func anywhere(*url.URL) bool { return true }

// page fetches a page.
func (in *internet) fetch(f *fetcher, raw string) (string, error) {
	in.t.Helper()
	text, err := f.get(context.Background(), raw, maxPage, []string{"text/html"}, anywhere)
	return string(text), err
}

// mustForbid holds that a fetch was not even tried.
func mustForbid(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, errForbidden) {
		t.Errorf("%s: %v, want %v", what, err, errForbidden)
	}
}
