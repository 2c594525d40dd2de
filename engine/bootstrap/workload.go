package bootstrap

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan/object"
)

// Workload is what runs "gantry planner" in a cluster.
type Workload struct {
	Image string // of gantry, with its tag or digest
	// Arguments are those of "gantry planner".
	Arguments []string
	// Environment names a Secret in the planner's namespace whose keys become variables: the
	// token of the forge, what reads the repository, what opens the state; empty for none.
	Environment string
	// Audience is what the planner's token is made for, by which it says who it is.
	Audience string
	// Every runs it as a job once in so many minutes; 0 keeps it running.
	Every int
	// Requester may leave requests in RequestsNamespace, and do nothing else; the zero value is
	// nobody, and then requests are not left in this cluster.
	Requester Identity
	Memory    string // as in "512Mi"; empty for 1Gi
}

// PlannerObjects returns the objects that run a planner, in an order in which they can be
// applied after those of Objects. What the planner may do is in those.
func PlannerObjects(o Options, w Workload) ([]object.Object, error) {
	if err := w.check(&o); err != nil {
		return nil, err
	}
	namespace, account, _ := strings.Cut(o.Planner.ServiceAccount, "/")
	out := []object.Object{
		// Who it is the cluster says, when it is asked about the planner's token.
		role("ClusterRole", "", o.Name+"-planner-identity", []rule{{group: "authentication.k8s.io", resources: []string{"tokenreviews"}, verbs: []string{"create"}}}),
		binding("ClusterRoleBinding", "", o.Name+"-planner-identity", "ClusterRole", o.Planner),
	}
	if o.RequestsNamespace != "" {
		out = append(out, o.requestRoles(w.Requester)...)
	}
	out = append(out, w.network(&o, namespace))
	if w.Every > 0 {
		return append(out, w.cronJob(&o, namespace, account)), nil
	}
	return append(out, w.deployment(&o, namespace, account)), nil
}

func (w *Workload) check(o *Options) error {
	var errs []error
	if o.Planner.ServiceAccount == "" {
		errs = append(errs, errors.New("the planner runs in the cluster, so that it must be a service account"))
	}
	if w.Image == "" || strings.ContainsAny(w.Image, " \t\r\n") {
		errs = append(errs, fmt.Errorf("%q is no image", w.Image))
	}
	if w.Audience == "" {
		errs = append(errs, errors.New("there is no audience that the planner's token is made for"))
	}
	if w.Every < 0 || w.Every > 59 {
		errs = append(errs, fmt.Errorf("it cannot run every %d minutes: from 1 to 59", w.Every))
	}
	if (w.Requester == Identity{}) != (o.RequestsNamespace == "") {
		errs = append(errs, errors.New("say who leaves requests together with the namespace where, or neither"))
	}
	if o.RequestsNamespace != "" {
		if err := w.Requester.check(); err != nil {
			errs = append(errs, fmt.Errorf("who asks: %w", err))
		}
		if w.Requester == o.Planner || w.Requester == o.Applier {
			errs = append(errs, errors.New("who asks is the planner or the applier, whose rights would be those of whoever asks: give each its own"))
		}
		if o.RequestsNamespace == o.StateNamespace || o.RequestsNamespace == namespaceOf(o.Planner) {
			errs = append(errs, fmt.Errorf("who asks could read all Secrets in %s, the state's or the planner's own: give requests a namespace of their own", o.RequestsNamespace))
		}
	}
	return errors.Join(errs...)
}

func namespaceOf(i Identity) string {
	namespace, _, _ := strings.Cut(i.ServiceAccount, "/")
	return namespace
}

// requestRoles open the namespace of requests, which holds nothing else, to who asks and to the
// planner.
func (o *Options) requestRoles(requester Identity) []object.Object {
	out := []object.Object{made("v1", "Namespace", "", o.RequestsNamespace)}
	if namespace, name, ok := strings.Cut(requester.ServiceAccount, "/"); ok {
		if namespace != o.RequestsNamespace && namespace != namespaceOf(o.Planner) && namespace != namespaceOf(o.Applier) {
			out = append(out, made("v1", "Namespace", "", namespace))
		}
		out = append(out, made("v1", "ServiceAccount", namespace, name))
	}
	name := o.Name + "-requests"
	requests := role("Role", o.RequestsNamespace, name, []rule{{resources: []string{"secrets"}, verbs: []string{"get", "list", "create", "update", "delete"}}})
	bound := binding("RoleBinding", o.RequestsNamespace, name, "Role", requester)
	bound["subjects"] = []any{requester.subject(), o.Planner.subject()}
	return append(out, requests, bound)
}

// The names that the planner's files have in its pod.
const (
	scratchPath = "/work"
	tokenPath   = "/var/run/secrets/gantry"
)

