package button

import (
	"encoding/xml"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Whatever an author asks for, the snippets are well-formed, hold the elements
// they are made of and nothing else, and lead to the ledger.
func FuzzSnippets(f *testing.F) {
	f.Add("url=http://a.test/x&title=a%20b&language=de_DE&button=compact")
	f.Add("url=http://a.test/?a=1%26b=2&title=%22%3E%3Cscript%3Ealert(1)%3C/script%3E%27&tags=%3Cb%3E&uid=%22onclick=")
	f.Add("url=http://a.test/%22%3E%3Csvg/onload=1%3E&title=%00%EF%BF%BE%ED%A0%80")
	public := &url.URL{Scheme: "https", Host: "ledger.example"}
	f.Fuzz(func(t *testing.T, query string) {
		a := ReadAsked(query)
		if a.URL == "" {
			return
		}
		made, err := a.Snippets(public)
		if err != nil {
			t.Fatalf("Snippets of %q = %v", query, err)
		}
		for _, text := range []string{made.Link, made.Head + "</link>", made.Atom, made.RSS} {
			decoder := xml.NewDecoder(strings.NewReader(strings.Replace(text, "atom:link", "link", 1)))
			decoder.Entity = xml.HTMLEntity
			token, err := decoder.Token()
			for ; err == nil; token, err = decoder.Token() {
				element, ok := token.(xml.StartElement)
				if !ok {
					continue
				}
				if !slices.Contains([]string{"a", "svg", "rect", "path", "text", "link"}, element.Name.Local) {
					t.Fatalf("%q makes the element %s: %s", query, element.Name.Local, text)
				}
				for _, attribute := range element.Attr {
					if strings.HasPrefix(attribute.Name.Local, "on") || attribute.Name.Local == "href" && !strings.HasPrefix(attribute.Value, "https://ledger.example/submit/auto?") {
						t.Fatalf("%q makes the attribute %s=%q: %s", query, attribute.Name.Local, attribute.Value, text)
					}
				}
			}
			if err != io.EOF {
				t.Fatalf("%q makes what is not well-formed: %v: %s", query, err, text)
			}
		}
	})
}
