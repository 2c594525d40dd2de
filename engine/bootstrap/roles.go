package bootstrap

import (
	"maps"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// rule is a rule of a role.
type rule struct {
	group            string
	resources, verbs []string
	names            []string
}

// The verbs. A dry run of server-side apply needs patch, and create for what is not there;
// one that replaces an object needs update. Nothing is deleted by a dry run.
func reads() []string  { return []string{"get", "list", "watch"} }
func asks() []string   { return []string{"create", "patch", "update"} }
func writes() []string { return []string{"create", "delete", "patch", "update"} }

// plannerRules are those of namespaced kinds, or of those of the whole cluster.
func (o *Options) plannerRules(namespaced bool) []rule {
	byVerbs := map[string][]providers.Resource{}
	for _, r := range unique(append(slices.Clone(o.Kinds), o.Served...)) {
		if r.Namespaced == namespaced && !isSecret(r) && !isVirtual(r.GVK.Group) {
			byVerbs["read"] = append(byVerbs["read"], r)
		}
	}
	for _, r := range o.Kinds {
		if r.Namespaced == namespaced && o.asks(r) {
			byVerbs["ask"] = append(byVerbs["ask"], r)
		}
	}
	return append(rulesOf(byVerbs["read"], reads()), rulesOf(byVerbs["ask"], asks())...)
}

// applierRules are those of the applier: it does what the planner does, and writes. Where
// roles are applied it may grant what it does not have itself.
func (o *Options) applierRules(namespaced bool) []rule {
	var read, write, grant []providers.Resource
	for _, r := range unique(append(slices.Clone(o.Kinds), o.Served...)) {
		if r.Namespaced == namespaced && !isVirtual(r.GVK.Group) && (!isSecret(r) || holds(o.Kinds, r)) {
			read = append(read, r)
		}
	}
	for _, r := range o.Kinds {
		if r.Namespaced != namespaced || isVirtual(r.GVK.Group) {
			continue
		}
		write = append(write, r)
		if r.GVK.Group == rbac {
			grant = append(grant, r)
		}
	}
	out := append(rulesOf(read, reads()), rulesOf(write, writes())...)
	roles := slices.DeleteFunc(slices.Clone(grant), func(r providers.Resource) bool { return strings.HasSuffix(r.Plural, "bindings") })
	return append(out, rulesOf(roles, []string{"bind", "escalate"})...)
}

func holds(kinds []providers.Resource, r providers.Resource) bool {
	return slices.ContainsFunc(kinds, func(one providers.Resource) bool { return key(one) == key(r) })
}

func key(r providers.Resource) string { return r.GVK.Group + "/" + r.Plural }

// unique leaves out what is served in another version, too.
func unique(kinds []providers.Resource) []providers.Resource {
	seen := map[string]bool{}
	return slices.DeleteFunc(kinds, func(r providers.Resource) bool {
		was := seen[key(r)]
		seen[key(r)] = true
		return was
	})
}

// rulesOf is a rule for each group, sorted.
func rulesOf(kinds []providers.Resource, verbs []string) []rule {
	byGroup := map[string][]string{}
	for _, r := range unique(slices.Clone(kinds)) {
		byGroup[r.GVK.Group] = append(byGroup[r.GVK.Group], r.Plural)
	}
	var out []rule
	for _, group := range slices.Sorted(maps.Keys(byGroup)) {
		out = append(out, rule{group: group, resources: slices.Sorted(slices.Values(byGroup[group])), verbs: verbs})
	}
	return out
}

// grant makes the roles of an identity and binds them: what is of the whole cluster
// everywhere, the rest in the namespaces that were named.
func (o *Options) grant(name string, to Identity, cluster, within []rule) []object.Object {
	if len(o.Namespaces) == 0 {
		return []object.Object{role("ClusterRole", "", name, append(cluster, within...)), binding("ClusterRoleBinding", "", name, "ClusterRole", to)}
	}
	out := []object.Object{
		role("ClusterRole", "", name, cluster), binding("ClusterRoleBinding", "", name, "ClusterRole", to),
		role("ClusterRole", "", name+"-in-namespaces", within),
	}
	for _, namespace := range slices.Sorted(slices.Values(o.Namespaces)) {
		out = append(out, bindingOf("RoleBinding", namespace, name, "ClusterRole", name+"-in-namespaces", to))
	}
	return out
}

// secretRoles let the planner read the Secrets of the configuration, and ask about them, by
// their names alone: a list would be of all of a namespace.
func (o *Options) secretRoles() []object.Object {
	var out []object.Object
	name := o.Name + "-planner-secrets"
	for _, namespace := range slices.Sorted(maps.Keys(o.Secrets)) {
		names := slices.Compact(slices.Sorted(slices.Values(o.Secrets[namespace])))
		if len(names) == 0 {
			continue
		}
		out = append(out,
			role("Role", namespace, name, []rule{{resources: []string{"secrets"}, names: names, verbs: append([]string{"get"}, asks()...)}}),
			binding("RoleBinding", namespace, name, "Role", o.Planner))
	}
	return out
}

// stateRoles open the state. The planner may write there what it planned: the policy sees
// to it that it is nothing else.
func (o *Options) stateRoles() []object.Object {
	if o.StateNamespace == "" {
		return nil
	}
	var out []object.Object
	for suffix, to := range sorted(map[string]Identity{"planner": o.Planner, "applier": o.Applier}) {
		name := o.Name + "-state-" + suffix
		out = append(out,
			role("Role", o.StateNamespace, name, []rule{{resources: []string{"secrets"}, verbs: []string{"get", "list", "create", "update", "delete"}}}),
			binding("RoleBinding", o.StateNamespace, name, "Role", to))
	}
	return out
}

// sorted goes through a map by its keys.
func sorted[V any](m map[string]V) func(func(string, V) bool) {
	return func(yield func(string, V) bool) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if !yield(key, m[key]) {
				return
			}
		}
	}
}

func role(kind, namespace, name string, rules []rule) object.Object {
	out := made(rbac+"/v1", kind, namespace, name)
	list := make([]any, len(rules))
	for i, r := range rules {
		one := map[string]any{"apiGroups": []any{r.group}, "resources": texts(r.resources), "verbs": texts(r.verbs)}
		if len(r.names) > 0 {
			one["resourceNames"] = texts(r.names)
		}
		list[i] = one
	}
	out["rules"] = list
	return out
}

func binding(kind, namespace, name, roleKind string, to Identity) object.Object {
	return bindingOf(kind, namespace, name, roleKind, name, to)
}

func bindingOf(kind, namespace, name, roleKind, roleName string, to Identity) object.Object {
	out := made(rbac+"/v1", kind, namespace, name)
	out["roleRef"] = map[string]any{"apiGroup": rbac, "kind": roleKind, "name": roleName}
	out["subjects"] = []any{to.subject()}
	return out
}

func texts(in []string) []any {
	out := make([]any, len(in))
	for i, text := range in {
		out[i] = text
	}
	return out
}
