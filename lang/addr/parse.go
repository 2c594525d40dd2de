package addr

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Parse reads an address as people write it: names joined by dots, keys as
// HCL strings in brackets. It reads back what String prints.
func Parse(text string) (Address, error) {
	traversal, err := parseTraversal(text)
	if err != nil {
		return Address{}, fmt.Errorf("address %q: %w; expected a form like application.name or application.name[\"key\"]", text, err)
	}
	a, rest, err := FromTraversal(traversal)
	if err != nil {
		return Address{}, fmt.Errorf("address %q: %w", text, err)
	}
	if len(rest) > 0 {
		return Address{}, fmt.Errorf("address %q: nothing may follow %s", text, a)
	}
	return a, nil
}

// parseTraversal reads names and quoted keys. HCL's own parser of traversals
// leaves template escapes in keys as they are, so that a key with "${" would not
// come back as it went.
func parseTraversal(text string) (hcl.Traversal, error) {
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("it is not valid UTF-8")
	}
	var traversal hcl.Traversal
	for rest := text; rest != "" || len(traversal) == 0; {
		if rest != "" && rest[0] == '[' {
			key, after, err := unquotedIndex(rest)
			if err != nil {
				return nil, err
			}
			traversal = append(traversal, hcl.TraverseIndex{Key: cty.StringVal(key)})
			rest = after
			continue
		}
		if len(traversal) > 0 {
			if rest[0] != '.' {
				return nil, fmt.Errorf("unexpected %q", rest)
			}
			rest = rest[1:]
		}
		end := strings.IndexAny(rest, ".[")
		if end < 0 {
			end = len(rest)
		}
		name := rest[:end]
		if !hclsyntax.ValidIdentifier(name) {
			return nil, fmt.Errorf("%q is not a name", name)
		}
		if len(traversal) == 0 {
			traversal = append(traversal, hcl.TraverseRoot{Name: name})
		} else {
			traversal = append(traversal, hcl.TraverseAttr{Name: name})
		}
		rest = rest[end:]
	}
	return traversal, nil
}

// unquoteKey reads the index that text starts with, and returns what follows
// it.
func unquotedIndex(text string) (key, rest string, err error) {
	body, ok := strings.CutPrefix(text, `["`)
	if !ok {
		return "", "", fmt.Errorf("a key must be a string in quotes")
	}
	var b strings.Builder
	for body != "" {
		switch c := body[0]; {
		case c == '"':
			rest, ok := strings.CutPrefix(body, `"]`)
			if !ok {
				return "", "", fmt.Errorf("expected \"]\" after the key")
			}
			return b.String(), rest, nil
		case c == '\\':
			r, after, err := unescape(body)
			if err != nil {
				return "", "", err
			}
			b.WriteRune(r)
			body = after
		case strings.HasPrefix(body, "$${") || strings.HasPrefix(body, "%%{"):
			b.WriteString(body[1:3])
			body = body[3:]
		case strings.HasPrefix(body, "${") || strings.HasPrefix(body, "%{"):
			return "", "", fmt.Errorf("a key cannot hold a template; write %s for the characters %s", body[:1]+body[:2], body[:2])
		default:
			b.WriteByte(c)
			body = body[1:]
		}
	}
	return "", "", fmt.Errorf("the key's quotes are not closed")
}

// unescape reads one backslash escape.
func unescape(text string) (r rune, rest string, err error) {
	if len(text) < 2 {
		return 0, "", fmt.Errorf("a backslash must be followed by a character")
	}
	digits := 0
	switch text[1] {
	case 'n':
		return '\n', text[2:], nil
	case 'r':
		return '\r', text[2:], nil
	case 't':
		return '\t', text[2:], nil
	case '"', '\\':
		return rune(text[1]), text[2:], nil
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	default:
		return 0, "", fmt.Errorf("unknown escape \\%c", text[1])
	}
	if len(text) < 2+digits {
		return 0, "", fmt.Errorf("\\%c must be followed by %d hexadecimal digits", text[1], digits)
	}
	code, err := strconv.ParseUint(text[2:2+digits], 16, 32)
	if err != nil || !utf8.ValidRune(rune(code)) {
		return 0, "", fmt.Errorf("\\%s is not a Unicode character", text[1:2+digits])
	}
	return rune(code), text[2+digits:], nil
}
