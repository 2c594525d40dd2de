package cause

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan/object"
)

// claim finds why a PersistentVolumeClaim has no volume.
func (w *World) claim(o object.Object) (finding, bool) {
	f := finding{rank: rankOwn, object: o.ID(), reason: "Pending"}
	switch text(o, "status", "phase") {
	case "Bound":
		return finding{}, false
	case "Lost":
		f.reason, f.phrase = "Lost", fmt.Sprintf("has lost its volume %q", text(o, "spec", "volumeName"))
		return f, true
	}
	e, ok := w.newest(o, func(e event) bool {
		return slices.Contains([]string{"FailedBinding", "ProvisioningFailed", "ExternalProvisioning", "ExternalExpanding", "WaitForPodScheduled", "WaitForFirstConsumer"}, e.reason)
	})
	class := text(o, "spec", "storageClassName")
	switch {
	case ok:
		f.reason, f.phrase = e.reason, "is pending: "+rpcError.ReplaceAllString(oneLine(e.message), "")
	case class == "":
		f.phrase = "is pending: it names no storage class, and there is no default"
	default:
		f.phrase = fmt.Sprintf("is pending: storage class %q has given no volume", class)
	}
	return f, true
}

// address is of a Service or an Ingress that waits for an address.
func address(o object.Object) (finding, bool) {
	if o.Kind() == "Service" && text(o, "spec", "type") != "LoadBalancer" {
		return finding{}, false
	}
	if given, _ := o.Get("status", "loadBalancer", "ingress"); given != nil {
		return finding{}, false
	}
	return finding{rank: rankSlow, object: o.ID(), reason: "NoAddress", phrase: "no controller has given it an address"}, true
}

// definition is of a CustomResourceDefinition that is not established.
func definition(o object.Object) (finding, bool) {
	for _, is := range []struct{ kind, status string }{{"NamesAccepted", "False"}, {"NonStructuralSchema", "True"}, {"Established", "False"}} {
		c, ok := conditionOf(o, is.kind)
		if ok && c.status == is.status && c.reason != "Installing" {
			return finding{rank: rankOwn, object: o.ID(), reason: c.reason, phrase: c.reason + ": " + oneLine(c.message)}, true
		}
	}
	return finding{}, false
}

// Finalizers of Kubernetes itself, which have a reason that can be seen.
const (
	foreground      = "foregroundDeletion"
	claimProtection = "kubernetes.io/pvc-protection"
)

// held finds what keeps an object that is being deleted.
func (w *World) held(o object.Object) (finding, bool) {
	f := finding{rank: rankOwn, object: o.ID(), reason: "Terminating"}
	finalizers := finalizersOf(o)
	var parts []string
	switch kind := o.ID().GroupKind(); {
	case kind == namespaceKind:
		parts = append(parts, namespaceHeld(o)...)
	case kind == definitionKind:
		if c, ok := conditionOf(o, "Terminating"); ok && c.status == "True" {
			parts = append(parts, c.reason+": "+oneLine(c.message))
		}
	case kind == claimKind && slices.Contains(finalizers, claimProtection):
		if users := w.users(o); len(users) > 0 {
			parts = append(parts, "in use by "+named("pod", users))
		}
	}
	if slices.Contains(finalizers, foreground) {
		var left []string
		for _, owned := range w.owned(o.UID()) {
			left = append(left, owned.ID().String())
		}
		if len(left) > 0 {
			parts = append(parts, "waits for what it owns: "+named("", left))
		}
	}
	if len(finalizers) > 0 {
		parts = append(parts, "held by finalizers: "+strings.Join(finalizers, ", "))
	}
	f.phrase = strings.Join(parts, "; ")
	return f, len(parts) > 0
}

func finalizersOf(o object.Object) []string {
	var out []string
	list, _ := o.Metadata()["finalizers"].([]any)
	for _, item := range list {
		if name, _ := item.(string); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// namespaceHeld is what the namespace controller says of what is left in a namespace, and
// of what it could not find out or delete.
func namespaceHeld(o object.Object) []string {
	var parts []string
	for _, kind := range []string{
		"NamespaceDeletionDiscoveryFailure", "NamespaceDeletionGroupVersionParsingFailure", "NamespaceDeletionContentFailure",
		"NamespaceContentRemaining", "NamespaceFinalizersRemaining",
	} {
		if c, ok := conditionOf(o, kind); ok && c.status == "True" {
			message := strings.ReplaceAll(oneLine(c.message), ". has ", " has ") // "configmaps. has 1 resource instances"
			parts = append(parts, strings.TrimSuffix(message, "."))
		}
	}
	return parts
}

// users are the names of the Pods that use a claim.
func (w *World) users(claim object.Object) []string {
	var out []string
	for _, x := range w.lists {
		for id, p := range x.byID {
			if id.GroupKind() != podKind || id.Namespace != claim.Namespace() {
				continue
			}
			volumes, _ := p.Get("spec", "volumes")
			list, _ := volumes.([]any)
			if slices.ContainsFunc(list, func(v any) bool {
				m, _ := v.(map[string]any)
				return text(m, "persistentVolumeClaim", "claimName") == claim.Name()
			}) {
				out = append(out, id.Name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// named lists the first of many names.
func named(thing string, names []string) string {
	const most = 3
	if len(names) > most {
		names = append(slices.Clone(names[:most]), fmt.Sprintf("and %d more", len(names)-most))
	}
	return strings.TrimSpace(thing + " " + strings.Join(names, ", "))
}
