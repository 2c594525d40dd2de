package risk

import (
	"maps"
	"slices"

	"github.com/gantrycd/gantry/plan/object"
)

// selects reports whether a label selector (metav1.LabelSelector) selects labels. One
// that is not there selects nothing, and an empty one everything.
func selects(selector any, labels map[string]string) bool {
	s, ok := selector.(map[string]any)
	if !ok {
		return false
	}
	if !subset(stringMap(s["matchLabels"]), labels) {
		return false
	}
	for _, expression := range objects(s["matchExpressions"]) {
		value, has := labels[str(expression, "key")]
		listed := slices.Contains(strs(expression["values"]), value)
		switch str(expression, "operator") {
		case "In":
			ok = has && listed
		case "NotIn":
			ok = !has || !listed
		case "Exists":
			ok = has
		case "DoesNotExist":
			ok = !has
		default:
			ok = false
		}
		if !ok {
			return false
		}
	}
	return true
}

// subset reports whether labels have all of wanted.
func subset(wanted, labels map[string]string) bool {
	for k, v := range wanted {
		if have, ok := labels[k]; !ok || have != v {
			return false
		}
	}
	return true
}

// podLabels returns the labels of the pods that an object makes.
func podLabels(o object.Object) map[string]string {
	template, _ := templateOf(o)
	return template.Labels()
}

// selectorText renders a Service's selector: "app=web,tier=front".
func selectorText(selector map[string]string) string {
	text := ""
	for _, k := range slices.Sorted(maps.Keys(selector)) {
		if text != "" {
			text += ","
		}
		text += k + "=" + selector[k]
	}
	return text
}
