package plan

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan/published"
)

// Output is what happens to a value that the configuration gives to others.
type Output struct {
	Name      string
	Sensitive bool // now or before: neither Value nor Before is here
	// Value and Before are JSON: what it is now, and what it was when the configuration
	// was last applied. Either is empty where there is none.
	Value, Before json.RawMessage
	// Kind is how it changes; empty where it does not, or where that cannot be told
	// because it is sensitive.
	Kind FieldKind
}

// Outputs returns the outputs of the configuration and those that go, sorted by name.
// It is empty where the plan leaves what is published as it is.
func (p *Plan) Outputs() []Output {
	if p.Published == nil && !p.Unpublishes || !p.IsWhole() {
		return nil
	}
	byName := map[string]*Output{}
	at := func(name string) *Output {
		if byName[name] == nil {
			byName[name] = &Output{Name: name}
		}
		return byName[name]
	}
	for _, was := range p.OutputsBefore {
		o := at(was.Name)
		o.Sensitive, o.Before, o.Kind = was.Sensitive, was.Value, Removed
	}
	if p.Published != nil {
		for _, now := range p.Published.Outputs {
			o := at(now.Name)
			o.Value = now.Value
			switch {
			case o.Kind == "":
				o.Kind = Added
			case o.Sensitive && now.Sensitive, bytes.Equal(o.Before, o.Value):
				o.Kind = ""
			default:
				o.Kind = Changed
			}
			o.Sensitive = o.Sensitive || now.Sensitive
		}
	}
	out := make([]Output, 0, len(byName))
	for _, o := range byName {
		if o.Sensitive {
			o.Value, o.Before = nil, nil
		}
		out = append(out, *o)
	}
	slices.SortFunc(out, func(a, b Output) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// ChangesOutputs reports whether applying the plan changes an output.
func (p *Plan) ChangesOutputs() bool {
	return slices.ContainsFunc(p.Outputs(), func(o Output) bool { return o.Kind != "" })
}

// IsWhole reports whether everything that the plan was made of is in it, and can be
// applied: what others can read changes only with all of it.
func (p *Plan) IsWhole() bool { return len(p.Problems) == 0 && !p.IsBlocked() }

// Publishes returns the outputs that others can read once the plan is applied; nil
// where that leaves what they can read as it is.
func (p *Plan) Publishes() []published.Output {
	if p.Published == nil || !p.IsWhole() {
		return nil
	}
	return p.Published.Outputs
}
