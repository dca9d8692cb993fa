package claim

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"

	"flattr/ledger/flattr"
)

// Host is the name of a host on whose pages a partner's owners count, from what
// was typed. It refuses with no_site what has no name, and a name that others are
// given names below, such as github.io: a partner speaks for sites of its own.
func Host(typed string) (string, error) {
	typed = strings.ToLower(strings.TrimSpace(typed))
	name := host(&url.URL{Scheme: "https", Host: typed})
	if name == "" || strings.ContainsAny(typed, ":/?#@") {
		return "", flattr.Refuse(flattr.NoSite, "Name a host of the partner's own, such as player.example; not one where others have names, such as github.io.")
	}
	return name, nil
}

// within reports whether a host is one that was registered, or lies below it
// without having been given to somebody else: below player.example, but not
// below a name that is a public suffix itself.
func within(name, registered string) bool {
	if name == registered {
		return true
	}
	if !strings.HasSuffix(name, "."+registered) {
		return false
	}
	site, err := publicsuffix.EffectiveTLDPlusOne(name)
	own, ownErr := publicsuffix.EffectiveTLDPlusOne(registered)
	return err == nil && ownErr == nil && site == own
}

// who is the member whom a site calls by a flattr:id or as a partner does, and
// 0 for nobody. What a partner says counts on its own hosts only: else it could
// say of itself that it is whom another site thanks.
func (k *Keeper) who(ctx context.Context, host, id string) (flattr.MemberID, error) {
	if strings.HasPrefix(id, flattr.PartnerPrefix) {
		member, hosts, err := k.store.Identity(ctx, id)
		if err != nil {
			return 0, fmt.Errorf("find whom a site names: %w", err)
		}
		for _, registered := range hosts {
			if within(host, registered) {
				return member, nil
			}
		}
		return 0, nil
	}
	member, err := k.store.MemberByFlattrID(ctx, id)
	if flattr.CodeOf(err) == flattr.NotFound {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("find whom a site names: %w", err)
	}
	return member, nil
}

// named is who for a button or a payment link, which may give a name too.
func (k *Keeper) named(ctx context.Context, host, name string) (flattr.MemberID, error) {
	if strings.HasPrefix(name, flattr.PartnerPrefix) {
		return k.who(ctx, host, name)
	}
	member, err := k.store.Named(ctx, name)
	if err != nil {
		return 0, fmt.Errorf("find whom a page names: %w", err)
	}
	return member, nil
}

// ownerOf is the one member whom a page names and what it calls them, 0 where it
// names nobody, somebody who is no member, or several. The head's word goes before
// buttons, which on many pages visitors can write too.
func (k *Keeper) ownerOf(ctx context.Context, host string, page names) (owner flattr.MemberID, name string, err error) {
	if page.id != "" {
		owner, err = k.who(ctx, host, page.id)
		return owner, page.id, err
	}
	for _, names := range [][]string{page.payment, page.buttons} {
		if len(names) == 0 {
			continue
		}
		if len(names) > 1 || page.crowded {
			return 0, "", nil
		}
		owner, err = k.named(ctx, host, names[0])
		return owner, names[0], err
	}
	return 0, "", nil
}
