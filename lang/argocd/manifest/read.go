package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"go.yaml.in/yaml/v3"
)

// Bounds of what is read. People's files are far below them.
const (
	MaxSize  = 16 << 20 // bytes of one file
	maxNodes = 200_000  // of one document, its aliases expanded
	maxDepth = 200
)

// Document is one document of a file.
type Document struct {
	File string
	Root *Node
}

// Problem is why a file, or a document of it, was not read.
type Problem struct {
	Line int // 1 where it is of the whole file
	Text string
}

// Read returns the documents of a file; empty ones are left out. What cannot be
// read is left out and told: a document with a key twice, or with a key that is no
// string; and, as YAML's syntax tells documents apart, all that follows an error of
// syntax.
func Read(file string, text []byte) ([]*Document, []Problem) {
	return read(file, text, 1, nil)
}

// ReadText is Read for YAML that is written in a scalar of another document.
func ReadText(file string, n *Node) ([]*Document, []Problem) {
	return read(file, []byte(n.Peek()), n.TextLine(0), nil)
}

// ReadLast is ReadText as Helm reads values: of a key that is there twice, the last
// counts. Those keys are told in twice.
func ReadLast(file string, n *Node) (documents []*Document, problems, twice []Problem) {
	documents, problems = read(file, []byte(n.Peek()), n.TextLine(0), &twice)
	return documents, problems, twice
}

// read reads documents; without a place to tell them in, keys that are there twice are
// problems.
func read(file string, text []byte, firstLine int, twice *[]Problem) ([]*Document, []Problem) {
	if len(text) > MaxSize {
		return nil, []Problem{{Line: 1, Text: fmt.Sprintf("the file has %d bytes; up to %d are read", len(text), MaxSize)}}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var documents []*Document
	var problems []Problem
	split := bytes.Split(text, []byte("\n"))
	for {
		var parsed yaml.Node
		err := decode(decoder, &parsed)
		if errors.Is(err, io.EOF) {
			return documents, problems
		}
		if err != nil {
			line, message := splitLine(err.Error())
			return documents, append(problems, Problem{Line: line + firstLine - 1, Text: message})
		}
		if len(parsed.Content) == 0 {
			continue
		}
		r := reader{offset: firstLine - 1, lines: split, twice: twice}
		root, err := r.node(parsed.Content[0], nil, "", 0, false)
		if err != nil {
			line, message := splitLine(err.Error())
			problems = append(problems, Problem{Line: line + firstLine - 1, Text: message})
			continue
		}
		root.comments.Lead = append(lines(parsed.HeadComment), root.comments.Lead...)
		root.comments.Foot = append(root.comments.Foot, lines(parsed.FootComment)...)
		if root.kind == Null && root.comments.Empty() {
			continue
		}
		documents = append(documents, &Document{File: file, Root: root})
	}
}

// decode reads the next document. The parser panics on some broken input; that is
// an error like others.
func decode(decoder *yaml.Decoder, into *yaml.Node) (err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			err = fmt.Errorf("it cannot be read as YAML: %v", recovered)
		}
	}()
	return decoder.Decode(into)
}

var lineNumber = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// splitLine parts the line from a message of the parser.
func splitLine(message string) (int, string) {
	match := lineNumber.FindStringSubmatch(message)
	line, err := strconv.Atoi(match[1])
	if err != nil {
		line = 1
	}
	return line, strings.TrimPrefix(message, match[0])
}

type reader struct {
	nodes  int
	offset int // what is added to lines
	lines  [][]byte
	twice  *[]Problem
}

// nonSpecific reports whether a scalar has the tag "!" alone, which makes it a
// string whatever it looks like; the parser does not tell.
func (r *reader) nonSpecific(from *yaml.Node) bool {
	if from.Line < 1 || from.Line > len(r.lines) || bytes.IndexByte(r.lines[from.Line-1], '!') < 0 {
		return false
	}
	line := []rune(string(r.lines[from.Line-1]))
	at := from.Column - 1
	return at >= 0 && at < len(line) && line[at] == '!' && (at+1 == len(line) || line[at+1] == ' ' || line[at+1] == '\t' || line[at+1] == '\r')
}

