package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// apart are two machines joined by a cable: two network namespaces. On one is
// the reader with browser and companion, on the other the ledger behind a proxy
// that ends TLS, as it is run in earnest, and before that a road which can be
// made long, or to lead nowhere.
type apart struct {
	t              *testing.T
	reader, keeper string // namespaces: of the reader, of the ledger
	cable          string // the reader's end of it
	authority      string // file with the certificate that the reader's machine trusts
	trusted        *x509.CertPool
	road           *road
}

const (
	readerAddress = "10.77.0.1"
	ledgerAddress = "10.77.0.2"
	secondAddress = "10.77.0.3" // the reader's, in another network
)

// namesTaken makes the names of namespaces differ.
var namesTaken atomic.Int32

// newApart lays the cable for parts that are not started yet; it skips the
// test where that is not possible.
func newApart(t *testing.T, programs string) *parts {
	t.Helper()
	needNamespaces(t)
	p := newParts(t, programs)
	name := fmt.Sprintf("flattr%d-%d", os.Getpid(), namesTaken.Add(1))
	a := &apart{t: t, reader: name + "r", keeper: name + "k", cable: "cable"}
	for _, namespace := range []string{a.reader, a.keeper} {
		shell(t, "ip", "netns", "add", namespace)
		t.Cleanup(func() { shell(t, "ip", "netns", "delete", namespace) })
		shell(t, "ip", "-n", namespace, "link", "set", "lo", "up")
	}
	shell(t, "ip", "link", "add", a.cable, "netns", a.reader, "type", "veth", "peer", "name", a.cable, "netns", a.keeper)
	for namespace, address := range map[string]string{a.reader: readerAddress, a.keeper: ledgerAddress} {
		shell(t, "ip", "-n", namespace, "address", "add", address+"/24", "dev", a.cable)
		shell(t, "ip", "-n", namespace, "link", "set", a.cable, "up")
	}
	certificate := a.certify(p.folder)
	a.road = newRoad(t, a.listen(ledgerAddress+":443"), a.proxy(certificate, p.ledgerPort))
	p.apart = a
	return p
}

func needNamespaces(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces are made by root only")
	}
	for _, program := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	if out, err := exec.Command("unshare", "--net", "ip", "link", "add", "type", "veth").CombinedOutput(); err != nil {
		t.Skipf("no network namespaces with cables here: %s", out)
	}
}

func shell(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Errorf("%s %v: %v\n%s", name, args, err, out)
	}
}

func (a *apart) origin() string { return "https://" + ledgerAddress }

// command puts a program on its machine.
func (a *apart) command(cmd *exec.Cmd) *exec.Cmd {
	namespace := a.reader
	if strings.HasSuffix(cmd.Path, "flattr-ledger") {
		namespace = a.keeper
	}
	moved := exec.Command("ip", append([]string{"netns", "exec", namespace, cmd.Path}, cmd.Args[1:]...)...)
	moved.Env = append(os.Environ(), "SSL_CERT_FILE="+a.authority)
	return moved
}

// transport is the network of the reader's browser.
func (a *apart) transport() *http.Transport {
	return &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: a.trusted},
		DialContext:     dialFrom(a.reader),
	}
}

// within does something in a namespace. The thread ends with it, so that
// nothing else finds itself there.
func within(namespace string, do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		done <- func() error {
			file, err := os.Open(filepath.Join("/run/netns", namespace))
			if err != nil {
				return err
			}
			defer file.Close()
			if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("enter %s: %w", namespace, err)
			}
			return do()
		}()
	}()
	return <-done
}

func dialFrom(namespace string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (connection net.Conn, err error) {
		err = within(namespace, func() (err error) {
			connection, err = new(net.Dialer).DialContext(ctx, network, address)
			return err
		})
		return connection, err
	}
}

// listen listens on the ledger's machine.
func (a *apart) listen(address string) net.Listener {
	a.t.Helper()
	var listener net.Listener
	err := within(a.keeper, func() (err error) {
		listener, err = net.Listen("tcp4", address)
		return err
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return listener
}

// proxy ends TLS before the ledger and gives the way to itself.
func (a *apart) proxy(certificate tls.Certificate, ledgerPort int) func() (net.Conn, error) {
	listener := a.listen("127.0.0.1:0")
	ledger := &url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", ledgerPort)}
	transport := &http.Transport{DialContext: dialFrom(a.keeper)}
	server := &http.Server{
		Handler: &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(ledger)
				r.SetXForwarded()
				r.Out.Host = r.In.Host
			},
			Transport: transport,
			ErrorLog:  log.New(io.Discard, "", 0),
		},
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}},
		ErrorLog:  log.New(io.Discard, "", 0),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.ServeTLS(listener, "", "")
	}()
	a.t.Cleanup(func() {
		server.Close()
		transport.CloseIdleConnections()
		<-ended
	})
	dial := dialFrom(a.keeper)
	return func() (net.Conn, error) {
		return dial(context.Background(), "tcp4", listener.Addr().String())
	}
}

// certify makes the ledger's certificate, which the reader's machine trusts.
func (a *apart) certify(folder string) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a ledger"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.ParseIP(ledgerAddress)},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		a.t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
	a.authority = filepath.Join(folder, "authority.pem")
	if err := os.WriteFile(a.authority, text, 0o600); err != nil {
		a.t.Fatal(err)
	}
	a.trusted = x509.NewCertPool()
	a.trusted.AppendCertsFromPEM(text)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

// filter sets what the reader's machine does to packets on the cable, in the
// language of nft; "" lets all pass.
func (a *apart) filter(comes, goes string) {
	a.t.Helper()
	rules := "table inet cable\ndelete table inet cable\n"
	if comes+goes != "" {
		rules += fmt.Sprintf("table inet cable {\n"+
			"chain comes {\ntype filter hook input priority 0\n%s\n}\n"+
			"chain goes {\ntype filter hook output priority 0\n%s\n}\n}\n", comes, goes)
	}
	cmd := exec.Command("ip", "netns", "exec", a.reader, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		a.t.Fatalf("nft: %v\n%s\n%s", err, out, rules)
	}
}

// dropped counts the packets that rules with a counter have met.
func (a *apart) dropped() (packets int) {
	a.t.Helper()
	out, err := exec.Command("ip", "netns", "exec", a.reader, "nft", "list", "table", "inet", "cable").Output()
	if err != nil {
		a.t.Fatal(err)
	}
	for _, found := range counted.FindAllSubmatch(out, -1) {
		n, err := strconv.Atoi(string(found[1]))
		if err != nil {
			a.t.Fatal(err)
		}
		packets += n
	}
	return packets
}

var counted = regexp.MustCompile(`counter packets (\d+)`)

// pull pulls the reader's end of the cable out, plug puts it back.
func (a *apart) pull() { shell(a.t, "ip", "-n", a.reader, "link", "set", a.cable, "down") }
func (a *apart) plug() { shell(a.t, "ip", "-n", a.reader, "link", "set", a.cable, "up") }
