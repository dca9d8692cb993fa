package rest

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

var errNoText = refuse(codeFormat, "Only lists can be answered as txt.")

// says reports whether a route that changes something can say so in a format:
// when it is done it is too late to refuse.
func (rt *route) says(format string) bool {
	if format != formatText || rt.Method == http.MethodGet {
		return true
	}
	return !slices.ContainsFunc(rt.Answers, func(o outcome) bool {
		return o.Body != nil && reflect.TypeOf(o.Body).Kind() != reflect.Slice
	})
}

// encode writes a value in a format. What JSON makes of it is what the other
// formats say too.
func encode(format, root string, value any) ([]byte, error) {
	if feed, ok := value.(activities); ok && format == formatAtom {
		return feed.atom()
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	if format == formatJSON || format == formatAS {
		return bytes.ReplaceAll(text, []byte("/"), []byte(`\/`)), nil // as clients have always read it
	}
	tree, err := treeOf(text)
	if err != nil {
		return nil, fmt.Errorf("encode answer as %s: %w", format, err)
	}
	var out bytes.Buffer
	switch format {
	case formatXML:
		out.WriteString(xml.Header)
		tree.xml(&out, element(root), 0)
	case formatYAML:
		out.WriteString("---\n")
		tree.yaml(&out, 0)
	case formatText:
		if !tree.list {
			return nil, errNoText
		}
		tree.text(&out)
	default:
		return nil, refuse(codeFormat, "This cannot be answered as "+format+".")
	}
	return out.Bytes(), nil
}

// node is a value of JSON whose order is kept.
type node struct {
	list, object bool
	names        []string // of an object's values
	values       []*node
	scalar       any // string, json.Number, bool or nil
}

func treeOf(text []byte) (*node, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return readNode(decoder)
}

func readNode(decoder *json.Decoder) (*node, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	open, nested := token.(json.Delim)
	if !nested {
		return &node{scalar: token}, nil
	}
	n := &node{list: open == '[', object: open == '{'}
	for decoder.More() {
		if n.object {
			name, err := decoder.Token()
			if err != nil {
				return nil, err
			}
			n.names = append(n.names, fmt.Sprint(name))
		}
		value, err := readNode(decoder)
		if err != nil {
			return nil, err
		}
		n.values = append(n.values, value)
	}
	_, err = decoder.Token() // the closing bracket
	return n, err
}

// plain is a scalar as text.
func (n *node) plain() string {
	if n.scalar == nil {
		return ""
	}
	return fmt.Sprint(n.scalar)
}

// element is a name that XML takes: ours are, save that activities have an
// empty root.
func element(name string) string {
	if name == "" {
		return "response"
	}
	return name
}

// singular names what a list of that name holds.
func singular(name string) string {
	if stem, ok := strings.CutSuffix(name, "ies"); ok {
		return stem + "y"
	}
	if stem, ok := strings.CutSuffix(name, "s"); ok {
		return stem
	}
	return "item"
}

const indent = "  "

func (n *node) xml(out *bytes.Buffer, name string, depth int) {
	margin := strings.Repeat(indent, depth)
	out.WriteString(margin + "<" + name + ">")
	switch {
	case len(n.values) > 0:
		out.WriteString("\n")
		for i, value := range n.values {
			inner := singular(name)
			if n.object {
				inner = n.names[i]
			}
			value.xml(out, element(inner), depth+1)
		}
		out.WriteString(margin)
	case !n.list && !n.object:
		_ = xml.EscapeText(out, []byte(n.plain())) // a buffer takes everything
	}
	out.WriteString("</" + name + ">\n")
}

// yaml writes a value from the place on where the line stands.
func (n *node) yaml(out *bytes.Buffer, depth int) {
	if !n.list && !n.object {
		out.WriteString(n.yamlScalar() + "\n")
		return
	}
	if len(n.values) == 0 {
		out.WriteString(map[bool]string{true: "[]\n", false: "{}\n"}[n.list])
		return
	}
	for i, value := range n.values {
		if i > 0 {
			out.WriteString(strings.Repeat(indent, depth))
		}
		if n.list {
			out.WriteString("- ")
			value.yaml(out, depth+1)
			continue
		}
		out.WriteString(n.names[i] + ":")
		if (value.list || value.object) && len(value.values) > 0 {
			out.WriteString("\n" + strings.Repeat(indent, depth+1))
		} else {
			out.WriteString(" ")
		}
		value.yaml(out, depth+1)
	}
}

// yamlScalar writes text in double quotes, which YAML reads as JSON does.
func (n *node) yamlScalar() string {
	text, ok := n.scalar.(string)
	if !ok {
		if n.scalar == nil {
			return "null"
		}
		return n.plain()
	}
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r < ' ' || r >= 0x7f && r <= 0x9f || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0xfffe || r == 0xffff:
			fmt.Fprintf(&out, `\u%04X`, r)
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
	return out.String()
}

// text writes one line for each item of a list: what is plain in it, with a tab
// between. Tabs and line breaks within are blanks.
func (n *node) text(out io.Writer) {
	clean := strings.NewReplacer("\t", " ", "\n", " ", "\r", " ")
	for _, item := range n.values {
		parts := []string{}
		for _, value := range append([]*node{item}, item.values...) {
			if !value.list && !value.object {
				parts = append(parts, clean.Replace(value.plain()))
			}
		}
		_, _ = io.WriteString(out, strings.Join(parts, "\t")+"\n") // a buffer takes everything
	}
}
