package guard

import (
	"github.com/gobwas/glob"

	"github.com/gantrycd/gantry/plan/object"
)

// made are objects that Kubernetes itself makes in namespaces, or that come and go with
// others: nobody wrote them, and no application has them.
var made = [...]struct{ group, kind, name string }{
	{"", "ConfigMap", "kube-root-ca.crt"},
	{"", "ServiceAccount", "default"},
	{"", "Event", "*"},
	{"events.k8s.io", "Event", "*"},
	{"", "Endpoints", "*"},
	{"discovery.k8s.io", "EndpointSlice", "*"},
	{"coordination.k8s.io", "Lease", "*"},
	{"metrics.k8s.io", "*", "*"},
}

// ignore is a compiled ignore block of orphaned_resources.
type ignore struct{ group, kind, name glob.Glob }

func (r *Rules) compileIgnores() {
	if r.project.Orphaned == nil {
		return
	}
	for _, i := range r.project.Orphaned.Ignore {
		var out ignore
		for _, part := range []struct {
			glob string
			into *glob.Glob
		}{{i.Group, &out.group}, {i.Kind, &out.kind}, {i.Name, &out.name}} {
			compiled, err := glob.Compile(part.glob)
			if err != nil {
				return // it hides nothing, and the language has said so
			}
			*part.into = compiled
		}
		r.ignores = append(r.ignores, out)
	}
}

// Reported tells whether an object that belongs to no application is to be reported.
func Reported(r *Rules, id object.ID) bool {
	if r == nil || r.project.Orphaned == nil {
		return false
	}
	for _, m := range made {
		if m.group == id.Group && (m.kind == "*" || m.kind == id.Kind) && (m.name == "*" || m.name == id.Name) {
			return false
		}
	}
	for _, i := range r.ignores {
		if i.group.Match(id.Group) && i.kind.Match(id.Kind) && i.name.Match(id.Name) {
			return false
		}
	}
	return true
}
