// Package action is what can be done to objects beside what is declared of them: a
// Deployment restarted or scaled, a job of a CronJob run now, a rollout promoted. The
// actions are a table (table.go), of kinds, names and merge patches; names and effects
// are those of Argo CD's resource actions.
//
// It tells what an action changes of an object, and whether that makes sense as the
// object is. It asks no server and changes nothing: the engine imports it.
package action

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gobwas/glob"

	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/object"
)

// Action is one thing that can be done to objects of some kinds. It has patches, or
// makes an object.
type Action struct {
	Name string // "restart"
	Doc  string // what it does, in a sentence
	// Kinds are those that have it, as "Kind.group"; the group may be a pattern.
	Kinds      []string
	Parameters []Parameter
	// Patches are sent one after the other; those that change nothing are left out.
	Patches []Patch
	// Unless are the cases in which it makes no sense.
	Unless []Case

	// computed gives the patches where they depend on the object.
	computed func(object.Object) []Patch
	// makes returns the object that the action makes, in place of patches.
	makes func(o object.Object, suffix string, now string) (object.Object, error)
}

// Parameter is what an action is given.
type Parameter struct {
	Name string `json:"name"`
	Doc  string `json:"doc"`
	// Minimum is of a whole number, which all parameters are.
	Minimum int64 `json:"minimum"`
}

// Patch is a merge patch (RFC 7386), as JSON. In its strings, $now stands for the time,
// and the name of a parameter after a dollar for its value: "$replicas" alone is the
// number, "${replicas}" its text.
type Patch struct {
	Subresource string // what of the object is patched: "scale", "status"; empty is the object
	Merge       string
}

// Case is what an object can be like.
type Case struct {
	Is    string // in words: "it is paused already"
	Holds func(object.Object) bool
}

// Of returns the actions that objects of a kind have, sorted by name.
func Of(kind object.GroupKind) []*Action {
	var out []*Action
	for _, a := range table() {
		if a.has(kind) {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b *Action) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Find returns the action of a name that objects of a kind have. The error says which
// there are.
func Find(kind object.GroupKind, name string) (*Action, error) {
	all := Of(kind)
	names := make([]string, len(all))
	for i, a := range all {
		if a.Name == name {
			return a, nil
		}
		names[i] = a.Name
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there are no actions on objects of kind %s", kind)
	}
	hint := ""
	if near := schema.Suggest(name, names); near != "" {
		hint = fmt.Sprintf(". Did you mean %q?", near)
	}
	return nil, fmt.Errorf("there is no action %q on objects of kind %s; there are %s%s", name, kind, strings.Join(names, ", "), hint)
}

// All returns every action, as in the table.
func All() []*Action { return table() }

func (a *Action) has(kind object.GroupKind) bool {
	return slices.ContainsFunc(a.Kinds, func(text string) bool {
		name, group, _ := strings.Cut(text, ".")
		pattern, err := glob.Compile(group)
		return err == nil && name == kind.Kind && pattern.Match(kind.Group)
	})
}

// NotNow says why the action makes no sense for an object as it is; empty where it does.
func (a *Action) NotNow(o object.Object) string {
	for _, c := range a.Unless {
		if c.Holds(o) {
			return c.Is
		}
	}
	return ""
}

// Makes reports whether the action makes an object.
func (a *Action) Makes() bool { return a.makes != nil }
