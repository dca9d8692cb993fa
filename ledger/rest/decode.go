package rest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// fields are the values of a form or of an object, by name.
type fields map[string][]string

// body is what a request has sent.
type body struct {
	fields fields
	items  []fields // where it is a list
}

// maxValues bounds the values of a body in JSON, each of which takes a hundred
// bytes of memory; as many things as can be flattred at once have fewer.
const maxValues = 10_000

// checkAddress refuses a path or a query that is no text.
func (c *call) checkAddress() error {
	for name, values := range c.query {
		if err := checkText(append(values, name)...); err != nil {
			return err
		}
	}
	for _, arg := range c.args {
		if err := checkText(arg); err != nil {
			return err
		}
	}
	return nil
}

// reads reports whether nothing is to be changed; then no body is looked at.
func (c *call) reads() bool { return c.r.Method == http.MethodGet || c.r.Method == http.MethodHead }

// decode reads the body.
func (c *call) decode(w http.ResponseWriter) error {
	raw, err := read(w, c.r)
	if err != nil {
		return err
	}
	c.sent, err = decodeBody(c.r.Header.Get("Content-Type"), raw)
	return err
}

// read reads a bounded body, which may be packed.
func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limited := http.MaxBytesReader(w, r.Body, maxBodyBytes)
	from := io.Reader(limited)
	switch encoding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))); encoding {
	case "", "identity", "utf-8", "utf8": // clients name the charset here by mistake
	case "gzip", "x-gzip":
		packed, err := gzip.NewReader(limited)
		if err != nil {
			return nil, refuse(codeInvalid, "The body is not packed with gzip.")
		}
		from = packed
	default:
		return nil, &problem{http.StatusUnsupportedMediaType, codeInvalid, "A body can be packed with gzip, and with nothing else."}
	}
	raw, err := io.ReadAll(io.LimitReader(from, maxBodyBytes+1))
	if err != nil {
		if p, expected := problemOf(err); expected {
			return nil, p
		}
		return nil, refuse(codeInvalid, "The body could not be read.")
	}
	if len(raw) > maxBodyBytes {
		return nil, &http.MaxBytesError{Limit: maxBodyBytes}
	}
	return raw, nil
}

// decodeBody reads JSON or a form. Clients send JSON as a form by mistake: what
// begins with a bracket is JSON.
func decodeBody(kind string, raw []byte) (body, error) {
	trimmed := bytes.TrimSpace(raw)
	if len(trimmed) == 0 {
		return body{}, nil
	}
	isJSON, isForm := false, kind == ""
	if kind != "" {
		media, _, _ := mime.ParseMediaType(kind) // what is no media type is of no known one
		isJSON = media == "application/json" || media == "text/json" || media == "text/javascript" || strings.HasSuffix(media, "+json")
		isForm = media == "application/x-www-form-urlencoded"
	}
	switch {
	case isJSON, isForm && (trimmed[0] == '{' || trimmed[0] == '['):
		return decodeJSON(trimmed)
	case isForm:
		return decodeForm(string(trimmed))
	}
	return body{}, &problem{http.StatusUnsupportedMediaType, codeInvalid, "A body is application/json or application/x-www-form-urlencoded."}
}

func decodeForm(raw string) (body, error) {
	values, err := valuesOf(raw)
	if err != nil {
		return body{}, refuse(codeInvalid, "The body is not a form.")
	}
	sent := body{fields: fields{}}
	for name, value := range values {
		if err := checkText(append(value, name)...); err != nil {
			return body{}, err
		}
		name = strings.TrimSuffix(name, "[]") // as PHP writes lists
		sent.fields[name] = append(sent.fields[name], value...)
	}
	return sent, nil
}

func decodeJSON(raw []byte) (body, error) {
	if err := checkText(string(raw)); err != nil {
		return body{}, err // the decoder would mend it
	}
	if bytes.Count(raw, []byte(",")) >= maxValues {
		return body{}, refuse(codeInvalid, "The body has more values than anything here takes.")
	}
	broken := refuse(codeInvalid, "The body is not an object or a list of objects in JSON.")
	if raw[0] == '[' {
		var list []map[string]any
		if err := unmarshal(raw, &list); err != nil {
			return body{}, broken
		}
		sent := body{items: make([]fields, len(list))}
		for i, object := range list {
			var err error
			if sent.items[i], err = flat(object); err != nil {
				return body{}, err
			}
		}
		return sent, nil
	}
	var object map[string]any
	if err := unmarshal(raw, &object); err != nil {
		return body{}, broken
	}
	all, err := flat(object)
	return body{fields: all}, err
}

// unmarshal reads JSON with numbers as they are written.
func unmarshal(raw []byte, to any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(to); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return fmt.Errorf("more than one value: %w", err)
	}
	return nil
}

// flat is an object as if it were a form: what is null is not there, and objects
// within are not looked at.
func flat(object map[string]any) (fields, error) {
	all := fields{}
	for name, value := range object {
		if texts := textsOf(value); texts != nil {
			if err := checkText(append(texts, name)...); err != nil {
				return nil, err
			}
			all[name] = texts
		}
	}
	return all, nil
}

func textsOf(value any) []string {
	switch v := value.(type) {
	case string:
		return []string{v}
	case json.Number:
		return []string{v.String()}
	case bool:
		return []string{fmt.Sprint(v)}
	case []any:
		texts := make([]string, 0, len(v))
		for _, item := range v {
			if _, list := item.([]any); !list {
				texts = append(texts, textsOf(item)...)
			}
		}
		return texts
	}
	return nil
}
