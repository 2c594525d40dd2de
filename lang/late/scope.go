package late

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"

	langfunction "github.com/gantrycd/gantry/lang/function"
	"github.com/gantrycd/gantry/lang/schema"
)

// Scope is which names an expression may use beside those of the configuration.
type Scope string

// The scopes, each named for the block whose expressions have it.
const (
	Rollout Scope = "rollout" // app
	Trigger Scope = "trigger" // app, and how it is
	Policy  Scope = "policy"  // object, change, app
	Health  Scope = "health"  // object, condition(type), conditions(), field(path), has(path), observed()
)

// Want is what an expression must come to.
type Want string

// What expressions may have to come to.
const (
	Condition Want = "condition" // true or false
	Text      Want = "string"
	Any       Want = "value"
)

// Type is an argument that takes an expression of the scope.
func (s Scope) Type(want Want) schema.Type {
	return schema.Late("late "+string(want), s.Names()...)
}

// Names returns the names that the scope has, sorted.
func (s Scope) Names() []string { return schema.SortedKeys(s.types()) }

// types returns the types of the names. Objects of Kubernetes are of any.
func (s Scope) types() map[string]cty.Type {
	switch s {
	case Rollout:
		return map[string]cty.Type{"app": typeOf(declaredShape())}
	case Trigger:
		return map[string]cty.Type{"app": typeOf(append(declaredShape(), liveShape()...))}
	case Policy:
		return map[string]cty.Type{"app": typeOf(declaredShape()), "change": typeOf(changeShape()), "object": cty.DynamicPseudoType}
	case Health:
		return map[string]cty.Type{"object": cty.DynamicPseudoType}
	}
	return nil
}

// Values are the values that the names of a scope have in one case.
type Values struct {
	scope     Scope
	variables map[string]cty.Value
	made      map[string]func() cty.Value // what becomes a variable where an expression uses it first
	whole     func() Values               // the same with all of the objects, where these have parts of them
	stopped   func() bool                 // whether evaluations are to end; nil never
	live      *live                       // what expressions of a health block are about
}

// of returns the values of the names that an expression uses, with those of others that
// were asked for before.
func (v Values) of(uses []string) map[string]cty.Value {
	if v.made == nil {
		return v.variables
	}
	for _, name := range uses {
		if _, ok := v.variables[name]; !ok {
			v.variables[name] = v.made[name]()
		}
	}
	return v.variables
}

// Values brings the values of a case to the scope's types: attributes that are not
// there are null. Its errors say which value does not fit. A name that the scope does
// not have, or that is missing, is an error too.
func (s Scope) Values(given map[string]cty.Value) (Values, error) {
	types := s.types()
	out := Values{scope: s, variables: make(map[string]cty.Value, len(types))}
	for _, name := range schema.SortedKeys(given) {
		if _, ok := types[name]; !ok {
			return Values{}, fmt.Errorf("expressions of a %s have no %s", s, name)
		}
	}
	for _, name := range schema.SortedKeys(types) {
		v, ok := given[name]
		if !ok || v == cty.NilVal {
			return Values{}, fmt.Errorf("expressions of a %s need %s", s, name)
		}
		if s == Health {
			return healthValues(v)
		}
		converted, err := convert.Convert(v, optional(types[name]))
		if err != nil {
			return Values{}, fmt.Errorf("%s does not fit: %w", name, err)
		}
		out.variables[name] = converted
	}
	return out, nil
}

// optional makes every attribute of an object type, and of those in it, optional.
func optional(ty cty.Type) cty.Type {
	if !ty.IsObjectType() {
		return ty
	}
	attributes := map[string]cty.Type{}
	for name, inner := range ty.AttributeTypes() {
		attributes[name] = optional(inner)
	}
	return cty.ObjectWithOptionalAttrs(attributes, slices.Collect(maps.Keys(attributes)))
}

// functions are those of the language that read no files. They are made once and
// never changed.
var functions = sync.OnceValue(func() map[string]function.Function {
	out := map[string]function.Function{}
	for _, group := range langfunction.Table(nil) {
		if group.Name != filesGroup {
			maps.Copy(out, group.Functions)
		}
	}
	return out
})

// fileFunctions are the functions that late expressions cannot use.
var fileFunctions = sync.OnceValue(func() map[string]function.Function {
	for _, group := range langfunction.Table(nil) {
		if group.Name == filesGroup {
			return group.Functions
		}
	}
	return nil
})

// filesGroup is what the table of functions calls those that read files.
const filesGroup = "Files"