func (w *Workload) labels(o *Options) map[string]any {
	return map[string]any{"app.kubernetes.io/name": "gantry-planner", "app.kubernetes.io/instance": o.Name}
}

// network lets nobody speak to the planner: it has nothing to say to them.
func (w *Workload) network(o *Options, namespace string) object.Object {
	out := made("networking.k8s.io/v1", "NetworkPolicy", namespace, o.Name+"-planner")
	out["spec"] = map[string]any{
		"podSelector": map[string]any{"matchLabels": w.labels(o)}, "policyTypes": []any{"Ingress"},
	}
	return out
}

func (w *Workload) deployment(o *Options, namespace, account string) object.Object {
	out := made("apps/v1", "Deployment", namespace, o.Name+"-planner")
	out["metadata"].(map[string]any)["labels"] = w.labels(o)
	out["spec"] = map[string]any{
		"replicas": int64(1), "selector": map[string]any{"matchLabels": w.labels(o)},
		"template": w.pod(o, account, "Always"),
	}
	return out
}

func (w *Workload) cronJob(o *Options, namespace, account string) object.Object {
	out := made("batch/v1", "CronJob", namespace, o.Name+"-planner")
	out["metadata"].(map[string]any)["labels"] = w.labels(o)
	out["spec"] = map[string]any{
		"schedule": fmt.Sprintf("*/%d * * * *", w.Every), "concurrencyPolicy": "Forbid",
		"successfulJobsHistoryLimit": int64(1), "failedJobsHistoryLimit": int64(3),
		"jobTemplate": map[string]any{"spec": map[string]any{
			"backoffLimit": int64(0), "activeDeadlineSeconds": int64(3600), "ttlSecondsAfterFinished": int64(3600),
			"template": w.pod(o, account, "Never"),
		}},
	}
	return out
}

// pod is what the restricted Pod Security Standard asks for, and some more: no file of the
// image can be changed, and no service of the namespace is told to it.
func (w *Workload) pod(o *Options, account, restart string) map[string]any {
	arguments := append([]string{"planner"}, w.Arguments...)
	if w.Every > 0 {
		once := []string{"--once", fmt.Sprintf("--every=%dm", w.Every)}
		at := slices.Index(arguments, "--")
		if at < 0 {
			at = len(arguments)
		}
		arguments = slices.Insert(arguments, at, once...)
	}
	memory := w.Memory
	if memory == "" {
		memory = "1Gi"
	}
	container := map[string]any{
		"name": "planner", "image": w.Image, "command": []any{"gantry"}, "args": texts(arguments),
		"env": []any{
			variable("HOME", scratchPath), variable("TMPDIR", scratchPath), variable("GANTRY_CACHE", scratchPath+"/cache"),
			variable("GANTRY_IDENTITY_TOKEN_FILE", tokenPath+"/token"), variable("GANTRY_NO_INPUT", "1"),
		},
		"resources": map[string]any{
			"requests": map[string]any{"cpu": "100m", "memory": "256Mi", "ephemeral-storage": "1Gi"},
			"limits":   map[string]any{"memory": memory, "ephemeral-storage": "10Gi"},
		},
		"securityContext": map[string]any{
			"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "privileged": false,
			"capabilities": map[string]any{"drop": []any{"ALL"}},
		},
		"volumeMounts": []any{
			map[string]any{"name": "work", "mountPath": scratchPath},
			map[string]any{"name": "identity", "mountPath": tokenPath, "readOnly": true},
		},
	}
	if w.Environment != "" {
		container["envFrom"] = []any{map[string]any{"secretRef": map[string]any{"name": w.Environment}}}
	}
	return map[string]any{
		"metadata": map[string]any{"labels": w.labels(o)},
		"spec": map[string]any{
			"serviceAccountName": account, "restartPolicy": restart, "enableServiceLinks": false,
			// Time to hand on what it is at work on.
			"terminationGracePeriodSeconds": int64(30),
			"securityContext": map[string]any{
				"runAsNonRoot": true, "runAsUser": int64(65532), "runAsGroup": int64(65532), "fsGroup": int64(65532),
				"seccompProfile": map[string]any{"type": "RuntimeDefault"},
			},
			"containers": []any{container},
			"volumes": []any{
				map[string]any{"name": "work", "emptyDir": map[string]any{"sizeLimit": "10Gi"}},
				map[string]any{"name": "identity", "projected": map[string]any{"sources": []any{
					map[string]any{"serviceAccountToken": map[string]any{"audience": w.Audience, "expirationSeconds": int64(3600), "path": "token"}},
				}}},
			},
		},
	}
}

func variable(name, value string) map[string]any { return map[string]any{"name": name, "value": value} }
