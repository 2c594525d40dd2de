package risk

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/riskcode"
)

// config tells of a ConfigMap or Secret that pods read only when they start, where it
// changes and they do not restart: through their environment, or mounted with subPath.
// What is mounted as a volume follows by itself, and what the program makes of that
// nobody can tell.
func (a *assessment) config(item *Item) {
	id := item.Change.ID
	if id.Group != "" || id.Kind != "ConfigMap" && id.Kind != "Secret" || item.Before == nil || item.After == nil {
		return
	}
	changed := changedKeys(item.Change)
	if len(changed) == 0 {
		return
	}
	var readers, unread []string
	complete := true
	for _, kind := range []object.GVK{deployments, statefulSets, daemonSets} {
		found, ok := a.cluster.view(kind, id.Namespace)
		complete = complete && ok
		if found.unread != "" {
			unread = append(unread, found.unread)
		}
		for _, o := range found.after {
			if uses := startUses(o, id, changed); len(uses) > 0 && a.keepsRunning(o) {
				readers = append(readers, fmt.Sprintf("%s (%s)", o.ID(), words(uses)))
			}
		}
	}
	if !complete || len(readers) == 0 {
		return
	}
	var paths []string
	for _, k := range slices.Sorted(maps.Keys(changed)) {
		paths = append(paths, changed[k]...)
	}
	a.add(riskcode.ConfigNotNoticed, plan.Low, item, paths, fmt.Sprintf(
		"Pods that run go on with the old values: they read them when they start, and this plan does not restart them. It is read by %s.", words(readers)), sentences(unread))
}

// changedKeys returns the keys of a ConfigMap or Secret whose values change, with the
// fields that tell so.
func changedKeys(c *plan.Change) map[string][]string {
	out := map[string][]string{}
	for _, f := range c.Fields {
		for _, root := range []string{"data", "binaryData"} {
			rest, ok := strings.CutPrefix(f.Path, root)
			if !ok || rest == "" || f.Owned {
				continue
			}
			name := strings.TrimPrefix(rest, ".")
			if quoted, ok := strings.CutPrefix(rest, `["`); ok {
				name = strings.TrimSuffix(quoted, `"]`)
			}
			out[name] = append(out[name], f.Path)
		}
	}
	return out
}

// keepsRunning reports whether the pods of a workload are there before the plan, and
// not replaced by it.
func (a *assessment) keepsRunning(o object.Object) bool {
	item, changes := a.cluster.items[o.ID()]
	if !changes {
		return runs(o)
	}
	return item.stays() && runs(item.Before) && len(templatePaths(item.Change)) == 0
}

func runs(o object.Object) bool {
	n, known := runningPods(o)
	return n > 0 || !known
}

// startUses says where the containers of a workload read changed keys of a ConfigMap
// or Secret when they start.
func startUses(o object.Object, id object.ID, changed map[string][]string) []string {
	ref, env, source := "configMapKeyRef", "configMapRef", "configMap"
	if id.Kind == "Secret" {
		ref, env, source = "secretKeyRef", "secretRef", "secret"
	}
	volumes := volumeKeys(o, id.Name, source)
	var out []string
	for _, c := range containers(o) {
		name := "container " + str(c.Object, "name")
		variables, _ := c.Get("env")
		for _, v := range objects(variables) {
			if str(v, "valueFrom", ref, "name") == id.Name && changed[str(v, "valueFrom", ref, "key")] != nil {
				out = append(out, fmt.Sprintf("variable %s of %s", str(v, "name"), name))
			}
		}
		from, _ := c.Get("envFrom")
		for _, f := range objects(from) {
			if str(f, env, "name") == id.Name {
				out = append(out, "the environment of "+name)
			}
		}
		mounts, _ := c.Get("volumeMounts")
		for _, m := range objects(mounts) {
			keyOf, mounted := volumes[str(m, "name")]
			if sub := str(m, "subPath"); mounted && sub != "" && changed[keyOf(sub)] != nil {
				out = append(out, fmt.Sprintf("%s in %s, mounted with subPath", str(m, "mountPath"), name))
			}
		}
	}
	return out
}

// volumeKeys returns the volumes of a workload that are made of a ConfigMap or Secret,
// with the key that each file in them is from.
func volumeKeys(o object.Object, name, source string) map[string]func(string) string {
	out := map[string]func(string) string{}
	template, _ := templateOf(o)
	volumes, _ := template.Get("spec", "volumes")
	for _, v := range objects(volumes) {
		from, _ := v.Get(source)
		m, _ := from.(map[string]any)
		named := str(m, "name")
		if source == "secret" {
			named = str(m, "secretName")
		}
		if m == nil || named != name {
			continue
		}
		keys := map[string]string{}
		for _, item := range objects(m["items"]) {
			keys[str(item, "path")] = str(item, "key")
		}
		out[str(v, "name")] = func(file string) string {
			if len(keys) == 0 {
				return file
			}
			return keys[file]
		}
	}
	return out
}
