package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/gantrycd/gantry/plan/object"
)

// edits makes random edits of objects, and remembers them.
type edits struct {
	random *rand.Rand
	done   []string
}

func (e *edits) String() string   { return strings.Join(e.done, " ") }
func (e *edits) note(text string) { e.done = append(e.done, text) }

// spot is a value in an object, and how to change it there.
type spot struct {
	path  string
	value any
	set   func(any)
	drop  func()
}

// of returns a copy of an object with some edits.
func (e *edits) of(o object.Object, n int) object.Object {
	out := o.DeepCopy()
	for range n {
		spots := spotsOf(out)
		if len(spots) == 0 {
			return out
		}
		e.edit(spots[e.random.IntN(len(spots))])
	}
	return out
}

// spotsOf lists what may be edited: not the identity, nor what only servers write.
func spotsOf(o object.Object) []spot {
	var out []spot
	for _, name := range []string{"spec", "data", "stringData", "binaryData", "rules", "subjects", "webhooks", "provisioner", "parameters", "automountServiceAccountToken", "type"} {
		if _, ok := o[name]; ok {
			out = append(out, spotsIn("."+name, map[string]any(o), name)...)
		}
	}
	metadata := o.Metadata()
	for _, name := range []string{"labels", "annotations", "finalizers"} {
		if _, ok := metadata[name]; ok {
			out = append(out, spotsIn(".metadata."+name, metadata, name)...)
			out = append(out, spotsIn(".metadata."+name, metadata, name)...) // most are accepted
		}
	}
	for i := range out { // what is sent is always marked
		if s := &out[i]; s.path == ".metadata.labels" || s.path == ".metadata.annotations" {
			s.drop = func() {}
		}
	}
	return slices.DeleteFunc(out, func(s spot) bool {
		return strings.Contains(s.path, "gantry.dev") || strings.Contains(s.path, "applyset")
	})
}

func spotsIn(path string, in map[string]any, name string) []spot {
	out := []spot{{path, in[name], func(v any) { in[name] = v }, func() { delete(in, name) }}}
	switch v := in[name].(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			out = append(out, spotsIn(path+"."+key, v, key)...)
		}
	case []any:
		for i, item := range v {
			at := fmt.Sprintf("%s[%d]", path, i)
			out = append(out, spot{at, item, func(value any) { v[i] = value }, func() { in[name] = slices.Delete(slices.Clone(v), i, i+1) }})
			if m, ok := item.(map[string]any); ok {
				fields := make([]string, 0, len(m))
				for key := range m {
					fields = append(fields, key)
				}
				slices.Sort(fields)
				for _, key := range fields {
					out = append(out, spotsIn(at+"."+key, m, key)...)
				}
			}
		}
	}
	return out
}

// edit changes one value in a way that fits it.
func (e *edits) edit(s spot) {
	if e.random.IntN(5) == 0 {
		e.note("drop " + s.path)
		s.drop()
		return
	}
	switch v := s.value.(type) {
	case map[string]any:
		if strings.HasSuffix(s.path, "labels") || strings.HasSuffix(s.path, "annotations") || strings.HasSuffix(s.path, "data") || strings.HasSuffix(s.path, "matchLabels") {
			key := fmt.Sprintf("key-%d", e.random.IntN(4))
			e.note("add " + s.path + "." + key)
			v[key] = fmt.Sprintf("dg%d=", e.random.IntN(3)) // base64 too, for Secrets
			return
		}
		e.note("empty " + s.path)
		s.set(map[string]any{})
	case []any:
		e.list(s, v)
	case string:
		e.text(s, v)
	case int64:
		e.number(s, v)
	case bool:
		e.note("negate " + s.path)
		s.set(!v)
	}
}

func (e *edits) list(s spot, list []any) {
	switch e.random.IntN(3) {
	case 0:
		e.note("reorder " + s.path)
		shuffled := slices.Clone(list)
		e.random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		s.set(shuffled)
	case 1:
		if len(list) > 0 {
			e.note("repeat in " + s.path)
			item := object.DeepCopyValue(list[0])
			if m, ok := item.(map[string]any); ok {
				if name, ok := m["name"].(string); ok {
					m["name"] = name + "-x"
				}
			}
			s.set(append(slices.Clone(list), item))
		}
	default:
		e.note("clear " + s.path)
		s.set([]any{})
	}
}

func (e *edits) text(s spot, text string) {
	if q, err := resource.ParseQuantity(text); err == nil && e.random.IntN(3) > 0 {
		if e.random.IntN(3) == 0 {
			q.Add(resource.MustParse("1"))
			e.note("increase " + s.path)
			s.set(q.String())
			return
		}
		e.note("rewrite the quantity " + s.path) // worth the same
		s.set(fmt.Sprintf("%dm", q.MilliValue()))
		return
	}
	e.note("change " + s.path)
	s.set(text + "x")
}

func (e *edits) number(s spot, n int64) {
	switch e.random.IntN(4) {
	case 0:
		e.note("number as text " + s.path) // int-or-string, or wrong
		s.set(fmt.Sprint(n))
	case 1:
		e.note("number as float " + s.path)
		s.set(float64(n))
	default:
		e.note("increase " + s.path)
		s.set(n + 1)
	}
}
