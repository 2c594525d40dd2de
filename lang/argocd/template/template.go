// Package template turns the texts of Argo CD's templates into HCL: of
// ApplicationSets, with Go templates or the older {{name}}, and of notifications.
//
// What a template refers to is asked of a Scope, which the caller gives. What has
// no exact counterpart is an error that says what it is; nothing is guessed. The
// package knows no block of the language. lang/argocd imports it.
package template

import (
	"errors"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/gantrycd/gantry/lang/argocd/draft"
)

// Part is a piece of a text.
type Part = draft.Part

// Text is a text with expressions in it.
type Text []Part

// Literal is a text without expressions.
func Literal(text string) Text {
	if text == "" {
		return nil
	}
	return Text{{Literal: text}}
}

// Expression is a text that is what an expression gives.
func Expression(text string) Text { return Text{{Expression: text}} }

// IsLiteral reports whether there is no expression in it; then Plain is all of it.
func (t Text) IsLiteral() bool {
	for _, part := range t {
		if part.Expression != "" {
			return false
		}
	}
	return true
}

// Plain returns the literal parts.
func (t Text) Plain() string {
	var b strings.Builder
	for _, part := range t {
		b.WriteString(part.Literal)
	}
	return b.String()
}

// Value returns the text as a value: a string, an expression that stands alone, or
// a string with expressions in it.
func (t Text) Value() draft.Value {
	if t.IsLiteral() {
		return draft.String(t.Plain())
	}
	if len(t) == 1 {
		return draft.Raw(t[0].Expression)
	}
	return draft.Template(t...)
}

// Quoted returns the text as an HCL string in quotes, so that it is a string
// whatever its expressions are.
func (t Text) Quoted() string {
	return draft.QuoteTemplate(t)
}

// Expr returns the text as one expression.
func (t Text) Expr() string {
	if len(t) == 1 && t[0].Expression != "" {
		return t[0].Expression
	}
	return t.Quoted()
}

// Add appends parts; those that are empty are left out.
func (t Text) Add(more ...Part) Text {
	for _, part := range more {
		if part.Expression == "" && part.Literal == "" {
			continue
		}
		if last := len(t) - 1; last >= 0 && part.Expression == "" && t[last].Expression == "" {
			t[last].Literal += part.Literal
			continue
		}
		t = append(t, part)
	}
	return t
}

// Scope knows what a template can refer to.
type Scope interface {
	// Field returns a parameter by its path: ["metadata", "labels", "tier"]. The error
	// says why there is none.
	Field(path []string) (Text, error)
	// Flat returns a parameter by the name that {{name}} has: "metadata.labels.tier",
	// "path[0]".
	Flat(name string) (Text, error)
}

// Problem is what could not be translated, and what of the template it is.
type Problem struct {
	Offset int    // in bytes, from the text's beginning
	Piece  string // "{{range .items}}"
	Reason string
}

func (p *Problem) Error() string { return p.Piece + ": " + p.Reason }

// Untranslated stands before what was not translated: nobody takes it for a value.
const Untranslated = "TODO"

// Result is a translation. What there are problems with is in Text as it was, with
// Untranslated before it.
type Result struct {
	Text     Text
	Problems []*Problem
	// Near are the functions that were translated to one that is a little
	// different, and how.
	Near []string
}

// Has reports whether a text has anything of a template in it.
func Has(text string) bool { return strings.Contains(text, "{{") }

// Fast translates a text with {{name}} in it.
func Fast(text string, scope Scope) Result {
	var r Result
	rest, offset := text, 0
	for {
		before, after, found := strings.Cut(rest, "{{")
		if !found {
			break
		}
		name, behind, closed := strings.Cut(after, "}}")
		if !closed {
			break // Argo CD leaves it as it is
		}
		r.Text = r.Text.Add(Part{Literal: before})
		piece := "{{" + name + "}}"
		if part, err := scope.Flat(strings.TrimSpace(name)); err != nil {
			r.Problems = append(r.Problems, &Problem{Offset: offset + len(before), Piece: piece, Reason: err.Error()})
			r.Text = r.Text.Add(Part{Literal: Untranslated + piece})
		} else {
			r.Text = r.Text.Add(part...)
		}
		offset += len(before) + len(piece)
		rest = behind
	}
	r.Text = r.Text.Add(Part{Literal: rest})
	return r
}

// Path writes the attributes of a value: Path("each.value", "labels", "a/b") is
// each.value.labels["a/b"]; digits are places in a list.
func Path(root string, path ...string) string {
	var b strings.Builder
	b.WriteString(root)
	for _, name := range path {
		if _, err := strconv.Atoi(name); err == nil {
			b.WriteString("[" + name + "]")
		} else if hclsyntax.ValidIdentifier(name) {
			b.WriteString("." + name)
		} else {
			b.WriteString("[" + draft.Quote(name) + "]")
		}
	}
	return b.String()
}

// SplitFlat parts the name of a parameter: "path[0]" is ["path", "0"].
func SplitFlat(name string) ([]string, error) {
	var path []string
	for _, word := range strings.Split(name, ".") {
		base, index, found := strings.Cut(word, "[")
		path = append(path, base)
		for found {
			var number string
			number, index, found = strings.Cut(index, "]")
			if _, err := strconv.Atoi(number); !found || err != nil {
				return nil, errors.New("it is no parameter")
			}
			path = append(path, number)
			_, index, found = strings.Cut(index, "[")
		}
	}
	for _, word := range path {
		if word == "" || strings.ContainsAny(word, " \t|(){}") {
			return nil, errors.New("it is no parameter")
		}
	}
	return path, nil
}
