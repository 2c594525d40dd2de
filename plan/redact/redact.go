// Package redact replaces the values that nobody must see by fingerprints,
// before any diff, view, digest, log or error exists: the data of Secrets, the
// copy of it that kubectl keeps in an annotation, and fields that users name.
//
// It finds secrets by where they are, not by what they look like: a password
// written into a ConfigMap shows unless its path is named.
package redact

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/seal"
)

// LastApplied is the annotation in which kubectl keeps what it applied, values
// of Secrets included.
const LastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// Object returns an object without its sensitive values, and whether it had
// any: each is replaced by its fingerprint. stringData of a Secret becomes data,
// as on the server. An object without sensitive values is returned as it is; the
// object given is not changed. It must not be redacted already.
func Object(o object.Object, f seal.Fingerprinter, paths ...Path) (object.Object, bool) {
	out := o
	if isSecret(o.GVK()) {
		out = mergeStringData(o)
	}
	hide, found := hider(f), false
	for _, rule := range rules(o.GVK(), paths) {
		if redacted, ok := rule.replace(map[string]any(out), rule.steps, hide); ok {
			out, found = redacted.(map[string]any), true
		}
	}
	if !found {
		return o, false
	}
	return withoutCopies(out, o, f, paths), true
}

// Fields returns field changes of an object of some kind without their sensitive
// values, marked as such. The changes given are not changed, and must not be
// redacted already.
func Fields(gvk object.GVK, fields []plan.FieldChange, f seal.Fingerprinter, paths ...Path) []plan.FieldChange {
	rules := rules(gvk, paths)
	if len(rules) == 0 {
		return fields
	}
	hide := hider(f)
	out := slices.Clone(fields)
	for i := range out {
		at, err := ParsePath(out[i].Path)
		for _, rule := range rules {
			below, ok := relate(rule.steps, at.steps)
			if err != nil {
				below, ok = nil, true // no telling where it is: hide it
			}
			if !ok {
				continue
			}
			before, had := rule.replace(out[i].Before, below, hide)
			after, has := rule.replace(out[i].After, below, hide)
			out[i].Before, out[i].After = before, after
			out[i].Sensitive = out[i].Sensitive || had || has || len(below) == 0
		}
	}
	return out
}

// IsSensitive reports whether a field of an object of some kind is, or lies
// within, something that Object replaces.
func IsSensitive(gvk object.GVK, path string, paths ...Path) bool {
	at, err := ParsePath(path)
	return slices.ContainsFunc(rules(gvk, paths), func(rule rule) bool {
		below, ok := relate(rule.steps, at.steps)
		return err != nil || ok && len(below) == 0
	})
}

// rule is a place whose values are sensitive.
type rule struct {
	steps  []step
	base64 bool // the value is encoded so
	strict bool // also what is no map on the way there is sensitive
}

// rules returns the rules for objects of a kind.
func rules(gvk object.GVK, paths []Path) []rule {
	var out []rule
	if isSecret(gvk) {
		out = []rule{
			{steps: []step{{name: "data"}, {wildcard: true}}, base64: true, strict: true},
			{steps: []step{{name: "stringData"}, {wildcard: true}}, strict: true},
		}
	}
	if isSecret(gvk) || len(paths) > 0 {
		out = append(out, rule{steps: []step{{name: "metadata"}, {name: "annotations"}, {embedding: true}}})
	}
	for _, path := range paths {
		out = append(out, rule{steps: path.steps})
	}
	return out
}

func isSecret(gvk object.GVK) bool { return gvk.Group == "" && gvk.Kind == "Secret" }

// relate tells how a rule bears on a value at a place: ok if it does, and what
// is left of the rule's way below the value, nothing if the value lies within it.
func relate(rule, at []step) (below []step, ok bool) {
	for i := range min(len(rule), len(at)) {
		if !rule[i].covers(at[i]) {
			return nil, false
		}
	}
	return rule[min(len(rule), len(at)):], true
}

