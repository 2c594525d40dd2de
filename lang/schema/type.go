package schema

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/gantrycd/gantry/lang/value"
)

// Type is what an argument may be.
type Type struct {
	// Name is how the reference and messages call it: "string", "list of strings".
	Name string
	// article is put before the name in messages: "must be a string".
	article string
	// Raw says that the expression itself is what the argument takes: it is not
	// evaluated.
	Raw bool
	// Later are names that a late expression may use beside those of the configuration.
	Later []string
	// convert brings a known value that is not null to the form in which the block's
	// decoder gets it. Unknown values within stay unknown. Its errors end messages
	// that begin with the argument's name.
	convert func(cty.Value) (cty.Value, error)
}

// The types of arguments.
var (
	Any        = Type{Name: "value", article: "a", convert: func(v cty.Value) (cty.Value, error) { return v, nil }}
	String     = plain("string", cty.String)
	Bool       = plain("bool", cty.Bool)
	Strings    = plain("list of strings", cty.List(cty.String))
	StringMap  = plain("map of strings", cty.Map(cty.String))
	BoolMap    = plain("map of bools", cty.Map(cty.Bool))
	Object     = Type{Name: "object", article: "an", convert: toObject}
	Integer    = Type{Name: "whole number", article: "a", convert: toInteger}
	IntegerMap = Type{Name: "map of whole numbers", article: "a", convert: toIntegerMap}
	Duration   = Type{Name: "duration", article: "a", convert: toDuration}
	DNSLabel   = Type{Name: "DNS label", article: "a", convert: toDNSLabel}
	// Objects is a list of objects, each of a type of its own.
	Objects = Type{Name: "list of objects", article: "a", convert: toObjects}
	// Expression is kept as written.
	Expression = Type{Name: "expression", article: "an", Raw: true}
	// ForEach is a map or object, a set of strings or a generator.
	ForEach = Type{Name: "map, set of strings or generator", article: "a", Raw: true}
	// Addresses is a list of references that are not evaluated.
	Addresses = Type{Name: "list of references", article: "a", Raw: true}
	// Names is a name or a list of names, which are not evaluated.
	Names = Type{Name: "list of names", article: "a", Raw: true}
	// Address is the address of an application or a module as it is written.
	Address = Type{Name: "address", article: "an", Raw: true}
	// TypeConstraint is the type of a variable.
	TypeConstraint = Type{Name: "type", article: "a", Raw: true}
)

// Reference is a reference to a block of a kind, such as cluster.prod.
func Reference(kind string) Type {
	return Type{Name: kind, article: article(kind), convert: func(v cty.Value) (cty.Value, error) {
		return v, checkReference(v, kind)
	}}
}

// References is a list of references to blocks of a kind.
func References(kind string) Type {
	return Type{Name: "list of " + kind + "s", article: "a", convert: func(v cty.Value) (cty.Value, error) {
		if _, ok := value.ReferenceOf(v); ok || !isSequence(v) {
			return v, fmt.Errorf("must be a list of %ss, but is %s; put it in brackets", kind, value.Kind(v))
		}
		return each(v, func(item cty.Value) (cty.Value, error) { return item, checkReference(item, kind) })
	}}
}

// ReferencesOrGlobs is a list of references to blocks of a kind, and of patterns of
// their names; it becomes a list of strings.
func ReferencesOrGlobs(kind string) Type {
	return Type{Name: fmt.Sprintf("list of %ss or patterns", kind), article: "a", convert: func(v cty.Value) (cty.Value, error) {
		if _, ok := value.ReferenceOf(v); ok || !isSequence(v) {
			return v, fmt.Errorf("must be a list, but is %s; put it in brackets", value.Kind(v))
		}
		return each(v, func(item cty.Value) (cty.Value, error) {
			if checkReference(item, kind) == nil {
				return item.GetAttr("name"), nil
			}
			if item.Type() != cty.String {
				return item, fmt.Errorf("must be a %s or a pattern of %s names, but is %s", kind, kind, value.Kind(item))
			}
			return item, nil
		})
	}}
}

func checkReference(v cty.Value, kind string) error {
	ref, ok := value.ReferenceOf(v)
	if ok && ref.Address.Kind == kind {
		return nil
	}
	hint := ""
	if v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
		hint = fmt.Sprintf("; write %s.NAME without quotes", kind)
	} else if v.Type().IsObjectType() && !ok {
		hint = fmt.Sprintf("; where %s blocks have for_each, say which one with [\"KEY\"]", kind)
	}
	return fmt.Errorf("must be a reference to %s %s, but is %s%s", article(kind), kind, value.Kind(v), hint)
}

// each converts every known element of a sequence and returns a tuple.
func each(v cty.Value, convertOne func(cty.Value) (cty.Value, error)) (cty.Value, error) {
	items := make([]cty.Value, 0, v.LengthInt())
	for it := v.ElementIterator(); it.Next(); {
		_, item := it.Element()
		unmarked, marks := item.Unmark()
		if unmarked.IsKnown() {
			if unmarked.IsNull() {
				return v, fmt.Errorf("must not hold null, but element %d is", len(items))
			}
			converted, err := convertOne(unmarked)
			if err != nil {
				return v, fmt.Errorf("is not as expected: element %d %w", len(items), err)
			}
			unmarked = converted
		}
		items = append(items, unmarked.WithMarks(marks))
	}
	return cty.TupleVal(items), nil
}

