package syntax

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// meter follows the lexical structure of native syntax as HCL's own scanner
// does (a test holds it to that), and never finds it shallower than the parser
// does.
type meter struct {
	src   []byte
	pos   int
	stack []level
	depth int // levels, and template directives open in them
	ops   int // operators of the expressions that are open on all levels
	err   *excess
	// closed says that a brace was closed at the top level on this line; ends are where
	// the lines of these end.
	closed bool
	ends   []int
}

// level is one thing that is open.
type level struct {
	kind       kind
	marker     []byte // of a heredoc
	directives int    // %{ if } and %{ for } open in a string
	ops        int
}

type kind byte

const (
	file    kind = iota // not nested in anything
	bracket             // [
	paren               // (
	brace               // {
	interp              // ${ or %{
	quoted              // "
	heredoc             // <<X
	bare                // a template that is a whole text
)

// measureNative returns what is too much in a text of native syntax, or in a
// bare template.
func measureNative(src []byte, template bool) *excess {
	first := file
	if template {
		first = bare
	}
	_, problem := measure(src, first)
	return problem
}

// measureFile is measureNative for a file. It returns where the lines end on which
// blocks at the top level do: there, nothing is open.
func measureFile(src []byte) (ends []int, problem *excess) { return measure(src, file) }

func measure(src []byte, first kind) (ends []int, problem *excess) {
	// HCL's scanner leaves its own path on broken UTF-8.
	if !utf8.Valid(src) {
		return nil, notUTF8(src)
	}
	m := &meter{src: bytes.TrimPrefix(src, []byte("\xef\xbb\xbf")), stack: []level{{kind: first}}}
	skipped := len(src) - len(m.src)
	for m.pos < len(m.src) && m.err == nil {
		switch m.top().kind {
		case quoted, bare:
			m.inQuotes()
		case heredoc:
			m.inHeredoc()
		case file, bracket, paren, brace, interp:
			m.inCode()
		}
	}
	if m.err != nil {
		m.err.offset += skipped
	}
	for i := range m.ends {
		m.ends[i] += skipped
	}
	return m.ends, m.err
}

func (m *meter) top() *level { return &m.stack[len(m.stack)-1] }

func (m *meter) open(k kind, marker []byte) {
	m.stack = append(m.stack, level{kind: k, marker: marker})
	if m.depth++; m.depth > MaxDepth {
		m.err = tooDeep(m.pos)
	}
}

func (m *meter) close() {
	top := m.top()
	m.depth -= 1 + top.directives
	m.ops -= top.ops
	m.stack = m.stack[:len(m.stack)-1]
}

func (m *meter) operator() {
	m.top().ops++
	if m.ops++; m.ops > MaxOperators {
		m.err = tooLong(m.pos)
	}
}

// separate ends an expression on the innermost level.
func (m *meter) separate() {
	top := m.top()
	m.ops -= top.ops
	top.ops = 0
}

// inCode reads one token outside strings.
func (m *meter) inCode() {
	rest := m.src[m.pos:]
	width := 1
	switch c := rest[0]; c {
	case '"':
		m.open(quoted, nil)
	case '[', '(':
		m.operator()
		m.open(map[byte]kind{'[': bracket, '(': paren}[c], nil)
	case '{':
		m.open(brace, nil)
	case ']', ')':
		if m.top().kind == (map[byte]kind{']': bracket, ')': paren}[c]) {
			m.close()
		}
	case '}':
		m.closeBrace()
	case '\n':
		if k := m.top().kind; k == file || k == brace {
			m.separate()
			m.endLine(k)
		}
	case ',':
		m.separate()
	case '#':
		width = lineLength(rest)
	case '/':
		if bytes.HasPrefix(rest, []byte("//")) {
			width = lineLength(rest)
		} else if end := bytes.Index(rest, []byte("*/")); end > 1 && rest[1] == '*' {
			width = end + len("*/")
		} else {
			m.operator()
		}
	case '<':
		if introducer, marker := heredocStart(rest); introducer > 0 {
			m.open(heredoc, marker)
			width = introducer
		} else {
			m.operator()
		}
	case '*', '%', '+', '-', '>', '!', '?', ':', '&', '|', '.', '=':
		m.operator()
	default:
		if isDigit(c) && (m.pos == 0 || !inName(m.src[m.pos-1])) {
			var problem *excess
			if width, problem = number(rest); problem != nil {
				problem.offset, m.err = m.pos, problem
			}
		}
	}
	m.pos += width
}

// closeBrace closes the innermost brace or template sequence, and with it the
// brackets that someone left open in it. HCL's scanner matches braces alone.
func (m *meter) closeBrace() {
	for i := len(m.stack) - 1; i > 0; i-- {
		switch m.stack[i].kind {
		case brace, interp:
			for len(m.stack) > i {
				m.close()
			}
			m.closed = m.top().kind == file
			return
		case quoted, heredoc, bare, file:
			return
		case bracket, paren:
		}
	}
}

// endLine notes the end of a line on which a block at the top level ends.
func (m *meter) endLine(k kind) {
	if k == file && m.closed {
		m.ends = append(m.ends, m.pos+1)
	}
	m.closed = false
}

