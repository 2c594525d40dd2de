package diff

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gobwas/glob"
	"github.com/itchyny/gojq"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/object"
)

// jqTimeout is how long one jq expression may run on one object; as in Argo CD.
const jqTimeout = time.Second

// Ignore is a compiled ignore_differences block. It is immutable and safe for
// concurrent use.
type Ignore struct {
	group, kind     glob.Glob
	name, namespace string
	pointers        [][]string
	expressions     []expression
	managers        []string
}

type expression struct {
	text string
	code *gojq.Code
}

// CompileIgnore checks and compiles a block: pointers must be RFC 6901, jq
// expressions must parse.
func CompileIgnore(rule lang.IgnoreDifference) (*Ignore, error) {
	out := &Ignore{name: rule.Name, namespace: rule.Namespace, managers: rule.FieldManagers}
	var err error
	if out.group, err = glob.Compile(rule.Group); err != nil {
		return nil, fmt.Errorf("group %q is not a valid pattern: %w", rule.Group, err)
	}
	kind := rule.Kind
	if kind == "" {
		kind = "*"
	}
	if out.kind, err = glob.Compile(kind); err != nil {
		return nil, fmt.Errorf("kind %q is not a valid pattern: %w", rule.Kind, err)
	}
	for _, pointer := range rule.JSONPointers {
		parts, err := parsePointer(pointer)
		if err != nil {
			return nil, err
		}
		out.pointers = append(out.pointers, parts)
	}
	for _, text := range rule.JQPathExpressions {
		query, err := gojq.Parse("path(" + text + ")")
		if err != nil {
			return nil, fmt.Errorf("jq expression %q cannot be parsed: %w", text, err)
		}
		code, err := gojq.Compile(query)
		if err != nil {
			return nil, fmt.Errorf("jq expression %q cannot be compiled: %w", text, err)
		}
		out.expressions = append(out.expressions, expression{text, code})
	}
	return out, nil
}

// parsePointer splits a JSON pointer; the empty one, the whole object, is refused.
func parsePointer(pointer string) ([]string, error) {
	rest, ok := strings.CutPrefix(pointer, "/")
	if !ok {
		return nil, fmt.Errorf("JSON pointer %q must start with a slash, for example \"/spec/replicas\"", pointer)
	}
	parts := strings.Split(rest, "/")
	for i, part := range parts {
		if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(part), "~") {
			return nil, fmt.Errorf("JSON pointer %q: write \"~0\" for a tilde and \"~1\" for a slash", pointer)
		}
		parts[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
	}
	return parts, nil
}

// Matches reports whether the block is about an object. Group and kind are globs,
// and an empty group is the core group.
func (i *Ignore) Matches(id object.ID) bool {
	return i.group.Match(id.Group) && i.kind.Match(id.Kind) &&
		(i.name == "" || i.name == id.Name) &&
		(i.namespace == "" || i.namespace == id.Namespace)
}

// places lists what the block ignores in an object, as paths of map keys
// (string) and positions (int).
func (i *Ignore) places(ctx context.Context, o object.Object) ([][]any, error) {
	var out [][]any
	for _, pointer := range i.pointers {
		if place, ok := resolvePointer(o, pointer); ok {
			out = append(out, place)
		}
	}
	if len(i.expressions) == 0 {
		return out, nil
	}
	input := jqValue(map[string]any(o))
	for _, e := range i.expressions {
		places, err := e.run(ctx, input)
		if err != nil {
			return nil, err
		}
		out = append(out, places...)
	}
	return out, nil
}

func resolvePointer(o object.Object, pointer []string) ([]any, bool) {
	var value any = map[string]any(o)
	place := make([]any, 0, len(pointer))
	for _, part := range pointer {
		switch v := value.(type) {
		case map[string]any:
			child, ok := v[part]
			if !ok {
				return nil, false
			}
			value, place = child, append(place, part)
		case []any:
			n, err := strconv.Atoi(part)
			if err != nil || n < 0 || n >= len(v) {
				return nil, false
			}
			value, place = v[n], append(place, n)
		default:
			return nil, false
		}
	}
	return place, true
}

// run lists the paths that an expression selects. An expression that does not fit
// the object (it iterates over what is not there) selects nothing, as in Argo CD.
func (e expression) run(ctx context.Context, input any) ([][]any, error) {
	limited, cancel := context.WithTimeout(ctx, jqTimeout)
	defer cancel()
	var out [][]any
	results := e.code.RunWithContext(limited, input)
	for {
		result, ok := results.Next()
		if !ok {
			return out, nil
		}
		if _, failed := result.(error); failed {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if limited.Err() != nil {
				return nil, fmt.Errorf("jq expression %q ran for more than %s", e.text, jqTimeout)
			}
			return out, nil
		}
		if place, ok := result.([]any); ok && !slices.ContainsFunc(place, isSlice) {
			out = append(out, place)
		}
	}
}

// isSlice tells a jq path of several items ({"start":…,"end":…}) from a plain one.
func isSlice(step any) bool {
	switch step.(type) {
	case string, int:
		return false
	}
	return true
}

// jqValue copies a JSON-shaped value with the number types that gojq knows.
func jqValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = jqValue(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = jqValue(item)
		}
		return out
	case int64:
		return int(v)
	}
	return value
}
