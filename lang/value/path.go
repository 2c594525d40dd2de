package value

import (
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// PathText renders a path within a value as it would be written after the
// value's name: `spec.ports[0]["a/b"]`.
func PathText(path cty.Path) string {
	var b strings.Builder
	for _, s := range path {
		switch s := s.(type) {
		case cty.GetAttrStep:
			b.WriteString(step(s.Name, b.Len() == 0))
		case cty.IndexStep:
			b.WriteString("[" + Text(s.Key) + "]")
		}
	}
	return b.String()
}
