package redact

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Path names fields of objects, in the form of plan.FieldChange.Path:
// spec.template.spec.containers[name=app].env[*].value, data["tls.key"]. A "*"
// stands for every member of a map, and "[*]" for every element of a list.
type Path struct{ steps []step }

// step is one step of a path: to a member of a map or an element of a list.
type step struct {
	name     string // the member's name, or what is between the brackets
	element  bool
	wildcard bool
	// either: of a JSON pointer, which does not tell members of maps from elements of
	// lists.
	either bool
	// embedding: any annotation in which a tool keeps the object as it applied it.
	embedding bool
}

// ParsePointer parses a JSON pointer (RFC 6901) in which a "*" stands for every
// member of a map and every element of a list: /spec/users/*/password.
func ParsePointer(text string) (Path, error) {
	rest, ok := strings.CutPrefix(text, "/")
	if !ok || rest == "" {
		return Path{}, fmt.Errorf("JSON pointer %q must begin with \"/\" and name a field, as in \"/spec/password\"", text)
	}
	var p Path
	for part := range strings.SplitSeq(rest, "/") {
		if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(part), "~") {
			return Path{}, fmt.Errorf("JSON pointer %q: write \"~0\" for a tilde and \"~1\" for a slash", text)
		}
		p.steps = append(p.steps, step{name: strings.NewReplacer("~1", "/", "~0", "~").Replace(part), wildcard: part == "*", either: true})
	}
	return p, nil
}

// ParsePath parses a path.
func ParsePath(text string) (Path, error) {
	var p Path
	rest := text
	for first := true; rest != ""; first = false {
		var s step
		var err error
		switch {
		case rest[0] == '[':
			s, rest, err = parseBrackets(rest)
		case first || rest[0] == '.':
			if !first {
				rest = rest[1:]
			}
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			s.name, rest = rest[:end], rest[end:]
			s.wildcard = s.name == "*"
			if s.name == "" {
				err = fmt.Errorf("a name is missing")
			}
		default:
			err = fmt.Errorf("expected . or [ before %q", rest)
		}
		if err != nil {
			return Path{}, fmt.Errorf("path %q: %w", text, err)
		}
		p.steps = append(p.steps, s)
	}
	if len(p.steps) == 0 {
		return Path{}, fmt.Errorf("path %q: expected a form like spec.containers[name=app].image", text)
	}
	return p, nil
}

// parseBrackets parses ["member"], [key=value,…], [=value], [3] or [*].
func parseBrackets(text string) (step, string, error) {
	if strings.HasPrefix(text, `["`) {
		quoted, err := strconv.QuotedPrefix(text[1:])
		if err != nil || !strings.HasPrefix(text[1+len(quoted):], "]") {
			return step{}, "", fmt.Errorf(`expected "] after %s`, text)
		}
		name, err := strconv.Unquote(quoted)
		return step{name: name}, text[len(quoted)+2:], err
	}
	quoted := false
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == ']' && !quoted && i > 1:
			return step{name: text[1:i], element: true, wildcard: text[1:i] == "*"}, text[i+1:], nil
		}
	}
	return step{}, "", fmt.Errorf("expected ] after %s", text)
}

// covers reports whether a rule's step is, or may be, the one that a change went.
func (s step) covers(other step) bool {
	if s.element != other.element && !s.either && !other.either {
		return false
	}
	if s.embedding {
		return Embeds(other.name)
	}
	if s.wildcard || s.name == other.name {
		return true
	}
	// An index and a key may be of the same element.
	return (s.element || s.either) && other.element && s.isIndex() != other.isIndex()
}

// names reports whether a step is to a member of a map.
func (s step) names(key string) bool {
	switch {
	case s.element && !s.either:
		return false
	case s.embedding:
		return Embeds(key)
	}
	return s.wildcard || s.name == key
}

func (s step) isIndex() bool {
	_, err := strconv.Atoi(s.name)
	return err == nil
}

// selects reports whether an element's step is to an item of a list.
func (s step) selects(i int, item any) bool {
	if s.wildcard || s.name == strconv.Itoa(i) {
		return true
	}
	if s.either {
		return false
	}
	if value, ok := strings.CutPrefix(s.name, "="); ok {
		return scalar(value) == fmt.Sprint(item)
	}
	m, ok := item.(map[string]any)
	if !ok || s.isIndex() {
		return false
	}
	return !slices.ContainsFunc(splitKeys(s.name), func(pair string) bool {
		key, value, _ := strings.Cut(pair, "=")
		return scalar(value) != fmt.Sprint(m[key])
	})
}

// splitKeys splits "name=a,port=80" at its commas, but for those in quotes.
func splitKeys(text string) []string {
	quoted := false
	return strings.FieldsFunc(text, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ',' && !quoted
	})
}

func scalar(text string) string {
	if unquoted, err := strconv.Unquote(text); err == nil && strings.HasPrefix(text, `"`) {
		return unquoted
	}
	return text
}