// node converts a node. What stands for an alias has no comments: they go with
// what it names.
func (r *reader) node(from *yaml.Node, parent *Node, key string, depth int, alias bool) (*Node, error) {
	if r.nodes++; r.nodes > maxNodes {
		return nil, fmt.Errorf("line %d: the document has more than %d values once its aliases are expanded", from.Line, maxNodes)
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("line %d: the document is nested more than %d deep", from.Line, maxDepth)
	}
	if from.Kind == yaml.AliasNode {
		return r.node(from.Alias, parent, key, depth+1, true)
	}
	n := &Node{line: from.Line + r.offset, parent: parent, key: key}
	if !alias {
		n.comments = Comments{Lead: lines(from.HeadComment), Trail: strings.Join(lines(from.LineComment), " "), Foot: lines(from.FootComment)}
	}
	switch from.Kind {
	case yaml.ScalarNode:
		if r.nonSpecific(from) {
			return nil, fmt.Errorf("line %d: the tag ! is not supported", from.Line)
		}
		return n, scalar(n, from)
	case yaml.SequenceNode:
		if from.ShortTag() != "!!seq" {
			return nil, fmt.Errorf("line %d: the tag %s is not supported", from.Line, from.Tag)
		}
		n.kind = List
		for i, item := range from.Content {
			child, err := r.node(item, n, strconv.Itoa(i), depth+1, alias)
			if err != nil {
				return nil, err
			}
			n.fields = append(n.fields, child)
		}
		return n, nil
	case yaml.MappingNode:
		if from.ShortTag() != "!!map" {
			return nil, fmt.Errorf("line %d: the tag %s is not supported", from.Line, from.Tag)
		}
		n.kind = Map
		return n, r.mapping(n, from, depth, alias)
	case yaml.DocumentNode, yaml.AliasNode:
	}
	return nil, fmt.Errorf("line %d: unexpected YAML", from.Line)
}

func (r *reader) mapping(n *Node, from *yaml.Node, depth int, alias bool) error {
	var merged []*yaml.Node
	seen := map[string]int{}
	for i := 0; i+1 < len(from.Content); i += 2 {
		key, value := from.Content[i], from.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return fmt.Errorf("line %d: a key must be a string", key.Line)
		}
		if key.Tag == "!!merge" {
			merged = append(merged, value)
			continue
		}
		name, err := keyName(key)
		if err != nil {
			return err
		}
		if line, ok := seen[name]; ok && r.twice != nil {
			*r.twice = append(*r.twice, Problem{Line: key.Line + r.offset, Text: fmt.Sprintf("the key %q was already given in line %d", name, line+r.offset)})
			n.fields = slices.DeleteFunc(n.fields, func(field *Node) bool { return field.key == name })
		} else if ok {
			return fmt.Errorf("line %d: the key %q was already given in line %d", key.Line, name, line+r.offset)
		}
		seen[name] = key.Line
		child, err := r.node(value, n, name, depth+1, alias)
		if err != nil {
			return err
		}
		if child.kind == Map || child.kind == List {
			child.line = key.Line + r.offset
		}
		if !alias {
			child.comments.Lead = append(lines(key.HeadComment), child.comments.Lead...)
			child.comments.Trail = strings.Join(append(lines(key.LineComment), nonEmpty(child.comments.Trail)...), " ")
			child.comments.Foot = append(child.comments.Foot, lines(key.FootComment)...)
		}
		n.fields = append(n.fields, child)
	}
	for _, source := range merged {
		if err := r.merge(n, source, seen, depth); err != nil {
			return err
		}
	}
	return nil
}