// lineLength returns the length of a comment up to its line's end, with which
// HCL's scanner takes it.
func lineLength(text []byte) int {
	if end := bytes.IndexByte(text, '\n'); end >= 0 {
		return end
	}
	return len(text)
}

// heredocStart returns the length of a heredoc's introducer and its marker, or 0.
func heredocStart(text []byte) (int, []byte) {
	if !bytes.HasPrefix(text, []byte("<<")) {
		return 0, nil
	}
	end := bytes.IndexByte(text, '\n')
	if end < 0 {
		return 0, nil
	}
	marker := bytes.TrimSuffix(bytes.TrimPrefix(text[2:end], []byte("-")), []byte("\r"))
	if len(marker) > 1024 || !hclsyntax.ValidIdentifier(string(marker)) {
		return 0, nil
	}
	return end + 1, marker
}

// inQuotes reads a part of a quoted string or a bare template.
func (m *meter) inQuotes() {
	rest := m.src[m.pos:]
	if width := m.sequence(rest); width > 0 {
		m.pos += width
		return
	}
	isQuoted := m.top().kind == quoted
	switch {
	case isQuoted && rest[0] == '"':
		m.close()
	case isQuoted && rest[0] == '\\' && len(rest) > 1 && rest[1] != '\n' && rest[1] != '\r':
		m.pos++
	}
	m.pos++
}

// inHeredoc reads a line of a heredoc, or the part of it before a template
// sequence.
func (m *meter) inHeredoc() {
	rest := m.src[m.pos:]
	if m.pos == 0 || m.src[m.pos-1] == '\n' {
		line := rest[:lineLength(rest)]
		if len(line) < len(rest) && bytes.Equal(bytes.TrimSpace(line), m.top().marker) {
			m.close()
			m.pos += len(line)
			return
		}
	}
	if width := m.sequence(rest); width > 0 {
		m.pos += width
		return
	}
	m.pos++
}

// sequence reads what starts with $ or % in a string: an escape, or the opening of
// a template sequence. It returns 0 where there is neither.
func (m *meter) sequence(rest []byte) int {
	if rest[0] != '$' && rest[0] != '%' {
		return 0
	}
	if len(rest) > 2 && rest[1] == rest[0] && rest[2] == '{' {
		return 3
	}
	if len(rest) < 2 || rest[1] != '{' {
		return 0
	}
	if rest[0] == '%' {
		m.directive(rest[2:])
	}
	m.operator()
	m.open(interp, nil)
	return 2
}

// directive counts if and for in templates, which nest without brackets.
func (m *meter) directive(rest []byte) {
	rest = bytes.TrimLeft(bytes.TrimPrefix(rest, []byte("~")), " \t\r\n")
	word := rest
	if end := bytes.IndexFunc(rest, func(r rune) bool { return r < 'a' || r > 'z' }); end >= 0 {
		word = rest[:end]
	}
	top := m.top()
	switch string(word) {
	case "endif", "endfor":
		if top.directives > 0 {
			top.directives--
			m.depth--
		}
	default:
		if string(word) == "else" {
			return
		}
		top.directives++
		if m.depth++; m.depth > MaxDepth {
			m.err = tooDeep(m.pos)
		}
	}
}

// notUTF8 finds the first byte that is not part of a character.
func notUTF8(src []byte) *excess {
	offset := 0
	for offset < len(src) {
		r, width := utf8.DecodeRune(src[offset:])
		if r == utf8.RuneError && width <= 1 {
			break
		}
		offset += width
	}
	return &excess{
		offset:  offset,
		summary: "Invalid character encoding",
		detail:  fmt.Sprintf("The byte 0x%02x is not part of a character in UTF-8. Save the file as UTF-8.", src[offset]),
	}
}

// measureJSON returns what is too much in a text of JSON syntax: its own
// nesting, and that of the templates and expressions in its strings.
func measureJSON(src []byte) *excess {
	if !utf8.Valid(src) {
		return notUTF8(src)
	}
	depth := 0
	for pos := 0; pos < len(src); pos++ {
		switch c := src[pos]; c {
		case '[', '{':
			if depth++; depth > MaxDepth {
				return tooDeep(pos)
			}
		case ']', '}':
			depth = max(depth-1, 0)
		case '"':
			end := stringEnd(src, pos)
			if problem := measureString(src[pos:end]); problem != nil {
				problem.offset = pos
				return problem
			}
			pos = end - 1
		default:
			if !isDigit(c) {
				break
			}
			width, problem := number(src[pos:])
			if problem != nil {
				problem.offset = pos
				return problem
			}
			pos += width - 1
		}
	}
	return nil
}

// stringEnd returns the offset after the JSON string that starts at pos.
func stringEnd(src []byte, pos int) int {
	for i := pos + 1; i < len(src); i++ {
		switch src[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(src)
}

func measureString(literal []byte) *excess {
	if len(literal) <= MaxDepth && !bytes.Contains(literal, []byte("{")) {
		return nil
	}
	var text string
	if err := json.Unmarshal(literal, &text); err != nil {
		// Not a JSON string: the parser will say so, and evaluates nothing.
		text = strings.Trim(string(literal), `"`)
	}
	if problem := measureNative([]byte(text), true); problem != nil {
		return problem
	}
	return measureNative([]byte(text), false)
}
