//go:build unix && !darwin

package companion_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"flattr/daemon/wire"
)

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// trusted is the authority that this machine trusts, for the tests' process.
var trusted *authority

// TestMain makes this process trust an authority of its own; what a system
// trusts is read once, so it has to be there first.
func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "flattr-authority")
	if err != nil {
		panic(err)
	}
	trusted = newAuthority()
	file := filepath.Join(folder, "roots.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: trusted.certificate.Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		panic(err)
	}
	os.Setenv("SSL_CERT_FILE", file)
	os.Setenv("SSL_CERT_DIR", folder)
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

func newAuthority() *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return &authority{certificate, key}
}

// sign gives a certificate for 127.0.0.1, or what change makes of it.
func (a *authority) sign(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "ledger"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serveTLS answers at an address until the returned function is called.
func serveTLS(t *testing.T, address string, config *tls.Config, handler http.Handler) (stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler, TLSConfig: config, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	go server.ServeTLS(listener, "", "")
	t.Cleanup(func() { server.Close() })
	return func() { server.Close() }
}

func TestAnImpostorOfTheLedgerIsToldNothing(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	genuine := &tls.Config{Certificates: []tls.Certificate{trusted.sign(t, func(*x509.Certificate) {})}}
	stop := serveTLS(t, address, genuine, l.Config.Handler)
	plain := l.URL
	l.URL = "https://" + address
	t.Cleanup(func() { l.URL = plain })
	w := run(t, short(t), l)
	client := w.linked()
	flattr := click("https://a.example/0")
	ask[wire.Ack](t, client, flattr, flattr.ID)
	eventually(t, client, "the first click sent", func(s wire.Status) bool { return s.Unsent == 0 && s.LastSync != "" })

	same := func(*x509.Certificate) {}
	for name, config := range map[string]*tls.Config{
		"signed by somebody else":    {Certificates: []tls.Certificate{newAuthority().sign(t, same)}},
		"for another name":           {Certificates: []tls.Certificate{trusted.sign(t, func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"evil.example"} })}},
		"that has expired":           {Certificates: []tls.Certificate{trusted.sign(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })}},
		"right, over an old version": {Certificates: genuine.Certificates, MaxVersion: tls.VersionTLS12},
	} {
		stop()
		var greeted, asked atomic.Int32
		config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			greeted.Add(1)
			return nil, nil
		}
		stop = serveTLS(t, address, config, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			w.WriteHeader(http.StatusOK)
		}))
		flattr := click("https://a.example/" + newID())
		if ack := ask[wire.Ack](t, client, flattr, flattr.ID); ack.State != wire.StateWaiting {
			t.Errorf("a certificate %s: ack = %+v, want that the click waits", name, ack)
		}
		eventually(t, client, "the ledger away", func(s wire.Status) bool {
			return greeted.Load() > 0 && s.Unsent == 1 && has(s, wire.CodeLedgerAway)
		})
		if got := asked.Load(); got != 0 {
			t.Errorf("a certificate %s: the impostor was asked %d times", name, got)
		}
		// The genuine one is back, and has the click.
		stop()
		stop = serveTLS(t, address, genuine, l.Config.Handler)
		flattr = click("https://a.example/" + newID()) // wakes the courier
		ask[wire.Ack](t, client, flattr, flattr.ID)
		eventually(t, client, "everything sent", func(s wire.Status) bool { return s.Unsent == 0 })
	}
	if got := l.counted(); got != 9 {
		t.Errorf("the ledger counts %d, want 9", got)
	}
}
