package configdiff

import (
	"maps"
	"reflect"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/lang/syntax"
)

// rangeType is of places in files, which are no part of what is compared.
var rangeType = reflect.TypeFor[hcl.Range]()

// expressionType is of what is evaluated later: it is its text, with the values that it uses.
var expressionType = reflect.TypeFor[late.Expression]()

// Differing returns the arguments in which two applications differ, wherever they are
// written.
func Differing(a, b *lang.Application) []string {
	var out []string
	was, is := reflect.ValueOf(*a), reflect.ValueOf(*b)
	for i := range was.NumField() {
		if !same(was.Field(i), is.Field(i)) {
			out = append(out, argument(was.Type().Field(i).Name))
		}
	}
	return out
}

// Same reports whether two values of one type, of two configurations, are the same wherever
// they are written.
func Same[T any](a, b T) bool { return same(reflect.ValueOf(&a), reflect.ValueOf(&b)) }

// argument is how a field is called in the language: HistoryLimit is history_limit.
func argument(field string) string {
	var b strings.Builder
	for i, r := range field {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// same is reflect.DeepEqual but for places in files.
func same(a, b reflect.Value) bool {
	if a.IsValid() != b.IsValid() || a.IsValid() && a.Type() != b.Type() {
		return false
	}
	if !a.IsValid() || a.Type() == rangeType {
		return true
	}
	if a.Type() == expressionType && a.CanInterface() {
		return sameExpression(a.Interface().(late.Expression), b.Interface().(late.Expression))
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		return same(a.Elem(), b.Elem())
	case reflect.Struct:
		for i := range a.NumField() {
			if !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for entries := a.MapRange(); entries.Next(); {
			other := b.MapIndex(entries.Key())
			if !other.IsValid() || !same(entries.Value(), other) {
				return false
			}
		}
		return true
	case reflect.Func:
		return a.IsNil() == b.IsNil()
	default:
		return a.Equal(b)
	}
}

// sameExpression reports whether two expressions are written alike, with the same values.
func sameExpression(a, b late.Expression) bool {
	return a.IsZero() == b.IsZero() && a.Text() == b.Text() && syntax.IsJSON(a.Range().Filename) == syntax.IsJSON(b.Range().Filename) &&
		maps.EqualFunc(a.Captured(), b.Captured(), func(v, w cty.Value) bool { return v.RawEquals(w) })
}
