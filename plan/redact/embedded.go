package redact

import (
	"maps"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/seal"
)

// Embeds reports whether tools keep in an annotation of this name the whole object as
// they applied it, in whatever encoding: kubectl, kapp, Rancher, Banzai Cloud and
// others.
func Embeds(annotation string) bool {
	for _, ending := range []string{"last-applied-configuration", "last-applied-config", "last-applied", "/original", "/original-diff", "/original-diff-full", "/applied"} {
		if strings.HasSuffix(annotation, ending) {
			return true
		}
	}
	return false
}

// withoutCopies replaces the annotations of an object that hold a copy of one of its
// sensitive values. out is the object without them, and is changed by copying.
func withoutCopies(out, o object.Object, f seal.Fingerprinter, paths []Path) object.Object {
	annotations, _ := out.Metadata()["annotations"].(map[string]any)
	if len(annotations) == 0 {
		return out
	}
	found := forms(o, f, paths)
	var kept map[string]any
	for name, value := range annotations {
		text, ok := value.(string)
		if !ok || seal.IsFingerprint(text) || !holdsAny(text, found) {
			continue
		}
		if kept == nil {
			kept = maps.Clone(annotations)
		}
		kept[name] = f.Of(text)
	}
	if kept == nil {
		return out
	}
	metadata := maps.Clone(out.Metadata())
	metadata["annotations"] = kept
	changed := maps.Clone(out)
	changed["metadata"] = map[string]any(metadata)
	return changed
}

func holdsAny(text string, forms map[string]string) bool {
	for form := range forms {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

// Of returns the fields of a change's object that the configuration named. A pointer
// that is none, as no plan of gantry has, hides nothing.
func Of(c *plan.Change) []Path {
	var out []Path
	for _, pointer := range c.Redacted {
		if path, err := ParsePointer(pointer); err == nil {
			out = append(out, path)
		}
	}
	return out
}
