package cursor

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// maxRecoveries bounds how often strings that are not closed are recovered from:
// each means to read the rest again.
const maxRecoveries = 8

type frameKind int

const (
	body frameKind = iota
	object
	bracket
	paren
	template
	quote
	heredoc
)

// frame is one thing that is open.
type frame struct {
	kind  frameKind
	start int // the offset after what opened it

	// Of bodies.
	block    Block
	header   []hclsyntax.Token // of the item that has begun
	argument string            // whose value is being written

	inValue bool     // of objects: after a key
	locals  []string // of objects and brackets that are for expressions
	naming  bool     // between "for" and "in"
	begun   bool     // anything was read in it
	index   bool     // of brackets: what follows a value
	mixed   bool     // of quotes: there is more in it than text
}

// tracker follows the tokens of a file up to a place.
type tracker struct {
	src        []byte
	start, end int
	frames     []frame
	tokens     []hclsyntax.Token
	recoveries int
}

func newTracker(src []byte, start, end int) *tracker {
	end = max(0, min(end, len(src)))
	t := &tracker{src: src[:end], start: min(start, end), end: end}
	t.frames = []frame{{kind: body, block: Block{Items: map[string]int{}}}}
	return t
}

func (t *tracker) top() *frame { return &t.frames[len(t.frames)-1] }

func (t *tracker) push(f frame) { t.frames = append(t.frames, f) }

// run reads all tokens.
func (t *tracker) run() {
	for from := t.start; from >= 0 && from < t.end; {
		from = t.lex(from)
	}
}

// lex reads the tokens from an offset. It returns where to go on after a string that
// is not closed, or -1.
func (t *tracker) lex(from int) int {
	tokens, _ := hclsyntax.LexConfig(t.src[from:], "", hcl.Pos{Line: 1, Column: 1, Byte: from})
	for _, token := range tokens {
		switch token.Type { //nolint:exhaustive // the others are tokens like any other
		case hclsyntax.TokenEOF:
			return -1
		case hclsyntax.TokenQuotedNewline:
			if t.recoveries++; t.recoveries > maxRecoveries {
				return -1
			}
			t.leaveStrings()
			t.newline()
			return token.Range.End.Byte
		}
		t.token(token)
		t.tokens = append(t.tokens, token)
	}
	return -1
}

// leaveStrings closes every string that is open.
func (t *tracker) leaveStrings() {
	for i := range t.frames {
		if k := t.frames[i].kind; k == quote || k == heredoc || k == template {
			t.frames = t.frames[:i]
			return
		}
	}
}

// token follows one token.
func (t *tracker) token(token hclsyntax.Token) {
	top := t.top()
	after := token.Range.End.Byte
	switch token.Type { //nolint:exhaustive // the others change nothing
	case hclsyntax.TokenNewline:
		t.newline()
		return
	case hclsyntax.TokenComment:
		if bytes.HasSuffix(token.Bytes, []byte("\n")) {
			t.newline()
		}
		return
	case hclsyntax.TokenOBrace:
		t.openBrace(after)
		return
	case hclsyntax.TokenCBrace:
		t.closeTo(func(k frameKind) bool { return k == body || k == object })
		return
	case hclsyntax.TokenOBrack:
		t.push(frame{kind: bracket, start: after, index: t.followsValue(token)})
		return
	case hclsyntax.TokenOParen:
		t.push(frame{kind: paren, start: after})
		return
	case hclsyntax.TokenCBrack:
		t.closeOne(bracket)
		return
	case hclsyntax.TokenCParen:
		t.closeOne(paren)
		return
	case hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		top.mixed = true
		t.push(frame{kind: template, start: after})
		return
	case hclsyntax.TokenTemplateSeqEnd:
		t.closeTo(func(k frameKind) bool { return k == template })
		return
	case hclsyntax.TokenOQuote:
		t.push(frame{kind: quote, start: after})
		return
	case hclsyntax.TokenOHeredoc:
		t.push(frame{kind: heredoc, start: after})
		return
	case hclsyntax.TokenCQuote:
		t.closeQuote(token)
		return
	case hclsyntax.TokenCHeredoc:
		t.closeTo(func(k frameKind) bool { return k == heredoc })
		return
	case hclsyntax.TokenEqual:
		t.equal()
		return
	case hclsyntax.TokenColon, hclsyntax.TokenFatArrow:
		top.inValue = true
	case hclsyntax.TokenComma:
		top.inValue = false
	case hclsyntax.TokenIdent:
		t.ident(token)
	}
	top.begun = true
}

