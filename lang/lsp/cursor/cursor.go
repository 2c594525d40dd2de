// Package cursor tells where in the structure of a file a place is: in which block
// and argument, and what of a reference is written before it.
//
// The line that is being typed is most often no valid syntax, and so may others be.
// So it does not parse: it follows the tokens up to the place, and recovers from what
// is not closed as an author would. It knows no block by name but dynamic ones. Only
// lang/lsp imports it.
package cursor

import "github.com/hashicorp/hcl/v2/hclsyntax"

// Place is what may be written at a place.
type Place int

// The places.
const (
	Nowhere    Place = iota // nothing that can be told: a comment, a text, a key
	Item                    // an argument or a block
	Label                   // a label of a block, in quotes
	Text                    // a string, in quotes
	Expression              // an expression
)

// Block is a block that a place is in.
type Block struct {
	Type   string
	Labels []string
	Start  int // the offset of its type
	// Items counts the arguments and blocks that are written in it, but for the one that
	// the place is in.
	Items map[string]int
}

// Step is one step of a reference: a name, or an index.
type Step struct {
	Name string
	// Each says that the step selects some element, which is not known here.
	Each bool
}

// Cursor is where a place is.
type Cursor struct {
	Place Place
	// Blocks are the blocks around the place, the outermost first. For a label its block
	// is the last of them.
	Blocks []Block
	// Argument is whose value the place is in.
	Argument string
	// Word is what is written of the word at the place, before it; of a string or a label
	// all of its text.
	Word  string
	Start int // of the word
	// Steps are what comes before the word and a dot.
	Steps []Step
	// Opaque says that what comes before the word and a dot is no reference.
	Opaque bool
	// Locals are the variables of for expressions around the place.
	Locals []string
}

// At tells where an offset of a file is. start is where a block at the top level
// begins, before the offset, or 0.
func At(src []byte, start, offset int) Cursor {
	t := newTracker(src, start, offset)
	t.run()
	c := t.cursor()
	if len(c.Blocks) > 0 && c.Place != Label {
		last := &c.Blocks[len(c.Blocks)-1]
		countAfter(src, offset, last.Items)
	}
	return c
}

// cursor describes where the tracker has come to.
func (t *tracker) cursor() Cursor {
	c := Cursor{Start: t.end}
	if n := len(t.tokens); n > 0 && t.isWord(n-1) {
		last := t.tokens[n-1]
		c.Word, c.Start = string(last.Bytes), last.Range.Start.Byte
		t.tokens = t.tokens[:n-1]
	}
	for i := range t.frames {
		f := &t.frames[i]
		c.Locals = append(c.Locals, f.locals...)
		if f.kind == body && i > 0 {
			c.Blocks = append(c.Blocks, f.block)
		}
		if f.kind == body {
			c.Argument = f.argument
		}
	}
	top := t.top()
	switch {
	case t.inComment():
	case top.kind == quote:
		t.inQuote(&c)
	case top.kind == heredoc:
	case top.kind == body && top.argument == "":
		if len(top.header) == 0 || len(top.header) == 1 && c.Word != "" {
			c.Place = Item
		}
	case top.kind == object && !top.inValue && len(top.locals) == 0:
	default:
		c.Place = Expression
		c.Steps, c.Opaque = t.steps()
	}
	return c
}

// isWord reports whether a token is a word that reaches up to the place.
func (t *tracker) isWord(i int) bool {
	token := t.tokens[i]
	return token.Type == hclsyntax.TokenIdent && token.Range.End.Byte == t.end
}

func (t *tracker) inComment() bool {
	n := len(t.tokens)
	if n == 0 || t.tokens[n-1].Type != hclsyntax.TokenComment {
		return false
	}
	text := t.tokens[n-1].Bytes
	return t.tokens[n-1].Range.End.Byte == t.end && text[len(text)-1] != '\n' && (text[0] == '#' || text[1] == '/')
}

// inQuote describes a place in a string.
func (t *tracker) inQuote(c *Cursor) {
	top, outer := t.top(), t.frames[len(t.frames)-2]
	c.Word, c.Start = string(t.src[top.start:t.end]), top.start
	switch {
	case top.mixed:
	case outer.kind == body && outer.argument == "" && len(outer.header) > 0:
		c.Place = Label
		c.Blocks = append(c.Blocks, outer.open())
	case outer.kind == body || outer.kind == bracket && outer.start > 0 && !outer.index:
		c.Place = Text
	}
}

// steps returns the reference before a dot at the end of the tokens.
func (t *tracker) steps() (steps []Step, opaque bool) {
	i := len(t.tokens) - 1
	if i < 0 || !isDot(t.tokens[i]) {
		return nil, false
	}
	for i >= 0 && isDot(t.tokens[i]) {
		i--
		for i >= 0 && t.tokens[i].Type == hclsyntax.TokenCBrack {
			var step Step
			if step, i = t.indexStep(i); i < 0 {
				return nil, true
			}
			steps = append(steps, step)
		}
		switch {
		case i < 0:
			return nil, true
		case t.tokens[i].Type == hclsyntax.TokenIdent:
			steps = append(steps, Step{Name: string(t.tokens[i].Bytes)})
		case t.tokens[i].Type == hclsyntax.TokenStar, t.tokens[i].Type == hclsyntax.TokenNumberLit:
			steps = append(steps, Step{Each: true})
		default:
			return nil, true
		}
		i--
	}
	for a, b := 0, len(steps)-1; a < b; a, b = a+1, b-1 {
		steps[a], steps[b] = steps[b], steps[a]
	}
	return steps, false
}

// isDot reports whether a token is between a name and what is chosen of it.
func isDot(token hclsyntax.Token) bool {
	return token.Type == hclsyntax.TokenDot || token.Type == hclsyntax.TokenDoubleColon
}

// indexStep reads an index backwards from its closing bracket, and returns where
// what is before it ends; -1 where the bracket was not opened.
func (t *tracker) indexStep(i int) (Step, int) {
	depth, last := 0, i
	for ; i >= 0; i-- {
		switch t.tokens[i].Type { //nolint:exhaustive // only brackets count
		case hclsyntax.TokenCBrack:
			depth++
		case hclsyntax.TokenOBrack:
			depth--
		}
		if depth == 0 {
			break
		}
	}
	if i < 0 {
		return Step{}, -1
	}
	inner := t.tokens[i+1 : last]
	if len(inner) == 3 && inner[0].Type == hclsyntax.TokenOQuote && inner[1].Type == hclsyntax.TokenQuotedLit {
		return Step{Name: string(inner[1].Bytes)}, i - 1
	}
	return Step{Each: true}, i - 1
}