// keyName returns a key as a string, which JSON's are: that of a boolean or a
// number is how it is written.
func keyName(key *yaml.Node) (string, error) {
	var n Node
	if err := scalar(&n, key); err != nil {
		return "", err
	}
	switch {
	case n.kind == Null:
		return "null", nil
	case n.kind == Number && !fitsInt64(n.text):
		return "", fmt.Errorf("line %d: the key %s must be a string; write it in quotes", key.Line, key.Value)
	}
	return n.text, nil
}

func fitsInt64(text string) bool {
	_, err := strconv.ParseInt(text, 10, 64)
	return err == nil
}

// merge adds the fields of what "<<" names, but for those that are there.
func (r *reader) merge(n *Node, source *yaml.Node, seen map[string]int, depth int) error {
	if source.Kind == yaml.AliasNode {
		source = source.Alias
	}
	switch source.Kind {
	case yaml.SequenceNode:
		for _, item := range source.Content {
			if err := r.merge(n, item, seen, depth+1); err != nil {
				return err
			}
			if depth++; depth > maxDepth {
				return fmt.Errorf("line %d: the document merges too much", source.Line)
			}
		}
		return nil
	case yaml.MappingNode:
	default:
		return fmt.Errorf("line %d: only mappings can be merged with \"<<\"", source.Line)
	}
	scratch, err := r.node(source, n, "", depth+1, true)
	if err != nil {
		return err
	}
	for _, field := range scratch.fields {
		if _, ok := seen[field.key]; !ok {
			seen[field.key] = source.Line
			field.parent = n
			n.fields = append(n.fields, field)
		}
	}
	return nil
}

// yaml11 are the words that YAML 1.1, and so Kubernetes, takes for booleans
// although YAML 1.2 does not.
var yaml11 = regexp.MustCompile(`^(?:(y|Y|yes|Yes|YES|on|On|ON)|n|N|no|No|NO|off|Off|OFF)$`)

// plainNumber is a number as JSON and HCL write it.
var plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

func scalar(n *Node, from *yaml.Node) error {
	n.kind, n.text = String, from.Value
	n.block = from.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
	n.plain = from.Style&(yaml.LiteralStyle|yaml.FoldedStyle|yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0
	if !n.plain && from.Style&yaml.TaggedStyle == 0 {
		return nil
	}
	switch from.ShortTag() {
	case "!!null":
		n.kind, n.text = Null, ""
	case "!!bool":
		n.kind, n.text = Bool, strconv.FormatBool(strings.EqualFold(from.Value, "true"))
	case "!!int":
		whole, ok := new(big.Int).SetString(strings.ReplaceAll(from.Value, "_", ""), 0)
		if !ok {
			return fmt.Errorf("line %d: %q is no whole number", from.Line, from.Value)
		}
		n.kind, n.text = Number, whole.String()
	case "!!float":
		text := strings.TrimPrefix(strings.ReplaceAll(from.Value, "_", ""), "+")
		number, err := cty.ParseNumberVal(text)
		if err != nil {
			return fmt.Errorf("line %d: %q is no number that JSON can hold", from.Line, from.Value)
		}
		if !plainNumber.MatchString(text) { // such as .5
			text = number.AsBigFloat().Text('g', -1)
		}
		n.kind, n.text = Number, text
	case "!!str":
		if n.plain && from.Style&yaml.TaggedStyle == 0 {
			if match := yaml11.FindStringSubmatch(from.Value); match != nil {
				n.kind, n.text = Bool, strconv.FormatBool(match[1] != "")
			}
		}
	case "!!timestamp", "!!binary":
	default:
		return fmt.Errorf("line %d: the tag %s is not supported", from.Line, from.Tag)
	}
	return nil
}

// lines returns a comment line by line, without "#" and the space behind it.
func lines(comment string) []string {
	if strings.TrimSpace(comment) == "" {
		return nil
	}
	var out []string
	for _, line := range strings.Split(strings.TrimRight(comment, "\r\n"), "\n") {
		line = strings.TrimRight(strings.TrimPrefix(strings.TrimSpace(line), "#"), " \t\r")
		out = append(out, strings.TrimPrefix(line, " "))
	}
	return out
}

func nonEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}
