package oauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ory/fosite"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// What applications can be allowed. Without any they learn whose account it is.
const (
	ScopeFlattr       = "flattr"       // flattr and subscribe for the member
	ScopeThing        = "thing"        // register, change and remove things of the member
	ScopeEmail        = "email"        // read the address
	ScopeExtendedRead = "extendedread" // read the address, and since when one is a member
)

// scopes are all that there are, in the order in which they are shown.
var scopes = []string{ScopeFlattr, ScopeThing, ScopeEmail, ScopeExtendedRead}

// OperatorClient is whom tokens are given to that the operator makes for a
// member, without an application.
const OperatorClient = "operator"

// What is wrong with an application that is not registered.
const (
	AppName     flattr.Code = "app_name"
	AppCallback flattr.Code = "app_callback"
)

const (
	// idBytes and secretBytesOfApp are random: an id is told apart, a secret is
	// guessed by nobody, which is why a plain hash of it suffices.
	idBytes          = 16
	secretBytesOfApp = 32
	// maxAppName bounds the name of an application: it is read in one glance.
	maxAppName = 60
	// maxCallback bounds the address of a callback, far above what is in use.
	maxCallback = 500
)

// Register keeps a new application, of a member or (0) of the operator, and
// answers it with its secret, which nobody can be told again. implicit lets it
// be answered with a token directly, as old clients without a server want it.
// It refuses with AppName, AppCallback or store.AppsFull what cannot be
// registered.
func (s *Server) Register(ctx context.Context, by flattr.MemberID, name, callback string, implicit bool) (app store.App, secret string, err error) {
	name, callback = strings.TrimSpace(name), strings.TrimSpace(callback)
	if err := checkName(name); err != nil {
		return store.App{}, "", err
	}
	if err := checkCallback(callback, by == 0); err != nil {
		return store.App{}, "", err
	}
	secret = random(secretBytesOfApp)
	app = store.App{
		ID: random(idBytes), Secret: hashOf(secret), Name: name, Callback: callback,
		Member: by, Implicit: implicit, Created: s.now(),
	}
	return app, secret, s.store.AddApp(ctx, app)
}

// IssueToken makes a token for a member without asking, for the operator. The
// scopes are separated by blanks or commas; an unknown one is refused with
// invalid_request.
func (s *Server) IssueToken(ctx context.Context, member flattr.MemberID, scope string) (token string, err error) {
	wanted := strings.Fields(spaced(scope))
	for _, one := range wanted {
		if !slices.Contains(scopes, one) {
			return "", flattr.Refuse(flattr.Invalid, fmt.Sprintf("There is no scope %.40q. Name some of: %s.", one, strings.Join(scopes, " ")))
		}
	}
	token, signature, err := s.strategy.GenerateAccessToken(ctx, nil)
	if err != nil {
		return "", err
	}
	return token, s.store.SaveToken(ctx, store.OAuthToken{
		Signature: signature, Grant: random(idBytes), Client: OperatorClient, Member: member,
		Scope: strings.Join(wanted, " "), Issued: s.now(),
	})
}

// spaced writes scopes with blanks between them, each once: clients separate
// them with commas too.
func spaced(scope string) string {
	var once []string
	for _, one := range strings.FieldsFunc(scope, func(r rune) bool { return r == ' ' || r == ',' }) {
		if !slices.Contains(once, one) {
			once = append(once, one)
		}
	}
	return strings.Join(once, " ")
}

func random(bytes int) string {
	raw := make([]byte, bytes)
	rand.Read(raw) // never fails
	return hex.EncodeToString(raw)
}

func checkName(name string) error {
	n := utf8.RuneCountInString(name)
	hidden := func(r rune) bool { return !unicode.IsPrint(r) } // control characters, and what turns text around
	if !utf8.ValidString(name) || n == 0 || n > maxAppName || strings.ContainsFunc(name, hidden) {
		return flattr.Refuse(AppName, fmt.Sprintf("An application has a name of 1 to %d characters. Choose one by which members know it.", maxAppName))
	}
	return nil
}

// ownScheme is the form of a scheme that a program has for itself alone.
var ownScheme = regexp.MustCompile(`^[a-z][a-z0-9+-]{3,40}$`)

// taken are schemes that browsers or the system do something else with.
var taken = []string{
	"about", "blob", "data", "file", "filesystem", "http", "https", "intent", "javascript", "mailto", "ftps", "sftp", "vbscript", "view-source",
	"chrome", "chrome-extension", "moz-extension", "resource", "jar", "wss", "tel", "news", "nntp", "telnet", "gopher", "magnet", "content",
}

