package passkey

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

// place is a ledger that knows passkeys.
type place struct {
	t     *testing.T
	store *store.Store
	keys  *Keeper
	now   time.Time
}

// origin is where readers reach it.
const origin = "https://ledger.example"

func open(t *testing.T) *place {
	t.Helper()
	st, err := store.Open(t.Context(), storetest.SQLite(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	p := &place{t: t, store: st, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	public, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	if p.keys, err = New(st, public, func() time.Time { return p.now }); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *place) join(name string) flattr.Member {
	p.t.Helper()
	invites, err := p.store.MintInvites(p.t.Context(), p.now, 1, 0)
	if err != nil {
		p.t.Fatal(err)
	}
	m, err := p.store.SignUp(p.t.Context(), p.now, store.SignUp{Name: name, PasswordHash: "x", InviteCode: invites[0].Code})
	if err != nil {
		p.t.Fatal(err)
	}
	return m
}

// device is an authenticator, and the browser it is held to. What it does wrong
// is what a test changes.
type device struct {
	key     *ecdsa.PrivateKey
	id      []byte
	user    []byte
	counter uint32

	origin, rp string
	kind       string // of the client data; "" as it should be
	flags      byte
	cross      bool // the page was in a frame of another site
}

// Flags of an authenticator.
const (
	present  = 0x01
	verified = 0x04
	attested = 0x40
)

func newDevice(t *testing.T) *device {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &device{key: key, id: []byte(rand.Text()), origin: origin, rp: "ledger.example", flags: present | verified}
}

func text(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// client is what the browser says of the question.
func (d *device) client(kind, challenge string) []byte {
	if d.kind != "" {
		kind = d.kind
	}
	raw, _ := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": d.origin, "crossOrigin": d.cross})
	return raw
}

func (d *device) data(flags byte) []byte {
	rp := sha256.Sum256([]byte(d.rp))
	return binary.BigEndian.AppendUint32(append(rp[:], flags), d.counter)
}

// make answers a question of AskAdd.
func (d *device) make(t *testing.T, q Question) []byte {
	t.Helper()
	var asked struct {
		Challenge string `json:"challenge"`
		User      struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	if err := json.Unmarshal(q.Options, &asked); err != nil {
		t.Fatal(err)
	}
	var err error
	if d.user, err = base64.RawURLEncoding.DecodeString(asked.User.ID); err != nil {
		t.Fatal(err)
	}
	point, err := d.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	cose, err := webauthncbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:65]})
	if err != nil {
		t.Fatal(err)
	}
	data := append(d.data(d.flags|attested), make([]byte, 16)...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(d.id)))
	data = append(append(data, d.id...), cose...)
	attestation, err := webauthncbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})
	if err != nil {
		t.Fatal(err)
	}
	return d.answer(map[string]string{"attestationObject": text(attestation), "clientDataJSON": text(d.client("webauthn.create", asked.Challenge))})
}

// sign answers a question of AskSignIn.
func (d *device) sign(t *testing.T, q Question) []byte {
	t.Helper()
	var asked struct {
		Challenge string `json:"challenge"`
	}
	if err := json.Unmarshal(q.Options, &asked); err != nil {
		t.Fatal(err)
	}
	d.counter++
	client, data := d.client("webauthn.get", asked.Challenge), d.data(d.flags)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte(nil), data...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, d.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return d.answer(map[string]string{
		"authenticatorData": text(data), "clientDataJSON": text(client), "signature": text(signature), "userHandle": text(d.user),
	})
}

func (d *device) answer(response map[string]string) []byte {
	raw, _ := json.Marshal(map[string]any{
		"id": text(d.id), "rawId": text(d.id), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": response,
	})
	return raw
}

// add adds a device for a member.
func (p *place) add(m flattr.Member, d *device) error {
	p.t.Helper()
	q, err := p.keys.AskAdd(p.t.Context(), m)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.keys.Add(p.t.Context(), m, q.State, "device", d.make(p.t, q))
}

func (p *place) ask() Question {
	p.t.Helper()
	q, err := p.keys.AskSignIn()
	if err != nil {
		p.t.Fatal(err)
	}
	return q
}

// enters has a device answer a question, and wants it let in or not.
func (p *place) enters(d *device, want flattr.MemberID) {
	p.t.Helper()
	q := p.ask()
	got, err := p.keys.SignIn(p.t.Context(), q.State, d.sign(p.t, q))
	if want == 0 && (got != 0 || !errors.Is(err, ErrRefused)) || want != 0 && (got != want || err != nil) {
		p.t.Errorf("SignIn = %d, %v, want %d", got, err, want)
	}
}

