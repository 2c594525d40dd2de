package generate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gobwas/glob"
)

// Selector says what labels must be like, as in Kubernetes: all of it must hold. The
// zero value selects everything.
type Selector struct {
	MatchLabels map[string]string
	Expressions []Expression
}

// Expression is a condition on one label.
type Expression struct {
	Key      string
	Operator Operator
	Values   []string // for In and NotIn
}

// Operator is what an Expression asks of a label.
type Operator string

// The operators. NotIn holds for what does not have the label, too.
const (
	In           Operator = "In"
	NotIn        Operator = "NotIn"
	Exists       Operator = "Exists"
	DoesNotExist Operator = "DoesNotExist"
)

// Operators lists the operators.
func Operators() []string {
	return []string{string(In), string(NotIn), string(Exists), string(DoesNotExist)}
}

// TakesValues reports whether an operator compares with values.
func (o Operator) TakesValues() bool { return o == In || o == NotIn }

// Matches reports whether labels are as the selector asks.
func (s Selector) Matches(labels map[string]string) bool {
	for key, want := range s.MatchLabels {
		if have, ok := labels[key]; !ok || have != want {
			return false
		}
	}
	for _, expression := range s.Expressions {
		if !expression.matches(labels) {
			return false
		}
	}
	return true
}

func (e Expression) matches(labels map[string]string) bool {
	have, ok := labels[e.Key]
	switch e.Operator {
	case In:
		return ok && slices.Contains(e.Values, have)
	case NotIn:
		return !ok || !slices.Contains(e.Values, have)
	case Exists:
		return ok
	case DoesNotExist:
		return !ok
	}
	return false
}

// String returns the selector as Kubernetes writes it: `a=b,c in (d,e),!f`.
func (s Selector) String() string {
	var parts []string
	for _, key := range sortedKeys(s.MatchLabels) {
		parts = append(parts, key+"="+s.MatchLabels[key])
	}
	for _, e := range s.Expressions {
		values := "(" + strings.Join(e.Values, ",") + ")"
		switch e.Operator {
		case In:
			parts = append(parts, e.Key+" in "+values)
		case NotIn:
			parts = append(parts, e.Key+" notin "+values)
		case Exists:
			parts = append(parts, e.Key)
		case DoesNotExist:
			parts = append(parts, "!"+e.Key)
		}
	}
	return strings.Join(parts, ",")
}

// Names are patterns of names: globs, and with "!" in front such that exclude.
type Names struct{ include, exclude []namePattern }

type namePattern struct {
	text string
	glob glob.Glob
}

// ParseNames reads patterns. What is excluded stays so whatever the order; where none
// includes, all is included. Its errors name the pattern.
func ParseNames(patterns []string) (*Names, error) {
	n := &Names{}
	for _, text := range patterns {
		list, body := &n.include, text
		if text != "" && text[0] == '!' {
			list, body = &n.exclude, text[1:]
		}
		compiled, err := glob.Compile(body)
		if err != nil || body == "" {
			return nil, fmt.Errorf("%q is not valid: write a name, or one with * for any text", text)
		}
		*list = append(*list, namePattern{text: body, glob: compiled})
	}
	return n, nil
}

// Match reports whether a name is included.
func (n *Names) Match(name string) bool {
	matches := func(p namePattern) bool { return p.glob.Match(name) }
	if slices.ContainsFunc(n.exclude, matches) {
		return false
	}
	return len(n.include) == 0 || slices.ContainsFunc(n.include, matches)
}

// Missing returns the names among the patterns (those without a special character)
// that none of the given ones is.
func (n *Names) Missing(names []string) []string {
	var missing []string
	for _, p := range slices.Concat(n.include, n.exclude) {
		if glob.QuoteMeta(p.text) == p.text && !slices.Contains(names, p.text) {
			missing = append(missing, p.text)
		}
	}
	return missing
}
