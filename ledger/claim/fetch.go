package claim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"flattr/ledger/flattr"
)

// Bounds of what is fetched.
const (
	// maxPage is how much is read of a page: heads are short, and buttons of the
	// largest blogs seen stand in the first half of that.
	maxPage = 512 << 10
	// maxFile is how much is read of a flattr.txt: 1,000 lines.
	maxFile = 64 << 10
	// maxHeader bounds the header of an answer.
	maxHeader = 32 << 10
	// maxRedirects lets http become https, a name get its www, and a slash.
	maxRedirects = 5
	// fetchTimeout bounds one fetch with all its redirects.
	fetchTimeout = 8 * time.Second
	// handshakeTimeout bounds dialling and TLS, each.
	handshakeTimeout = 4 * time.Second
)

// agent is how the ledger calls itself; nothing of a member is in it.
const agent = "flattr-ledger (checks who owns a site; see /.well-known/flattr.txt)"

// The ways in which a fetch fails.
var (
	errMissing   = errors.New("there is no such page")
	errRedirects = errors.New("redirected too often")
	errAstray    = errors.New("redirected to where it proves nothing")
	errForm      = errors.New("not the kind of text that is looked for")
)

// fetcher gets pages of strangers: bounded in time, size and redirects, without
// cookies or referrer, through no proxy, and never from an address it must not ask.
type fetcher struct {
	client  *http.Client
	timeout time.Duration
}

func newFetcher(r reach, resolver *net.Resolver) *fetcher {
	dialer := &net.Dialer{Timeout: handshakeTimeout, Resolver: resolver, Control: r.control}
	return &fetcher{timeout: fetchTimeout, client: &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil, // a proxy would dial what we must not
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    handshakeTimeout,
			ResponseHeaderTimeout:  fetchTimeout,
			MaxResponseHeaderBytes: maxHeader,
			DisableKeepAlives:      true, // each fetch looks its address up, and is checked, anew
			DisableCompression:     true, // nothing is inflated
			ForceAttemptHTTP2:      false,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// target is a URL that may be fetched: http or https, without user, and with a
// port that the dialler is asked for.
func target(raw string) (*url.URL, error) {
	key, err := flattr.KeyOf(raw)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.Hostname() == "" {
		return nil, errors.New("not an address of the web")
	}
	if port := u.Port(); port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return nil, errors.New("no port")
		}
	}
	// What is asked for is what the key names: not every server takes `..` for what
	// it is, and then /~mallory/../ would speak for the whole site.
	u, err = url.Parse(u.Scheme + "://" + u.Host + pathOf(key))
	if err != nil {
		return nil, errors.New("not an address of the web")
	}
	u.Fragment = ""
	return u, nil
}

// get fetches a text of one of the media types, at most limit bytes of it; what
// is longer is cut. Each redirect is looked at as if it were asked for, must not
// leave https, and has to satisfy ends.
func (f *fetcher) get(ctx context.Context, raw string, limit int64, media []string, ends func(*url.URL) bool) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	u, err := target(raw)
	if err != nil {
		return nil, err
	}
	for range maxRedirects + 1 {
		body, next, err := f.once(ctx, u, limit, media)
		if err != nil {
			return nil, err
		}
		if next == nil {
			if !ends(u) {
				return nil, errAstray
			}
			return body, nil
		}
		if u.Scheme == "https" && next.Scheme != "https" {
			return nil, errAstray
		}
		u = next
	}
	return nil, errRedirects
}

// once asks one address. It answers where to go on, or what there is.
func (f *fetcher) once(ctx context.Context, u *url.URL, limit int64, media []string) (body []byte, next *url.URL, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, nil, fmt.Errorf("ask: %w", err)
	}
	req.Header.Set("User-Agent", agent)
	req.Header.Set("Accept", media[0])
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("ask: %w", err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		to, err := u.Parse(resp.Header.Get("Location"))
		if err != nil {
			return nil, nil, fmt.Errorf("redirected: %w", err)
		}
		next, err := target(to.String())
		return nil, next, err
	case http.StatusNotFound, http.StatusGone:
		return nil, nil, errMissing
	default:
		return nil, nil, fmt.Errorf("answered %d", resp.StatusCode)
	}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || !oneOf(kind, media) || resp.Header.Get("Content-Encoding") != "" {
		return nil, nil, errForm
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, limit))
	if err != nil {
		return nil, nil, fmt.Errorf("read: %w", err)
	}
	return body, nil, nil
}

func oneOf(kind string, media []string) bool {
	for _, m := range media {
		if kind == m {
			return true
		}
	}
	return false
}
