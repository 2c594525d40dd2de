package health

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gobwas/glob"
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// Rules returns the health blocks of a configuration as a plan carries them.
func Rules(blocks []*govern.Health) ([]plan.HealthRule, error) {
	var labels, also []plan.HealthRule
	for _, block := range blocks {
		rule := plan.HealthRule{Group: block.Group, Kind: block.Kind}
		for _, one := range expressions(block, &rule) {
			if one.expression.IsZero() {
				continue
			}
			text, err := json.Marshal(*one.expression)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", block.Address, err)
			}
			*one.text = text
		}
		labels = append(labels, rule)
		for _, kind := range block.Also {
			rule.Group, rule.Kind = govern.SplitKind(kind)
			also = append(also, rule)
		}
	}
	return append(labels, also...), nil
}

// expressions pairs the expressions of a block with their texts in a plan.
func expressions(block *govern.Health, rule *plan.HealthRule) []struct {
	expression *late.Expression
	text       *json.RawMessage
} {
	return []struct {
		expression *late.Expression
		text       *json.RawMessage
	}{
		{&block.Status, &rule.Status},
		{&block.Healthy, &rule.Healthy},
		{&block.Degraded, &rule.Degraded},
		{&block.Progressing, &rule.Progressing},
		{&block.Suspended, &rule.Suspended},
		{&block.Message, &rule.Message},
	}
}

// rule is one health block for one kind or pattern of kinds.
type rule struct {
	group, kind string // as written
	matches     func(object.GroupKind) bool
	block       *govern.Health
	builtIn     bool
	at          hcl.Range // where it is written
}

// name is how the rule is called: group/Kind.
func (r *rule) name() string {
	if r.group == "" {
		return r.kind
	}
	return r.group + "/" + r.kind
}

// decodeRule reads a rule of a plan.
func decodeRule(from plan.HealthRule) (*rule, error) {
	r := &rule{group: from.Group, kind: from.Kind, block: &govern.Health{Group: from.Group, Kind: from.Kind}}
	for _, one := range expressions(r.block, &from) {
		if len(*one.text) == 0 {
			continue
		}
		if err := json.Unmarshal(*one.text, one.expression); err != nil {
			return nil, fmt.Errorf("the health rule of %s cannot be read: %w", r.name(), err)
		}
	}
	return r, r.compile()
}

// compile makes what assessing needs.
func (r *rule) compile() error {
	r.at = r.block.Range
	for _, one := range expressions(r.block, &plan.HealthRule{}) {
		if !one.expression.IsZero() {
			r.at = one.expression.Range()
			break
		}
	}
	group, err := glob.Compile(r.group)
	if err != nil {
		return fmt.Errorf("the health rule of %s cannot be read: %w", r.name(), err)
	}
	kind, err := glob.Compile(r.kind)
	if err != nil {
		return fmt.Errorf("the health rule of %s cannot be read: %w", r.name(), err)
	}
	r.matches = func(k object.GroupKind) bool { return group.Match(k.Group) && kind.Match(k.Kind) }
	return nil
}

// ruleset finds the rule of a kind: one that names it, else the most exact pattern.
type ruleset struct {
	exact    map[object.GroupKind]*rule
	patterns []*rule
}

func newRuleset(rules []*rule) ruleset {
	set := ruleset{exact: map[object.GroupKind]*rule{}}
	for _, r := range rules {
		kind := object.GroupKind{Group: r.group, Kind: r.kind}
		switch {
		case isPattern(r.name()):
			set.patterns = append(set.patterns, r)
		case set.exact[kind] == nil:
			set.exact[kind] = r
		}
	}
	slices.SortStableFunc(set.patterns, func(a, b *rule) int {
		return cmp.Or(-cmp.Compare(plainLength(a.name()), plainLength(b.name())), cmp.Compare(a.name(), b.name()))
	})
	return set
}

// of returns the rule of a kind, nil where there is none.
func (s ruleset) of(kind object.GroupKind) *rule {
	if r := s.exact[kind]; r != nil {
		return r
	}
	for _, r := range s.patterns {
		if r.matches(kind) {
			return r
		}
	}
	return nil
}

func isPattern(text string) bool { return strings.ContainsAny(text, `*?[{\`) }

// plainLength is how many characters of a pattern stand for themselves: the more, the
// more exact it is.
func plainLength(pattern string) int {
	return len(pattern) - strings.Count(pattern, "*") - strings.Count(pattern, "?")
}
