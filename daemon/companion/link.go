package companion

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"flattr/daemon/accounts"
	"flattr/daemon/socket"
	"flattr/daemon/wire"
	"flattr/ledger/api"

	"golang.org/x/oauth2"
)

// Limits on signing in.
const (
	linkLife        = 10 * time.Minute // to sign in, or sign up, and allow
	linksAtOnce     = 64               // listeners open, of all users
	linksPerUser    = 4                // of one user, so that nobody can keep the others from signing in
	closingPerUser  = 4                // listeners of one user that were given up and still say goodbye
	stateBytes      = 32
	callbackConns   = 8                // open at once on one listener: a browser opens some in advance
	callbackTimeout = 5 * time.Second  // for the header of a request
	exchangeTimeout = 60 * time.Second // for the ledger to answer
	callbackHeader  = 16 << 10         // bytes; the code and state are short
	maxNameRunes    = 64               // of a member's name; ledgers allow fewer
	maxMemberBytes  = 64               // of a member's id
	maxLedgerBytes  = 300              // of a ledger's origin: a host name has 253
	sayGoodbye      = 2 * time.Second  // for the last page to be sent
)

// links are the sign-ins under way, one for each device at most.
type links struct {
	companion *Companion
	mu        sync.Mutex
	open      map[accounts.DeviceID]*link
	closing   map[uint32]int // listeners that were given up and are not closed yet, by user
}

func newLinks(c *Companion) *links {
	return &links{companion: c, open: map[accounts.DeviceID]*link{}, closing: map[uint32]int{}}
}

// link is one sign-in: a listener on a port of its own that waits for the
// browser to come back from the ledger with a code.
type link struct {
	companion *Companion
	device    accounts.DeviceID
	uid       uint32
	ledger    string
	state     string // proves that the answer is to our question
	verifier  string // of PKCE
	oauth     *oauth2.Config
	host      string
	server    *http.Server
	cancel    context.CancelFunc
	once      sync.Once // the code is exchanged once
}

// link answers a device that wants to act for a member: an offered account is
// taken at once, else the answer names the page where to sign in.
func (s *session) link(ctx context.Context, ask wire.LinkAsk) (any, error) {
	if ask.Account != "" {
		return s.takeAccount(ctx, ask)
	}
	ledger := s.companion.config.Ledger
	if ask.Ledger != "" {
		var err error
		if ledger, err = api.Origin(ask.Ledger); err != nil || len(ledger) > maxLedgerBytes {
			return wire.Problem{Type: wire.TypeProblem, ID: ask.ID, Code: wire.CodeBadMessage, Sentence: "This is no address of a ledger; it looks like https://ledger.example."}, nil
		}
	}
	address, err := s.companion.links.begin(s, ledger)
	if errors.Is(err, errTooManyLinks) {
		return wire.Problem{Type: wire.TypeProblem, ID: ask.ID, Code: wire.CodeBusy, Sentence: "Too many sign-ins are under way. Finish one, or wait ten minutes."}, nil
	}
	if err != nil {
		return nil, err
	}
	return wire.LinkAnswer{Type: wire.TypeLink, ID: ask.ID, URL: address}, nil
}

func (s *session) takeAccount(ctx context.Context, ask wire.LinkAsk) (any, error) {
	s.companion.acting.Lock()
	defer s.companion.acting.Unlock()
	id, err := strconv.ParseInt(ask.Account, 10, 64)
	if err == nil {
		err = s.companion.accounts.Attach(ctx, s.device, s.conn.UID, accounts.AccountID(id))
	}
	if err != nil {
		if !errors.Is(err, accounts.ErrUnknown) && !errors.Is(err, strconv.ErrSyntax) && !errors.Is(err, strconv.ErrRange) {
			return nil, err
		}
		return wire.Problem{Type: wire.TypeProblem, ID: ask.ID, Code: wire.CodeBadMessage, Sentence: "This account is not offered any more. Sign in instead."}, nil
	}
	s.companion.actFor(s.device, s.conn.UID, accounts.AccountID(id))
	return wire.LinkAnswer{Type: wire.TypeLink, ID: ask.ID}, nil
}

