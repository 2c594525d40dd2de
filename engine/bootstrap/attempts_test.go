package bootstrap_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/gantrycd/gantry/plan/object"
)

// attempt is something that would write. Where unguarded says why, no policy is in the way,
// and the roles alone are.
type attempt struct {
	name, method, path, contentType string
	body                            any
	headers                         []string
	unguarded                       string
	invalid                         bool // the server refuses it for what it is, before or after it asks who may
}

const (
	merge = "application/merge-patch+json"
	named = "/api/v1/namespaces/shop"
	apps  = "/apis/apps/v1/namespaces/shop/deployments"
)

func objectOf(apiVersion, kind, name string, more map[string]any) map[string]any {
	out := map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": name}}
	for key, value := range more {
		out[key] = value
	}
	return out
}

// attempts are what a thief of the planner's credentials would try.
func attempts() []attempt {
	noHooks := "policies are not asked about the kinds of admission"
	label := map[string]any{"metadata": map[string]any{"labels": map[string]any{"stolen": "yes"}}}
	widget := objectOf("example.com/v1", "Widget", "two", nil)
	definition := objectOf("apiextensions.k8s.io/v1", "CustomResourceDefinition", "gadgets.example.com", map[string]any{"spec": map[string]any{
		"group": "example.com", "scope": "Cluster", "names": map[string]any{"kind": "Gadget", "plural": "gadgets"},
		"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true, "schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object"}}}},
	}})
	bindings := objectOf("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "stolen", map[string]any{
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
		"subjects": []any{map[string]any{"kind": "ServiceAccount", "namespace": "gantry", "name": "planner"}},
	})
	webhook := objectOf("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "stolen", nil)
	sealed := func(name, key string) map[string]any {
		return map[string]any{"apiVersion": "v1", "kind": "Secret", "type": "gantry.dev/state", "metadata": map[string]any{"name": name, "annotations": map[string]any{"gantry.dev/key": key}}}
	}
	return []attempt{
		{name: "create", method: http.MethodPost, path: named + "/configmaps", body: configMap("shop", "x")},
		{name: "create with a generated name", method: http.MethodPost, path: named + "/configmaps", body: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"generateName": "x-"}}},
		{name: "create by apply", method: http.MethodPatch, path: named + "/configmaps/x?fieldManager=x", contentType: apply, body: configMap("shop", "x")},
		{name: "apply by force", method: http.MethodPatch, path: apps + "/frontend?fieldManager=x&force=true", contentType: apply, body: objectOf("apps/v1", "Deployment", "frontend", map[string]any{"spec": map[string]any{"replicas": 9}})},
		{name: "an empty dryRun", method: http.MethodPatch, path: apps + "/frontend?fieldManager=x&dryRun=", contentType: merge, body: label, invalid: true},
		{name: "merge patch", method: http.MethodPatch, path: apps + "/frontend", contentType: merge, body: label},
		{name: "JSON patch", method: http.MethodPatch, path: apps + "/frontend", contentType: "application/json-patch+json", body: []any{map[string]any{"op": "add", "path": "/metadata/labels/stolen", "value": "yes"}}},
		{name: "strategic merge patch", method: http.MethodPatch, path: apps + "/frontend", contentType: "application/strategic-merge-patch+json", body: label},
		{name: "update", method: http.MethodPut, path: named + "/secrets/first", body: objectOf("v1", "Secret", "first", nil)},
		{name: "delete", method: http.MethodDelete, path: apps + "/frontend"},
		{name: "delete, the children staying", method: http.MethodDelete, path: apps + "/frontend?propagationPolicy=Orphan"},
		{name: "delete a collection", method: http.MethodDelete, path: named + "/configmaps"},
		{name: "delete a collection of Secrets", method: http.MethodDelete, path: named + "/secrets"},
		{name: "status", method: http.MethodPatch, path: apps + "/frontend/status", contentType: merge, body: map[string]any{"status": map[string]any{"replicas": 3}}},
		{name: "scale", method: http.MethodPatch, path: apps + "/frontend/scale", contentType: merge, body: map[string]any{"spec": map[string]any{"replicas": 0}}},
		{name: "a token of the applier", method: http.MethodPost, path: "/api/v1/namespaces/gantry/serviceaccounts/applier/token", body: map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": map[string]any{}}},
		{name: "a Secret with a token", method: http.MethodPost, path: "/api/v1/namespaces/gantry/secrets", body: objectOf("v1", "Secret", "token", map[string]any{"type": "kubernetes.io/service-account-token", "metadata": map[string]any{"name": "token", "annotations": map[string]any{"kubernetes.io/service-account.name": "applier"}}})},
		{name: "exec", method: http.MethodPost, path: named + "/pods/aim/exec?command=id&stdout=true"},
		{name: "exec by GET", method: http.MethodGet, path: named + "/pods/aim/exec?command=id&stdout=true"},
		{name: "attach", method: http.MethodPost, path: named + "/pods/aim/attach?stdin=true&stdout=true"},
		{name: "port forward", method: http.MethodPost, path: named + "/pods/aim/portforward?ports=80"},
		{name: "pod proxy", method: http.MethodGet, path: named + "/pods/aim/proxy/"},
		{name: "service proxy", method: http.MethodPost, path: named + "/services/frontend/proxy/"},
		{name: "evict", method: http.MethodPost, path: named + "/pods/aim/eviction", body: objectOf("policy/v1", "Eviction", "aim", nil)},
		{name: "bind a pod to a node", method: http.MethodPost, path: named + "/pods/aim/binding", body: objectOf("v1", "Binding", "aim", map[string]any{"target": map[string]any{"kind": "Node", "name": "node"}})},
		{name: "ephemeral containers", method: http.MethodPatch, path: named + "/pods/aim/ephemeralcontainers", contentType: merge, body: map[string]any{"spec": map[string]any{"ephemeralContainers": []any{map[string]any{"name": "x", "image": "x"}}}}},
		{name: "resize a pod", method: http.MethodPatch, path: named + "/pods/aim/resize", contentType: merge, body: label},
		{name: "a pod", method: http.MethodPost, path: named + "/pods", body: objectOf("v1", "Pod", "x", map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "x", "image": "x"}}, "serviceAccountName": "default"}})},
		{name: "a job with the applier's rights", method: http.MethodPost, path: "/apis/batch/v1/namespaces/gantry/jobs", body: objectOf("batch/v1", "Job", "x", map[string]any{"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"restartPolicy": "Never", "serviceAccountName": "applier", "containers": []any{map[string]any{"name": "x", "image": "x"}}}}}})},
		{name: "a role", method: http.MethodPatch, path: "/apis/rbac.authorization.k8s.io/v1/clusterroles/gantry-planner", contentType: merge, body: label},
		{name: "bind a role", method: http.MethodPost, path: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", body: bindings},
		{name: "admission: the policy's deletion", method: http.MethodDelete, path: "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/gantry-planner-writes-nothing", unguarded: noHooks},
		{name: "admission: the binding's change", method: http.MethodPatch, path: "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/gantry-planner-writes-nothing", contentType: merge, body: map[string]any{"spec": map[string]any{"validationActions": []any{"Audit"}}}, unguarded: noHooks},
		{name: "admission: a webhook", method: http.MethodPost, path: "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", body: webhook, unguarded: noHooks},
		{name: "admission: a webhook, even by a dry run", method: http.MethodPost, path: "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations?dryRun=All", body: webhook, unguarded: noHooks},
		{name: "an instance of a definition", method: http.MethodPost, path: "/apis/example.com/v1/namespaces/shop/widgets", body: widget},
		{name: "a change of such an instance", method: http.MethodPatch, path: "/apis/example.com/v1/namespaces/shop/widgets/one", contentType: merge, body: label},
		{name: "a definition", method: http.MethodPost, path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body: definition},
		{name: "a definition's deletion", method: http.MethodDelete, path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com"},
		{name: "an extension of the API", method: http.MethodPost, path: "/apis/apiregistration.k8s.io/v1/apiservices", body: objectOf("apiregistration.k8s.io/v1", "APIService", "v1.stolen.example.com", map[string]any{"spec": map[string]any{"group": "stolen.example.com", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1, "insecureSkipTLSVerify": true, "service": map[string]any{"name": "x", "namespace": "shop"}}})},
		{name: "a namespace", method: http.MethodPost, path: "/api/v1/namespaces", body: objectOf("v1", "Namespace", "stolen", nil)},
		{name: "finalize a namespace", method: http.MethodPut, path: named + "/finalize", body: objectOf("v1", "Namespace", "shop", map[string]any{"spec": map[string]any{"finalizers": []any{}}})},
		{name: "delete a namespace", method: http.MethodDelete, path: "/api/v1/namespaces/shop"},
		{name: "an event", method: http.MethodPost, path: named + "/events", body: objectOf("v1", "Event", "x", map[string]any{"involvedObject": map[string]any{"namespace": "shop", "name": "x"}})},
		{name: "an event of events.k8s.io", method: http.MethodPost, path: "/apis/events.k8s.io/v1/namespaces/shop/events", body: objectOf("events.k8s.io/v1", "Event", "y", map[string]any{"eventTime": "2026-01-01T00:00:00.000000Z", "action": "x", "reason": "x", "type": "Normal", "reportingController": "x.example.com/x", "reportingInstance": "x", "regarding": map[string]any{"namespace": "shop", "name": "x"}})},
		{name: "a lease", method: http.MethodPost, path: "/apis/coordination.k8s.io/v1/namespaces/shop/leases", body: objectOf("coordination.k8s.io/v1", "Lease", "x", nil)},
		{name: "approve a certificate", method: http.MethodPut, path: "/apis/certificates.k8s.io/v1/certificatesigningrequests/x/approval", body: objectOf("certificates.k8s.io/v1", "CertificateSigningRequest", "x", nil)},
		{name: "ask for a certificate", method: http.MethodPost, path: "/apis/certificates.k8s.io/v1/certificatesigningrequests", body: objectOf("certificates.k8s.io/v1", "CertificateSigningRequest", "y", map[string]any{"spec": map[string]any{"request": "eA==", "signerName": "example.com/x", "usages": []any{"client auth"}}}), invalid: true},
		{name: "impersonate an administrator", method: http.MethodPost, path: named + "/configmaps", body: configMap("shop", "x"), headers: []string{"Impersonate-User", "admin", "Impersonate-Group", "system:masters"}, unguarded: "it is then another identity"},
		{name: "impersonate the applier", method: http.MethodPost, path: named + "/configmaps", body: configMap("shop", "x"), headers: []string{"Impersonate-User", "system:serviceaccount:gantry:applier"}, unguarded: "it is then another identity"},
		{name: "a record of the state", method: http.MethodPost, path: "/api/v1/namespaces/gantry/secrets", body: sealed("r", "applications/shop")},
		{name: "a plan in the state that becomes a record", method: http.MethodPatch, path: "/api/v1/namespaces/gantry/secrets/kept", contentType: merge, body: map[string]any{"metadata": map[string]any{"annotations": map[string]any{"gantry.dev/key": "applications/shop"}}}},
		{name: "a record in the state that becomes a plan", method: http.MethodPut, path: "/api/v1/namespaces/gantry/secrets/record", body: sealed("record", "planned/x")},
		{name: "a record's deletion", method: http.MethodDelete, path: "/api/v1/namespaces/gantry/secrets/record"},
		{name: "a Secret of another type beside the state", method: http.MethodPost, path: "/api/v1/namespaces/gantry/secrets", body: objectOf("v1", "Secret", "x", map[string]any{"metadata": map[string]any{"name": "x", "annotations": map[string]any{"gantry.dev/key": "planned/x"}}})},
	}
}

// attempts tries them all: with the printed roles, and then with the rights of an
// administrator, so that the policy stands alone.
func (e *estate) attempts(planner *api) {
	e.t.Helper()
	writer := e.cluster.As(e.t, "admin")
	state := func(name, key string) object.Object {
		return object.Object{"apiVersion": "v1", "kind": "Secret", "type": "gantry.dev/state", "metadata": map[string]any{"namespace": "gantry", "name": name, "annotations": map[string]any{"gantry.dev/key": key}}}
	}
	writer.Apply(state("kept", "planned/x"))
	writer.Apply(state("record", "applications/shop"))
	writer.Apply(object.Object{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"namespace": "shop", "name": "default"}})
	writer.Apply(object.Object{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"namespace": "shop", "name": "aim"}, "spec": map[string]any{"containers": []any{map[string]any{"name": "aim", "image": "aim"}}}})
	before := e.admin.everything()
	for _, a := range attempts() {
		status, text := planner.send(e.t.Context(), a.method, a.path, a.contentType, a.body, a.headers...)
		if status != http.StatusForbidden && (!a.invalid || status != http.StatusUnprocessableEntity) {
			e.t.Errorf("%s: %d, and not forbidden: %s", a.name, status, text)
		}
	}
	same(e.t, before, e.admin.everything(), "the planner with its own roles")

	writer.Apply(object.Object{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": map[string]any{"name": "a-mistake"},
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
		"subjects": []any{map[string]any{"kind": "ServiceAccount", "namespace": "gantry", "name": "planner"}},
	})
	for range 600 { // until the server goes by it
		time.Sleep(100 * time.Millisecond)
		if status, _ := planner.send(e.t.Context(), http.MethodGet, "/api/v1/secrets", "", nil); status == http.StatusOK {
			break
		}
	}
	before = e.admin.everything()
	for _, a := range attempts() {
		if a.unguarded != "" {
			continue
		}
		// What has no such object is refused for that, and what Kubernetes makes of a request
		// before it asks its policies is refused by it.
		status, text := planner.send(e.t.Context(), a.method, a.path, a.contentType, a.body, a.headers...)
		if status < 300 || status != http.StatusNotFound && !a.invalid && !strings.Contains(text, "this identity plans") {
			e.t.Errorf("%s, with an administrator's rights: %d: %s", a.name, status, text)
		}
	}
	same(e.t, before, e.admin.everything(), "the planner with an administrator's rights")
	e.keeps(planner)
}

// keeps: what the planner is to write in the state it can.
func (e *estate) keeps(planner *api) {
	e.t.Helper()
	body, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Secret", "type": "gantry.dev/state", "metadata": map[string]any{"name": "mine", "annotations": map[string]any{"gantry.dev/key": "planned/mine"}}})
	if err != nil {
		e.t.Fatal(err)
	}
	const secrets = "/api/v1/namespaces/gantry/secrets"
	planner.must(http.MethodPost, secrets, string(body))
	planner.must(http.MethodPut, secrets+"/mine", string(body))
	planner.must(http.MethodDelete, secrets+"/mine", nil)
}
