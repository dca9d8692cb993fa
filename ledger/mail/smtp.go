package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// answerTimeout is what it may take to reach the server, and then to hand it one
// letter.
const answerTimeout = 15 * time.Second

// Server is where letters are handed in.
type Server struct {
	Host     string
	Port     int
	TLS      bool // from the start; else by STARTTLS, which only loopback may lack
	User     string
	Password string
	From     mail.Address
	Roots    *x509.CertPool // that vouch for the server; nil: those of the system
	patience time.Duration  // other than answerTimeout; for tests
}

// ParseServer reads the address of a mail server, smtps://user@host:465 or
// smtp://user@host:587, and of whom letters are from. The password comes from
// elsewhere: an address is seen by everybody who sees the command line.
func ParseServer(address, from string) (Server, error) {
	const like = "write it like smtps://user@host:465"
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return Server{}, errors.New("--smtp is no mail server: " + like)
	}
	if _, has := u.User.Password(); has {
		return Server{}, errors.New("--smtp has a password, which everybody on this machine can see: put it into a file and name that with --smtp-password-file")
	}
	s := Server{Host: u.Hostname(), User: u.User.Username()}
	switch u.Scheme {
	case "smtps":
		s.TLS, s.Port = true, 465
	case "smtp":
		s.Port = 587
	default:
		return Server{}, fmt.Errorf("--smtp begins with %.20q: %s", u.Scheme, like)
	}
	if u.Port() != "" {
		if s.Port, err = strconv.Atoi(u.Port()); err != nil || s.Port < 1 || s.Port > 65535 {
			return Server{}, errors.New("--smtp names no port: " + like)
		}
	}
	sender, err := mail.ParseAddress(from)
	if err != nil {
		return Server{}, errors.New(`--mail-from says of whom letters are: write it like "Flattr <flattr@ledger.example>"`)
	}
	s.From = *sender
	return s, nil
}

// client speaks to the server as it is configured.
func (s Server) client() (*gomail.Client, error) {
	options := []gomail.Option{
		gomail.WithPort(s.Port), gomail.WithTimeout(cmp.Or(s.patience, answerTimeout)), gomail.WithoutSMTPUTF8(),
		gomail.WithTLSConfig(&tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}),
		gomail.WithHELO(s.domain()),
	}
	switch {
	case s.TLS:
		options = append(options, gomail.WithSSL())
	case loopback(s.Host):
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.User != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.User), gomail.WithPassword(s.Password))
	}
	client, err := gomail.NewClient(s.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("prepare mail client: %w", err)
	}
	return client, nil
}

// domain is that of the sender's address, under which letters are known.
func (s Server) domain() string {
	_, domain, _ := strings.Cut(s.From.Address, "@")
	return domain
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// line is a connection to the server, made when the first letter needs it.
type line struct {
	server Server
	client *gomail.Client
	on     *smtp.Client
}

// dial makes the connection where there is none.
func (l *line) dial(ctx context.Context) *failure {
	if l.on != nil {
		return nil
	}
	client, err := l.server.client()
	if err != nil {
		return &failure{what: err.Error(), server: true}
	}
	on, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		var dns *net.DNSError
		if errors.As(err, &dns) {
			err = dns
		}
		return &failure{what: "mail server: " + err.Error(), server: true}
	}
	l.client, l.on = client, on
	return nil
}

// send hands in one letter. It answers nil once the server has it.
func (l *line) send(ctx context.Context, message *gomail.Msg) *failure {
	if failed := l.dial(ctx); failed != nil {
		return failed
	}
	err := l.client.SendWithSMTPClient(l.on, message)
	if err != nil {
		l.close() // the next letter begins anew
	}
	if err == nil || message.IsDelivered() {
		return nil
	}
	return judge(err)
}

// judge says what an answer of the server means. Of its words, which may name the
// address, only the code is kept.
func judge(err error) *failure {
	var refused *gomail.SendError
	if !errors.As(err, &refused) {
		return &failure{what: "the connection to the mail server was lost", server: true}
	}
	code := refused.ErrorCode()
	if code == 0 {
		return &failure{what: "the mail server did not answer: " + refused.Reason.String(), server: true}
	}
	f := &failure{what: fmt.Sprintf("the mail server answered %d %s: %s", code, refused.EnhancedStatusCode(), refused.Reason)}
	if code >= 500 {
		switch refused.Reason {
		case gomail.ErrSMTPRcptTo:
			f.address = true
		case gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
			f.final = true
		default: // it takes no letters from us: the operator can mend that
			f.server = true
		}
	}
	return f
}

// close ends the connection.
func (l *line) close() {
	if l.on != nil {
		_ = l.client.CloseWithSMTPClient(l.on) // the server has what it took
		l.client, l.on = nil, nil
	}
}