// checkCallback refuses addresses to which no answer is sent: those that others
// could read on the way, and those that are no address of a program. The operator
// may register what programs that cannot be changed have in them: a scheme of
// their own without a dot.
func checkCallback(callback string, operator bool) error {
	refuse := func(why string) error {
		return flattr.Refuse(AppCallback, "The callback "+why+". Name one like https://example.com/callback, or http://127.0.0.1/callback for a program on the member's computer.")
	}
	u, err := url.Parse(callback)
	odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\\\"<>`{|}^#", r) }
	switch {
	case callback == "" || err != nil || u.String() != callback || len(callback) > maxCallback || strings.ContainsFunc(callback, odd):
		return refuse(fmt.Sprintf("is not an address of at most %d characters without a fragment", maxCallback))
	case u.User != nil:
		return refuse("has a name or password in it")
	case u.Scheme == "https" && u.Host != "":
		return nil
	case u.Scheme == "http" && fosite.IsLocalhost(u):
		return nil
	case strings.Contains(u.Scheme, "."): // a program's own scheme, RFC 8252 section 7.1
		return nil
	case operator && ownScheme.MatchString(u.Scheme) && !slices.Contains(taken, u.Scheme) && u.Opaque == "":
		return nil
	}
	return refuse("begins neither with https://, nor with http:// and this computer, nor with a scheme of your own such as com.example.app:")
}

// sameCallback tells whether an answer may go to given: it must be the
// registered address to the byte, but for the port of a loopback literal.
func sameCallback(registered, given string) bool {
	if registered == given {
		return true
	}
	for _, literal := range []string{"http://127.0.0.1", "http://[::1]"} {
		want, ok := withoutPort(literal, registered)
		if !ok {
			continue
		}
		got, ok := withoutPort(literal, given)
		return ok && got == want
	}
	return false
}

// withoutPort is what follows a loopback literal and a port, if there is one.
func withoutPort(literal, raw string) (string, bool) {
	rest, ok := strings.CutPrefix(raw, literal)
	if !ok {
		return "", false
	}
	if port, ok := strings.CutPrefix(rest, ":"); ok {
		end := strings.IndexAny(port, "/?")
		if end < 0 {
			end = len(port)
		}
		n, err := strconv.ParseUint(port[:end], 10, 16)
		if err != nil || n == 0 || strconv.FormatUint(n, 10) != port[:end] {
			return "", false
		}
		rest = port[end:]
	}
	return rest, rest == "" || rest[0] == '/' || rest[0] == '?'
}

// clientOf is an application in fosite's form.
func clientOf(app store.App) fosite.Client {
	client := &fosite.DefaultClient{
		ID: app.ID, Secret: []byte(app.Secret), RedirectURIs: []string{app.Callback},
		ResponseTypes: fosite.Arguments{"code"}, GrantTypes: fosite.Arguments{"authorization_code"}, Scopes: scopes,
	}
	if app.Implicit {
		client.ResponseTypes = append(client.ResponseTypes, "token")
		client.GrantTypes = append(client.GrantTypes, "implicit")
	}
	return client
}

// clientInForce is the companion or the application of that id.
func (s *storage) clientInForce(ctx context.Context, id string) (fosite.Client, *store.App, error) {
	if id == api.CompanionClient {
		return companion, nil, nil
	}
	app, err := s.store.App(ctx, id)
	if flattr.CodeOf(err) == flattr.NotFound || flattr.CodeOf(err) == flattr.Invalid || err == nil && app.Revoked {
		return nil, nil, fosite.ErrNotFound
	}
	if err != nil {
		return nil, nil, fmt.Errorf("find application: %w", err)
	}
	return clientOf(app), &app, nil
}

// hasher compares secrets with their hashes, for fosite.
type hasher struct{}

var errSecret = errors.New("the secret is another one")

// Compare fails unless hash is of secret.
func (hasher) Compare(_ context.Context, hash, secret []byte) error {
	if subtle.ConstantTimeCompare(hash, []byte(hashOf(string(secret)))) != 1 {
		return errSecret
	}
	return nil
}

// Hash is what is kept of a secret.
func (hasher) Hash(_ context.Context, secret []byte) ([]byte, error) {
	return []byte(hashOf(string(secret))), nil
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
