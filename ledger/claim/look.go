package claim

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// How long what a host says of itself is believed when pages are looked at, and
// how soon it is asked again where it could not be.
const (
	siteFor   = 24 * time.Hour
	siteRetry = time.Hour
	// maxSites bounds what is remembered: a few hundred bytes for each host.
	maxSites = 10_000
)

// site is what a host says in its flattr.txt and its records.
type site struct {
	mu            sync.Mutex // while it is asked, others wait for the answer
	file, records []word
	until         time.Time // believed until then
}

// sites remembers what hosts have said. It lives in one process: to ask twice
// does no harm.
type sites struct {
	mu sync.Mutex
	at map[string]*site
}

func (s *sites) of(host string) *site {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at[host] == nil {
		if s.at == nil || len(s.at) >= maxSites {
			s.at = map[string]*site{}
		}
		s.at[host] = &site{}
	}
	return s.at[host]
}

// siteOf is what the host of a URL says, as it was heard within a day, or as it
// is now.
func (k *Keeper) siteOf(ctx context.Context, u *url.URL, anew bool) (file, records []word) {
	s := k.sites.of(u.Scheme + "://" + u.Host)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !anew && k.now().Before(s.until) {
		return s.file, s.records
	}
	var fileErr, recordsErr error
	var both sync.WaitGroup
	both.Go(func() { s.file, fileErr = k.file(ctx, u) })
	both.Go(func() { s.records, recordsErr = k.records(ctx, host(u)) })
	both.Wait()
	switch {
	case ctx.Err() != nil:
	case fileErr != nil || recordsErr != nil:
		s.until = k.now().Add(siteRetry)
	default:
		s.until = k.now().Add(siteFor)
	}
	return s.file, s.records
}

// sight is what one look at a page has found.
type sight struct {
	owner  flattr.MemberID // whom the page names; 0: nobody, or not one alone
	named  string          // what it calls them
	optOut string          // the URL that wants no money; "": none
}

// see reads the page of a thing, and what its host says of it. A page that cannot
// be read names nobody. Where the host names somebody else for it nothing is
// guessed.
func (k *Keeper) see(ctx context.Context, raw string) (found sight, err error) {
	u, err := target(raw)
	if err != nil || host(u) == "" {
		return found, nil // there is nothing to look at
	}
	key, err := flattr.KeyOf(raw)
	if err != nil {
		return found, err
	}
	var said answers
	path, _, _ := strings.Cut(pathOf(key), "#")
	said.file, said.records = k.siteOf(ctx, u, false)
	if optOut(raw, path, said) != "" {
		if known, err := k.store.OptedOut(ctx, raw); err != nil || known {
			return found, err
		}
		// Nobody loses a site by what it said some hours ago.
		said.file, said.records = k.siteOf(ctx, u, true)
	}
	said.page, said.pageErr = k.page(ctx, u)
	if ctx.Err() != nil {
		return found, ctx.Err()
	}
	if found.optOut = optOut(raw, path, said); found.optOut != "" || said.pageErr != nil {
		return found, nil
	}
	if found.owner, found.named, err = k.ownerOf(ctx, hostOf(raw), said.page); err != nil || found.owner == 0 {
		return found, err
	}
	byFile, _ := ruling(said.file, path)
	byRecord, _ := ruling(said.records, "/")
	for _, id := range append(byFile, byRecord...) {
		other, err := k.who(ctx, hostOf(raw), id)
		if err != nil {
			return found, err
		}
		if other != 0 && other != found.owner {
			return sight{}, nil
		}
	}
	return found, nil
}

// look reads the page of one thing and books the owner whom it names.
func (k *Keeper) look(ctx context.Context, l store.Look) error {
	found, err := k.see(ctx, l.URL)
	if err != nil {
		return err
	}
	if found.optOut != "" {
		if err := k.store.OptOut(ctx, k.now(), found.optOut); err != nil {
			return fmt.Errorf("book opt-out: %w", err)
		}
	}
	if err := k.store.Looked(ctx, k.now(), l.Thing, found.owner, found.named); err != nil {
		return fmt.Errorf("book a look: %w", err)
	}
	return nil
}

// lookAgain reads the page of a thing whose owner hangs on it.
func (k *Keeper) lookAgain(ctx context.Context, p store.PageOwner) error {
	found, err := k.see(ctx, p.URL)
	if err != nil {
		return err
	}
	if found.optOut != "" {
		if err := k.store.OptOut(ctx, k.now(), found.optOut); err != nil {
			return fmt.Errorf("book opt-out: %w", err)
		}
	}
	lapsed, err := k.store.PageChecked(ctx, k.now(), p.Thing, found.owner)
	if err != nil {
		return fmt.Errorf("book a look: %w", err)
	}
	if lapsed {
		k.log.Info("page names its owner no more", "thing", int64(p.Thing), "member", int64(p.Owner))
	}
	return nil
}

// Wish asks a site, for whoever typed its address and need not be a member, and
// notes it where it says that it wants no money. It answers the URL that does, or
// "" where nothing there says so. It refuses as Site does, and with site_silent
// what could not be read.
func (k *Keeper) Wish(ctx context.Context, typed string) (string, error) {
	raw, err := Site(typed)
	if err != nil {
		return "", err
	}
	select {
	case k.wishes <- struct{}{}:
		defer func() { <-k.wishes }()
	default:
		return "", ErrBusy
	}
	done, err := k.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	said, err := k.ask(ctx, raw)
	if err != nil {
		return "", err
	}
	key, err := flattr.KeyOf(raw)
	if err != nil {
		return "", err
	}
	out := optOut(raw, pathOf(key), said)
	switch {
	case out != "":
		if err := k.store.OptOut(ctx, k.now(), out); err != nil {
			return "", fmt.Errorf("book opt-out: %w", err)
		}
	case said.pageErr != nil && said.fileErr != nil:
		return "", flattr.Refuse(flattr.SiteSilent, "The site could not be read. It has to answer at a public address, within a few seconds. Try again when it does.")
	}
	return out, nil
}
