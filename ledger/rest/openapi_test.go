package rest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"flattr/ledger/store/storetest"
)

// described is the OpenAPI file of a desk, as JSON reads it.
func (d *desk) described() map[string]any {
	d.t.Helper()
	text, err := d.server.openAPI()
	if err != nil {
		d.t.Fatalf("openAPI = %v", err)
	}
	var described map[string]any
	if err := json.Unmarshal(text, &described); err != nil {
		d.t.Fatalf("openAPI is no JSON: %v", err)
	}
	return described
}

// at follows names into an object of JSON; it is nil where one is not there.
func at(value any, names ...string) any {
	for _, name := range names {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

func TestOpenAPIHasEveryRoute(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t))
	described := d.described()
	if described["openapi"] != "3.1.0" {
		t.Errorf("openapi = %v", described["openapi"])
	}
	ids, count := map[any]bool{}, 0
	for _, rt := range d.server.routes {
		op := at(described, "paths", braced(rt.Pattern), strings.ToLower(rt.Method))
		if op == nil {
			t.Errorf("%s %s is not described", rt.Method, rt.Pattern)
			continue
		}
		if id := at(op, "operationId"); ids[id] {
			t.Errorf("the operation %v is described twice", id)
		} else {
			ids[id] = true
		}
		if rt.Summary == "" || len(rt.Answers) == 0 || rt.handle == nil {
			t.Errorf("%s %s lacks a summary, an answer or a handler", rt.Method, rt.Pattern)
		}
		for _, code := range rt.Errors {
			if !slices.ContainsFunc(errorKinds, func(k errorKind) bool { return k.Code == code }) {
				t.Errorf("%s %s answers %s, which is no error of the interface", rt.Method, rt.Pattern, code)
			}
		}
		for _, part := range rt.segments {
			name, isParameter := strings.CutPrefix(part, ":")
			if isParameter && !slices.ContainsFunc(rt.Parameters, func(p parameter) bool { return p.In == "path" && p.Name == name && p.Required }) {
				t.Errorf("%s %s does not describe %s", rt.Method, rt.Pattern, part)
			}
		}
		for _, p := range rt.Parameters {
			if !slices.Contains([]string{"path", "query", "body"}, p.In) || !slices.Contains([]string{"string", "integer", "boolean", "list"}, p.Kind) || p.Meaning == "" {
				t.Errorf("%s %s: parameter %+v", rt.Method, rt.Pattern, p)
			}
		}
		if rt.Scope != "" && !slices.ContainsFunc(scopes, func(s struct{ Name, Meaning string }) bool { return s.Name == rt.Scope }) {
			t.Errorf("%s %s needs the scope %s, which is none", rt.Method, rt.Pattern, rt.Scope)
		}
	}
	for _, methods := range described["paths"].(map[string]any) {
		count += len(methods.(map[string]any))
	}
	if count != len(d.server.routes) {
		t.Errorf("%d operations are described of %d routes", count, len(d.server.routes))
	}
}

func TestReference(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t))
	handler, err := d.server.References()
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return w
	}
	page := get(Reference)
	if page.Code != 200 || page.Header().Get("Content-Security-Policy") != referencePolicy || page.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("reference = %d %v", page.Code, page.Header())
	}
	for _, rt := range d.server.routes {
		if !bytes.Contains(page.Body.Bytes(), []byte(`<article id="`+rt.operationID()+`">`)) {
			t.Errorf("the reference lacks %s %s", rt.Method, rt.Pattern)
		}
	}
	for _, kind := range errorKinds {
		if !bytes.Contains(page.Body.Bytes(), []byte(`<tr id="`+kind.Code+`">`)) {
			t.Errorf("the reference lacks the error %s", kind.Code)
		}
	}
	if text := page.Body.String(); strings.Contains(text, "<script") || strings.Contains(text, " style=") || strings.Contains(text, "ZgotmplZ") {
		t.Error("the reference has what its policy does not let in")
	}
	if w := get(Reference + "/openapi.json"); w.Code != 200 || !json.Valid(w.Body.Bytes()) || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("openapi.json = %d %v", w.Code, w.Header())
	}
}
