package rest

import (
	"reflect"
	"slices"
	"strings"
)

// object describes an object on the wire, as its Go type says it.
type object struct {
	Name   string
	Fields []field
}

// field is a value in an object.
type field struct {
	Name     string
	Kind     string // string, integer, number, boolean, list, object, or name of an object
	Of       string // of a list: the kind of what is in it
	Always   bool   // else it may not be there
	Null     bool   // it can be null
	Meaning  string
	goStruct reflect.Type // of an object, and of the objects in a list
}

// wireName is what an object is called in the reference.
func wireName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[flattrd]():
		return "flattr"
	case reflect.TypeFor[errorBody]():
		return "error"
	}
	return t.Name()
}

// objectOf describes a struct; what is embedded by pointer may not be there.
func objectOf(t reflect.Type) object {
	o := object{Name: wireName(t)}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		kind := f.Type
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		if f.Anonymous && name == "" {
			for _, inner := range objectOf(kind).Fields {
				inner.Always = inner.Always && f.Type.Kind() != reflect.Pointer
				o.Fields = append(o.Fields, inner)
			}
			continue
		}
		if name == "" || name == "-" {
			continue
		}
		described := field{Name: name, Always: !strings.Contains(options, "omitempty"), Meaning: f.Tag.Get("doc")}
		described.Null = f.Type.Kind() == reflect.Pointer && described.Always
		described.Kind, described.Of, described.goStruct = kindOf(kind)
		o.Fields = append(o.Fields, described)
	}
	return o
}

func kindOf(t reflect.Type) (kind, of string, inner reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer:
		return kindOf(t.Elem())
	case reflect.String:
		return "string", "", nil
	case reflect.Bool:
		return "boolean", "", nil
	case reflect.Int, reflect.Int64, reflect.Int32:
		return "integer", "", nil
	case reflect.Float64:
		return "number", "", nil
	case reflect.Slice:
		of, _, inner := kindOf(t.Elem())
		return "list", of, inner
	case reflect.Struct:
		return wireName(t), "", t
	}
	return "object", "", nil
}

// objects are all objects of the answers, by name.
func (s *Server) objects() []object {
	var all []object
	var add func(t reflect.Type)
	add = func(t reflect.Type) {
		if t == nil || slices.ContainsFunc(all, func(o object) bool { return o.Name == wireName(t) }) {
			return
		}
		o := objectOf(t)
		all = append(all, o)
		for _, f := range o.Fields {
			add(f.goStruct)
		}
	}
	add(reflect.TypeFor[errorBody]())
	for _, rt := range s.routes {
		for _, answer := range rt.Answers {
			if answer.Body != nil {
				_, _, inner := kindOf(reflect.TypeOf(answer.Body))
				add(inner)
			}
		}
	}
	slices.SortFunc(all, func(a, b object) int { return strings.Compare(a.Name, b.Name) })
	return all
}
