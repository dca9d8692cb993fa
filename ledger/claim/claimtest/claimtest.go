// Package claimtest is an internet of its own on loopback, for tests: names, and
// the sites behind them.
package claimtest

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// Nameserver is a name server on loopback.
type Nameserver struct {
	Address string // host:port

	mu    sync.Mutex
	hosts map[string][][]string // addresses of a name, for each time it is asked; the last ones stay
	texts map[string][]string
	asked map[string]int
}

func startNameserver(t testing.TB) *Nameserver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Nameserver{Address: conn.LocalAddr().String(), hosts: map[string][][]string{}, texts: map[string][]string{}, asked: map[string]int{}}
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

// Host sets the addresses that a name has, one list for each time it is asked.
func (s *Nameserver) Host(name string, answers ...[]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosts[name+"."] = answers
}

// Text sets the TXT records of a name.
func (s *Nameserver) Text(name string, records ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.texts[name+"."] = records
}

func (s *Nameserver) answer(query []byte) []byte {
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

// Internet is a web of its own on loopback: a name server, and one web server
// that is every site.
type Internet struct {
	Names *Nameserver
	Port  string // ":8080"

	mu    sync.Mutex
	pages map[string]string // by host and path; "-> URL" redirects
	asked []*http.Request
}

// Start begins a net that ends with the test.
func Start(t testing.TB) *Internet {
	t.Helper()
	in := &Internet{Names: startNameserver(t), pages: map[string]string{}}
	server := httptest.NewServer(in)
	t.Cleanup(server.Close)
	in.Port = ":" + strings.TrimPrefix(server.URL, "http://127.0.0.1:")
	return in
}

// ServeHTTP answers as the site that was asked for.
func (in *Internet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in.mu.Lock()
	text, ok := in.pages[strings.TrimSuffix(r.Host, in.Port)+r.URL.Path]
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

// Site puts a page on the net: "bob.test/", and its host into the names.
func (in *Internet) Site(at, text string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.pages[at] = text
	name, _, _ := strings.Cut(at, "/")
	in.Names.Host(name, []string{"127.0.0.1"})
}

// URL is the address of a site on this net.
func (in *Internet) URL(at string) string {
	name, path, _ := strings.Cut(at, "/")
	return "http://" + name + in.Port + "/" + path
}

// Requests are those that reached a site.
func (in *Internet) Requests() []*http.Request {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.asked
}
