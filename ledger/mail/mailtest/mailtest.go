// Package mailtest is a mail server on loopback, imported by tests only: it speaks
// SMTP as servers do, and can be told to be in a bad mood.
package mailtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Options say what kind of server it is.
type Options struct {
	TLS            bool   // from the start
	StartTLS       bool   // offered
	User, Password string // wanted; empty: nobody has to say who they are
}

// Letter is one that the server has taken.
type Letter struct {
	From, To string // of the envelope
	Raw      string
	Header   mail.Header
	Text     string
	HTML     string
	TLS      bool // came over TLS
}

// Server is a mail server.
type Server struct {
	Addr  string
	Roots *x509.CertPool // that vouch for it

	options Options
	mu      sync.Mutex
	letters []Letter
	tries   int
	rcpt    func(to string) error
	data    func() error
}

// Start starts a server that ends with the test.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	s, stop, err := Serve(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return s
}

// Serve starts a server that ends when it is stopped.
func Serve(options Options) (s *Server, stop func(), err error) {
	s = &Server{options: options, Roots: x509.NewCertPool()}
	certificate, err := s.certify()
	if err != nil {
		return nil, nil, err
	}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		_, encrypted := c.TLSConnectionState()
		return &session{server: s, encrypted: encrypted}, nil
	}))
	server.Domain, server.AllowInsecureAuth = "mail.test", false
	server.ErrorLog = log.New(io.Discard, "", 0) // connections that break off are part of the tests
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	if options.StartTLS {
		server.TLSConfig = config
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	s.Addr = listener.Addr().String()
	if options.TLS {
		listener = tls.NewListener(listener, config)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener) // ends when it is closed
	}()
	return s, func() {
		_ = server.Close()
		<-ended
	}, nil
}

// certify makes a certificate for the server, by which only its Roots vouch.
func (s *Server) certify() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	made, err := x509.ParseCertificate(raw)
	if err != nil {
		return tls.Certificate{}, err
	}
	s.Roots.AddCert(made)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, nil
}

// OnRcpt lets a function judge each recipient; OnData each letter that was read.
func (s *Server) OnRcpt(judge func(to string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rcpt = judge
}

// OnData lets a function judge each letter once it was read.
func (s *Server) OnData(judge func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = judge
}

// Says is an answer of a server.
func Says(code int, words string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: words}
}

// Letters are those that were taken.
func (s *Server) Letters() []Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Letter(nil), s.letters...)
}

// Tries is how often a letter was begun.
func (s *Server) Tries() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries
}

// session is one connection.
type session struct {
	server    *Server
	encrypted bool
	known     bool
	from, to  string
}

// AuthMechanisms are the ways to say who one is.
func (c *session) AuthMechanisms() []string {
	if c.server.options.User == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth lets one say who one is.
func (c *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != c.server.options.User || password != c.server.options.Password {
			return smtp.ErrAuthFailed
		}
		c.known = true
		return nil
	}), nil
}

// Mail begins a letter.
func (c *session) Mail(from string, _ *smtp.MailOptions) error {
	c.server.mu.Lock()
	c.server.tries++
	c.server.mu.Unlock()
	if c.server.options.User != "" && !c.known {
		return smtp.ErrAuthRequired
	}
	c.from = from
	return nil
}

// Rcpt names who gets it.
func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.server.mu.Lock()
	judge := c.server.rcpt
	c.server.mu.Unlock()
	if c.to != "" {
		return errors.New("a letter goes to one")
	}
	if judge != nil {
		if err := judge(to); err != nil {
			return err
		}
	}
	c.to = to
	return nil
}

// Data takes it.
func (c *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	c.server.mu.Lock()
	judge := c.server.data
	c.server.mu.Unlock()
	if judge != nil {
		if err := judge(); err != nil {
			return err
		}
	}
	letter := Letter{From: c.from, To: c.to, Raw: string(raw), TLS: c.encrypted || c.server.options.TLS}
	if err := letter.read(); err != nil {
		return Says(554, err.Error())
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.server.letters = append(c.server.letters, letter)
	return nil
}

// Reset forgets a letter that was begun.
func (c *session) Reset() { c.from, c.to = "", "" }

// Logout ends the connection.
func (*session) Logout() error { return nil }

// read takes a letter apart.
func (l *Letter) read() error {
	message, err := mail.ReadMessage(strings.NewReader(l.Raw))
	if err != nil {
		return err
	}
	l.Header = message.Header
	kind, parameters, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		return errors.New("a letter has two forms")
	}
	parts := multipart.NewReader(message.Body, parameters["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var body io.Reader = part
		if part.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
			body = quotedprintable.NewReader(part)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			l.HTML = strings.ReplaceAll(string(text), "\r\n", "\n")
		} else {
			l.Text = strings.ReplaceAll(string(text), "\r\n", "\n")
		}
	}
}
