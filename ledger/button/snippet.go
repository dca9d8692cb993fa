package button

import (
	"bytes"
	"fmt"
	"html/template"
	"net/url"
)

// Snippets are what an author puts into pages and feeds: plain links, which ask
// nobody for anything when a page is read. They never name the loader or a frame.
type Snippets struct {
	Link string // the button: a link with a drawing in it
	Head string // <link rel="payment"> for the head of a page
	Atom string // the same within an entry or a feed
	RSS  string // the same within an item or a channel
}

// drawn is what the templates of the snippets get.
type drawn struct{ Href, Label, Alone, Mark string }

// The templates write by attribute only, so that pages which forbid style
// elements show the button too. A drawing has its own colours, good on light and
// dark pages.
var (
	largeButton = snippet(`<a href="{{.Href}}" title="{{.Label}}"><svg xmlns="http://www.w3.org/2000/svg" width="55" height="62" viewBox="0 0 55 62" role="img" aria-label="{{.Label}}">` +
		`<rect width="55" height="62" rx="8" fill="#2f7d1f"/><path fill="#fff" fill-rule="evenodd" transform="translate(13.5 7) scale(.875)" d="{{.Mark}}"/>` +
		`<text x="27.5" y="53" fill="#fff" font-family="system-ui,sans-serif" font-size="12" font-weight="700" text-anchor="middle" textLength="{{.Alone}}" lengthAdjust="spacingAndGlyphs">Flattr</text></svg></a>`)
	compactButton = snippet(`<a href="{{.Href}}" title="{{.Label}}"><svg xmlns="http://www.w3.org/2000/svg" width="110" height="20" viewBox="0 0 110 20" role="img" aria-label="{{.Label}}">` +
		`<rect width="110" height="20" rx="5" fill="#2f7d1f"/><path fill="#fff" fill-rule="evenodd" transform="translate(8 3) scale(.45)" d="{{.Mark}}"/>` +
		`<text x="64" y="14.5" fill="#fff" font-family="system-ui,sans-serif" font-size="12" font-weight="700" text-anchor="middle">{{.Alone}}</text></svg></a>`)
	paymentLink = snippet(`<link rel="payment" type="text/html" title="{{.Label}}" href="{{.Href}}">`)
	atomLink    = snippet(`<link rel="payment" type="text/html" title="{{.Label}}" href="{{.Href}}"/>`)
	rssLink     = snippet(`<atom:link rel="payment" type="text/html" title="{{.Label}}" href="{{.Href}}"/>`)
)

func snippet(text string) *template.Template {
	return template.Must(template.New("snippet").Parse(text))
}

// Snippets writes what an author can put into pages, in the language that was
// asked for. All of it is escaped for where it stands.
func (a Asked) Snippets(public *url.URL) (s Snippets, err error) {
	words := wordsOf(a.Language)
	d := drawn{Href: a.Submit(public), Label: words.this, Alone: words.this, Mark: markPath}
	if a.Title != "" {
		d.Label += ": " + a.Title
	}
	pick := compactButton
	if !a.Compact {
		pick, d.Alone = largeButton, "36"
	}
	for _, part := range []struct {
		to   *string
		from *template.Template
	}{{&s.Link, pick}, {&s.Head, paymentLink}, {&s.Atom, atomLink}, {&s.RSS, rssLink}} {
		var out bytes.Buffer
		if err := part.from.Execute(&out, d); err != nil {
			return s, fmt.Errorf("write snippet: %w", err)
		}
		*part.to = out.String()
	}
	return s, nil
}
