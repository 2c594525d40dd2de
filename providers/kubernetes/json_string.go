package kubernetes

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// quoted reads a string.
func (p *parser) quoted() (any, error) {
	p.at++
	start := p.at
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			raw := p.text[start:p.at]
			p.at++
			return p.share(raw), nil
		case c == '\\' || c >= utf8.RuneSelf:
			return p.escaped(start)
		case c < ' ':
			return nil, p.unexpected("in a string")
		}
		p.at++
	}
	return nil, errTruncated
}

// escaped reads the rest of a string that has escapes, or characters beyond
// ASCII, into a copy.
func (p *parser) escaped(start int) (any, error) {
	out := append(make([]byte, 0, 2*(p.at-start)+32), p.text[start:p.at]...)
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c == '"':
			p.at++
			return p.share(out), nil
		case c == '\\':
			var err error
			if out, err = p.escape(out); err != nil {
				return nil, err
			}
		case c < ' ':
			return nil, p.unexpected("in a string")
		case c < utf8.RuneSelf:
			out = append(out, c)
			p.at++
		default:
			r, size := utf8.DecodeRune(p.text[p.at:])
			out = utf8.AppendRune(out, r) // U+FFFD for what is not UTF-8
			p.at += size
		}
	}
	return nil, errTruncated
}

// escape reads one escape sequence.
func (p *parser) escape(out []byte) ([]byte, error) {
	p.at++
	if p.at >= len(p.text) {
		return nil, errTruncated
	}
	c := p.text[p.at]
	switch c {
	case '"', '\\', '/':
		out = append(out, c)
	case 'b':
		out = append(out, '\b')
	case 'f':
		out = append(out, '\f')
	case 'n':
		out = append(out, '\n')
	case 'r':
		out = append(out, '\r')
	case 't':
		out = append(out, '\t')
	case 'u':
		p.at++
		first, ok := p.hex()
		if !ok {
			return nil, p.unexpected("in a \\u escape")
		}
		if !utf16.IsSurrogate(first) {
			return utf8.AppendRune(out, first), nil
		}
		return p.surrogate(out, first), nil
	default:
		return nil, p.unexpected("after a backslash")
	}
	p.at++
	return out, nil
}

// surrogate completes a pair whose first half was read. A half that stands alone
// is U+FFFD.
func (p *parser) surrogate(out []byte, first rune) []byte {
	before := p.at
	if len(p.text)-p.at >= 6 && p.text[p.at] == '\\' && p.text[p.at+1] == 'u' {
		p.at += 2
		if second, ok := p.hex(); ok {
			if pair := utf16.DecodeRune(first, second); pair != utf8.RuneError {
				return utf8.AppendRune(out, pair)
			}
		}
	}
	p.at = before
	return utf8.AppendRune(out, utf8.RuneError)
}

// hex reads four digits.
func (p *parser) hex() (rune, bool) {
	if len(p.text)-p.at < 4 {
		p.at = len(p.text)
		return 0, false
	}
	number, err := strconv.ParseUint(string(p.text[p.at:p.at+4]), 16, 16)
	if err != nil {
		return 0, false
	}
	p.at += 4
	return rune(number), true
}

// share returns a string as a value. Short ones are made once for the document.
func (p *parser) share(raw []byte) any {
	if len(raw) > maxShared {
		return string(raw)
	}
	if value, ok := p.shared[string(raw)]; ok {
		return value
	}
	text := string(raw)
	value := any(text)
	if len(p.shared) < maxSharedValues {
		p.shared[text] = value
	}
	return value
}
