// Command gen prints the JSON schema of the messages in package wire.
//
// From the top of the project:
//
//	go run ./daemon/wire/gen > extension/wire.schema.json
//
// The extension's build turns the schema into extension/src/wire.gen.ts, so
// that the Go types stay the only source. Comments travel along.
package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"

	"flattr/daemon/wire"

	"github.com/invopop/jsonschema"
)

func main() {
	if err := generate(os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "gen: %v\n", err)
		os.Exit(1)
	}
}

// message ties a struct to the values its field "type" can have.
type message struct {
	value any
	types []wire.Type
}

// fromExtension are the messages the extension sends.
var fromExtension = []message{
	{wire.Flattr{}, []wire.Type{wire.TypeFlattr}},
	{wire.Undo{}, []wire.Type{wire.TypeUndo}},
	{wire.StatusAsk{}, []wire.Type{wire.TypeStatus}},
	{wire.Ask{}, []wire.Type{wire.TypeUnlink, wire.TypePing}},
	{wire.MonthAsk{}, []wire.Type{wire.TypeMonth, wire.TypeHistory}},
	{wire.LinkAsk{}, []wire.Type{wire.TypeLink}},
	{wire.Retire{}, []wire.Type{wire.TypeRetire}},
}

// fromCompanion are the messages the companion sends.
var fromCompanion = []message{
	{wire.Enrolled{}, []wire.Type{wire.TypeEnrolled}},
	{wire.Ack{}, []wire.Type{wire.TypeAck}},
	{wire.Nack{}, []wire.Type{wire.TypeNack}},
	{wire.Status{}, []wire.Type{wire.TypeStatus}},
	{wire.MonthPage{}, []wire.Type{wire.TypeMonth, wire.TypeHistory}},
	{wire.LinkAnswer{}, []wire.Type{wire.TypeLink}},
	{wire.Done{}, []wire.Type{wire.TypeUnlink, wire.TypeRetire}},
	{wire.Pong{}, []wire.Type{wire.TypePong}},
	{wire.ClickPush{}, []wire.Type{wire.TypeClick}},
	{wire.Problem{}, []wire.Type{wire.TypeProblem}},
}

// beside are the types that do not travel on the socket.
var beside = []any{wire.TicketRequest{}, wire.TicketAnswer{}}

// source is the folder of package wire, seen from the top of the project.
const source = "daemon/wire"

// generate writes the schema with the comments found in the source.
func generate(out io.Writer) error {
	states, err := constants("State")
	if err != nil {
		return err
	}
	reflector := &jsonschema.Reflector{
		Anonymous:                 true,
		AllowAdditionalProperties: true,
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			switch t {
			case reflect.TypeFor[wire.State]():
				return &jsonschema.Schema{Type: "string", Enum: states}
			case reflect.TypeFor[wire.Code](), reflect.TypeFor[wire.Type]():
				return &jsonschema.Schema{Type: "string"}
			}
			return nil
		},
	}
	if err := reflector.AddGoComments("flattr", source, jsonschema.WithFullComment()); err != nil {
		return fmt.Errorf("read comments: %w", err)
	}

	defs := jsonschema.Definitions{}
	add := func(value any, types []wire.Type) string {
		name := reflect.TypeOf(value).Name()
		for key, def := range reflector.Reflect(value).Definitions {
			defs[key] = def
		}
		if len(types) > 0 {
			property, _ := defs[name].Properties.Get("type")
			property.Enum = nil
			for _, t := range types {
				property.Enum = append(property.Enum, string(t))
			}
		}
		return name
	}
	union := func(name, comment string, messages []message) {
		def := &jsonschema.Schema{Title: name, Description: comment}
		for _, m := range messages {
			def.AnyOf = append(def.AnyOf, &jsonschema.Schema{Ref: "#/$defs/" + add(m.value, m.types)})
		}
		defs[name] = def
	}
	union("FromExtension", "FromExtension is every message the extension sends.", fromExtension)
	union("FromCompanion", "FromCompanion is every message the companion sends.", fromCompanion)
	for _, value := range beside {
		add(value, nil)
	}
	root := &jsonschema.Schema{
		Version: jsonschema.Version, Title: "Message", Definitions: defs,
		Description: "Message is one JSON object between extension and companion. Generated from daemon/wire; do not edit.",
		AnyOf:       []*jsonschema.Schema{{Ref: "#/$defs/FromExtension"}, {Ref: "#/$defs/FromCompanion"}},
		Extras:      map[string]any{"x-limits": limits()},
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(root)
}

// limits are the numbers and names both sides share.
func limits() map[string]any {
	return map[string]any{
		"version": wire.Version, "subprotocol": wire.Subprotocol,
		"maxFrameBytes": wire.MaxFrameBytes, "maxJsonBytes": wire.MaxJSONBytes,
		"maxUnanswered": wire.MaxUnanswered, "maxUrlBytes": wire.MaxURLBytes,
		"maxTitleRunes": wire.MaxTitleRunes, "defaultPort": wire.DefaultPort,
		"lastPort": wire.LastPort, "nativeHost": wire.NativeHost,
		"pasteTicketLabel": wire.PasteTicketLabel,
	}
}

// constants finds the values of the constants of one named type.
func constants(typeName string) ([]any, error) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(source, "wire.go"), nil, 0)
	if err != nil {
		return nil, fmt.Errorf("read constants: %w", err)
	}
	var values []any
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != typeName {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
			if text, err := strconv.Unquote(literal.Value); err == nil {
				values = append(values, text)
			}
		}
		return true
	})
	if len(values) == 0 {
		return nil, fmt.Errorf("no constants of type %s in %s", typeName, source)
	}
	return values, nil
}
