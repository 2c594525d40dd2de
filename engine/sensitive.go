package engine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/redact"
)

// shortestSensitive is how long a sensitive value must be to be looked for:
// shorter ones would be found in any text.
const shortestSensitive = 4

// sensitiveValues returns the sensitive strings that a source gives to its renderer, in
// all spellings that are looked for, the longest first.
func sensitiveValues(s *lang.Source) []string {
	var out []string
	for _, pointer := range s.SensitivePaths {
		// What is written in objects is a Secret's: the language refuses the rest.
		inValues, ok := strings.CutPrefix(pointer, "/helm/values")
		if !ok || s.Helm == nil {
			continue
		}
		strs(resolve(s.Helm.Values, inValues), func(text string) { out = append(out, spellings(text)...) })
	}
	return longestFirst(out)
}

// spellings are those of a sensitive value that are looked for.
func spellings(text string) []string {
	if len(text) < shortestSensitive {
		return nil
	}
	return slices.DeleteFunc(redact.Spellings(text), func(s string) bool { return len(s) < shortestSensitive })
}

// longestFirst sorts values so that none is taken out of a text before one that it is a
// part of, and leaves each once.
func longestFirst(values []string) []string {
	slices.SortFunc(values, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.Compact(values)
}

// resolve returns the value at a JSON pointer (RFC 6901), nil where there is none.
func resolve(value any, pointer string) any {
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if pointer == "" {
			return value
		}
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch v := value.(type) {
		case map[string]any:
			value = v[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

// strs calls found with every string in a value, keys of maps included.
func strs(value any, found func(string)) {
	switch v := value.(type) {
	case string:
		found(v)
	case map[string]any:
		for key, item := range v {
			found(key)
			strs(item, found)
		}
	case []any:
		for _, item := range v {
			strs(item, found)
		}
	}
}

// hide takes sensitive values out of a text.
func hide(text string, sensitive []string) string {
	for _, value := range sensitive {
		text = strings.ReplaceAll(text, value, object.Redacted)
	}
	return text
}

// exposed reports whether a sensitive value is in an object where anyone who may
// read it sees it: anywhere but in the data of a Secret.
func exposed(o object.Object, sensitive []string) bool {
	if len(sensitive) == 0 {
		return false
	}
	if o.ID().GroupKind() == (object.GroupKind{Kind: "Secret"}) {
		o = maps.Clone(o)
		delete(o, "data")
		delete(o, "stringData")
	}
	shown := false
	strs(map[string]any(o), func(text string) {
		for _, value := range sensitive {
			shown = shown || strings.Contains(text, value)
		}
	})
	return shown
}

// refuseExposed fails a draft for an object that shows a sensitive value, which may be
// its name.
func refuseExposed(d *draft, r rendering, sensitive []string) {
	const summary = "Sensitive value outside a Secret"
	name := hide(r.Object.ID().String(), sensitive)
	detail := fmt.Sprintf("%s (rendered from %s) has a sensitive value in it, for everybody to read in the cluster and in plans. "+
		"Put it into the data of a Secret, or do not mark it as sensitive; in a file that SOPS encrypts, have it encrypt only what is secret (encrypted_regex).", name, r.Origin)
	if name != r.Object.ID().String() {
		d.fail(d.sourceRange(r.source), summary, detail)
		return
	}
	d.failObject(d.sourceRange(r.source), r.Object.ID(), summary, detail)
}
