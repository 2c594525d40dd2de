package planfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// canonical is a value as canonical JSON: RFC 8785 (members sorted, no blanks, one
// way to write each string), but for integers, which keep all their digits where that
// RFC would round them to a double.
func canonical(value any) ([]byte, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return canonicalize(text)
}

// canonicalize rewrites JSON as encoding/json writes it: compact, whole, and with
// numbers in their shortest form.
func canonicalize(text []byte) ([]byte, error) {
	c := &canonicalizer{in: text, out: make([]byte, 0, len(text))}
	if err := c.value(0); err != nil {
		return nil, err
	}
	if c.at != len(c.in) {
		return nil, fmt.Errorf("something follows the value at byte %d", c.at)
	}
	return c.out, nil
}

// maxDepth is how deep values may be nested.
const maxDepth = 10_000

type canonicalizer struct {
	in  []byte
	at  int
	out []byte
}

var errCanonical = errors.New("no compact JSON")

func (c *canonicalizer) value(depth int) error {
	if c.at >= len(c.in) || depth > maxDepth {
		return errCanonical
	}
	switch c.in[c.at] {
	case '{':
		return c.object(depth)
	case '[':
		return c.list(depth)
	case '"':
		text, err := c.text()
		if err == nil {
			c.out = appendText(c.out, text)
		}
		return err
	default: // a number, true, false, null: as they are
		start := c.at
		for c.at < len(c.in) && bytes.IndexByte([]byte(",]}"), c.in[c.at]) < 0 {
			c.at++
		}
		c.out = append(c.out, c.in[start:c.at]...)
		return nil
	}
}

func (c *canonicalizer) list(depth int) error {
	c.copyByte()
	for first := true; ; first = false {
		if c.next() == ']' {
			c.copyByte()
			return nil
		}
		if !first {
			if c.next() != ',' {
				return errCanonical
			}
			c.copyByte()
		}
		if err := c.value(depth + 1); err != nil {
			return err
		}
	}
}

// member is one of an object: its name, and where it stands in the output.
type member struct {
	name       string
	start, end int
}

func (c *canonicalizer) object(depth int) error {
	c.copyByte()
	begin := len(c.out)
	var members []member
	sorted := true
	for c.next() != '}' {
		if n := len(members); n > 0 {
			if c.next() != ',' {
				return errCanonical
			}
			c.copyByte()
		}
		start := len(c.out)
		name, err := c.text()
		if err != nil || c.next() != ':' {
			return errCanonical
		}
		c.out = appendText(c.out, name)
		c.copyByte()
		if err := c.value(depth + 1); err != nil {
			return err
		}
		if n := len(members); n > 0 && compareNames(members[n-1].name, name) > 0 {
			sorted = false
		}
		members = append(members, member{name, start, len(c.out)})
	}
	if !sorted {
		c.arrange(begin, members)
	}
	c.copyByte()
	return nil
}

// arrange puts the members that stand in the output from begin on in order.
func (c *canonicalizer) arrange(begin int, members []member) {
	written := bytes.Clone(c.out[begin:])
	slices.SortStableFunc(members, func(a, b member) int { return compareNames(a.name, b.name) })
	c.out = c.out[:begin]
	for i, m := range members {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		c.out = append(c.out, written[m.start-begin:m.end-begin]...)
	}
}

// compareNames orders names by their UTF-16 code units, as RFC 8785 has it.
func compareNames(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] >= utf8.RuneSelf || b[i] >= utf8.RuneSelf {
			return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
		}
		if a[i] != b[i] {
			return int(a[i]) - int(b[i])
		}
	}
	return len(a) - len(b)
}

func (c *canonicalizer) next() byte {
	if c.at < len(c.in) {
		return c.in[c.at]
	}
	return 0
}

func (c *canonicalizer) copyByte() {
	c.out = append(c.out, c.in[c.at])
	c.at++
}

// text reads a string.
func (c *canonicalizer) text() (string, error) {
	if c.next() != '"' {
		return "", errCanonical
	}
	start, escaped := c.at, false
	for c.at++; c.at < len(c.in) && c.in[c.at] != '"'; c.at++ {
		if c.in[c.at] == '\\' {
			escaped = true
			c.at++
		}
	}
	if c.at >= len(c.in) {
		return "", errCanonical
	}
	c.at++
	if !escaped {
		return string(c.in[start+1 : c.at-1]), nil
	}
	var text string
	err := json.Unmarshal(c.in[start:c.at], &text)
	return text, err
}

// appendText writes a string as RFC 8785 has it.
func appendText(out []byte, text string) []byte {
	out = append(out, '"')
	for i := range len(text) {
		switch b := text[i]; b {
		case '"', '\\':
			out = append(out, '\\', b)
		case '\b':
			out = append(out, `\b`...)
		case '\f':
			out = append(out, `\f`...)
		case '\n':
			out = append(out, `\n`...)
		case '\r':
			out = append(out, `\r`...)
		case '\t':
			out = append(out, `\t`...)
		default:
			if b < ' ' {
				out = append(out, `\u00`...)
				if b < 0x10 {
					out = append(out, '0')
				}
				out = strconv.AppendUint(out, uint64(b), 16)
			} else {
				out = append(out, b)
			}
		}
	}
	return append(out, '"')
}
