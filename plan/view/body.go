package view

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/redact"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/view/fold"
	"github.com/gantrycd/gantry/plan/view/valuediff"
	"github.com/gantrycd/gantry/plan/view/words"
)

// previewed is how many fields of a new object are shown.
const previewed = 6

// body shows an object that is created: what people look for first of all, or
// with Verbose all of it.
func (t *text) body(c *plan.Change) {
	if c.Body == nil {
		return
	}
	body, _ := redact.Hide(c.Body, redact.Of(c)...)
	if t.options.Verbose {
		out, err := yaml.Marshal(map[string]any(body))
		if err != nil {
			t.line(detail, span{red, "its body cannot be shown: " + err.Error()})
			return
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(string(out), "\n"), "\n") {
			t.line(detail, span{green, "+ " + line})
		}
		return
	}
	shown := 0
	leaves := preview(body)
	for _, leaf := range leaves[:min(previewed, len(leaves))] {
		if leaf.rank == known {
			break
		}
		t.line(detail, span{green, "+ "}, span{normal, leaf.path + ": "}, span{green, abridged(leaf.value)})
		shown++
	}
	switch more := len(leaves) - shown; {
	case more > 0 && shown > 0:
		t.line(detail, span{faint, "… and " + words.Counted(more, "more field")})
	case more > 0:
		t.line(detail, span{faint, "… " + words.Counted(more, "field")})
	}
}

// leaf is a field of an object without fields of its own.
type leaf struct {
	path  string
	value any
	rank  int
}

// preview returns an object's fields, the most telling first; without its
// identity and gantry's own labels.
func preview(o object.Object) []leaf {
	var out []leaf
	for _, key := range slices.Sorted(maps.Keys(o)) {
		switch key {
		case "apiVersion", "kind":
		case "metadata":
			for _, key := range []string{"labels", "annotations", "finalizers", "ownerReferences"} {
				if value, ok := o.Metadata()[key]; ok {
					leaves("metadata."+key, value, &out)
				}
			}
		default:
			leaves(key, o[key], &out)
		}
	}
	out = slices.DeleteFunc(out, func(l leaf) bool { return l.rank < 0 })
	slices.SortStableFunc(out, func(a, b leaf) int { return a.rank - b.rank })
	return out
}

// leaves collects the fields below a value.
func leaves(path string, value any, out *[]leaf) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if key == "name" && strings.HasSuffix(path, "[name="+fmt.Sprint(v[key])+"]") && len(v) > 1 {
				continue // the path says it
			}
			leaves(path+valuediff.Member(key), v[key], out)
		}
		if len(v) > 0 {
			return
		}
	case []any:
		for i, item := range v {
			leaves(path+element(i, item), item, out)
		}
		if len(v) > 0 {
			return
		}
	}
	*out = append(*out, leaf{path: path, value: value, rank: rank(path)})
}

// element is a step to a list's element, by its name where it has one.
func element(i int, item any) string {
	if m, ok := item.(map[string]any); ok {
		if name, ok := m["name"].(string); ok && isBare(name) {
			return "[name=" + name + "]"
		}
	}
	return fmt.Sprintf("[%d]", i)
}

// known is the rank of fields that a preview only counts: labels, annotations,
// selectors, which mostly repeat what the object's name says.
const known = 9

// rank sorts fields by how soon people look for them; below 0 they do not.
func rank(path string) int {
	last := path[strings.LastIndexAny(path, ".]")+1:]
	switch {
	case strings.HasPrefix(path, "metadata."):
		_, key, _ := strings.Cut(path, `["`)
		if fold.IsTracking(strings.TrimSuffix(key, `"]`)) || strings.HasPrefix(path, "metadata.labels.gantry") {
			return -1
		}
		return known
	case last == "image" || last == "chart" || last == "host":
		return 0
	case last == "replicas" || last == "schedule" || last == "type" || last == "storage" || last == "minReplicas" || last == "maxReplicas":
		return 1
	case last == "port" || last == "containerPort" || last == "command" || last == "args":
		return 2
	case strings.HasPrefix(path, "data") || strings.HasPrefix(path, "stringData") || strings.HasPrefix(path, "rules") || strings.HasPrefix(path, "roleRef"):
		return 3
	case strings.Contains(path, "elector") || strings.Contains(path, "metadata."):
		return known
	}
	return 5
}

// abridged renders a value for a preview.
func abridged(value any) string {
	const most = 96
	text, ok := value.(string)
	if ok && seal.IsFingerprint(text) {
		return "(sensitive) " + text
	}
	if first, rest, several := strings.Cut(strings.TrimSuffix(text, "\n"), "\n"); ok && several {
		return fmt.Sprintf("%s … (%d lines)", cut(scalar(first), most), strings.Count(rest, "\n")+2)
	}
	return cut(scalar(value), most)
}

func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
