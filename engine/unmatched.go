package engine

import (
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

// unmatchedImages warns of images that a source sets and that nothing of what was
// rendered uses: most likely the name is mistyped.
func unmatchedImages(spec *source.Spec, objects []providers.Rendered) []string {
	if spec.Kustomize == nil || len(spec.Kustomize.Images) == 0 {
		return nil
	}
	used := map[string]bool{}
	for _, o := range objects {
		images(map[string]any(o.Object), used)
	}
	var out []string
	for _, arg := range spec.Kustomize.Images {
		name, set, renamed := strings.Cut(arg, "=")
		if !renamed {
			set = arg
		}
		if !usesImage(used, set) {
			if !renamed {
				name = untagged(arg)
			}
			out = append(out, fmt.Sprintf("kustomize.images sets %q, and no container has the image %q: nothing is changed by it.", arg, name))
		}
	}
	return out
}

// usesImage reports whether an image is among those used; where it has no tag and
// no digest, with any. A "*" keeps what the kustomization has, whatever that is.
func usesImage(used map[string]bool, set string) bool {
	if strings.Contains(set, "*") || used[set] {
		return true
	}
	if untagged(set) != set {
		return false
	}
	for image := range used {
		if untagged(image) == set {
			return true
		}
	}
	return false
}

// untagged is an image without its tag and digest; a registry's port is no tag.
func untagged(image string) string {
	name, _, _ := strings.Cut(image, "@")
	if i := strings.LastIndex(name, ":"); i > strings.LastIndex(name, "/") {
		name = name[:i]
	}
	return name
}

// images collects the images of containers, wherever in an object those are.
func images(value any, into map[string]bool) {
	switch value := value.(type) {
	case object.Object:
		images(map[string]any(value), into)
	case map[string]any:
		for key, inner := range value {
			if image, isText := inner.(string); isText && key == "image" {
				into[image] = true
				continue
			}
			images(inner, into)
		}
	case []any:
		for _, inner := range value {
			images(inner, into)
		}
	}
}
