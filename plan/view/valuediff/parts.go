package valuediff

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
)

// Part is a member of a value that changes.
type Part struct {
	// Path is from the value that was compared: ".image", "[name=app].image", "" for
	// the value itself.
	Path          string
	Kind          plan.FieldKind
	Before, After any
	// Order says that a list has the same elements in another order: Before and After
	// are their keys.
	Order bool
}

// Parts compares two structures member by member, sorted by path. Elements of lists
// are matched by their keys where they have any. It is false where that tells nothing
// that the values themselves do not: they are no structures, or lists without keys.
func Parts(before, after any) ([]Part, bool) {
	switch was := before.(type) {
	case map[string]any:
		if is, ok := after.(map[string]any); ok {
			return members("", was, is), true
		}
	case []any:
		if is, ok := after.([]any); ok && len(was) > 0 && len(is) > 0 {
			return elements("", was, is)
		}
	}
	return nil, false
}

func compare(path string, before, after any) []Part {
	if reflect.DeepEqual(before, after) {
		return nil
	}
	switch was := before.(type) {
	case map[string]any:
		if is, ok := after.(map[string]any); ok {
			return members(path, was, is)
		}
	case []any:
		if is, ok := after.([]any); ok && len(was) > 0 && len(is) > 0 {
			if parts, ok := elements(path, was, is); ok {
				return parts
			}
		}
	}
	return []Part{{Path: path, Kind: plan.Changed, Before: before, After: after}}
}

func members(path string, before, after map[string]any) []Part {
	keys := slices.Collect(maps.Keys(before))
	for key := range after {
		if _, ok := before[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var out []Part
	for _, key := range keys {
		was, had := before[key]
		is, has := after[key]
		at := path + Member(key)
		switch {
		case !had:
			out = append(out, Part{Path: at, Kind: plan.Added, After: is})
		case !has:
			out = append(out, Part{Path: at, Kind: plan.Removed, Before: was})
		default:
			out = append(out, compare(at, was, is)...)
		}
	}
	return out
}

// elements compares two lists whose elements have keys.
func elements(path string, before, after []any) ([]Part, bool) {
	was, is, ok := keyed(before, after)
	if !ok {
		return nil, false
	}
	var out []Part
	for i, key := range was {
		if j := slices.Index(is, key); j >= 0 {
			out = append(out, compare(path+key, before[i], after[j])...)
		} else {
			out = append(out, Part{Path: path + key, Kind: plan.Removed, Before: before[i]})
		}
	}
	for j, key := range is {
		if !slices.Contains(was, key) {
			out = append(out, Part{Path: path + key, Kind: plan.Added, After: after[j]})
		}
	}
	stayed := intersection(was, is)
	if now := intersection(is, was); !slices.Equal(stayed, now) {
		out = append(out, Part{Path: path, Kind: plan.Changed, Order: true, Before: anys(stayed), After: anys(now)})
	}
	slices.SortStableFunc(out, func(a, b Part) int { return cmp.Compare(a.Path, b.Path) })
	return out, true
}

// keySets are the members that tell elements of a list apart, as in Kubernetes' own
// types; the first that all elements have, and no two share, is taken.
var keySets = [][]string{
	{"name"},
	{"key"},
	{"id"},
	{"kind", "name"},
	{"kind", "namespace", "name"},
	{"containerPort", "protocol"},
	{"containerPort"},
	{"port", "protocol"},
	{"port"},
	{"mountPath"},
	{"devicePath"},
	{"topologyKey", "whenUnsatisfiable"},
	{"host"},
	{"path"},
	{"ip"},
	{"type"},
}

// mostKeyed bounds the work for lists: matching is quadratic.
const mostKeyed = 2000

// keyed returns the steps to the elements of two lists: "[name=app]".
func keyed(before, after []any) (was, is []string, ok bool) {
	if len(before)+len(after) > mostKeyed {
		return nil, nil, false
	}
	for _, keys := range keySets {
		was, okWas := steps(before, keys)
		is, okIs := steps(after, keys)
		if okWas && okIs {
			return was, is, true
		}
	}
	return nil, nil, false
}

func steps(list []any, keys []string) ([]string, bool) {
	seen := make(map[string]bool, len(list))
	out := make([]string, 0, len(list))
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			return nil, false
		}
		var named []string
		for _, key := range keys {
			switch value := m[key].(type) {
			case string:
				named = append(named, key+"="+bare(value))
			case int64, float64, json.Number:
				named = append(named, key+"="+fmt.Sprint(value))
			default:
				return nil, false
			}
		}
		step := "[" + strings.Join(named, ",") + "]"
		if seen[step] {
			return nil, false
		}
		seen[step] = true
		out = append(out, step)
	}
	return out, true
}

// bare is a key's value as in a path: quoted where it could be taken for more.
func bare(text string) string {
	if text == "" || strings.ContainsAny(text, `"[]=, `) {
		return fmt.Sprintf("%q", text)
	}
	return text
}

// intersection is the elements of a list that are in another, in its own order.
func intersection(list, other []string) []string {
	var out []string
	for _, item := range list {
		if slices.Contains(other, item) {
			out = append(out, item)
		}
	}
	return out
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, item := range list {
		out[i] = strings.Trim(item, "[]")
	}
	return out
}

// Member is a step to a map's member, as in plan.FieldChange.Path.
func Member(key string) string {
	for i, r := range key {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r != '-' && (r < '0' || '9' < r)) {
			return fmt.Sprintf("[%q]", key)
		}
	}
	if key == "" {
		return `[""]`
	}
	return "." + key
}
