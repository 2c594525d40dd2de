package risk

import (
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

var (
	deployments  = object.GVK{Group: "apps", Version: "v1", Kind: "Deployment"}
	statefulSets = object.GVK{Group: "apps", Version: "v1", Kind: "StatefulSet"}
	daemonSets   = object.GVK{Group: "apps", Version: "v1", Kind: "DaemonSet"}
	replicaSets  = object.GVK{Group: "apps", Version: "v1", Kind: "ReplicaSet"}
	pods         = object.GVK{Version: "v1", Kind: "Pod"}
	servicesKind = object.GVK{Version: "v1", Kind: "Service"}
	budgetsKind  = object.GVK{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"}
	autoscalers  = object.GVK{Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"}
	volumesKind  = object.GVK{Version: "v1", Kind: "PersistentVolume"}
)

// templateOf returns the pod that an object makes, and where in it that is. A Pod is
// its own.
func templateOf(o object.Object) (template object.Object, at string) {
	path := ""
	switch o.GVK().GroupKind() {
	case deployments.GroupKind(), statefulSets.GroupKind(), daemonSets.GroupKind(), replicaSets.GroupKind(),
		object.GroupKind{Group: "batch", Kind: "Job"}, object.GroupKind{Kind: "ReplicationController"}:
		path = "spec.template"
	case object.GroupKind{Group: "batch", Kind: "CronJob"}:
		path = "spec.jobTemplate.spec.template"
	case pods.GroupKind():
		return o, ""
	default:
		return nil, ""
	}
	value, _ := o.Get(strings.Split(path, ".")...)
	m, _ := value.(map[string]any)
	return m, path
}

// below joins a path and what is below it.
func below(path, rest string) string {
	if path == "" {
		return rest
	}
	return path + "." + rest
}

// container is a container of a pod, and where it is.
type container struct {
	object.Object
	path string
}

// containers returns all containers of what an object makes, those that only prepare
// included.
func containers(o object.Object) []container {
	template, at := templateOf(o)
	var out []container
	for _, list := range []string{"initContainers", "containers"} {
		items, _ := template.Get("spec", list)
		for _, item := range objects(items) {
			out = append(out, container{item, below(at, "spec."+list) + key("name", str(item, "name"))})
		}
	}
	return out
}

// key is the part of a path that tells an item of a list by one of its members.
func key(name, value string) string {
	for i, r := range value {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789-_./", r)) {
			return "[" + name + "=" + strconv.Quote(value) + "]"
		}
	}
	if value == "" || value == "true" || value == "false" || value == "null" {
		value = strconv.Quote(value)
	}
	return "[" + name + "=" + value + "]"
}

// index is the part of a path that tells an item of a list by its place.
func index(i int) string { return "[" + strconv.Itoa(i) + "]" }

// replicasOf returns how many pods a workload is to have.
func replicasOf(o object.Object) int64 {
	value, _ := o.Get("spec", "replicas")
	if n, ok := integer(value); ok {
		return n
	}
	return 1
}

// runningPods returns how many pods a live workload has, or is to have where its
// status does not say.
func runningPods(o object.Object) (int64, bool) {
	member := "replicas"
	if o.Kind() == "DaemonSet" {
		member = "desiredNumberScheduled"
	}
	value, _ := o.Get("status", member)
	if n, ok := integer(value); ok {
		return n, true
	}
	if o.Kind() == "DaemonSet" {
		return 0, false
	}
	return replicasOf(o), true
}

// templatePaths returns the fields of the pod template that a change touches. Fields
// whose owner alone changes are none.
func templatePaths(c *plan.Change) []string {
	return changedBelow(c, "spec.template")
}

// changedBelow returns the fields at and below a path whose values change.
func changedBelow(c *plan.Change, path string) []string {
	var out []string
	for _, f := range c.Fields {
		rest, ok := strings.CutPrefix(f.Path, path)
		if ok && !f.Owned && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			out = append(out, f.Path)
		}
	}
	return out
}

// stays reports whether an item's object is there before and after, as the same object.
func (i *Item) stays() bool {
	return i.Before != nil && i.After != nil && i.Change.Action != plan.Replace
}

// str returns the string at a path, empty where there is none.
func str(o object.Object, path ...string) string {
	value, _ := o.Get(path...)
	s, _ := value.(string)
	return s
}

// flag returns the bool at a path, false where there is none.
func flag(o object.Object, path ...string) bool {
	value, _ := o.Get(path...)
	b, _ := value.(bool)
	return b
}

// strs returns the strings of a list.
func strs(value any) []string {
	list, _ := value.([]any)
	var out []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// objects returns the maps of a list.
func objects(value any) []object.Object {
	list, _ := value.([]any)
	var out []object.Object
	for _, item := range list {
		m, _ := item.(map[string]any)
		out = append(out, m) // nil keeps the places of the others
	}
	return out
}

// stringMap returns a map of strings.
func stringMap(value any) map[string]string {
	m, _ := value.(map[string]any)
	out := make(map[string]string, len(m))
	for k, v := range m {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}

func integer(value any) (int64, bool) {
	switch n := value.(type) {
	case int64:
		return n, true
	case float64:
		return int64(n), true
	}
	return 0, false
}

// intOrPercent resolves a number, or a percentage of a total.
func intOrPercent(value any, total int64, roundUp bool) (int64, bool) {
	if n, ok := integer(value); ok {
		return n, true
	}
	text, _ := value.(string)
	percent, err := strconv.ParseInt(strings.TrimSuffix(text, "%"), 10, 32)
	if err != nil || !strings.HasSuffix(text, "%") {
		return 0, false
	}
	n := percent * total
	if roundUp {
		n += 99
	}
	return n / 100, true
}
