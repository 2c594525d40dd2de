package valuediff

import (
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/yaml"
)

// Format is how a structure is written into a text.
type Format string

// The formats that are known.
const (
	NoFormat Format = ""
	JSON     Format = "JSON"
	YAML     Format = "YAML"
)

// largestDocument is how long a text may be to be parsed, in bytes: what a ConfigMap
// may hold at most.
const largestDocument = 1 << 20

// Documents parses two texts as structures of the same format. It is NoFormat where
// one of them is none, or holds several, or more than its structure: a key twice, or in
// YAML a comment.
func Documents(before, after string) (was, is any, format Format) {
	if len(before) > largestDocument || len(after) > largestDocument {
		return nil, nil, NoFormat
	}
	for _, try := range []struct {
		format Format
		parse  func(string) (any, bool)
	}{{JSON, parseJSON}, {YAML, parseYAML}} {
		was, ok := try.parse(before)
		if !ok {
			continue
		}
		if is, ok := try.parse(after); ok {
			return was, is, try.format
		}
	}
	return nil, nil, NoFormat
}

// Same reports whether two documents say the same.
func Same(was, is any) bool { return reflect.DeepEqual(was, is) }

func parseJSON(text string) (any, bool) {
	if first := strings.TrimSpace(text); first == "" || first[0] != '{' && first[0] != '[' {
		return nil, false
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, false
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, false
	}
	return value, isStructure(value) && !hasTwice(text)
}

// hasTwice reports whether an object of a JSON text has a key twice: of these the
// structure has one, and readers do not agree on which.
func hasTwice(text string) bool {
	type level struct {
		keys  map[string]bool // nil in a list
		value bool            // a key was read, its value comes
	}
	var levels []level
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return !errors.Is(err, io.EOF)
		}
		if token == json.Delim('}') || token == json.Delim(']') {
			levels = levels[:len(levels)-1]
			continue
		}
		if n := len(levels); n > 0 && levels[n-1].keys != nil {
			in := &levels[n-1]
			if key, ok := token.(string); ok && !in.value {
				if in.keys[key] {
					return true
				}
				in.keys[key], in.value = true, true
				continue
			}
			in.value = false
		}
		switch token {
		case json.Delim('{'):
			levels = append(levels, level{keys: map[string]bool{}})
		case json.Delim('['):
			levels = append(levels, level{})
		}
	}
}

// comment is the start of a comment in YAML, and of what looks like one in a text there.
var comment = regexp.MustCompile(`(?m)(^|\s)#`)

func parseYAML(text string) (any, bool) {
	if !strings.Contains(text, "\n") || !strings.Contains(text, ":") {
		return nil, false
	}
	if comment.MatchString(text) {
		return nil, false // its lines tell more
	}
	documents := func(line string) bool { return line == "..." || strings.HasPrefix(line, "--- ") || line == "---" }
	if lines := strings.Split(strings.TrimPrefix(text, "---\n"), "\n"); slices.ContainsFunc(lines, documents) {
		return nil, false // of several documents only the first would be read
	}
	asJSON, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		return nil, false
	}
	return parseJSON(string(asJSON))
}

func isStructure(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// Trim cuts what two texts of one line have in common at their ends, but for so many
// characters beside what differs. What is cut is told by "…".
func Trim(before, after string, keep int) (was, is string) {
	prefix := 0
	for prefix < min(len(before), len(after)) {
		r, size := utf8.DecodeRuneInString(before[prefix:])
		if s, other := utf8.DecodeRuneInString(after[prefix:]); r != s || size != other {
			break
		}
		prefix += size
	}
	suffix := 0
	for suffix < min(len(before), len(after))-prefix {
		r, size := utf8.DecodeLastRuneInString(before[:len(before)-suffix])
		if s, other := utf8.DecodeLastRuneInString(after[:len(after)-suffix]); r != s || size != other || suffix+size > min(len(before), len(after))-prefix {
			break
		}
		suffix += size
	}
	head, tail := before[:prefix], before[len(before)-suffix:]
	if runes := []rune(head); len(runes) > keep+1 {
		head = "…" + string(runes[len(runes)-keep:])
	}
	if runes := []rune(tail); len(runes) > keep+1 {
		tail = string(runes[:keep]) + "…"
	}
	return head + before[prefix:len(before)-suffix] + tail, head + after[prefix:len(after)-suffix] + tail
}
