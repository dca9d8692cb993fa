package rest

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"reflect"
	"strings"
)

// Reference is where the reference is; the file of OpenAPI is below it.
const Reference = "/docs/api"

//go:embed reference.html
var referenceFile embed.FS

// referencePolicy is the content security policy of the reference: the site's
// style sheet and mark, and nothing else.
const referencePolicy = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"

// group is what the reference says under one heading.
type group struct {
	Title, ID string
	Routes    []*route
}

// Anchor names a route within the reference.
func (rt *route) Anchor() string { return rt.operationID() }

// Answer says what an answer holds.
func (o outcome) Answer() string {
	if o.Body == nil {
		return "nothing"
	}
	kind, of, _ := kindOf(reflect.TypeOf(o.Body))
	if kind == "list" {
		return "list of " + of
	}
	return kind
}

// groups are the routes by what they are about.
func (s *Server) groups() []group {
	all := []group{
		{Title: "Members", ID: "members"},
		{Title: "Things", ID: "things"},
		{Title: "Flattrs and subscriptions", ID: "flattrs"},
		{Title: "Activities", ID: "activities"},
		{Title: "Lists and limits", ID: "lists"},
	}
	for i := range s.routes {
		rt := &s.routes[i]
		at := 4
		switch path := rt.Pattern; {
		case strings.HasSuffix(path, "/activities"):
			at = 3
		case strings.Contains(path, "flattr") || strings.Contains(path, "subscription"):
			at = 2
		case strings.Contains(path, "things"):
			at = 1
		case strings.HasPrefix(path, "/user"):
			at = 0
		}
		all[at].Routes = append(all[at].Routes, rt)
	}
	return all
}

// References answers the reference and the file of OpenAPI, which are made of
// the table once.
func (s *Server) References() (http.Handler, error) {
	parsed, err := template.New("reference.html").Funcs(template.FuncMap{"curl": s.curl}).ParseFS(referenceFile, "reference.html")
	if err != nil {
		return nil, fmt.Errorf("parse reference: %w", err)
	}
	var page bytes.Buffer
	err = parsed.Execute(&page, map[string]any{
		"Base": s.resource(), "Authorize": s.link("oauth", "authorize"), "Token": s.link("oauth", "token"), "OpenAPI": Reference + "/openapi.json",
		"Groups": s.groups(), "Objects": s.objects(), "Errors": errorKinds, "Scopes": scopes, "Limit": hourlyLimit,
	})
	if err != nil {
		return nil, fmt.Errorf("write reference: %w", err)
	}
	described, err := s.openAPI()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	serve := func(path, kind string, text []byte) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h.Set("Content-Type", kind+"; charset=utf-8")
			h.Set("Cache-Control", "public, max-age=3600")
			h.Set("Content-Security-Policy", referencePolicy)
			h.Set("Referrer-Policy", "no-referrer")
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("X-Frame-Options", "DENY")
			if kind == formats[formatJSON].media[0] {
				h.Set("Access-Control-Allow-Origin", "*")
			}
			_, _ = w.Write(text) // who asked may be gone
		})
	}
	serve(Reference, "text/html", page.Bytes())
	serve(Reference+"/openapi.json", formats[formatJSON].media[0], described)
	return mux, nil
}

// curl is a line that asks for a route.
func (s *Server) curl(rt *route) string {
	line := "curl"
	if rt.Method != http.MethodGet {
		line += " -X " + rt.Method
	}
	if rt.Token || rt.Scope != "" {
		line += ` -H "Authorization: Bearer $TOKEN"`
	}
	path := strings.NewReplacer(":name", "NAME", ":id", "ID").Replace(rt.Pattern)
	var query, body []string
	for _, p := range rt.Parameters {
		switch {
		case p.Required && p.In == "query":
			query = append(query, p.Name+"=…")
		case p.Required && p.In == "body":
			body = append(body, p.Name+"=…")
		}
	}
	if len(query) > 0 {
		path += "?" + strings.Join(query, "&")
	}
	for _, field := range body {
		line += " --data-urlencode " + field
	}
	return line + " '" + strings.TrimSuffix(s.resource(), "/") + path + "'"
}
