package claim

import (
	"bytes"
	"cmp"
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"flattr/ledger/flattr"
)

// maxNames bounds what is kept of a page that names many.
const maxNames = 16

// maxToken bounds one tag or text; a head has no longer ones.
const maxToken = 64 << 10

// names is whom a page names as its owner.
type names struct {
	id      string   // <meta name="flattr:id"> of the head, the first, or what a partner calls the owner there; none: wants no money
	payment []string // rel="payment" links of the head to a flattr of this very page
	buttons []string // uid of buttons for this very page
	crowded bool     // more than maxNames
}

// inHead are the elements that stand in a head; any other ends it, so that what
// visitors may write into a page is not taken for its head.
var inHead = map[atom.Atom]bool{
	atom.Html: true, atom.Head: true, atom.Title: true, atom.Meta: true, atom.Link: true, atom.Script: true,
	atom.Style: true, atom.Base: true, atom.Noscript: true,
}

// pageReader goes through a page once.
type pageReader struct {
	found   names
	key     flattr.Key // of the page
	base    *url.URL
	isOurs  func(host string) bool // where Flattr's buttons lead
	body    bool
	raw     bool      // in an element of the head that holds text
	silent  atom.Atom // an element whose content is not part of the page; 0: none
	loaders string    // uid of the loader's address
	bare    int       // buttons for this page that name nobody themselves
}

// readPage finds whom a page names. isOurs tells hosts of Flattr: the old
// ones and the ledger's own.
func readPage(page []byte, at *url.URL, isOurs func(string) bool) names {
	key, err := flattr.KeyOf(at.String())
	if err != nil {
		return names{}
	}
	r := &pageReader{key: key, base: at, isOurs: isOurs}
	z := html.NewTokenizer(bytes.NewReader(page))
	z.SetMaxBuf(maxToken)
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		switch kind {
		case html.TextToken:
			// Text that stands outside of the head's elements begins the body.
			if !r.raw && len(bytes.TrimSpace(z.Text())) > 0 {
				r.body = true
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			r.start(z.Token())
		case html.EndTagToken:
			r.end(z.Token())
		}
	}
	if r.bare > 0 && r.loaders != "" {
		r.add(&r.found.buttons, r.loaders)
	}
	return r.found
}

// start takes an element's beginning.
func (r *pageReader) start(t html.Token) {
	if r.silent != 0 {
		return
	}
	r.raw = t.DataAtom == atom.Title || t.DataAtom == atom.Script || t.DataAtom == atom.Style || t.DataAtom == atom.Noscript
	switch t.DataAtom {
	case atom.Template, atom.Svg, atom.Math, atom.Textarea, atom.Noembed, atom.Noframes, atom.Xmp, atom.Plaintext:
		r.silent = t.DataAtom
	}
	if !inHead[t.DataAtom] {
		r.body = true
	}
	switch t.DataAtom {
	case atom.Meta:
		if !r.body && r.found.id == "" && strings.EqualFold(strings.TrimSpace(attr(t, "name")), "flattr:id") {
			if id := strings.TrimSpace(attr(t, "content")); id == none || isOwner(id) {
				r.found.id = id
			}
		}
	case atom.Link:
		if !r.body && hasWord(attr(t, "rel"), "payment") {
			r.link(attr(t, "href"), &r.found.payment)
		}
	case atom.Script:
		if u, err := r.base.Parse(attr(t, "src")); err == nil && r.isOurs(u.Hostname()) && strings.HasPrefix(u.Path, "/js/") {
			r.loaders = u.Query().Get("uid")
		}
	case atom.A:
		r.button(t)
	}
}

// end takes an element's end.
func (r *pageReader) end(t html.Token) {
	r.raw = false
	if r.silent == t.DataAtom {
		r.silent = 0
	}
	if t.DataAtom == atom.Head {
		r.body = true
	}
}

// button takes an a.FlattrButton. What the site marks as its visitors' word is
// nobody's button.
func (r *pageReader) button(t html.Token) {
	rel := attr(t, "rel")
	if !hasClass(attr(t, "class"), "FlattrButton") || hasWord(rel, "nofollow") || hasWord(rel, "ugc") || hasWord(rel, "sponsored") {
		return
	}
	href, uid := attr(t, "href"), cmp.Or(attr(t, "data-flattr-owner"), attr(t, "data-flattr-uid"))
	if named := attr(t, "data-flattr-url"); named != "" {
		href = named
	}
	for _, text := range []string{attr(t, "rev"), rel} {
		if strings.HasPrefix(text, "flattr") && len(text) > len("flattr;") {
			uid = ""
			owner := ""
			for piece := range strings.SplitSeq(text[len("flattr;"):], ";") {
				switch key, value, _ := strings.Cut(piece, ":"); key {
				case "uid":
					uid = value
				case "owner":
					owner = value
				case "url":
					href = value
				}
			}
			uid = cmp.Or(owner, uid)
			break
		}
	}
	if !r.isPage(href) {
		return
	}
	if uid = strings.TrimSpace(uid); uid == "" {
		r.bare++
		return
	}
	r.add(&r.found.buttons, uid)
}

// link takes an address of /submit/auto that is about this page.
func (r *pageReader) link(href string, to *[]string) {
	u, err := r.base.Parse(strings.TrimSpace(href))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || !r.isOurs(u.Hostname()) || strings.TrimSuffix(u.Path, "/") != "/submit/auto" {
		return
	}
	q := u.Query()
	if q.Get("url") == "" || !r.isPage(q.Get("url")) {
		return
	}
	if who := cmp.Or(flattr.NamedOwner(q.Get), strings.TrimSpace(q.Get("fid"))); who != "" {
		r.add(to, who)
	}
}

// isPage reports whether an address is that of the page itself, as no address is.
func (r *pageReader) isPage(href string) bool {
	if href == "" {
		return true
	}
	u, err := r.base.Parse(strings.TrimSpace(href))
	if err != nil {
		return false
	}
	key, err := flattr.KeyOf(u.String())
	return err == nil && key == r.key
}

// add keeps a name once.
func (r *pageReader) add(to *[]string, who string) {
	for _, has := range *to {
		if strings.EqualFold(has, who) {
			return
		}
	}
	if len(*to) == maxNames {
		r.found.crowded = true
		return
	}
	*to = append(*to, who)
}

// attr is the value of an attribute; the first one wins, as in browsers.
func attr(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}

func hasWord(list, word string) bool {
	for w := range strings.FieldsSeq(list) {
		if strings.EqualFold(w, word) {
			return true
		}
	}
	return false
}

func hasClass(list, class string) bool {
	for w := range strings.FieldsSeq(list) {
		if w == class {
			return true
		}
	}
	return false
}
