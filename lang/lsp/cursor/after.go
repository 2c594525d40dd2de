package cursor

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// maxAfter bounds how much is looked at after a place.
const maxAfter = 64 << 10

// countAfter counts the items that a body has after the line of a place.
func countAfter(src []byte, offset int, items map[string]int) {
	rest := src[min(offset, len(src)):]
	end := bytes.IndexByte(rest, '\n')
	if end < 0 {
		return
	}
	rest = rest[end:]
	tokens, _ := hclsyntax.LexConfig(rest[:min(len(rest), maxAfter)], "", hcl.InitialPos)
	depth := 0
	for i, token := range tokens {
		switch token.Type { //nolint:exhaustive // brackets and what begins an item
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd:
			depth--
		case hclsyntax.TokenIdent:
			if depth == 0 && i > 0 && endsLine(tokens[i-1]) && i+1 < len(tokens) && beginsItem(tokens[i+1]) {
				items[string(token.Bytes)]++
			}
		}
		if depth < 0 {
			return
		}
	}
}

func endsLine(token hclsyntax.Token) bool {
	return token.Type == hclsyntax.TokenNewline || token.Type == hclsyntax.TokenComment && bytes.HasSuffix(token.Bytes, []byte("\n"))
}

func beginsItem(token hclsyntax.Token) bool {
	switch token.Type { //nolint:exhaustive // what follows the first word of an item
	case hclsyntax.TokenEqual, hclsyntax.TokenOBrace, hclsyntax.TokenOQuote, hclsyntax.TokenIdent:
		return true
	}
	return false
}
