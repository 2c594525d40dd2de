package argocd

import (
	"regexp"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/manifest"
	"github.com/gantrycd/gantry/lang/argocd/template"
)

// refusedIn reports whether Argo CD refuses an Application, or what an ApplicationSet
// makes, for the namespace that it is in: a project says of which namespaces, beside Argo
// CD's own, Applications may be of it. What is refused there is delivered by nobody, and
// so it is not imported; it is told, as all that is left out.
func (im *importer) refusedIn(o *object, project *manifest.Node) bool {
	namespace := o.root.Find("metadata", "namespace")
	if namespace.Peek() == "" || template.Has(project.Peek()) {
		return false // wherever it is applied to; whichever project it comes to
	}
	name := project.Peek()
	if name == "" {
		name = "default"
	}
	found := false
	for _, p := range im.objects {
		if p.kind != "AppProject" || p.name != name {
			continue
		}
		found = true
		if own := p.root.Find("metadata", "namespace").Peek(); own == "" || own == namespace.Peek() || takes(p.root.Find("spec", "sourceNamespaces"), namespace.Peek()) {
			return false
		}
	}
	if !found {
		return false // nobody knows what it says
	}
	o.root.Use()
	o.finding(LeftOut, namespace, "Argo CD refuses it: the AppProject %q takes no Applications of the namespace %q, by its sourceNamespaces, and so it is not imported. To have it here, add the namespace there, or remove the one of the Application.", name, namespace.Peek())
	return true
}

// takes reports whether one of a list of globs, or of regular expressions between slashes,
// matches a namespace. What cannot be read matches none.
func takes(patterns *manifest.Node, namespace string) bool {
	for _, n := range patterns.Items() {
		pattern := n.Peek()
		if matches(pattern, namespace) {
			return true
		}
		if len(pattern) < 2 || !strings.HasPrefix(pattern, "/") || !strings.HasSuffix(pattern, "/") {
			continue
		}
		if compiled, err := regexp.Compile(pattern[1 : len(pattern)-1]); err == nil && compiled.MatchString(namespace) {
			return true
		}
	}
	return false
}
