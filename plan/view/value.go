package view

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/plan/view/words"
)

// longest is how long a structure may be, as JSON, to stand on one line.
const longest = 72

// Value renders a value on one line, as plans show it.
func Value(value any) string { return scalar(value) }

// scalar renders a value on one line. A string is bare where it cannot be taken
// for anything else.
func scalar(value any) string {
	text, ok := value.(string)
	if !ok {
		out, err := json.Marshal(value)
		if err != nil {
			return fmt.Sprintf("%v", value)
		}
		return string(out)
	}
	if isBare(text) {
		return text
	}
	return strconv.Quote(text)
}

func isBare(text string) bool {
	if text == "" || text != strings.TrimSpace(text) || strings.ContainsAny(text, "\"'→\\") || words.Printable(text) != text {
		return false
	}
	if strings.ContainsAny(text[:1], "{[(‹") && !strings.HasPrefix(text, "(sensitive") {
		return false
	}
	var other any
	if err := json.Unmarshal([]byte(text), &other); err == nil {
		return false // a number, true, null
	}
	return true
}

// isLong reports whether a value needs lines of its own.
func isLong(value any) bool {
	switch v := value.(type) {
	case string:
		return strings.Contains(strings.TrimSuffix(v, "\n"), "\n")
	case map[string]any, []any:
		return len(scalar(v)) > longest
	}
	return false
}

// lines renders a value on lines of its own: a text as it is, a structure as YAML.
func lines(value any) []string {
	text := ""
	switch v := value.(type) {
	case nil:
		return nil
	case map[string]any, []any:
		out, err := yaml.Marshal(v)
		if err != nil {
			out = []byte(scalar(v))
		}
		text = string(out)
	case string:
		if !strings.Contains(v, "\n") {
			return []string{scalar(v)}
		}
		text = v
		if !strings.HasSuffix(text, "\n") {
			text += "\n(no newline at the end)\n"
		}
	default:
		text = scalar(v)
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}