// followsValue reports whether a bracket selects an element of what is before it.
func (t *tracker) followsValue(token hclsyntax.Token) bool {
	if n := len(t.tokens); n > 0 && t.tokens[n-1].Range.End.Byte == token.Range.Start.Byte {
		switch t.tokens[n-1].Type { //nolint:exhaustive // what ends a value
		case hclsyntax.TokenIdent, hclsyntax.TokenCBrack, hclsyntax.TokenCParen:
			return true
		}
	}
	return false
}

func (t *tracker) newline() {
	switch top := t.top(); top.kind {
	case body:
		top.header, top.argument = nil, ""
	case object:
		top.inValue = false
	case bracket, paren, template, quote, heredoc:
	}
}

// ident follows a word.
func (t *tracker) ident(token hclsyntax.Token) {
	top := t.top()
	switch {
	case top.kind == body && top.argument == "":
		top.header = append(top.header, token)
	case (top.kind == object || top.kind == bracket) && !top.begun && string(token.Bytes) == "for":
		top.naming, top.locals = true, []string{}
	case top.naming && string(token.Bytes) == "in":
		top.naming, top.inValue = false, true
	case top.naming:
		top.locals = append(top.locals, string(token.Bytes))
	}
}

// equal follows an equals sign: of an argument, or of an attribute of an object. In
// brackets and templates there is none, so that they were left open on a line before.
func (t *tracker) equal() {
	var name []hclsyntax.Token
	for top := t.top(); top.kind != body && top.kind != object && top.kind != heredoc; top = t.top() {
		if n := len(t.tokens); n == 0 || t.tokens[n-1].Type != hclsyntax.TokenIdent || len(t.frames) == 1 {
			return
		}
		name = t.tokens[len(t.tokens)-1:]
		t.frames = t.frames[:len(t.frames)-1]
	}
	top := t.top()
	switch {
	case top.kind == object:
		top.inValue = true
	case top.kind == body && name != nil:
		top.header = name
		fallthrough
	case top.kind == body && len(top.header) > 0:
		top.argument = string(top.header[0].Bytes)
		top.block.Items[top.argument]++
	}
}

// openBrace begins the body of a block, or an object.
func (t *tracker) openBrace(after int) {
	top := t.top()
	if top.kind != body || top.argument != "" {
		top.begun = true
		t.push(frame{kind: object, start: after})
		return
	}
	opened := top.open()
	if opened.Type != "" {
		top.block.Items[opened.Type]++
	}
	top.header = nil
	t.push(frame{kind: body, start: after, block: opened})
}

// open returns the block whose header was read.
func (f *frame) open() Block {
	opened := Block{Items: map[string]int{}}
	for i, token := range f.header {
		if i == 0 {
			opened.Type, opened.Start = string(token.Bytes), token.Range.Start.Byte
		} else {
			opened.Labels = append(opened.Labels, string(token.Bytes))
		}
	}
	return opened
}

// closeQuote ends a string; that of a label goes to the header.
func (t *tracker) closeQuote(token hclsyntax.Token) {
	if t.top().kind != quote {
		return
	}
	start := t.top().start
	t.frames = t.frames[:len(t.frames)-1]
	if top := t.top(); top.kind == body && top.argument == "" && len(top.header) > 0 {
		label := token
		label.Bytes = t.src[start:token.Range.Start.Byte]
		top.header = append(top.header, label)
	}
}

// closeTo closes the innermost frame of some kinds, and what was left open in it.
func (t *tracker) closeTo(is func(frameKind) bool) {
	for i := len(t.frames) - 1; i > 0; i-- {
		if is(t.frames[i].kind) {
			t.frames = t.frames[:i]
			return
		}
	}
}

// closeOne closes a bracket, if one is open in the innermost braces.
func (t *tracker) closeOne(kind frameKind) {
	for i := len(t.frames) - 1; i > 0; i-- {
		switch t.frames[i].kind {
		case kind:
			t.frames = t.frames[:i]
			return
		case bracket, paren:
		case body, object, template, quote, heredoc:
			return
		}
	}
}
