package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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

// Every answer of a golden file in JSON is one that is described.
func TestGoldenAnswersAreAsDescribed(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t))
	described := d.described()
	files, err := filepath.Glob("testdata/golden/*.http")
	more, _ := filepath.Glob("testdata/golden/*/*.http") // the pattern is sound
	files = append(files, more...)
	if err != nil || len(files) == 0 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	checked := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		request, answer, ok := strings.Cut(string(text), "\n\n")
		status, rest, _ := strings.Cut(answer, "\n")
		for i := 0; i < 3 && len(status) != 3; i++ { // a body was sent
			_, answer, _ = strings.Cut(answer, "\n\n")
			status, rest, _ = strings.Cut(answer, "\n")
		}
		code, err := strconv.Atoi(status)
		if !ok || err != nil {
			t.Errorf("%s has no status", file)
			continue
		}
		header, body, _ := strings.Cut(rest, "\n\n")
		if !strings.Contains(header, "json") {
			continue
		}
		line, _, _ := strings.Cut(request, "\n")
		method, path, _ := strings.Cut(line, " ")
		path, _, _ = strings.Cut(strings.TrimPrefix(path, Base), "?")
		found, _ := d.server.match(path)
		if len(found.routes) == 0 {
			t.Errorf("%s asks for %s, which is no route", file, path)
			continue
		}
		if strings.Contains(request, "_method=patch") {
			method = http.MethodPatch
		}
		op := at(described, "paths", braced(found.routes[0].Pattern), strings.ToLower(method))
		var value any
		body = strings.ReplaceAll(body, `"id":ID`, `"id":1`) // where ids are not known beforehand
		if err := json.Unmarshal([]byte(body), &value); err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		schema := at(described, "components", "schemas", "error")
		if response := at(op, "responses", strconv.Itoa(code)); response != nil {
			media := "application/json"
			if strings.Contains(header, "stream+json") {
				media = "application/stream+json"
			}
			schema = at(response, "content", media, "schema")
		}
		if schema == nil {
			t.Errorf("%s: %s %s with %d is not described", file, method, path, code)
			continue
		}
		for _, wrong := range violations(described, schema, value, "") {
			t.Errorf("%s: %s", file, wrong)
		}
		checked++
	}
	if checked < 20 {
		t.Errorf("only %d answers were looked at", checked)
	}
}

// violations says where a value is not as its schema has it; of JSON schema it
// knows what our descriptions use.
func violations(described, schema, value any, where string) (wrong []string) {
	if ref, ok := at(schema, "$ref").(string); ok {
		schema = at(described, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	if any, ok := at(schema, "anyOf").([]any); ok {
		for _, one := range any {
			if wrong = violations(described, one, value, where); len(wrong) == 0 {
				return nil
			}
		}
		return wrong
	}
	kind, _ := at(schema, "type").(string)
	if kinds, ok := at(schema, "type").([]any); ok {
		if value == nil {
			return nil
		}
		kind, _ = kinds[0].(string)
	}
	switch v := value.(type) {
	case map[string]any:
		if kind != "object" {
			return []string{where + " is an object, not " + kind}
		}
		properties, _ := at(schema, "properties").(map[string]any)
		for name, inner := range v {
			if properties[name] == nil && at(schema, "additionalProperties") == false {
				wrong = append(wrong, where+"/"+name+" is not described")
				continue
			}
			wrong = append(wrong, violations(described, properties[name], inner, where+"/"+name)...)
		}
		required, _ := at(schema, "required").([]any)
		for _, name := range required {
			if _, ok := v[name.(string)]; !ok {
				wrong = append(wrong, fmt.Sprintf("%s/%s is missing", where, name))
			}
		}
	case []any:
		if kind != "array" {
			return []string{where + " is a list, not " + kind}
		}
		for i, inner := range v {
			wrong = append(wrong, violations(described, at(schema, "items"), inner, fmt.Sprintf("%s/%d", where, i))...)
		}
	default:
		is := map[string]bool{"string": false, "boolean": false, "integer": false, "number": false}
		switch v := value.(type) {
		case string:
			is["string"] = true
		case bool:
			is["boolean"] = true
		case float64:
			is["number"], is["integer"] = true, v == float64(int64(v))
		}
		if !is[kind] {
			return []string{fmt.Sprintf("%s is %v, not of the kind %q", where, value, kind)}
		}
	}
	return wrong
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
