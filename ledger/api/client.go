package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// Limits of the client.
const (
	// maxAnswerBytes bounds what is read of an answer: a full batch of results
	// with the longest URLs and titles, every character escaped, is 3 MB.
	maxAnswerBytes = 4 << 20
	// requestTimeout ends a request to a ledger that accepts and then is silent.
	requestTimeout = 30 * time.Second
	// dialTimeout is short, so that a ledger that is away is noticed soon.
	dialTimeout = 10 * time.Second
	// idleTimeout ends a connection that nobody uses: a reader rests for hours.
	idleTimeout = 30 * time.Second
	// maxCode bounds a code of the ledger in errors, in bytes.
	maxCode = 64
	// maxRetryAfter bounds what an answer may ask for; longer is taken as this.
	maxRetryAfter = 24 * time.Hour
)

// The four ways in which a request can fail. Every error of a Client's methods
// is one of them by errors.Is, and an *Error by errors.As.
var (
	// ErrUnauthorized: the token is unknown or revoked; the reader signs in again.
	ErrUnauthorized = errors.New("the ledger does not accept this token")
	// ErrTooMany: too many requests; wait for Meta.RetryAfter.
	ErrTooMany = errors.New("the ledger asks to send less often")
	// ErrAway: no answer, or none of a ledger that is well (5xx, a captive
	// portal, a cut connection). The same request is to be sent again later.
	ErrAway = errors.New("the ledger does not answer")
	// ErrRejected: the ledger understood and refuses the request as a whole;
	// sending the same again does not help.
	ErrRejected = errors.New("the ledger refuses the request")
)

// Error is a failed request.
type Error struct {
	Kind    error   // ErrUnauthorized, ErrTooMany, ErrAway or ErrRejected
	Status  int     // HTTP status, 0 without an answer
	Problem Problem // the ledger's code and sentence, empty where it gave none
	cause   error
}

// Error says what failed; it names no URL of a thing and no token.
func (e *Error) Error() string {
	text := e.Kind.Error()
	if e.Status != 0 {
		text += fmt.Sprintf(" (%d %s)", e.Status, plain(e.Problem.Code))
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// plain is a code that is one. Errors are logged: what else a ledger writes, or
// hands back of what it was sent, stays out of them.
func plain(code string) string {
	if len(code) > maxCode || strings.Trim(code, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return "unreadable"
	}
	return code
}

// Unwrap lets errors.Is find the kind and what caused it.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.cause}
}

// Meta is what an answer says besides its body; it is filled after a failure
// too, as far as there was an answer.
type Meta struct {
	Date       time.Time     // the ledger's clock; zero without an answer
	RetryAfter time.Duration // how long to wait before the next request; 0: not said
}

// Client speaks to one ledger for one member. It is safe for concurrent use.
type Client struct {
	origin string
	token  string
	http   *http.Client
}

// NewClient returns a client of the ledger at origin ("https://ledger.example",
// no path) that sends the bearer token. Plain http is accepted for loopback
// only: the token would be readable on the way.
func NewClient(origin, token string) (*Client, error) {
	clean, err := Origin(origin)
	if err != nil {
		return nil, err
	}
	return &Client{origin: clean, token: token, http: httpClient()}, nil
}

// CloseIdle closes the connections that wait for a next request: they may lead
// by a network that is gone. Running requests are not disturbed.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }

// httpClient has deadlines and follows no redirect: a token or a click goes to
// the ledger that was named, and nowhere else.
func httpClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext
	transport.TLSHandshakeTimeout = dialTimeout
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS13} // nothing older speaks for a ledger
	transport.MaxIdleConnsPerHost = 2
	transport.IdleConnTimeout = idleTimeout
	transport.MaxResponseHeaderBytes = 64 << 10
	return &http.Client{
		Transport:     transport,
		Timeout:       requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Origin checks and normalises the origin of a ledger: scheme, host and port,
// https, or http on loopback.
func Origin(raw string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("ledger address %q: want scheme and host such as https://ledger.example", raw)
	}
	switch scheme := strings.ToLower(u.Scheme); {
	case scheme == "https", scheme == "http" && isLoopback(u.Hostname()):
		return scheme + "://" + strings.ToLower(u.Host), nil
	case scheme == "http":
		return "", fmt.Errorf("ledger address %q: plain http is for loopback only, use https", raw)
	default:
		return "", fmt.Errorf("ledger address %q: want https", raw)
	}
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// CompanionOAuth is the configuration with which a companion is linked: make a
// verifier (oauth2.GenerateVerifier), send the reader to AuthCodeURL(state,
// oauth2.S256ChallengeOption(verifier)), and hand the code that arrives at
// redirect to Exchange(LinkContext(ctx), code, oauth2.VerifierOption(verifier)).
// Redirect is http://127.0.0.1:PORT + CompanionCallback.
func CompanionOAuth(origin, redirect string) (*oauth2.Config, error) {
	clean, err := Origin(origin)
	if err != nil {
		return nil, err
	}
	return &oauth2.Config{
		ClientID: CompanionClient,
		Endpoint: oauth2.Endpoint{
			AuthURL:   clean + PathAuthorize,
			TokenURL:  clean + PathToken,
			AuthStyle: oauth2.AuthStyleInParams,
		},
		RedirectURL: redirect,
		Scopes:      []string{CompanionScope},
	}, nil
}

// LinkContext makes Exchange use a client with deadlines that follows no
// redirect.
func LinkContext(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, httpClient())
}

