package manifests

import (
	"fmt"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/yamldoc"
)

// renderInline checks the objects of the configuration and returns copies of
// them. Their origin is their place in the list, from 0 as the configuration
// counts: "objects[2]".
func renderInline(in providers.Input) ([]providers.Rendered, error) {
	var rendered []providers.Rendered
	for i, o := range in.Spec.Objects {
		origin := fmt.Sprintf("objects[%d]", i)
		shaped, err := yamldoc.Shape(map[string]any(o))
		if err != nil {
			return nil, &providers.RenderError{File: origin, Err: err}
		}
		objects, err := yamldoc.FromValue(shaped)
		if err != nil {
			return nil, &providers.RenderError{File: origin, Err: err}
		}
		rendered = append(rendered, withOrigin(objects, origin)...)
	}
	return rendered, nil
}

func withOrigin(objects []object.Object, origin string) []providers.Rendered {
	rendered := make([]providers.Rendered, len(objects))
	for i, o := range objects {
		rendered[i] = providers.Rendered{Object: o, Origin: origin}
	}
	return rendered
}
