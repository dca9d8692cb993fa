// Package passkey lets members in by key pairs that their devices keep: it asks
// the questions of WebAuthn and judges the answers.
//
// https://www.w3.org/TR/webauthn-3/
package passkey

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// answerFor is how long a question may be answered: a person may have to look for
// their phone.
const answerFor = 5 * time.Minute

// maxAnswer bounds an answer, in bytes: a public key, a signature and what a
// browser says beside, many times over.
const maxAnswer = 8 << 10

// ErrRefused is what an answer is told that is not one: forged, old, given
// before, of another site or another member.
var ErrRefused = errors.New("the passkey was not accepted")

// Keeper asks and judges. It has no state of its own: what it must remember
// between question and answer is handed out with the question, to be kept in the
// session of the browser that was asked.
type Keeper struct {
	ceremonies *webauthn.WebAuthn
	store      *store.Store
	now        func() time.Time
}

// New makes a Keeper for the ledger at an origin. It is nil where browsers keep
// no passkeys for it: they are bound to a name, and public is an IP address.
func New(st *store.Store, public *url.URL, now func() time.Time) (*Keeper, error) {
	if _, err := netip.ParseAddr(public.Hostname()); err == nil {
		return nil, nil
	}
	ceremonies, err := webauthn.New(&webauthn.Config{
		RPID:                  public.Hostname(),
		RPDisplayName:         "Flattr",
		RPOrigins:             []string{public.Scheme + "://" + public.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			// The device is all one needs to get in: it knows for whom, and
			// makes sure who holds it.
			ResidentKey:      protocol.ResidentKeyRequirementRequired,
			UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("prepare passkeys: %w", err)
	}
	return &Keeper{ceremonies: ceremonies, store: st, now: now}, nil
}

// Question is what a browser is asked.
type Question struct {
	Options []byte // JSON for the browser
	State   string // to be kept in its session, and handed in with the answer
}

// pending is what is remembered of a question.
type pending struct {
	Data    webauthn.SessionData `json:"data"`
	Expires time.Time            `json:"expires"`
}

func (k *Keeper) question(options any, data *webauthn.SessionData) (Question, error) {
	public, err := json.Marshal(options)
	if err != nil {
		return Question{}, fmt.Errorf("write question: %w", err)
	}
	kept, err := json.Marshal(pending{Data: *data, Expires: k.now().Add(answerFor)})
	if err != nil {
		return Question{}, fmt.Errorf("keep question: %w", err)
	}
	return Question{Options: public, State: string(kept)}, nil
}

// spend reads what was kept of a question and lets nobody answer it again.
func (k *Keeper) spend(ctx context.Context, state string) (webauthn.SessionData, error) {
	var asked pending
	now := k.now()
	if err := json.Unmarshal([]byte(state), &asked); err != nil || asked.Data.Challenge == "" {
		return asked.Data, fmt.Errorf("%w: nothing was asked", ErrRefused)
	}
	if !now.Before(asked.Expires) {
		return asked.Data, fmt.Errorf("%w: the answer comes too late", ErrRefused)
	}
	err := k.store.SpendChallenge(ctx, now, asked.Data.Challenge, asked.Expires)
	return asked.Data, refused(err)
}

// refused says that what the store refuses is no answer.
func refused(err error) error {
	if flattr.CodeOf(err) == flattr.NotFound {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

// account is a member as the library asks for them.
type account struct {
	member flattr.Member
	keys   []store.Passkey
}

// handle is how a device knows a member: it says nothing of who that is.
func handle(id flattr.MemberID) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }

func (a account) WebAuthnID() []byte          { return handle(a.member.ID) }
func (a account) WebAuthnName() string        { return a.member.Name }
func (a account) WebAuthnDisplayName() string { return a.member.Name }

func (a account) WebAuthnCredentials() []webauthn.Credential {
	all := make([]webauthn.Credential, len(a.keys))
	for i, key := range a.keys {
		all[i] = webauthn.Credential{
			ID: key.ID, PublicKey: key.PublicKey,
			Flags:         webauthn.CredentialFlags{BackupEligible: key.Backup},
			Authenticator: webauthn.Authenticator{SignCount: key.Counter},
		}
	}
	return all
}

// AskAdd asks a member's device for a new passkey.
func (k *Keeper) AskAdd(ctx context.Context, m flattr.Member) (Question, error) {
	keys, err := k.store.Passkeys(ctx, m.ID)
	if err != nil {
		return Question{}, err
	}
	who := account{member: m, keys: keys}
	var known []protocol.CredentialDescriptor
	for _, c := range who.WebAuthnCredentials() {
		known = append(known, c.Descriptor())
	}
	options, data, err := k.ceremonies.BeginRegistration(who, webauthn.WithExclusions(known))
	if err != nil {
		return Question{}, fmt.Errorf("ask for a passkey: %w", err)
	}
	return k.question(options.Response, data)
}

// Add keeps the passkey that answers a question of AskAdd. It answers ErrRefused
// where that is none, and refuses as store.AddPasskey does.
func (k *Keeper) Add(ctx context.Context, m flattr.Member, state, name string, answer []byte) error {
	data, err := k.spend(ctx, state)
	if err != nil {
		return err
	}
	if len(answer) > maxAnswer {
		return fmt.Errorf("%w: it is too long", ErrRefused)
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	made, err := k.ceremonies.CreateCredential(account{member: m}, data, parsed)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return k.store.AddPasskey(ctx, k.now(), store.Passkey{
		ID: made.ID, Member: m.ID, Name: name, PublicKey: made.PublicKey,
		Counter: made.Authenticator.SignCount, Backup: made.Flags.BackupEligible,
	})
}

// AskSignIn asks whoever is there for a passkey of theirs.
func (k *Keeper) AskSignIn() (Question, error) {
	options, data, err := k.ceremonies.BeginDiscoverableLogin()
	if err != nil {
		return Question{}, fmt.Errorf("ask for a passkey: %w", err)
	}
	return k.question(options.Response, data)
}

// SignIn answers which member a passkey lets in that answers a question of
// AskSignIn, or ErrRefused.
func (k *Keeper) SignIn(ctx context.Context, state string, answer []byte) (flattr.MemberID, error) {
	data, err := k.spend(ctx, state)
	if err != nil {
		return 0, err
	}
	if len(answer) > maxAnswer {
		return 0, fmt.Errorf("%w: it is too long", ErrRefused)
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	key, err := k.store.Passkey(ctx, parsed.RawID)
	if err != nil {
		return 0, refused(err)
	}
	_, used, err := k.ceremonies.ValidatePasskeyLogin(func(id, user []byte) (webauthn.User, error) {
		if !bytes.Equal(id, key.ID) || !bytes.Equal(user, handle(key.Member)) {
			return nil, errors.New("the passkey is another member's")
		}
		return account{member: flattr.Member{ID: key.Member}, keys: []store.Passkey{key}}, nil
	}, data, parsed)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if used.Authenticator.CloneWarning {
		return 0, fmt.Errorf("%w: there may be a copy of it", ErrRefused)
	}
	if err := k.store.UsePasskey(ctx, k.now(), key.ID, used.Authenticator.SignCount); err != nil {
		return 0, refused(err)
	}
	return key.Member, nil
}

// Text writes the id of a passkey for a form; ID reads it again.
func Text(id []byte) string { return base64.RawURLEncoding.EncodeToString(id) }

// ID reads what Text wrote; what is none is an id that nobody has.
func ID(text string) []byte {
	id, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return id
}