// TokenError is an error of Exchange, or of a TokenSource, as one of the four
// kinds: ErrUnauthorized where what was to be exchanged is not in force. Its
// text has neither the address nor the ledger's answer.
func TokenError(err error) error {
	var refusal *oauth2.RetrieveError
	if !errors.As(err, &refusal) {
		return away(0, withoutURL(err))
	}
	e := &Error{Kind: ErrRejected, Status: refusal.Response.StatusCode, Problem: Problem{Code: refusal.ErrorCode}}
	switch {
	case refusal.ErrorCode == "invalid_grant":
		e.Kind = ErrUnauthorized
	case e.Status == http.StatusTooManyRequests:
		e.Kind = ErrTooMany
	case refusal.ErrorCode == "" || e.Status >= 500:
		e.Kind = ErrAway
	}
	return e
}

// Cut returns the longest batch from the front of events that the ledger takes
// in one request: at most MaxBatch of them and MaxBodyBytes in JSON. It holds at
// least one event, if there is one.
func Cut(events []Event) (Batch, error) {
	const envelope = len(`{"events":[]}`)
	size := envelope
	for i, event := range events {
		raw, err := json.Marshal(event)
		if err != nil {
			return Batch{}, fmt.Errorf("encode event: %w", err)
		}
		size += len(raw) + 1
		if i == MaxBatch || (i > 0 && size > MaxBodyBytes) {
			return Batch{Events: events[:i]}, nil
		}
	}
	return Batch{Events: events}, nil
}

// Send delivers a batch. The results are in the order of the events, one each.
// It is safe to send the same batch again after any error.
func (c *Client) Send(ctx context.Context, batch Batch) (Results, Meta, error) {
	var results Results
	meta, err := c.do(ctx, http.MethodPost, PathEvents, batch, &results)
	if err != nil {
		return Results{}, meta, err
	}
	if len(results.Results) != len(batch.Events) {
		return Results{}, meta, away(http.StatusOK, fmt.Errorf("%d results for %d events", len(results.Results), len(batch.Events)))
	}
	for i, result := range results.Results {
		if result.ID != batch.Events[i].ID {
			return Results{}, meta, away(http.StatusOK, fmt.Errorf("result %d answers another event", i))
		}
	}
	return results, meta, nil
}

// Account says whom the token acts for.
func (c *Client) Account(ctx context.Context) (Account, Meta, error) {
	var account Account
	meta, err := c.do(ctx, http.MethodGet, PathAccount, nil, &account)
	return account, meta, err
}

// Months fetches the member's open months.
func (c *Client) Months(ctx context.Context) (Months, Meta, error) {
	var months Months
	meta, err := c.do(ctx, http.MethodGet, PathMonths, nil, &months)
	return months, meta, err
}

// Revoke makes the ledger forget the token (RFC 7009); a token it does not
// know is no error.
func (c *Client) Revoke(ctx context.Context) (Meta, error) {
	form := url.Values{"token": {c.token}, "client_id": {CompanionClient}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.origin+PathRevoke, strings.NewReader(form.Encode()))
	if err != nil {
		return Meta{}, &Error{Kind: ErrRejected, cause: err}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := c.http.Do(req)
	if err != nil {
		return Meta{}, away(0, withoutURL(err))
	}
	defer resp.Body.Close()
	meta := metaOf(resp)
	if resp.StatusCode == http.StatusOK {
		return meta, nil
	}
	return meta, failure(resp)
}

// do sends one request and decodes the answer into out.
func (c *Client) do(ctx context.Context, method, path string, in, out any) (Meta, error) {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return Meta{}, &Error{Kind: ErrRejected, cause: fmt.Errorf("encode request: %w", err)}
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.origin+path, body)
	if err != nil {
		return Meta{}, &Error{Kind: ErrRejected, cause: err}
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Accept", "application/json")
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return Meta{}, away(0, withoutURL(err))
	}
	defer resp.Body.Close()
	meta := metaOf(resp)
	if resp.StatusCode != http.StatusOK {
		return meta, failure(resp)
	}
	// A captive portal answers 200 with a page: that is no ledger.
	if err := decode(resp, out); err != nil {
		return meta, away(resp.StatusCode, err)
	}
	return meta, nil
}

// failure turns an answer that is not 200 into an error.
func failure(resp *http.Response) error {
	e := &Error{Status: resp.StatusCode}
	fromLedger := decode(resp, &e.Problem) == nil && e.Problem.Code != ""
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		e.Kind = ErrTooMany
	case !fromLedger || resp.StatusCode >= 500 || resp.StatusCode < 400:
		e.Kind = ErrAway
	case resp.StatusCode == http.StatusUnauthorized:
		e.Kind = ErrUnauthorized
	default:
		e.Kind = ErrRejected
	}
	return e
}

// decode reads a bounded JSON body.
func decode(resp *http.Response, out any) error {
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return errors.New("answer is not JSON")
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes+1))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if len(raw) > maxAnswerBytes {
		return fmt.Errorf("answer is longer than %d bytes", maxAnswerBytes)
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	return nil
}

// metaOf reads Date and Retry-After, the latter in both forms of RFC 9110.
func metaOf(resp *http.Response) Meta {
	var meta Meta
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		meta.Date = date
	}
	text := resp.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil || errors.Is(err, strconv.ErrRange) {
		meta.RetryAfter = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil && !meta.Date.IsZero() {
		meta.RetryAfter = at.Sub(meta.Date)
	}
	meta.RetryAfter = min(max(meta.RetryAfter, 0), maxRetryAfter)
	return meta
}

// withoutURL is what stopped a request, without the address it was for.
func withoutURL(err error) error {
	var named *url.Error
	if errors.As(err, &named) {
		return named.Err
	}
	return err
}

func away(status int, cause error) *Error {
	return &Error{Kind: ErrAway, Status: status, cause: cause}
}
