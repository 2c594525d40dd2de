package engine

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/engine/risk"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
)

// inClear returns where in a Secret its source has values that everyone who may read the
// repository sees; nothing where one of its values is sensitive in the configuration, or
// was decrypted.
func inClear(o object.Object, s *lang.Source, sensitive []string) []string {
	if o.ID().GroupKind() != (object.GroupKind{Kind: "Secret"}) {
		return nil
	}
	if s.Type == source.Inline && len(s.SensitivePaths) > 0 {
		return nil
	}
	var out []string
	for _, field := range []string{"data", "stringData"} {
		values, _ := o[field].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(values)) {
			text, _ := values[key].(string)
			if field == "data" {
				if plain, err := base64.StdEncoding.DecodeString(text); err == nil {
					text = string(plain)
				}
			}
			if slices.ContainsFunc(sensitive, func(value string) bool { return strings.Contains(text, value) }) {
				return nil
			}
			if len(text) >= shortestSensitive {
				out = append(out, field+"."+key)
			}
		}
	}
	return out
}

// inClear lists the Secrets of an application whose values its sources have in the clear.
func (d *draft) inClear() []risk.Clear {
	var out []risk.Clear
	for _, want := range d.desired {
		if len(want.inClear) > 0 {
			out = append(out, risk.Clear{Object: want.object.ID(), Paths: want.inClear, Origin: want.origin})
		}
	}
	return out
}
