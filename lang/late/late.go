// Package late is expressions that are evaluated case by case, long after the
// configuration they are written in: whether a trigger fires, a policy is violated,
// a custom resource is healthy, an application belongs to a step of a rollout.
//
// Such an expression is checked when the configuration is evaluated, and travels as
// its text with the values of the configuration that it uses, so that it means the
// same in a plan file on another machine. It can use all functions that read no
// files. The package knows no block and no cluster; lang compiles expressions, the
// engine evaluates them.
package late

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/syntax"
)

// Expression is a late expression. The zero value is none. It is immutable, and
// may be used by several goroutines at once.
type Expression struct {
	scope    Scope
	want     Want
	text     string // native syntax
	template bool   // the text is a template, as strings of the JSON syntax are
	at       hcl.Range
	captured map[string]cty.Value // of the configuration, by the first word of references

	compiled *compiled
}

// Text returns the expression as it was written: native syntax, or from a file in
// the JSON syntax a template.
func (e Expression) Text() string { return e.text }

// Range returns where the expression was written.
func (e Expression) Range() hcl.Range { return e.at }

// IsZero reports whether there is no expression.
func (e Expression) IsZero() bool { return e.compiled == nil }

// Captured returns the values of the configuration that the expression uses, by the
// first word of references: var, local, each and so on. None is sensitive.
func (e Expression) Captured() map[string]cty.Value { return e.captured }

// Equal reports whether two expressions are the same: written alike at the same
// place, with the same values.
func (e Expression) Equal(other Expression) bool {
	if e.scope != other.scope || e.want != other.want || e.text != other.text || e.template != other.template || e.at != other.at || len(e.captured) != len(other.captured) {
		return false
	}
	for name, v := range e.captured {
		if same, ok := other.captured[name]; !ok || !v.RawEquals(same) {
			return false
		}
	}
	return true
}

// compiled is what evaluating needs, made once.
type compiled struct {
	expr hclsyntax.Expression
	base *hcl.EvalContext // the functions, and the captured values
	// optional are the keys of maps that the expression names, by the names of the scope:
	// they are null where they are not there.
	optional map[string]*keyTree
	uses     []string // the names of the scope that it uses, sorted
}

// Source is what an expression is compiled from.
type Source struct {
	Text []byte    // as in the file
	At   hcl.Range // where in the file that is
	// Context has the values of the configuration that the expression refers to.
	Context *hcl.EvalContext
}

// Compile checks an expression. Where values of the configuration that it uses are
// not known, it is checked all the same, and known is false.
func Compile(scope Scope, want Want, source Source) (e Expression, known bool, diags hcl.Diagnostics) {
	e = Expression{scope: scope, want: want, text: string(source.Text), at: source.At}
	if syntax.IsJSON(source.At.Filename) {
		if diags := e.fromJSON(); diags.HasErrors() {
			return Expression{}, true, diags
		}
	}
	expr, diags := e.parse()
	if diags.HasErrors() {
		return Expression{}, true, diags
	}
	e.captured, known, diags = capture(scope, expr, source.Context)
	e.compiled = e.compile(expr)
	diags = append(diags, e.check()...)
	if diags.HasErrors() {
		return Expression{}, true, diags
	}
	return e, known, diags
}

// fromJSON takes the text of a value of the JSON syntax apart.
func (e *Expression) fromJSON() hcl.Diagnostics {
	var v any
	if err := json.Unmarshal([]byte(e.text), &v); err != nil {
		return hcl.Diagnostics{e.unsuitable(fmt.Sprintf("it cannot be read: %s", err))}
	}
	switch v := v.(type) {
	case string:
		e.text, e.template = v, true
	case map[string]any, []any:
		return hcl.Diagnostics{e.unsuitable("in JSON it must be a string that holds the expression, such as \"${app.name}\"")}
	}
	return nil
}

// parse reads the text, so that what it comes to has its ranges in the file.
func (e Expression) parse() (hclsyntax.Expression, hcl.Diagnostics) {
	var expr hcl.Expression
	var diags hcl.Diagnostics
	start := e.at.Start
	if e.template {
		start.Column, start.Byte = start.Column+1, start.Byte+1 // after the quote
		expr, diags = syntax.ParseTemplateAt([]byte(e.text), e.at.Filename, start)
	} else {
		text := e.text
		if strings.HasPrefix(text, "<<") {
			text += "\n" // which ends a heredoc, and is not in its range
		}
		expr, diags = syntax.ParseExpression([]byte(text), e.at.Filename, start)
	}
	if diags.HasErrors() {
		return nil, diags
	}
	return expr.(hclsyntax.Expression), diags
}

// compile makes what evaluating needs.
func (e Expression) compile(expr hclsyntax.Expression) *compiled {
	base := &hcl.EvalContext{Functions: functions(), Variables: e.captured}
	var uses []string
	for _, name := range e.scope.Names() {
		if slices.ContainsFunc(expr.Variables(), func(t hcl.Traversal) bool { return t.RootName() == name }) {
			uses = append(uses, name)
		}
	}
	interruptible(expr)
	return &compiled{expr: expr, base: base, optional: optionalKeys(e.scope, expr), uses: uses}
}

func (e Expression) unsuitable(problem string) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Unsuitable value",
		Detail:   fmt.Sprintf("This expression is evaluated case by case, and %s.", problem),
		Subject:  e.at.Ptr(),
	}
}
