package jsonnet

import (
	"bytes"
	"fmt"
)

// Limits on how deep code may nest. The parser recurses without a limit of its
// own, and a stack that overflows cannot be recovered from.
const (
	maxNesting   = 10_000
	maxOperators = 1_000  // unary operators in a row
	maxKeywords  = 50_000 // each may nest what follows it
)

// guard refuses a file whose parsing could overflow the stack. It does not know
// strings from code, and so counts too much rather than too little.
func guard(data []byte) error {
	depth, operators := 0, 0
	for _, c := range data {
		switch c {
		case '[', '{', '(':
			if depth++; depth > maxNesting {
				return fmt.Errorf("nested more than %d deep", maxNesting)
			}
		case ']', '}', ')':
			depth = max(depth-1, 0)
		case '-', '+', '!', '~':
			if operators++; operators > maxOperators {
				return fmt.Errorf("more than %d operators in a row", maxOperators)
			}
			continue
		case ' ', '\t', '\r', '\n':
			continue
		}
		operators = 0
	}
	keywords := 0
	for _, keyword := range []string{"local", "if", "else", "assert", "error", "function"} {
		keywords += bytes.Count(data, []byte(keyword))
	}
	if keywords > maxKeywords {
		return fmt.Errorf("more than %d local, if, assert, error and function", maxKeywords)
	}
	return nil
}