// replace returns a value with what lies some steps below it replaced, copied as
// far as that takes, and whether anything was.
func (r rule) replace(value any, steps []step, by func(any, rule) (any, bool)) (any, bool) {
	if len(steps) == 0 {
		return by(value, r)
	}
	next := steps[0]
	switch v := value.(type) {
	case map[string]any:
		out, changed := v, false
		for key, item := range v {
			if !next.names(key) {
				continue
			}
			item, ok := r.replace(item, steps[1:], by)
			if ok && !changed {
				out, changed = maps.Clone(v), true
			}
			if ok {
				out[key] = item
			}
		}
		return out, changed
	case []any:
		out, changed := slices.Clone(v), false
		for i, item := range v {
			if !next.element && !next.either || !next.selects(i, item) {
				continue
			}
			if item, ok := r.replace(item, steps[1:], by); ok {
				out[i], changed = item, true
			}
		}
		if changed {
			return out, true
		}
	}
	if r.strict && len(steps) < len(r.steps) {
		if _, ok := value.(map[string]any); !ok {
			return by(value, r)
		}
	}
	return value, false
}

// hider returns what replaces values by fingerprints, each of them once.
func hider(f seal.Fingerprinter) func(any, rule) (any, bool) {
	made := map[string]bool{}
	return func(value any, rule rule) (any, bool) {
		if text, ok := value.(string); value == nil || ok && made[text] {
			return value, false
		}
		token := f.Of(plainText(value, rule.base64))
		made[token] = true
		return token, true
	}
}

// plainText is the secret itself, however it is written.
func plainText(value any, encoded bool) string {
	text, ok := value.(string)
	if !ok {
		out, err := json.Marshal(value)
		if err != nil {
			return "" // not JSON-shaped: all such look alike
		}
		return string(out)
	}
	if encoded {
		if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
			return string(decoded)
		}
	}
	return text
}

// mergeStringData returns a Secret with its stringData moved into data, where
// both are maps of what they should be.
func mergeStringData(o object.Object) object.Object {
	texts, ok := o["stringData"].(map[string]any)
	if !ok {
		return o
	}
	old, ok := o["data"].(map[string]any)
	if !ok && o["data"] != nil {
		return o
	}
	data := make(map[string]any, len(old)+len(texts))
	maps.Copy(data, old)
	for key, value := range texts {
		text, ok := value.(string)
		if !ok {
			return o // the server says what is wrong with it
		}
		data[key] = base64.StdEncoding.EncodeToString([]byte(text))
	}
	out := maps.Clone(o)
	delete(out, "stringData")
	out["data"] = data
	return out
}

// Text returns a text, such as a server's answer, with every sensitive value of
// an object that occurs in it replaced. Values of less than four characters are
// left: they would be found in any text.
func Text(text string, o object.Object, f seal.Fingerprinter, paths ...Path) string {
	found := forms(o, f, paths)
	// The longest first, since one may be part of another.
	forms := slices.SortedFunc(maps.Keys(found), func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	pairs := make([]string, 0, 2*len(forms))
	for _, form := range forms {
		pairs = append(pairs, form, found[form])
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// shortest is how long a value must be to be looked for.
const shortest = 4

// Spellings are a text as it is found in other texts: as it is, without space around it,
// in base64, and escaped as Go and JSON do.
func Spellings(plain string) []string {
	out := []string{
		plain, strings.TrimSpace(plain), base64.StdEncoding.EncodeToString([]byte(plain)), strings.Trim(strconv.Quote(plain), `"`),
	}
	if encoded, err := json.Marshal(plain); err == nil {
		out = append(out, strings.Trim(string(encoded), `"`))
	}
	return out
}

// forms returns the sensitive values of an object as they may be written elsewhere,
// each with its fingerprint.
func forms(o object.Object, f seal.Fingerprinter, paths []Path) map[string]string {
	found := map[string]string{}
	for _, r := range rules(o.GVK(), paths) {
		r.replace(map[string]any(o), r.steps, func(value any, rule rule) (any, bool) {
			plain := plainText(value, rule.base64)
			token := f.Of(plain)
			written, _ := value.(string)
			for _, form := range append(Spellings(plain), written) {
				if len(form) >= shortest {
					found[form] = token
				}
			}
			return nil, false
		})
	}
	return found
}
