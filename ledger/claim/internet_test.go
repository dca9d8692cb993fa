package claim

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

func init() { storetest.Schema = storetest.MadeBy(store.Open) }

// nameserver is a name server on loopback.
type nameserver struct {
	address string

	mu    sync.Mutex
	hosts map[string][][]string // addresses of a name, for each time it is asked; the last ones stay
	texts map[string][]string
	asked map[string]int
}

func startNameserver(t testing.TB) *nameserver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &nameserver{address: conn.LocalAddr().String(), hosts: map[string][][]string{}, texts: map[string][]string{}, asked: map[string]int{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := s.answer(buf[:n]); answer != nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return s
}

// host sets the addresses that a name has, one list for each time it is asked.
func (s *nameserver) host(name string, answers ...[]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosts[name+"."] = answers
}

// text sets the TXT records of a name.
func (s *nameserver) text(name string, records ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.texts[name+"."] = records
}

func (s *nameserver) answer(query []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	name := strings.ToLower(q.Name.String())
	reply := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true, RecursionAvailable: true}, Questions: m.Questions}
	add := func(body dnsmessage.ResourceBody) {
		reply.Answers = append(reply.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}, Body: body})
	}
	lists, known := s.hosts[name]
	switch {
	case q.Type == dnsmessage.TypeA && len(lists) > 0:
		list := lists[min(s.asked[name], len(lists)-1)]
		s.asked[name]++
		for _, text := range list {
			if ip := netip.MustParseAddr(text); ip.Is4() {
				add(&dnsmessage.AResource{A: ip.As4()})
			}
		}
	case q.Type == dnsmessage.TypeAAAA && len(lists) > 0:
		for _, text := range lists[len(lists)-1] {
			if ip := netip.MustParseAddr(text); ip.Is6() {
				add(&dnsmessage.AAAAResource{AAAA: ip.As16()})
			}
		}
	case q.Type == dnsmessage.TypeTXT && len(s.texts[name]) > 0:
		for _, text := range s.texts[name] {
			add(&dnsmessage.TXTResource{TXT: []string{text}})
		}
	case !known && s.texts[name] == nil:
		reply.RCode = dnsmessage.RCodeNameError
	}
	packed, err := reply.Pack()
	if err != nil {
		return nil
	}
	return packed
}

// internet is a web of its own on loopback: a name server, and one web server
// that is every site.
type internet struct {
	t     testing.TB
	names *nameserver
	port  string
	r     reach

	mu    sync.Mutex
	pages map[string]string // by host and path; "-> URL" redirects
	asked []*http.Request
}

func startInternet(t testing.TB) *internet {
	t.Helper()
	in := &internet{t: t, names: startNameserver(t), pages: map[string]string{}}
	server := httptest.NewServer(in)
	t.Cleanup(server.Close)
	at := netip.MustParseAddrPort(server.Listener.Addr().String())
	in.port = ":" + strings.TrimPrefix(server.URL, "http://127.0.0.1:")
	in.r = reach{networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, ports: []uint16{at.Port()}}
	return in
}

// ServeHTTP answers as the site that was asked for.
func (in *internet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in.mu.Lock()
	text, ok := in.pages[strings.TrimSuffix(r.Host, in.port)+r.URL.Path]
	in.asked = append(in.asked, r)
	in.mu.Unlock()
	to, redirects := strings.CutPrefix(text, "-> ")
	switch {
	case !ok:
		http.NotFound(w, r)
	case redirects:
		http.SetCookie(w, &http.Cookie{Name: "tracked", Value: "1"})
		http.Redirect(w, r, to, http.StatusFound)
	case strings.HasSuffix(r.URL.Path, ".txt"):
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, text)
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, text)
	}
}

// site puts a page on the net: "bob.test/", and its host into the names.
func (in *internet) site(at, text string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.pages[at] = text
	name, _, _ := strings.Cut(at, "/")
	in.names.host(name, []string{"127.0.0.1"})
}

// url is the address of a site on this net.
func (in *internet) url(at string) string {
	name, path, _ := strings.Cut(at, "/")
	return "http://" + name + in.port + "/" + path
}

func (in *internet) requests() []*http.Request {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.asked
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
		Networks: in.r.networks, Ports: in.r.ports, Nameserver: in.names.address,
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
	c, err := l.keeper.Ask(context.Background(), who, l.url(at))
	if err != nil {
		l.t.Fatalf("claim %s: %v", at, err)
	}
	return c
}

// fetcherFor is a fetcher on this net.
func (in *internet) fetcherFor(r reach) *fetcher {
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, in.names.address)
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
