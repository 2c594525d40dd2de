package late

import (
	"encoding/json"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// document is an expression as it travels.
type document struct {
	Scope    Scope                      `json:"scope"`
	Want     Want                       `json:"want"`
	Text     string                     `json:"text"`
	Template bool                       `json:"template,omitempty"`
	Range    hcl.Range                  `json:"range"`
	Captured map[string]json.RawMessage `json:"captured,omitempty"` // each with its type
}

// MarshalJSON writes the expression with the values that it uses; null is none.
func (e Expression) MarshalJSON() ([]byte, error) {
	if e.IsZero() {
		return []byte("null"), nil
	}
	out := document{Scope: e.scope, Want: e.want, Text: e.text, Template: e.template, Range: e.at, Captured: map[string]json.RawMessage{}}
	for name, v := range e.captured {
		data, err := ctyjson.Marshal(v, cty.DynamicPseudoType)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out.Captured[name] = data
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote, and refuses what Compile would.
func (e *Expression) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*e = Expression{}
		return nil
	}
	var in document
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	if in.Scope.types() == nil {
		return fmt.Errorf("late expression: there is no scope %q", in.Scope)
	}
	if in.Want != Condition && in.Want != Text && in.Want != Any {
		return fmt.Errorf("late expression: it cannot be meant to come to a %q", in.Want)
	}
	read := Expression{scope: in.Scope, want: in.Want, text: in.Text, template: in.Template, at: in.Range, captured: map[string]cty.Value{}}
	for name, raw := range in.Captured {
		v, err := ctyjson.Unmarshal(raw, cty.DynamicPseudoType)
		if err != nil {
			return fmt.Errorf("late expression: %s: %w", name, err)
		}
		read.captured[name] = v
	}
	expr, diags := read.parse()
	if diags.HasErrors() {
		return fmt.Errorf("late expression: %w", diags)
	}
	read.compiled = read.compile(expr)
	if diags := read.check(); diags.HasErrors() {
		return fmt.Errorf("late expression: %w", diags)
	}
	*e = read
	return nil
}
