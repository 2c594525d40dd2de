package kubernetes

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// scrubber takes the values of a Secret out of what a server says about it.
// Servers and webhooks quote what they refuse. The zero value changes nothing,
// and is what all other kinds have.
type scrubber struct {
	active bool
	values []string        // never shown; the longest first
	safe   map[string]bool // names and paths of fields, shown although they are quoted
}

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// quoted matches what Go's %q and %v of typed values, and people, put in quotes.
// What is in braces behind "got &" or "Value:" is how typed patches print a
// value, at the end of a line.
var (
	quoted      = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`|'[^']*'")
	structValue = regexp.MustCompile(`(got &\{|\{Value:)[^\n]*`)
	webhookName = regexp.MustCompile(`(admission webhook|calling webhook|failed calling webhook) "[A-Za-z0-9.-]+"`)
)

// scrubberOf returns the scrubber of an object that is sent.
func scrubberOf(resource providers.Resource, o object.Object) scrubber {
	if !isSecret(resource) {
		return scrubber{}
	}
	s := newScrubber(o.Name(), o.Namespace(), o.GenerateName())
	for field, value := range o { // a mistyped field of values holds values too
		switch field {
		case "apiVersion", "kind", "metadata", "type", "immutable":
		default:
			s.addValues(value)
		}
	}
	if text := o.Annotation(lastApplied); text != "" {
		s.addValues(text)
		var earlier map[string]any
		if json.Unmarshal([]byte(text), &earlier) == nil {
			s.addValues(earlier["data"])
			s.addValues(earlier["stringData"])
		}
	}
	s.addPaths("", map[string]any(o))
	return s.finish()
}

// scrubberOfPatch returns the scrubber of an object of which only a JSON patch
// is sent.
func scrubberOfPatch(resource providers.Resource, name string, patch []byte) scrubber {
	if !isSecret(resource) {
		return scrubber{}
	}
	s := newScrubber(name)
	var operations []struct {
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	decoder := json.NewDecoder(bytes.NewReader(patch))
	decoder.UseNumber() // so that numbers are printed as they are
	if decoder.Decode(&operations) == nil {
		for _, operation := range operations {
			s.safe[operation.Path] = true
			s.addValues(operation.Value)
		}
	}
	return s.finish()
}

func isSecret(resource providers.Resource) bool {
	return resource.GVK.Group == "" && resource.GVK.Kind == "Secret"
}

func newScrubber(names ...string) scrubber {
	s := scrubber{active: true, safe: map[string]bool{}}
	for _, name := range append(names, "", "v1", "Secret", "secrets", "data", "stringData", "type", "immutable", "metadata") {
		s.safe[name] = true
	}
	return s
}

// addValues adds all scalars in a value, as they are and decoded from base64.
func (s *scrubber) addValues(value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, item := range v {
			s.addValues(item)
		}
	case []any:
		for _, item := range v {
			s.addValues(item)
		}
	case string:
		s.values = append(s.values, v, base64.StdEncoding.EncodeToString([]byte(v)))
		if plain, err := base64.StdEncoding.DecodeString(v); err == nil {
			s.values = append(s.values, string(plain))
		}
	case nil, bool:
	default:
		s.values = append(s.values, fmt.Sprint(v))
	}
}

// addPaths notes the names of fields and their paths.
func (s *scrubber) addPaths(prefix string, fields map[string]any) {
	for name, value := range fields {
		s.safe[name], s.safe[prefix+name] = true, true
		if below, ok := value.(map[string]any); ok {
			s.addPaths(prefix+name+".", below)
		}
	}
}

// shortest is the length from which a value is looked for outside of quotes.
// Nothing shorter is a secret, and it may well be a word of the message.
const shortest = 3

// finish orders the values, and adds the forms in which messages show them.
func (s *scrubber) finish() scrubber {
	for _, value := range slices.Clone(s.values) {
		if escaped := fmt.Sprintf("%q", value); escaped[1:len(escaped)-1] != value {
			s.values = append(s.values, escaped[1:len(escaped)-1])
		}
		if trimmed := strings.TrimSpace(value); trimmed != value {
			s.values = append(s.values, trimmed)
		}
	}
	s.values = slices.DeleteFunc(s.values, func(value string) bool { return len(value) < shortest })
	slices.SortFunc(s.values, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	s.values = slices.Compact(s.values)
	return *s
}

// clean returns a message without values: known ones are replaced wherever they
// stand, and whatever is quoted unless it is a name.
func (s scrubber) clean(message string) string {
	if !s.active {
		return message
	}
	kept := webhookName.FindAllString(message, -1)
	for i, name := range kept {
		message = strings.Replace(message, name, placeholder(i), 1)
	}
	message = structValue.ReplaceAllString(message, "${1}"+object.Redacted+"}")
	message = quoted.ReplaceAllStringFunc(message, func(text string) string {
		if s.safe[text[1:len(text)-1]] {
			return text
		}
		return object.Redacted
	})
	for _, value := range s.values {
		message = replaceValue(message, value)
	}
	for i, name := range kept {
		message = strings.Replace(message, placeholder(i), name, 1)
	}
	return message
}

func placeholder(i int) string { return fmt.Sprintf("\x00%d\x00", i) }

// replaceValue replaces a value; a short one only where it stands alone, since
// it may be a part of words of the message.
func replaceValue(message, value string) string {
	const short = 6
	if len(value) >= short {
		return strings.ReplaceAll(message, value, object.Redacted)
	}
	alone := regexp.MustCompile(`(^|[^A-Za-z0-9_.\x00-])` + regexp.QuoteMeta(value) + `($|[^A-Za-z0-9_\x00-])`)
	return alone.ReplaceAllString(message, "${1}"+object.Redacted+"${2}")
}