// actFor tells the connections of a device whom it acts for from now on.
func (c *Companion) actFor(device accounts.DeviceID, uid uint32, account accounts.AccountID) {
	for _, s := range c.hub.ofDevice(device) {
		s.acts.Store(int64(account))
	}
	c.couriers.wake(account)
	c.hub.touch(uid)
	c.keeper.accountsChanged()
}

// unlink ends that the device acts for its account. With the last device goes
// the token, as soon as no click waits to be sent.
func (s *session) unlink(ctx context.Context, ask wire.Ask) (any, error) {
	done := wire.Done{Type: wire.TypeUnlink, ID: ask.ID}
	c := s.companion
	c.acting.Lock()
	defer c.acting.Unlock()
	id := s.account()
	if id == 0 {
		return done, nil
	}
	left, err := c.accounts.Detach(ctx, s.device, id)
	if err != nil {
		return nil, err
	}
	if left == 0 {
		if err := c.leave(ctx, id); err != nil {
			return nil, err
		}
	}
	c.actFor(s.device, s.conn.UID, 0)
	return done, nil
}

// leave signs out an account that no browser acts for, once all is sent: it
// forgets the account's token and gives it back to the ledger. c.acting is held.
func (c *Companion) leave(ctx context.Context, id accounts.AccountID) error {
	account, err := c.accounts.Account(ctx, id)
	if err != nil || !account.Leaving {
		return err
	}
	if unsent, err := c.clicks.Unsent(ctx, int64(id)); err != nil || unsent > 0 {
		return err
	}
	if err := c.accounts.ForgetToken(ctx, id); err != nil || account.Token.Access == "" {
		return err
	}
	client, err := api.NewClient(account.Ledger, account.Token.Access)
	if err != nil {
		return err
	}
	c.tasks.Go(func() {
		// A ledger that is away keeps the token until it is revoked there; here it is forgotten.
		// A companion that stops gives it a moment more.
		running := c.couriers.context()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(running), exchangeTimeout)
		defer cancel()
		defer context.AfterFunc(running, func() { time.AfterFunc(sayGoodbye, cancel) })()
		if _, err := client.Revoke(ctx); err != nil {
			c.config.Log.Info("token not given back", "account", id, "error", err)
		}
	})
	return nil
}

var errTooManyLinks = errors.New("too many sign-ins are under way")

// begin opens the listener of a sign-in and gives the address of the ledger's
// page. A sign-in the device has begun before ends.
func (ls *links) begin(s *session, ledger string) (string, error) {
	c := ls.companion
	ctx, cancel := context.WithTimeout(c.couriers.context(), linkLife)
	listener, err := socket.Listen(ctx, 0, 0)
	if err != nil {
		cancel()
		return "", err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	secret := make([]byte, stateBytes)
	c.config.Random(secret)
	l := &link{
		companion: c, device: s.device, uid: s.conn.UID, ledger: ledger, cancel: cancel,
		state:    base64.RawURLEncoding.EncodeToString(secret),
		verifier: oauth2.GenerateVerifier(),
		host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
	}
	l.oauth, err = api.CompanionOAuth(ledger, "http://"+l.host+api.CompanionCallback)
	if err == nil {
		err = ls.enter(l)
	}
	if err != nil {
		cancel()
		listener.Close()
		return "", err
	}
	l.server = &http.Server{
		Handler: http.HandlerFunc(l.handle), ReadHeaderTimeout: callbackTimeout, ReadTimeout: callbackTimeout,
		MaxHeaderBytes: callbackHeader, BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog: quiet(c.config.Log),
	}
	c.tasks.Go(func() {
		defer ls.leave(l)
		defer cancel()
		go l.server.Serve(socket.ForUser(listener, l.uid, callbackConns))
		<-ctx.Done()
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), sayGoodbye)
		defer cancel()
		_ = l.server.Shutdown(bye)
		l.server.Close()
	})
	return l.oauth.AuthCodeURL(l.state, oauth2.S256ChallengeOption(l.verifier)), nil
}

