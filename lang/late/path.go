package late

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// path leads to a part of an object: status.parents[*].conditions,
// metadata.labels["example.com/tier"], status.history[0].
type path []step

// step is one step of a path: into an attribute, an element of a list, or all.
type step struct {
	name  string
	index int
	kind  stepKind
}

type stepKind int

const (
	intoName stepKind = iota
	intoIndex
	intoAll
)

// parsePath reads a path.
func parsePath(text string) (path, error) {
	var out path
	rest := text
	for first := true; rest != ""; first = false {
		if rest[0] == '[' {
			one, after, err := parseIndex(rest)
			if err != nil {
				return nil, fmt.Errorf("%q is no path: %w", text, err)
			}
			out, rest = append(out, one), after
			continue
		}
		if !first {
			if rest[0] != '.' {
				return nil, fmt.Errorf("%q is no path: %q is not expected", text, rest)
			}
			rest = rest[1:]
		}
		end := strings.IndexAny(rest, ".[")
		if end < 0 {
			end = len(rest)
		}
		if end == 0 {
			return nil, fmt.Errorf("%q is no path: a name is missing in it", text)
		}
		out, rest = append(out, step{name: rest[:end]}), rest[end:]
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("a path is empty. Write one such as \"status.phase\"")
	}
	return out, nil
}

// parseIndex reads what is in brackets at the beginning: ["name"], [0] or [*].
func parseIndex(text string) (one step, rest string, err error) {
	if quoted := text[1:]; strings.HasPrefix(quoted, `"`) {
		literal, err := strconv.QuotedPrefix(quoted)
		if err != nil || !strings.HasPrefix(quoted[len(literal):], "]") {
			return step{}, "", fmt.Errorf("a name in brackets ends with \"]")
		}
		name, err := strconv.Unquote(literal)
		return step{name: name}, quoted[len(literal)+1:], err
	}
	inside, rest, closed := strings.Cut(text[1:], "]")
	if !closed {
		return step{}, "", fmt.Errorf("a bracket is not closed")
	}
	if inside == "*" {
		return step{kind: intoAll}, rest, nil
	}
	index, err := strconv.Atoi(inside)
	if err != nil || index < 0 {
		return step{}, "", fmt.Errorf("in brackets there is a number, a name in quotes, or *")
	}
	return step{kind: intoIndex, index: index}, rest, nil
}

// at returns what is at the path, nil where there is nothing. A path with [*] leads to
// a list of what there is, which may be empty, unless it is nothing that [*] is applied to.
func (p path) at(v any) any {
	for i, one := range p {
		switch one.kind {
		case intoName:
			m, _ := v.(map[string]any)
			v = m[one.name]
		case intoIndex:
			list, _ := v.([]any)
			if one.index >= len(list) {
				return nil
			}
			v = list[one.index]
		case intoAll:
			elements, ok := elements(v)
			if !ok {
				return nil
			}
			out := []any{}
			for _, element := range elements {
				if found := p[i+1:].at(element); found != nil {
					out = append(out, found)
				}
			}
			return out
		}
		if v == nil {
			return nil
		}
	}
	return v
}

// elements returns the elements of a list, or of a map in the order of their names.
func elements(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		out := make([]any, len(names))
		for i, name := range names {
			out[i] = v[name]
		}
		return out, true
	}
	return nil, false
}
