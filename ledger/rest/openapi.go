package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// tree is an object of JSON that is written once.
type tree map[string]any

// scopes are what a token can be given.
var scopes = []struct{ Name, Meaning string }{
	{"flattr", "Flattr and subscribe to things for the member."},
	{"thing", "Register, change and withdraw the member's things."},
	{scopeEmail, "Read the member's email address."},
	{scopeExtended, "Read the member's email address and since when they are a member."},
}

// openAPI describes the interface in OpenAPI 3.1, as the table of routes has it.
func (s *Server) openAPI() ([]byte, error) {
	paths := tree{}
	for i := range s.routes {
		rt := &s.routes[i]
		path := braced(rt.Pattern)
		if paths[path] == nil {
			paths[path] = tree{}
		}
		paths[path].(tree)[strings.ToLower(rt.Method)] = s.operation(rt)
	}
	schemas := tree{}
	for _, o := range s.objects() {
		schemas[o.Name] = o.schema()
	}
	all := tree{}
	for _, scope := range scopes {
		all[scope.Name] = scope.Meaning
	}
	text, err := json.MarshalIndent(tree{
		"openapi": "3.1.0",
		"info": tree{
			"title": "Flattr REST API", "version": "2",
			"description": "The interface that Flattr's clients speak. The reference is at " + s.link("docs", "api") + ".",
			"license":     tree{"name": "Apache-2.0", "identifier": "Apache-2.0"},
		},
		"servers": []tree{{"url": s.resource()}},
		"paths":   paths,
		"components": tree{
			"schemas": schemas,
			"securitySchemes": tree{"oauth": tree{"type": "oauth2", "flows": tree{"authorizationCode": tree{
				"authorizationUrl": s.link("oauth", "authorize"), "tokenUrl": s.link("oauth", "token"), "scopes": all,
			}}}},
			"responses": tree{"error": tree{
				"description": "What was asked for was not done.", "content": contentOf(nil, tree{"$ref": "#/components/schemas/error"}),
			}},
		},
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("describe the interface: %w", err)
	}
	return append(text, '\n'), nil
}

// braced is a pattern as OpenAPI writes it.
func braced(pattern string) string {
	parts := strings.Split(pattern, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

// operationID names a route in programs: getUsersNameThings.
func (rt *route) operationID() string {
	id := strings.ToLower(rt.Method)
	for part := range strings.FieldsFuncSeq(rt.Pattern, func(r rune) bool { return strings.ContainsRune("/:_-", r) }) {
		id += strings.ToUpper(part[:1]) + part[1:]
	}
	return id
}

func (s *Server) operation(rt *route) tree {
	responses := tree{"default": tree{"$ref": "#/components/responses/error"}}
	for _, answer := range rt.Answers {
		response := tree{"description": answer.When}
		if answer.Body != nil {
			kind := reflect.TypeOf(answer.Body)
			schema, list := schemaOf(kind), kind.Kind() == reflect.Slice
			if strings.Contains(rt.Pattern, ":id") && kind == reflect.TypeFor[thing]() && rt.Method == http.MethodGet {
				schema, list = tree{"anyOf": []tree{schema, {"type": "array", "items": schema}}}, true
			}
			content := contentOf(rt.Formats, schema)
			if list {
				content[formats[formatText].media[0]] = tree{"schema": tree{"type": "string", "description": "A line for each, with tabs between its plain fields."}}
			}
			response["content"] = content
		}
		responses[strconv.Itoa(answer.Status)] = response
	}
	for status, meanings := range rt.failures() {
		if responses[status] == nil {
			responses[status] = tree{"description": strings.Join(meanings, " "), "content": contentOf(nil, tree{"$ref": "#/components/schemas/error"})}
		}
	}
	op := tree{"operationId": rt.operationID(), "summary": rt.Summary, "responses": responses}
	parameters, body, required := []tree{}, tree{}, []string{}
	for _, p := range rt.Parameters {
		schema := tree{"type": p.Kind}
		if p.Kind == "list" {
			schema = tree{"type": "array", "items": tree{"type": "string"}}
		}
		if p.Values != nil {
			schema["enum"] = p.Values
		}
		if p.In == "body" {
			schema["description"] = p.Meaning
			body[p.Name] = schema
			if p.Required {
				required = append(required, p.Name)
			}
			continue
		}
		described := tree{"name": p.Name, "in": p.In, "description": p.Meaning, "required": p.Required, "schema": schema}
		if p.Kind == "boolean" {
			described["allowEmptyValue"] = true
		}
		parameters = append(parameters, described)
	}
	if len(parameters) > 0 {
		op["parameters"] = parameters
	}
	if len(body) > 0 {
		schema := tree{"type": "object", "properties": body}
		if len(required) > 0 {
			schema["required"] = required
		}
		op["requestBody"] = tree{"required": len(required) > 0, "content": tree{
			"application/json": tree{"schema": schema}, "application/x-www-form-urlencoded": tree{"schema": schema},
		}}
	}
	switch {
	case rt.Scope != "":
		op["security"] = []tree{{"oauth": []string{rt.Scope}}}
	case rt.Token:
		op["security"] = []tree{{"oauth": []string{}}}
	}
	return op
}

// refusals are the codes that a route lists, and those of its token.
func (rt *route) refusals() []string {
	codes := slices.Clone(rt.Errors)
	if rt.Token || rt.Scope != "" {
		codes = append(codes, codeSignIn)
	}
	if rt.Scope != "" {
		codes = append(codes, codeScope)
	}
	return codes
}

// failures are the statuses of a route's refusals, with what each code means.
func (rt *route) failures() map[string][]string {
	all := map[string][]string{}
	for _, kind := range errorKinds {
		if slices.Contains(rt.refusals(), kind.Code) {
			status := strconv.Itoa(kind.Status)
			all[status] = append(all[status], kind.Code+": "+kind.Meaning)
		}
	}
	return all
}

// contentOf is what an answer with a schema is in each of its formats.
func contentOf(own []string, schema tree) tree {
	if own == nil {
		return tree{formats[formatJSON].media[0]: tree{"schema": schema}, formats[formatXML].media[0]: tree{}, formats[formatYAML].media[0]: tree{"schema": schema}}
	}
	content := tree{}
	for _, format := range own {
		content[formats[format].media[0]] = tree{}
		if format == formatAS {
			content[formats[format].media[0]] = tree{"schema": schema}
		}
	}
	return content
}

func schemaOf(t reflect.Type) tree {
	kind, of, _ := kindOf(t)
	return field{Kind: kind, Of: of}.schema()
}

// schema is the field's JSON schema.
func (f field) schema() tree {
	var schema tree
	switch f.Kind {
	case "string", "integer", "number", "boolean", "object":
		schema = tree{"type": f.Kind}
	case "list":
		schema = tree{"type": "array", "items": field{Kind: f.Of}.schema()}
	default:
		schema = tree{"$ref": "#/components/schemas/" + f.Kind}
	}
	if kind, plain := schema["type"]; f.Null && plain {
		schema["type"] = []any{kind, "null"}
	}
	if f.Meaning != "" {
		schema["description"] = f.Meaning
	}
	return schema
}

// schema is the object's JSON schema.
func (o object) schema() tree {
	properties, required := tree{}, []string{}
	for _, f := range o.Fields {
		properties[f.Name] = f.schema()
		if f.Always {
			required = append(required, f.Name)
		}
	}
	return tree{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}