func (ls *links) enter(l *link) error {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if before, ok := ls.open[l.device]; ok {
		if ls.closing[l.uid] >= closingPerUser {
			return errTooManyLinks
		}
		ls.closing[l.uid]++
		before.cancel()
	} else if len(ls.open) >= linksAtOnce || ls.count(l.uid) >= linksPerUser {
		return errTooManyLinks
	}
	ls.open[l.device] = l
	return nil
}

// count is how many sign-ins of a user are under way; ls.mu is held.
func (ls *links) count(uid uint32) int {
	n := 0
	for _, l := range ls.open {
		if l.uid == uid {
			n++
		}
	}
	return n
}

func (ls *links) leave(l *link) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.open[l.device] == l {
		delete(ls.open, l.device)
	} else if ls.closing[l.uid]--; ls.closing[l.uid] == 0 {
		delete(ls.closing, l.uid)
	}
}

// end gives up the sign-in of a device, if there is one.
func (ls *links) end(device accounts.DeviceID) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l, ok := ls.open[device]; ok {
		l.cancel()
	}
}

// handle answers the browser that comes back from the ledger.
func (l *link) handle(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	german := prefersGerman(r.Header.Get("Accept-Language"))
	switch {
	case r.Method != http.MethodGet || r.URL.Path != api.CompanionCallback || r.Host != l.host:
		w.WriteHeader(http.StatusNotFound)
		return
	case subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(l.state)) != 1:
		showPage(w, http.StatusBadRequest, german, pageStranger, "")
		return
	}
	first := false
	l.once.Do(func() { first = true })
	if !first {
		showPage(w, http.StatusBadRequest, german, pageStranger, "")
		return
	}
	defer l.cancel() // this was the one answer: the listener closes
	if query.Get("error") != "" {
		showPage(w, http.StatusOK, german, pageDenied, "")
		return
	}
	name, err := l.finish(r.Context(), query.Get("code"))
	if errors.Is(err, accounts.ErrTooManyAccounts) {
		l.companion.config.Log.Warn("sign-in refused", "error", err)
		showPage(w, http.StatusConflict, german, pageFull, "")
		return
	}
	if err != nil {
		l.companion.config.Log.Warn("sign-in did not succeed", "error", err)
		showPage(w, http.StatusBadGateway, german, pageFailed, "")
		return
	}
	showPage(w, http.StatusOK, german, pageLinked, name)
}

// finish exchanges the code for a token and makes the device act for the member.
func (l *link) finish(ctx context.Context, code string) (name string, err error) {
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	token, err := l.oauth.Exchange(api.LinkContext(ctx), code, oauth2.VerifierOption(l.verifier))
	if err != nil {
		return "", fmt.Errorf("exchange the code: %w", api.TokenError(err))
	}
	client, err := api.NewClient(l.ledger, token.AccessToken)
	if err != nil {
		return "", err
	}
	member, _, err := client.Account(ctx)
	if err != nil {
		return "", fmt.Errorf("ask who has signed in: %w", err)
	}
	if member.Member == "" || len(member.Member) > maxMemberBytes {
		return "", errors.New("ask who has signed in: the ledger names no member")
	}
	account, err := l.take(ctx, accounts.Account{
		UID: l.uid, Ledger: l.ledger, Member: member.Member, Name: cut(member.Name, maxNameRunes),
		Token: accounts.Token{Access: token.AccessToken, Refresh: token.RefreshToken, Expires: token.Expiry},
	})
	if errors.Is(err, accounts.ErrTooManyAccounts) {
		_, revoked := client.Revoke(ctx) // nobody keeps it
		err = errors.Join(err, revoked)
	}
	return account.Name, err
}

// take makes the device act for an account that has just been signed in.
func (l *link) take(ctx context.Context, account accounts.Account) (accounts.Account, error) {
	c := l.companion
	c.acting.Lock()
	defer c.acting.Unlock()
	account, err := c.accounts.Link(ctx, c.config.Now(), l.device, account)
	if err != nil {
		return accounts.Account{}, err
	}
	c.config.Log.Info("signed in", "account", account.ID)
	c.couriers.hire(account)
	c.actFor(l.device, l.uid, account.ID)
	return account, nil
}
