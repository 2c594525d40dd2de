package guard

import "github.com/gantrycd/gantry/plan/object"

// served are the groups that a server has, or had, kinds of other groups under: an object
// of the one is the object of that name of the other.
var served = [...]struct{ kind, one, other string }{
	{"DaemonSet", "extensions", "apps"},
	{"Deployment", "extensions", "apps"},
	{"ReplicaSet", "extensions", "apps"},
	{"Ingress", "extensions", "networking.k8s.io"},
	{"NetworkPolicy", "extensions", "networking.k8s.io"},
	{"PodSecurityPolicy", "extensions", "policy"},
	{"Event", "", "events.k8s.io"},
}

// aliases are all the names of an object, its own first: what one of them is denied, the
// object is.
func aliases(id object.ID) []object.ID {
	out := []object.ID{id}
	for _, s := range served {
		if s.kind != id.Kind {
			continue
		}
		alias := id
		switch id.Group {
		case s.one:
			alias.Group = s.other
		case s.other:
			alias.Group = s.one
		default:
			continue
		}
		out = append(out, alias)
	}
	return out
}
