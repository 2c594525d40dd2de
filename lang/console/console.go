// Package console evaluates what people ask of a configuration: expressions, line
// by line, as if they were written in the root module. It tells when an expression
// goes on in the next line, completes names, and renders values.
//
// It knows no terminal: cmd reads lines and writes what comes back. Only cmd
// imports it.
package console

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/function"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/syntax"
)

// Session is a configuration that is asked. It is not safe for concurrent use.
type Session struct {
	scope     *eval.Scope
	graph     []eval.Node
	functions []function.Description
	asked     int
	files     map[string]*hcl.File
}

// New returns a session over an evaluated configuration: its scope, the graph of
// its blocks, and the functions there are.
func New(scope *eval.Scope, graph []eval.Node, functions []function.Description) *Session {
	return &Session{scope: scope, graph: graph, functions: functions, files: map[string]*hcl.File{}}
}

// Files are the expressions that were asked, for showing diagnostics.
func (s *Session) Files() map[string]*hcl.File { return s.files }

// Evaluate evaluates one expression.
func (s *Session) Evaluate(text string) (cty.Value, hcl.Diagnostics) {
	s.asked++
	name := fmt.Sprintf("expression %d", s.asked)
	s.files[name] = &hcl.File{Bytes: []byte(text)}
	expr, diags := syntax.ParseExpression([]byte(text), name, hcl.InitialPos)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	return s.scope.Evaluate(expr, eval.Extra{})
}

// operators are the tokens that want something after them.
var operators = map[hclsyntax.TokenType]bool{
	hclsyntax.TokenPlus: true, hclsyntax.TokenMinus: true, hclsyntax.TokenStar: true, hclsyntax.TokenSlash: true, hclsyntax.TokenPercent: true,
	hclsyntax.TokenEqualOp: true, hclsyntax.TokenNotEqual: true, hclsyntax.TokenLessThan: true, hclsyntax.TokenLessThanEq: true,
	hclsyntax.TokenGreaterThan: true, hclsyntax.TokenGreaterThanEq: true, hclsyntax.TokenAnd: true, hclsyntax.TokenOr: true,
	hclsyntax.TokenQuestion: true, hclsyntax.TokenColon: true, hclsyntax.TokenBang: true, hclsyntax.TokenDot: true,
}

// Incomplete reports whether an expression goes on in the next line: a bracket, a
// string or a template is open, or it ends in an operator.
func Incomplete(text string) bool {
	if len(text) > syntax.MaxSize {
		return false
	}
	tokens, _ := hclsyntax.LexExpression([]byte(text), "", hcl.InitialPos)
	depth := 0
	last := hclsyntax.TokenNil
	for _, token := range tokens {
		switch token.Type { //nolint:exhaustive // what opens and closes
		case hclsyntax.TokenOBrace, hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenTemplateInterp,
			hclsyntax.TokenTemplateControl, hclsyntax.TokenOHeredoc:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCHeredoc:
			depth--
		}
		if token.Type != hclsyntax.TokenEOF && token.Type != hclsyntax.TokenNewline && token.Type != hclsyntax.TokenComment {
			last = token.Type
		}
	}
	return depth > 0 || operators[last]
}

// Split takes a text of several lines apart into its expressions; blank lines and
// comments between them are left out.
func Split(text string) []string {
	var out []string
	pending := ""
	for _, line := range strings.SplitAfter(text, "\n") {
		trimmed := strings.TrimSpace(line)
		if pending == "" && (trimmed == "" || strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, "//")) {
			continue
		}
		pending += line
		if !Incomplete(pending) {
			out = append(out, strings.TrimRight(pending, "\n"))
			pending = ""
		}
	}
	if strings.TrimSpace(pending) != "" {
		out = append(out, strings.TrimRight(pending, "\n"))
	}
	return out
}

// names returns the words that may follow a dotted prefix; "" is the beginning of
// an expression.
func (s *Session) names(prefix string) []string {
	found := map[string]bool{}
	for _, node := range s.graph {
		if node.Address.Module != "" {
			continue
		}
		address := node.Address.Block().String()
		rest, ok := strings.CutPrefix(address, prefix)
		if !ok || rest == "" {
			continue
		}
		word, _, _ := strings.Cut(rest, ".")
		found[word] = true
	}
	return schema.SortedKeys(found)
}
