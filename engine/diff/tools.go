package diff

import (
	"slices"
	"strings"
)

// tools are the field managers of programs that bring objects to a desired state,
// as gantry does: what they own of an object becomes gantry's when the object is
// adopted. They are told by the names under which they write. Controllers are none of them:
// an autoscaler, a webhook or an operator goes on writing. Nor is kubectl-rollout,
// whose mark says when pods were restarted and not what is wanted, nor
// before-first-apply, which has what nobody knows the writer of.
var tools = []string{
	"kubectl", // apply --server-side, scale
	"kubectl-client-side-apply",
	"kubectl-last-applied", // what apply --server-side makes of the annotation
	"kubectl-create",
	"kubectl-edit",
	"kubectl-replace",
	"kubectl-patch",
	"kubectl-set",
	"kubectl-label",
	"kubectl-annotate",
	"kubectl-run",
	"kubectl-expose",
	"kubectl-autoscale",

	"helm", // 3 and 4; the name of its program, where another
	"helm3",
	"helm4",

	"argocd-controller",             // as it applies since 2.5
	"argocd-application-controller", // before
	"argocd-server",                 // edits in its user interface

	"kustomize-controller", // Flux
	"helm-controller",
	"flux",

	"kapp",
	"kluctl",
	"pulumi-kubernetes",
	"Terraform", // kubernetes_manifest
	"HashiCorp", // the Kubernetes provider's other resources
	"OpenTofu",
}

// toolPrefixes are tools that put more behind their name: a version, or something random.
var toolPrefixes = []string{"pulumi-kubernetes-", "terraform-provider-"}

// isTool reports whether a field manager is a tool of its kind.
func isTool(manager string) bool {
	return slices.Contains(tools, manager) ||
		slices.ContainsFunc(toolPrefixes, func(prefix string) bool { return strings.HasPrefix(manager, prefix) })
}
