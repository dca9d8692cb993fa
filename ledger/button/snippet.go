package button

import (
	"bytes"
	"fmt"
	"html/template"
	"net/url"
	"strings"
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
	largeDrawing = snippet(`<svg xmlns="http://www.w3.org/2000/svg" width="55" height="62" viewBox="0 0 55 62" role="img" aria-label="{{.Label}}">` +
		`<rect width="55" height="62" rx="8" fill="#2f7d1f"/><path fill="#fff" fill-rule="evenodd" transform="translate(13.5 7) scale(.875)" d="{{.Mark}}"/>` +
		`<text x="27.5" y="53" fill="#fff" font-family="system-ui,sans-serif" font-size="12" font-weight="700" text-anchor="middle" textLength="36" lengthAdjust="spacingAndGlyphs">Flattr</text></svg>`)
	compactDrawing = snippet(`<svg xmlns="http://www.w3.org/2000/svg" width="110" height="20" viewBox="0 0 110 20" role="img" aria-label="{{.Label}}">` +
		`<rect width="110" height="20" rx="5" fill="#2f7d1f"/><path fill="#fff" fill-rule="evenodd" transform="translate(8 3) scale(.45)" d="{{.Mark}}"/>` +
		`<text x="64" y="14.5" fill="#fff" font-family="system-ui,sans-serif" font-size="12" font-weight="700" text-anchor="middle">{{.Alone}}</text></svg>`)
	openLink    = snippet(`<a href="{{.Href}}" title="{{.Label}}">`)
	paymentLink = snippet(`<link rel="payment" type="text/html" title="{{.Label}}" href="{{.Href}}">`)
	atomLink    = snippet(`<link rel="payment" type="text/html" title="{{.Label}}" href="{{.Href}}"/>`)
	rssLink     = snippet(`<atom:link rel="payment" type="text/html" title="{{.Label}}" href="{{.Href}}"/>`)
)

func snippet(text string) *template.Template {
	return template.Must(template.New("snippet").Parse(text))
}

// drawn is what a button says of the thing.
func (a Asked) drawn(public *url.URL) (drawn, *template.Template) {
	words := wordOn(a.Language)
	d := drawn{Href: a.Submit(public), Label: words, Alone: words, Mark: markPath}
	if a.Title != "" {
		d.Label += ": " + a.Title
	}
	if a.Compact {
		return d, compactDrawing
	}
	return d, largeDrawing
}

// wordOn is what a button says in a language. Where the ledger has no words of
// it, that is the name alone and not English.
func wordOn(language string) string {
	lang, _, _ := strings.Cut(language, "_")
	if w, known := frameWords[lang]; known {
		return w.this
	}
	if lang == "" {
		return frameWords["en"].this
	}
	return "Flattr"
}

// Drawing is the picture of the button alone, without its link.
func (a Asked) Drawing(public *url.URL) (template.HTML, error) {
	d, drawing := a.drawn(public)
	text, err := write(d, drawing)
	return template.HTML(text), err // escaped by its template
}

// Snippets writes what an author can put into pages, in the language that was
// asked for. All of it is escaped for where it stands.
func (a Asked) Snippets(public *url.URL) (s Snippets, err error) {
	d, drawing := a.drawn(public)
	for _, part := range []struct {
		to   *string
		from []*template.Template
	}{{&s.Link, []*template.Template{openLink, drawing}}, {&s.Head, []*template.Template{paymentLink}}, {&s.Atom, []*template.Template{atomLink}}, {&s.RSS, []*template.Template{rssLink}}} {
		if *part.to, err = write(d, part.from...); err != nil {
			return s, err
		}
	}
	s.Link += "</a>"
	return s, nil
}

// write is what templates make of a button, one after the other.
func write(d drawn, parts ...*template.Template) (string, error) {
	var out bytes.Buffer
	for _, part := range parts {
		if err := part.Execute(&out, d); err != nil {
			return "", fmt.Errorf("write snippet: %w", err)
		}
	}
	return out.String(), nil
}
