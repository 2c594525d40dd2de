package track

import (
	"strings"

	"github.com/gantrycd/gantry/plan/object"
)

// Tool names the tool that an object says it belongs to, and what of it, for people:
// "Helm release web/shop"; empty where it says nothing of the kind. Marks that were
// copied from another object, as controllers do, do not count where that can be told.
func Tool(o object.Object) string {
	annotations, labels := o.Annotations(), o.Labels()
	if release := annotations["meta.helm.sh/release-name"]; release != "" {
		return "Helm release " + joined(annotations["meta.helm.sh/release-namespace"], release)
	}
	if id := annotations["argocd.argoproj.io/tracking-id"]; id != "" {
		if application, of, ok := strings.Cut(id, ":"); ok && strings.HasSuffix(of, "/"+o.Name()) {
			return "Argo CD application " + application
		}
	}
	for _, controller := range []struct{ prefix, kind string }{
		{"kustomize.toolkit.fluxcd.io/", "Flux Kustomization "}, {"helm.toolkit.fluxcd.io/", "Flux HelmRelease "},
	} {
		if name := labels[controller.prefix+"name"]; name != "" {
			return controller.kind + joined(labels[controller.prefix+"namespace"], name)
		}
	}
	return ""
}

func joined(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}