// enrolled is a place with ann and her device.
func enrolled(t *testing.T) (p *place, ann flattr.Member, d *device) {
	t.Helper()
	p, d = open(t), newDevice(t)
	ann = p.join("ann")
	if err := p.add(ann, d); err != nil {
		t.Fatal(err)
	}
	return p, ann, d
}

func TestADeviceOpensTheAccountOfItsMember(t *testing.T) {
	p, ann, d := enrolled(t)
	bob, other := p.join("bob"), newDevice(t)
	if err := p.add(bob, other); err != nil {
		t.Fatal(err)
	}
	p.enters(d, ann.ID)
	p.enters(other, bob.ID)
	p.enters(d, ann.ID)
	keys, err := p.store.Passkeys(t.Context(), ann.ID)
	if err != nil || len(keys) != 1 || !keys[0].Used.Equal(p.now) || keys[0].Counter != 2 {
		t.Errorf("Passkeys = %+v, %v", keys, err)
	}
	if err := p.store.RemovePasskey(t.Context(), p.now, ann.ID, d.id); err != nil {
		t.Fatal(err)
	}
	p.enters(d, 0)
	p.enters(newDevice(t), 0)
}

// An answer counts once, also where it comes twice at the same time, or in the
// session of another browser.
func TestAnAnswerCountsOnce(t *testing.T) {
	p, ann, d := enrolled(t)
	d.counter = ^uint32(0) // its next one is 0: it keeps none, and only the question is spent
	q := p.ask()
	answer := d.sign(t, q)
	type result struct {
		member flattr.MemberID
		err    error
	}
	results := make(chan result, 8)
	for range cap(results) {
		go func() {
			member, err := p.keys.SignIn(context.WithoutCancel(t.Context()), q.State, answer)
			results <- result{member, err}
		}()
	}
	in := 0
	for range cap(results) {
		switch r := <-results; {
		case r.err == nil && r.member == ann.ID:
			in++
		case !errors.Is(r.err, ErrRefused) && !store.Busy(r.err):
			t.Errorf("SignIn = %d, %v", r.member, r.err)
		}
	}
	if in != 1 {
		t.Errorf("an answer let in %d times, want once", in)
	}
}

// A passkey without a counter, as phones make them, is protected from replay too.
func TestAReplayedAnswerIsRefusedWithoutACounter(t *testing.T) {
	p, ann, d := enrolled(t)
	d.counter = ^uint32(0) // its next one is 0
	q := p.ask()
	answer := d.sign(t, q)
	if got, err := p.keys.SignIn(t.Context(), q.State, answer); got != ann.ID || err != nil {
		t.Fatalf("SignIn = %d, %v", got, err)
	}
	for what, state := range map[string]string{"the same question": q.State, "another question": p.ask().State, "no question": "", "a made up one": `{"data":{"challenge":"` + strings.Repeat("A", 43) + `"}}`} {
		if got, err := p.keys.SignIn(t.Context(), state, answer); got != 0 || !errors.Is(err, ErrRefused) {
			t.Errorf("the answer again to %s = %d, %v, want it refused", what, got, err)
		}
	}
	add, err := p.keys.AskAdd(t.Context(), ann)
	if err != nil {
		t.Fatal(err)
	}
	made := newDevice(t)
	answer = made.make(t, add)
	if err := p.keys.Add(t.Context(), ann, add.State, "one", answer); err != nil {
		t.Fatal(err)
	}
	if err := p.store.RemovePasskey(t.Context(), p.now, ann.ID, made.id); err != nil {
		t.Fatal(err)
	}
	if err := p.keys.Add(t.Context(), ann, add.State, "one", answer); !errors.Is(err, ErrRefused) {
		t.Errorf("Add again = %v, want it refused", err)
	}
}

// What was answered for another site, or in a frame of one, opens nothing here.
func TestAnswersOfOtherSitesAreRefused(t *testing.T) {
	for what, change := range map[string]func(*device){
		"another origin":           func(d *device) { d.origin = "https://ledger.example.evil.example" },
		"a subdomain":              func(d *device) { d.origin = "https://evil.ledger.example" },
		"another port":             func(d *device) { d.origin = origin + ":8443" },
		"plain http":               func(d *device) { d.origin = "http://ledger.example" },
		"no origin":                func(d *device) { d.origin = "" },
		"another site's key":       func(d *device) { d.rp = "evil.example" },
		"a frame of another site":  func(d *device) { d.cross = true },
		"an answer of another way": func(d *device) { d.kind = "webauthn.create" },
		"a payment":                func(d *device) { d.kind = "payment.get" },
		"nobody was there":         func(d *device) { d.flags = verified },
		"somebody was there":       func(d *device) { d.flags = present },
	} {
		p, ann, d := enrolled(t)
		p.enters(d, ann.ID)
		change(d)
		p.enters(d, 0)
		fresh := newDevice(t)
		change(fresh)
		if d.kind == "webauthn.create" {
			fresh.kind = "webauthn.get"
		}
		if err := p.add(ann, fresh); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: Add = %v, want it refused", what, err)
		}
	}
}

