// Package claim finds out who owns a site: it asks the site.
//
// An author proves a site by naming their flattr:id there: in the head of the
// page, in /.well-known/flattr.txt, or in a TXT record of _flattr.HOST. Whoever
// can write there says where the money goes, so that no secret is needed: nobody
// gains by naming somebody else. `none` in its place says that no money is wanted.
//
// Everything that is fetched is hostile, and so is every address that is asked
// for: see fetch.go and address.go for what a fetch may do.
package claim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// Bounds of the work.
const (
	// maxChecks is how many sites are asked at the same time.
	maxChecks = 8
	// maxWishes is how many of them are asked for whoever need not be a member.
	maxWishes = 2
	// patience is how long a check waits for its turn.
	patience = 5 * time.Second
	// lookupTimeout bounds the asking for one name's records.
	lookupTimeout = 4 * time.Second
)

// Config is what checking needs.
type Config struct {
	Store  *store.Store
	Now    func() time.Time
	Log    *slog.Logger
	Public *url.URL // the ledger's own origin: buttons of pages may lead there
	// Networks are reached beside the public internet, for a ledger whose members'
	// sites are in a house of their own; none unless the operator says so.
	Networks []netip.Prefix
	// Ports are those that are dialled; 80 and 443 where none are named.
	Ports []uint16
	// Nameserver is asked for names, host:port; "" is the system's.
	Nameserver string
}

// Keeper checks claims, and looks whether pages name the owners that were asserted.
type Keeper struct {
	store    *store.Store
	now      func() time.Time
	log      *slog.Logger
	ours     map[string]bool // hosts of Flattr
	fetch    *fetcher
	resolver *net.Resolver
	turns    chan struct{}
	sites    sites
	wishes   chan struct{}
}

// New makes a keeper; Run lets it work by itself.
func New(cfg Config) *Keeper {
	r := reach{networks: cfg.Networks, ports: cfg.Ports}
	if len(r.ports) == 0 {
		r.ports = []uint16{80, 443}
	}
	resolver := &net.Resolver{}
	if cfg.Nameserver != "" {
		resolver.PreferGo = true
		resolver.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: lookupTimeout}).DialContext(ctx, network, cfg.Nameserver)
		}
	}
	ours := map[string]bool{"flattr.com": true, "www.flattr.com": true, "api.flattr.com": true, "button.flattr.com": true}
	if cfg.Public != nil {
		ours[strings.ToLower(cfg.Public.Hostname())] = true
	}
	return &Keeper{
		store: cfg.Store, now: cfg.Now, log: cfg.Log, ours: ours,
		fetch: newFetcher(r, resolver), resolver: resolver, turns: make(chan struct{}, maxChecks), wishes: make(chan struct{}, maxWishes),
	}
}

// ErrBusy is what a check answers when too many others run.
var ErrBusy = errors.New("too many sites are being checked")

// turn waits until fewer than maxChecks checks run.
func (k *Keeper) turn(ctx context.Context) (done func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case k.turns <- struct{}{}:
		return func() { <-k.turns }, nil
	case <-ctx.Done():
		return nil, ErrBusy
	}
}

// Ask notes that a member says a site is theirs, as typed, and asks the site. It
// refuses as Site and Store.AskClaim do.
func (k *Keeper) Ask(ctx context.Context, member flattr.MemberID, typed string) (flattr.Claim, error) {
	site, err := Site(typed)
	if err != nil {
		return flattr.Claim{}, err
	}
	c, err := k.store.AskClaim(ctx, k.now(), member, site)
	if err != nil {
		return c, err
	}
	return k.Check(ctx, c)
}

// Check asks the site of a claim, and books what it says, also where it takes
// money again. It answers how the claim stands then.
func (k *Keeper) Check(ctx context.Context, c flattr.Claim) (flattr.Claim, error) {
	done, err := k.turn(ctx)
	if err != nil {
		return c, err
	}
	defer done()
	said, err := k.ask(ctx, c.URL)
	if err != nil {
		return c, err
	}
	f, err := k.judge(ctx, c, said)
	if err != nil {
		return c, err
	}
	if f.OptOut == "" {
		if noted, err := k.store.OptOutOf(ctx, c.Key); err != nil {
			return c, err
		} else if noted != "" {
			if err := k.reconsider(ctx, noted); err != nil {
				return c, err
			}
		}
	}
	return k.store.ClaimChecked(ctx, k.now(), c.Key, c.Member, f)
}

// answers is what a site says of a URL, by each proof.
type answers struct {
	page    names
	file    []word
	records []word
	// What could not be read. A page or file that is not there has been read.
	pageErr, fileErr, recordsErr error
}

// ask asks a site in all three ways at the same time.
func (k *Keeper) ask(ctx context.Context, raw string) (said answers, err error) {
	u, err := target(raw)
	if err != nil {
		return said, fmt.Errorf("ask a site: %w", err)
	}
	name := host(u)
	if name == "" {
		return said, fmt.Errorf("ask a site: %w", noSite())
	}
	var all sync.WaitGroup
	all.Go(func() { said.page, said.pageErr = k.page(ctx, u) })
	all.Go(func() { said.file, said.fileErr = k.file(ctx, u) })
	all.Go(func() { said.records, said.recordsErr = k.records(ctx, name) })
	all.Wait()
	k.log.Debug("asked a site", "host", name, "page", said.pageErr, "file", said.fileErr, "records", said.recordsErr)
	return said, ctx.Err()
}

// page reads the page at a URL, which may lead to one below it.
func (k *Keeper) page(ctx context.Context, u *url.URL) (names, error) {
	key, err := flattr.KeyOf(u.String())
	if err != nil {
		return names{}, err
	}
	at := u
	text, err := k.fetch.get(ctx, u.String(), maxPage, []string{"text/html", "application/xhtml+xml"}, func(end *url.URL) bool {
		at = end
		got, err := flattr.KeyOf(end.String())
		return err == nil && (got == key || strings.HasSuffix(string(key), "/") && strings.HasPrefix(string(got), string(key)))
	})
	if errors.Is(err, errMissing) {
		return names{}, nil
	}
	if err != nil {
		return names{}, err
	}
	return readPage(text, at, func(h string) bool { return k.ours[strings.ToLower(h)] }), nil
}

// file reads flattr.txt of a URL's host.
func (k *Keeper) file(ctx context.Context, u *url.URL) ([]word, error) {
	at := (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: wellKnown}).String()
	key, err := flattr.KeyOf(at)
	if err != nil {
		return nil, err
	}
	text, err := k.fetch.get(ctx, at, maxFile, []string{"text/plain"}, func(end *url.URL) bool {
		got, err := flattr.KeyOf(end.String())
		return err == nil && got == key
	})
	if errors.Is(err, errMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseFile(text), nil
}

// records reads the TXT records that speak for a host; the nearest name that has
// any decides.
func (k *Keeper) records(ctx context.Context, host string) ([]word, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	for _, name := range recordNames(host) {
		texts, err := k.resolver.LookupTXT(ctx, recordPrefix+name+".")
		var missing *net.DNSError
		if errors.As(err, &missing) && missing.IsNotFound {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("ask for records: %w", err)
		}
		if words := parseRecords(texts); len(words) > 0 {
			return words, nil
		}
	}
	return nil, nil
}
