package api

import (
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"taxops/internal/kernel/problem"
)

// checkText refuses input with text that no engine can hold: PostgreSQL has no NUL and takes UTF-8
// only. Here it is a mistake of the sender; further in it would look like an accident of ours.
func checkText(in any) error {
	if at, ok := badText(reflect.ValueOf(in), ""); ok {
		return problem.InvalidField(at, "not_text", "text in UTF-8 without NUL")
	}
	return nil
}

// badText returns where the first unfit text is, named as huma names locations.
func badText(v reflect.Value, at string) (string, bool) {
	switch v.Kind() {
	case reflect.String:
		s := v.String()
		return at, !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return badText(v.Elem(), at)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() {
				continue
			}
			where := at
			if !f.Anonymous {
				where = locate(f, at)
			}
			if found, ok := badText(v.Field(i), where); ok {
				return found, true
			}
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return "", false // bytes are not text
		}
		for i := range v.Len() {
			if found, ok := badText(v.Index(i), fmt.Sprintf("%s[%d]", at, i)); ok {
				return found, true
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if _, ok := badText(it.Key(), at); ok {
				return at, true
			}
			if found, ok := badText(it.Value(), at+"."+fmt.Sprint(it.Key())); ok {
				return found, true
			}
		}
	}
	return "", false
}

// locate names a field: "path.id", "query.q", "body", and below the body by its JSON name.
func locate(f reflect.StructField, at string) string {
	if at == "" {
		for _, kind := range []string{"path", "query", "header", "cookie"} {
			if name, _, _ := strings.Cut(f.Tag.Get(kind), ","); name != "" {
				return kind + "." + name
			}
		}
		if f.Name == "Body" {
			return "body"
		}
	}
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "" {
		name = f.Name
	}
	if at == "" {
		return name
	}
	return at + "." + name
}