func isSequence(v cty.Value) bool {
	ty := v.Type()
	return ty.IsTupleType() || ty.IsListType() || ty.IsSetType()
}

func plain(name string, want cty.Type) Type {
	const article = "a"
	return Type{Name: name, article: article, convert: func(v cty.Value) (cty.Value, error) {
		if _, ok := value.ReferenceOf(v); ok {
			return v, fmt.Errorf("must be %s %s, but is %s; refer to one of its attributes, such as name", article, name, value.Kind(v))
		}
		if isSequence(v) && !want.IsListType() || !isSequence(v) && want.IsListType() {
			return v, fmt.Errorf("must be %s %s, but is %s", article, name, value.Kind(v))
		}
		converted, err := convert.Convert(v, want)
		if err != nil {
			return v, fmt.Errorf("must be %s %s, but is %s%s", article, name, value.Kind(v), reason(want, v, err))
		}
		if want.IsCollectionType() {
			return converted, checkNoNull(converted)
		}
		return converted, nil
	}}
}

// reason renders what a conversion's error says of a value's elements.
func reason(want cty.Type, v cty.Value, err error) string {
	var pathErr cty.PathError
	switch {
	case errors.As(err, &pathErr) && len(pathErr.Path) > 0:
		return ": " + value.PathText(pathErr.Path) + ": " + pathErr.Error()
	case want.IsCollectionType() && v.CanIterateElements():
		return ": " + err.Error()
	}
	return ""
}

func checkNoNull(v cty.Value) error {
	if !v.IsKnown() || v.IsNull() {
		return nil
	}
	unmarked, _ := v.Unmark()
	if !unmarked.IsKnown() {
		return nil
	}
	for it := unmarked.ElementIterator(); it.Next(); {
		key, item := it.Element()
		if item.IsNull() {
			return fmt.Errorf("must not hold null, but element %s is", value.Text(key))
		}
	}
	return nil
}

func toObject(v cty.Value) (cty.Value, error) {
	if _, ok := value.ReferenceOf(v); ok || !v.Type().IsObjectType() && !v.Type().IsMapType() {
		return v, fmt.Errorf("must be an object, but is %s", value.Kind(v))
	}
	return v, nil
}

func toObjects(v cty.Value) (cty.Value, error) {
	if !isSequence(v) {
		return v, fmt.Errorf("must be a list of objects, but is %s; put it in brackets", value.Kind(v))
	}
	return each(v, func(item cty.Value) (cty.Value, error) {
		_, err := toObject(item)
		return item, err
	})
}

func toInteger(v cty.Value) (cty.Value, error) {
	converted, err := convert.Convert(v, cty.Number)
	if err != nil {
		return v, fmt.Errorf("must be a whole number, but is %s", value.Kind(v))
	}
	if !converted.IsKnown() {
		return converted, nil
	}
	unmarked, _ := converted.Unmark()
	if n, accuracy := unmarked.AsBigFloat().Int64(); accuracy != big.Exact || n < 0 || n > 1<<31-1 {
		return v, fmt.Errorf("must be a whole number from 0 to %d, but is %s", 1<<31-1, unmarked.AsBigFloat().Text('g', 20))
	}
	return converted, nil
}

func toIntegerMap(v cty.Value) (cty.Value, error) {
	if _, err := toObject(v); err != nil {
		return v, fmt.Errorf("must be a map of whole numbers, but is %s", value.Kind(v))
	}
	converted := map[string]cty.Value{}
	for it := v.ElementIterator(); it.Next(); {
		key, item := it.Element()
		if item.IsNull() {
			return v, fmt.Errorf("must not hold null, but element %s is", value.Text(key))
		}
		number, err := toInteger(item)
		if err != nil {
			return v, fmt.Errorf("is not as expected: element %s %w", value.Text(key), err)
		}
		converted[key.AsString()] = number
	}
	if len(converted) == 0 {
		return cty.MapValEmpty(cty.Number), nil
	}
	return cty.MapVal(converted), nil
}

func toDuration(v cty.Value) (cty.Value, error) {
	if v.Type() != cty.String {
		return v, fmt.Errorf("must be a duration such as \"30s\", \"5m\" or \"1h30m\", but is %s", value.Kind(v))
	}
	unmarked, _ := v.Unmark()
	if d, err := time.ParseDuration(unmarked.AsString()); err != nil || d < 0 {
		return v, fmt.Errorf("must be a duration such as \"30s\", \"5m\" or \"1h30m\", but is %q", unmarked.AsString())
	}
	return v, nil
}

// dnsLabelPattern is the form of RFC 1123 labels, which names of applications
// and namespaces have.
var dnsLabelPattern = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

func toDNSLabel(v cty.Value) (cty.Value, error) {
	if v.Type() != cty.String {
		return v, fmt.Errorf("must be a string, but is %s", value.Kind(v))
	}
	unmarked, _ := v.Unmark()
	name := unmarked.AsString()
	if dnsLabelPattern.MatchString(name) {
		return v, nil
	}
	if len(name) > 63 {
		return v, fmt.Errorf("must have up to 63 characters, but %q has %d; dns_label(...) makes it fit", name, len(name))
	}
	return v, fmt.Errorf("must consist of lower-case letters, digits and \"-\", with a letter or digit at both ends, but is %q; dns_label(...) makes it so", name)
}

func article(noun string) string {
	if strings.ContainsAny(noun[:1], "aeiou") {
		return "an"
	}
	return "a"
}
