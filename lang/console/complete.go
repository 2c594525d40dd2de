package console

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/syntax"
	"github.com/gantrycd/gantry/lang/value"
)

// reference is the end of a line that a reference, or the beginning of one, is.
var reference = regexp.MustCompile(`[\pL_][\pL\pN_-]*(?:::)?(?:\.[\pL\pN_-]*|\["[^"]*"\]|\[[0-9]+\])*$`)

// Complete returns what the word at the end of a text may be: the completed texts
// of the reference that it is in, sorted. start is where that begins.
func (s *Session) Complete(text string) (start int, candidates []string) {
	at := reference.FindStringIndex(text)
	if at == nil {
		return len(text), nil
	}
	start = at[0]
	if insideString(text[:start]) {
		return len(text), nil
	}
	word := text[start:]
	dot := strings.LastIndex(word, ".")
	prefix, typed := word[:dot+1], word[dot+1:]
	words := s.names(prefix)
	if prefix == "" {
		for _, f := range s.functions {
			words = append(words, f.Name+"(")
		}
		words = append(words, "true", "false", "null")
	} else {
		words = append(words, s.attributes(strings.TrimSuffix(prefix, "."))...)
	}
	for _, candidate := range words {
		if strings.HasPrefix(candidate, typed) {
			candidates = append(candidates, prefix+candidate)
		}
	}
	slices.Sort(candidates)
	return start, slices.Compact(candidates)
}

// insideString reports whether a text ends within a string, and not in a template
// of it.
func insideString(text string) bool {
	tokens, _ := hclsyntax.LexExpression([]byte(text), "", hcl.InitialPos)
	var open []hclsyntax.TokenType
	for _, token := range tokens {
		switch token.Type { //nolint:exhaustive // what opens and closes strings
		case hclsyntax.TokenOQuote, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			open = append(open, token.Type)
		case hclsyntax.TokenCQuote, hclsyntax.TokenTemplateSeqEnd:
			open = open[:max(0, len(open)-1)]
		}
	}
	return len(open) > 0 && open[len(open)-1] == hclsyntax.TokenOQuote
}

// attributes returns what the value of a reference has that can be written after
// a dot.
func (s *Session) attributes(text string) []string {
	expr, diags := syntax.ParseExpression([]byte(text), "", hcl.InitialPos)
	if diags.HasErrors() {
		return nil
	}
	v, diags := s.scope.Evaluate(expr, eval.Extra{})
	if diags.HasErrors() {
		return nil
	}
	return slices.DeleteFunc(keysOf(v), func(name string) bool { return !hclsyntax.ValidIdentifier(name) })
}

// keysOf returns the names of a value's attributes, or the keys of a map.
func keysOf(v cty.Value) []string {
	v, _ = v.Unmark()
	if v.Type().IsMapType() && v.IsKnown() && !v.IsNull() {
		return schema.SortedKeys(v.AsValueMap())
	}
	return value.Attributes(v.Type())
}

// Common returns the longest text that all candidates begin with.
func Common(candidates []string) string {
	if len(candidates) == 0 {
		return ""
	}
	common := candidates[0]
	for _, candidate := range candidates[1:] {
		for !strings.HasPrefix(candidate, common) {
			common = common[:len(common)-1]
		}
	}
	return strings.ToValidUTF8(common, "")
}
