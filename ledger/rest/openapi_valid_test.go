package rest

import (
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"flattr/ledger/store/storetest"
)

// parsed is the OpenAPI file of a desk as a validator from elsewhere reads it,
// which finds it in order.
func (d *desk) parsed() *openapi3.T {
	d.t.Helper()
	text, err := d.server.openAPI()
	if err != nil {
		d.t.Fatalf("openAPI = %v", err)
	}
	doc, err := valid(d.t, text)
	if err != nil {
		d.t.Fatalf("the OpenAPI file is not valid: %v", err)
	}
	return doc
}

func valid(t *testing.T, text []byte) (*openapi3.T, error) {
	t.Helper()
	loader := openapi3.NewLoader()
	loader.Context = t.Context()
	doc, err := loader.LoadFromData(text)
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(t.Context())
}

// TestOpenAPIIsValid holds the file to the validator, and the validator to its
// task: it finds what is wrong with a file that was bent.
func TestOpenAPIIsValid(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t))
	if doc := d.parsed(); !doc.IsOpenAPI31OrLater() {
		t.Errorf("the file is of OpenAPI %s, want 3.1", doc.OpenAPI)
	}
	whole, err := d.server.openAPI()
	if err != nil {
		t.Fatal(err)
	}
	for what, bend := range map[string][2]string{
		"a reference to nothing":   {`"#/components/schemas/user"`, `"#/components/schemas/usher"`},
		"a type that is none":      {`"type": "boolean"`, `"type": "bool"`},
		"a parameter from nowhere": {`"in": "query"`, `"in": "thin air"`},
		"a path that is not bound": {`"/users/{name}"`, `"/users/{nome}"`},
		"no title":                 {`"title": "Flattr REST API",`, ``},
		"a field that is none":     {`"operationId": "getUser"`, `"operationID": "getUser"`},
		"one name for two":         {`"operationId": "getUser"`, `"operationId": "getCategories"`},
		"a flow that is none":      {`"authorizationCode"`, `"authorisationCode"`},
	} {
		bent := strings.Replace(string(whole), bend[0], bend[1], 1)
		if bent == string(whole) {
			t.Errorf("%s: there is no %s to bend", what, bend[0])
		}
		if _, err := valid(t, []byte(bent)); err == nil {
			t.Errorf("%s: the validator finds nothing", what)
		}
	}
}

// TestGoldenAnswersAreAsDescribed holds every golden answer in JSON, and what
// YAML says the same of, to its schema in the file.
func TestGoldenAnswersAreAsDescribed(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t))
	doc := d.parsed()
	checked := map[string]int{}
	for _, g := range d.goldenFiles() {
		if g.body == "" || g.route == nil {
			continue
		}
		response := doc.Paths.Value(braced(g.route.Pattern)).GetOperation(g.route.Method).Responses.Status(g.status)
		listed := slices.Contains(g.route.refusals(), g.code()) && slices.ContainsFunc(errorKinds, func(k errorKind) bool { return k.Code == g.code() && k.Status == g.status })
		if listed && response == nil {
			t.Errorf("%s: %s with %d is not described", g.file, g.route.operationID(), g.status)
		}
		if response == nil { // what any route can answer
			response = doc.Paths.Value(braced(g.route.Pattern)).GetOperation(g.route.Method).Responses.Default()
		}
		media := response.Value.Content[g.media]
		switch {
		case media == nil:
			t.Errorf("%s: %s with %d as %s is not described", g.file, g.route.operationID(), g.status, g.media)
		case media.Schema == nil: // XML and Atom, which such a schema does not describe
			checked["plain"]++
		default:
			value, err := g.value()
			if err == nil {
				err = media.Schema.Value.VisitJSON(value, openapi3.VisitAsResponse(), openapi3.EnableJSONSchema2020(), openapi3.MultiErrors())
			}
			if err != nil {
				t.Errorf("%s: %v", g.file, err)
			}
			checked[g.media]++
		}
	}
	for media, least := range map[string]int{"application/json": 120, "application/yaml": 120, "application/stream+json": 4, "plain": 120} {
		if checked[media] < least {
			t.Errorf("%d answers as %s were looked at, want at least %d", checked[media], media, least)
		}
	}
}
