package yamldoc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	yamlv2 "go.yaml.in/yaml/v2"
	yamlv3 "go.yaml.in/yaml/v3"
)

// decodeYAML reads one document. The parser is the one beneath sigs.k8s.io/yaml,
// so that scalars mean what they mean to kubectl; it limits by itself how far
// aliases may expand and how deep collections may nest.
func decodeYAML(text []byte, options Options) (any, error) {
	value, err := decode(text, !options.LastDuplicateWins)
	if err != nil && isDuplicate(err) && bytes.Contains(text, []byte("<<")) {
		// The parser takes a key that overrides a merged one for a duplicate.
		if duplicate := findDuplicate(text); duplicate != nil {
			return nil, duplicate
		}
		value, err = decode(text, false)
	}
	if err != nil {
		return nil, parserError(err)
	}
	if hasHuge(value) {
		if err := findHugeInteger(text); err != nil {
			return nil, err
		}
	}
	return value, nil
}

func decode(text []byte, strict bool) (value any, err error) {
	defer func() {
		if r := recover(); r != nil {
			value, err = nil, fmt.Errorf("the YAML parser failed: %v", r)
		}
	}()
	decoder := yamlv2.NewDecoder(bytes.NewReader(text))
	decoder.SetStrict(strict)
	var raw any
	if err := decoder.Decode(&raw); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var rest any
	switch err := decoder.Decode(&rest); {
	case err == nil:
		return nil, errors.New("text after the end of the document; check the indentation")
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	return Shape(raw)
}

var lineNumber = regexp.MustCompile(`(?m)^\s*(?:yaml: )?line (\d+): `)

// parserError makes a parser's error fit for a message: without its prefixes,
// and with the line apart.
func parserError(err error) error {
	text := err.Error()
	text = strings.TrimPrefix(text, "yaml: unmarshal errors:\n")
	match := lineNumber.FindStringSubmatchIndex(text)
	if match == nil {
		return errors.New(strings.TrimPrefix(text, "yaml: "))
	}
	line, convErr := strconv.Atoi(text[match[2]:match[3]])
	if convErr != nil {
		return err
	}
	message, _, _ := strings.Cut(text[match[1]:], "\n")
	if fromParser.MatchString(message) {
		line++ // the parser counts from 0 here, the scanner from 1
	}
	return &lineError{line: line, err: errors.New(message)}
}

var fromParser = regexp.MustCompile(`^did not find expected (key|'-' indicator|node content|<document start>|<stream-start>|',' or)`)

func isDuplicate(err error) bool { return strings.Contains(err.Error(), "already set in map") }

// findDuplicate returns an error for a key that a map has twice in the text
// itself, merged keys aside.
func findDuplicate(text []byte) error {
	var root yamlv3.Node
	if err := yamlv3.Unmarshal(text, &root); err != nil {
		return parserError(err)
	}
	return walkNodes(&root, func(node *yamlv3.Node) error {
		if node.Kind != yamlv3.MappingNode {
			return nil
		}
		seen := map[string]bool{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			if key.Kind != yamlv3.ScalarNode {
				continue
			}
			if seen[key.Value] {
				return &lineError{line: key.Line, err: fmt.Errorf("key %q already set in map", key.Value)}
			}
			seen[key.Value] = true
		}
		return nil
	})
}

var integerText = regexp.MustCompile(`^[-+]?(0x[0-9a-fA-F_]+|0b[01_]+|[0-9][0-9_]*)$`)

// findHugeInteger returns an error for an integer that does not fit 64 bits and
// so would have been rounded.
func findHugeInteger(text []byte) error {
	var root yamlv3.Node
	if err := yamlv3.Unmarshal(text, &root); err != nil {
		return parserError(err)
	}
	return walkNodes(&root, func(node *yamlv3.Node) error {
		if node.Kind != yamlv3.ScalarNode || node.Style&(yamlv3.DoubleQuotedStyle|yamlv3.SingleQuotedStyle|yamlv3.LiteralStyle|yamlv3.FoldedStyle) != 0 {
			return nil
		}
		if !integerText.MatchString(node.Value) {
			return nil
		}
		if _, err := strconv.ParseInt(strings.ReplaceAll(node.Value, "_", ""), 0, 64); errors.Is(err, strconv.ErrRange) {
			return &lineError{line: node.Line, err: fmt.Errorf("integer %s does not fit 64 bits; write it as a string", node.Value)}
		}
		return nil
	})
}

// walkNodes visits the nodes of a text, without following aliases.
func walkNodes(node *yamlv3.Node, visit func(*yamlv3.Node) error) error {
	if err := visit(node); err != nil {
		return err
	}
	for _, child := range node.Content {
		if err := walkNodes(child, visit); err != nil {
			return err
		}
	}
	return nil
}

// hasHuge reports whether a value has a number at or beyond what int64 holds.
func hasHuge(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		for _, item := range v {
			if hasHuge(item) {
				return true
			}
		}
	case []any:
		for _, item := range v {
			if hasHuge(item) {
				return true
			}
		}
	case float64:
		return math.Abs(v) >= 1<<63
	}
	return false
}