// Nobody gets into another member's account with a key of their own, nor makes
// theirs somebody else's.
func TestAKeyOpensNoOtherAccount(t *testing.T) {
	p, ann, d := enrolled(t)
	mallory, own := p.join("mallory"), newDevice(t)
	if err := p.add(mallory, own); err != nil {
		t.Fatal(err)
	}
	own.user = d.user // says that it is ann's
	p.enters(own, 0)
	own.user = nil
	p.enters(own, 0)
	forged := newDevice(t) // has ann's id, and not her secret
	forged.id, forged.user, forged.counter = d.id, d.user, 1000
	p.enters(forged, 0)
	p.enters(d, ann.ID) // and did not spoil her counter
	if err := p.add(mallory, forged); flattr.CodeOf(err) != flattr.PasskeyKnown {
		t.Errorf("mallory adds ann's id: %v, want passkey_known", err)
	}
	// A question to mallory does not add a key to ann's account.
	q, err := p.keys.AskAdd(t.Context(), mallory)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.keys.Add(t.Context(), ann, q.State, "evil", newDevice(t).make(t, q)); !errors.Is(err, ErrRefused) {
		t.Errorf("mallory's question adds to ann's account: %v", err)
	}
	// Nor does a question to sign in add one, and the other way round.
	if err := p.keys.Add(t.Context(), ann, p.ask().State, "evil", newDevice(t).make(t, q)); !errors.Is(err, ErrRefused) {
		t.Errorf("a question to sign in adds a key: %v", err)
	}
	q, err = p.keys.AskAdd(t.Context(), ann)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.keys.SignIn(t.Context(), q.State, d.sign(t, q)); got != 0 || !errors.Is(err, ErrRefused) {
		t.Errorf("a question to add a key signs in: %d, %v", got, err)
	}
}

// A copy of a device that counts is noticed.
func TestACopiedDeviceIsRefused(t *testing.T) {
	p, ann, d := enrolled(t)
	p.enters(d, ann.ID)
	copied := *d
	p.enters(d, ann.ID)
	p.enters(&copied, 0) // its count was there before
	p.enters(&copied, ann.ID)
	p.enters(d, 0) // now the other one is behind
	d.counter = ^uint32(0)
	p.enters(d, 0) // nor does it get in without a count
}

// A question holds for five minutes of the ledger's clock.
func TestAnAnswerThatComesLateIsRefused(t *testing.T) {
	p, ann, d := enrolled(t)
	for _, c := range []struct {
		after time.Duration
		ok    bool
	}{{answerFor - time.Second, true}, {answerFor, false}, {24 * time.Hour, false}} {
		q := p.ask()
		answer := d.sign(t, q)
		p.now = p.now.Add(c.after)
		if got, err := p.keys.SignIn(t.Context(), q.State, answer); (got == ann.ID && err == nil) != c.ok {
			t.Errorf("after %s SignIn = %d, %v, want ok %v", c.after, got, err, c.ok)
		}
	}
}

// Bytes that are no answer are refused, whatever they are.
func TestWhatIsNoAnswerIsRefused(t *testing.T) {
	p, ann, d := enrolled(t)
	whole := d.sign(t, p.ask())
	for _, answer := range [][]byte{
		nil,
		{},
		[]byte("{}"), []byte("null"), []byte("[]"), []byte(`"x"`), whole[:len(whole)/2], []byte(strings.Repeat("[", 100_000)), make([]byte, maxAnswer+1),
		[]byte(strings.Replace(string(whole), "public-key", "password", 1)),
	} {
		q := p.ask()
		if got, err := p.keys.SignIn(t.Context(), q.State, answer); got != 0 || !errors.Is(err, ErrRefused) {
			t.Errorf("SignIn(%.40q) = %d, %v, want it refused", answer, got, err)
		}
		add, err := p.keys.AskAdd(t.Context(), ann)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.keys.Add(t.Context(), ann, add.State, "x", answer); !errors.Is(err, ErrRefused) {
			t.Errorf("Add(%.40q) = %v, want it refused", answer, err)
		}
	}
}

// Browsers bind passkeys to names.
func TestALedgerAtAnAddressHasNoPasskeys(t *testing.T) {
	for address, want := range map[string]bool{"http://127.0.0.1:8080": false, "http://[::1]:8080": false, "http://localhost:8080": true, origin: true} {
		public, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := New(nil, public, time.Now)
		if err != nil || (keys != nil) != want {
			t.Errorf("New at %s = %v, %v", address, keys, err)
		}
	}
}
