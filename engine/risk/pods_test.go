package risk_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine/risk"
	"github.com/gantrycd/gantry/plan"
)

// withPod is a Deployment whose pods have a spec.
func withPod(spec string) string {
	return `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 4
  template:
    metadata: {labels: {app: web}}
    spec: ` + spec + "\n"
}

func TestConfig(t *testing.T) {
	settings := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\ndata: {mode: %s, level: info, a.conf: %s}\n"
	changed := func(others string) situation {
		return situation{before: fmt.Sprintf(settings, "slow", "x"), after: fmt.Sprintf(settings, "fast", "x"), others: others}
	}
	reads := func(key string) string {
		return withPod("{containers: [{name: app, image: a, env: [{name: MODE, valueFrom: {configMapKeyRef: {name: settings, key: " + key + "}}}]}]}")
	}
	all := withPod("{containers: [{name: app, image: a, envFrom: [{configMapRef: {name: settings}}]}]}")
	mounts := func(more string) string {
		return withPod("{volumes: [{name: s, configMap: {name: settings}}], containers: [{name: app, image: a, volumeMounts: [{name: s, mountPath: /etc/a.conf" + more + "}]}]}")
	}
	file := situation{before: fmt.Sprintf(settings, "slow", "x"), after: fmt.Sprintf(settings, "slow", "y")}
	with := func(s situation, others string) situation {
		s.others = others
		return s
	}
	secret := "apiVersion: v1\nkind: Secret\nmetadata: {name: settings, namespace: shop}\ndata: {mode: %s}\n"
	check(t, map[string]expectation{
		"a variable":             {changed(reads("mode")), []string{"low config-not-noticed ConfigMap shop/settings: variable MODE of container app"}},
		"another key":            {changed(reads("level")), nil},
		"the environment":        {changed(all), []string{"low config-not-noticed ConfigMap shop/settings: the environment of container app"}},
		"mounted with subPath":   {with(file, mounts(", subPath: a.conf")), []string{"low config-not-noticed ConfigMap shop/settings: /etc/a.conf in container app"}},
		"subPath of another":     {with(file, mounts(", subPath: mode")), nil},
		"mounted":                {with(file, mounts("")), nil},
		"nobody reads it":        {changed(withPod("{containers: [{name: app, image: a}]}")), nil},
		"restarted by this plan": {situation{before: fmt.Sprintf(settings, "slow", "x") + "---\n" + all, after: fmt.Sprintf(settings, "fast", "x") + "---\n" + strings.Replace(all, "image: a", "image: b:1", 1)}, []string{"low image-unpinned Deployment.apps shop/web: b:1", "low pods-restart Deployment.apps shop/web: all 4"}},
		"new with its reader":    {situation{after: fmt.Sprintf(settings, "fast", "x") + "---\n" + reads("mode")}, []string{"medium image-latest Deployment.apps shop/web: "}},
		"a Secret": {
			situation{before: fmt.Sprintf(secret, "c2xvdw=="), after: fmt.Sprintf(secret, "ZmFzdA=="), others: strings.ReplaceAll(reads("mode"), "configMapKeyRef", "secretKeyRef")},
			[]string{"low config-not-noticed Secret shop/settings: variable MODE"},
		},
		"labels alone": {situation{before: fmt.Sprintf(settings, "slow", "x"), after: strings.Replace(fmt.Sprintf(settings, "slow", "x"), "{name: settings,", "{name: settings, labels: {a: b},", 1), others: all}, nil},
	})
}

func TestImages(t *testing.T) {
	image := func(was, now string) situation {
		s := situation{after: workload("ReplicaSet", now, "replicas: 1")}
		if was != "" {
			s.before = workload("ReplicaSet", was, "replicas: 1")
		}
		return s
	}
	check(t, map[string]expectation{
		"new, no tag":      {image("", "nginx"), []string{"medium image-latest ReplicaSet.apps shop/web: nginx: what that is"}},
		"new, latest":      {image("", "example.com:5000/nginx:latest"), []string{"medium image-latest ReplicaSet.apps shop/web: "}},
		"new, port no tag": {image("", "example.com:5000/nginx"), []string{"medium image-latest ReplicaSet.apps shop/web: "}},
		"new, a tag":       {image("", "nginx:1.29"), nil},
		"new, a digest":    {image("", v1), nil},
		"to a tag":         {image("nginx:1.28", "nginx:1.29"), []string{"low image-unpinned ReplicaSet.apps shop/web: nginx:1.29, without a digest"}},
		"to a digest":      {image("nginx:1.28", v1), nil},
		"digest given up":  {image("nginx:1.28@sha256:11", "nginx:1.29"), []string{"medium image-unpinned ReplicaSet.apps shop/web: had a digest before"}},
		"the same":         {situation{before: workload("ReplicaSet", "nginx", "replicas: 1"), after: workload("ReplicaSet", "nginx", "replicas: 2")}, nil},
		"of a CronJob": {situation{after: `apiVersion: batch/v1
kind: CronJob
metadata: {name: tidy, namespace: shop}
spec: {jobTemplate: {spec: {template: {spec: {initContainers: [{name: a, image: nginx}], containers: [{name: b, image: "nginx:1"}]}}}}}
`}, []string{"medium image-latest CronJob.batch shop/tidy: nginx"}},
	})
}

func TestImagePaths(t *testing.T) {
	risks, _ := situation{after: withPod(`{initContainers: [{name: "1st", image: nginx}], containers: [{name: app, image: nginx}]}`)}.assess(t)
	want := `[spec.template.spec.containers[name=app].image spec.template.spec.initContainers[name="1st"].image]`
	if len(risks) != 1 || fmt.Sprint(risks[0].Paths) != want {
		t.Errorf("got %+v, expected one risk at %s", risks, want)
	}
}

func TestPrivileges(t *testing.T) {
	const plain = "{containers: [{name: app, image: 'a:1'}]}"
	gets := func(spec string) situation { return situation{after: withPod(spec)} }
	adds := func(capabilities string) situation {
		return gets("{containers: [{name: app, image: 'a:1', securityContext: {capabilities: {add: [" + capabilities + "]}}}]}")
	}
	const host = "{volumes: [{name: h, hostPath: {path: /var/log}}], containers: [{name: app, image: 'a:1', volumeMounts: [{name: h, mountPath: /x%s}]}]}"
	check(t, map[string]expectation{
		"none":                  {gets(plain), nil},
		"network":               {gets("{hostNetwork: true, containers: [{name: app, image: 'a:1'}]}"), []string{"medium pod-privileges Deployment.apps shop/web: the network of their node"}},
		"processes":             {gets("{hostPID: true, containers: [{name: app, image: 'a:1'}]}"), []string{"high pod-privileges Deployment.apps shop/web: all processes"}},
		"privileged":            {gets("{containers: [{name: app, image: 'a:1', securityContext: {privileged: true}}]}"), []string{"high pod-privileges Deployment.apps shop/web: container app everything"}},
		"not privileged":        {gets("{containers: [{name: app, image: 'a:1', securityContext: {privileged: false}}]}"), nil},
		"a path":                {gets(fmt.Sprintf(host, "")), []string{"high pod-privileges Deployment.apps shop/web: /var/log of their node, to write"}},
		"a path to read":        {gets(fmt.Sprintf(host, ", readOnly: true")), []string{"medium pod-privileges Deployment.apps shop/web: read-only"}},
		"usual capabilities":    {adds("NET_BIND_SERVICE, CAP_CHOWN"), nil},
		"a capability":          {adds("NET_ADMIN"), []string{"medium pod-privileges Deployment.apps shop/web: NET_ADMIN"}},
		"all capabilities":      {adds("ALL"), []string{"high pod-privileges Deployment.apps shop/web: ALL"}},
		"a port of the node":    {gets("{containers: [{name: app, image: 'a:1', ports: [{containerPort: 80, hostPort: 80}]}]}"), []string{"low pod-privileges Deployment.apps shop/web: port 80 of their node"}},
		"had it before":         {situation{before: withPod("{hostPID: true, containers: [{name: app, image: 'a:1@sha256:1'}]}"), after: withPod("{hostPID: true, containers: [{name: app, image: 'a:1@sha256:2'}]}")}, []string{"low pods-restart Deployment.apps shop/web: "}},
		"gets it now":           {situation{before: withPod(plain), after: withPod("{hostIPC: true, containers: [{name: app, image: 'a:1'}]}")}, []string{"medium pod-privileges Deployment.apps shop/web: shared memory", "low pods-restart Deployment.apps shop/web: "}},
		"loses it":              {situation{before: withPod("{hostIPC: true, containers: [{name: app, image: 'a:1'}]}"), after: withPod(plain)}, []string{"low pods-restart Deployment.apps shop/web: "}},
		"unmasked":              {gets("{containers: [{name: app, image: 'a:1', securityContext: {procMount: Unmasked}}]}"), []string{"medium pod-privileges Deployment.apps shop/web: unmasked /proc"}},
		"a Pod, a host process": {situation{after: "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\nspec: {containers: [{name: app, image: 'a:1', securityContext: {windowsOptions: {hostProcess: true}}}]}\n"}, []string{"high pod-privileges Pod shop/p: hostProcess"}},
	})
}

func TestDeletions(t *testing.T) {
	claim := "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: shop}\nspec: {volumeName: pv-1}\n"
	volume := "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: pv-1}\nspec: {persistentVolumeReclaimPolicy: %s}\n"
	takes := func(taken ...plan.Taken) func(*plan.Change) { return func(c *plan.Change) { c.Takes = taken } }
	stateful := func(n int, policy string) string {
		return workload("StatefulSet", v1, fmt.Sprintf("replicas: %d\n  volumeClaimTemplates: [{metadata: {name: data}}]\n  persistentVolumeClaimRetentionPolicy: {%s}", n, policy))
	}
	replaced := func(c *plan.Change) { c.Action = plan.Replace }
	check(t, map[string]expectation{
		"a claim":                    {situation{before: claim, others: fmt.Sprintf(volume, "Delete")}, []string{"high data-deleted PersistentVolumeClaim shop/data: its volume pv-1 … policy is Delete"}},
		"a claim whose volume stays": {situation{before: claim, others: fmt.Sprintf(volume, "Retain")}, []string{"medium data-deleted PersistentVolumeClaim shop/data: stays … Retain"}},
		"a claim, volumes not read":  {situation{before: claim, unreadable: true}, []string{"high data-deleted PersistentVolumeClaim shop/data: unless … PersistentVolumes of the cluster could not be looked at: not allowed"}},
		"a claim without a volume":   {situation{before: strings.Replace(claim, "volumeName: pv-1", "", 1)}, nil},
		"a claim, told already": {
			situation{before: claim, change: takes(plan.Taken{Kind: "PersistentVolume", Why: plan.TakenVolume, Count: 1, Data: true, IDs: []plan.TakenID{{Name: "pv-1"}}})},
			[]string{"high data-deleted PersistentVolumeClaim shop/data: 1 PersistentVolume (pv-1)"},
		},
		"a volume":          {situation{before: fmt.Sprintf(volume, "Retain")}, []string{"high data-deleted PersistentVolume pv-1: Retain"}},
		"a volume not kept": {situation{before: fmt.Sprintf(volume, "Retain"), after: fmt.Sprintf(volume, "Delete")}, []string{"medium reclaim-deletes PersistentVolume pv-1: kept no longer"}},
		"a volume kept":     {situation{before: fmt.Sprintf(volume, "Delete"), after: fmt.Sprintf(volume, "Retain")}, nil},
		"a StorageClass": {situation{
			before: "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast}\nreclaimPolicy: Retain\n",
			after:  "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast}\nreclaimPolicy: Delete\n", change: replaced,
		}, []string{"medium reclaim-deletes StorageClass.storage.k8s.io fast: from now on", "low object-replaced StorageClass.storage.k8s.io fast: for a moment"}},
		"a StatefulSet whose claims go":   {situation{before: stateful(3, "whenDeleted: Delete")}, []string{"high data-deleted StatefulSet.apps shop/web: claims data … whenDeleted"}},
		"a StatefulSet whose claims stay": {situation{before: stateful(3, "whenDeleted: Retain")}, nil},
		"fewer of a StatefulSet":          {situation{before: stateful(3, "whenScaled: Delete"), after: stateful(2, "whenScaled: Delete")}, []string{"high data-deleted StatefulSet.apps shop/web: from 3 to 2 replicas … whenScaled"}},
		"fewer, claims kept":              {situation{before: stateful(3, "whenScaled: Retain"), after: stateful(2, "whenScaled: Retain")}, nil},
		"a definition": {situation{
			before: "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\n",
			change: takes(plan.Taken{Group: "example.com", Kind: "Widget", Why: plan.TakenInstance, Count: 12}),
		}, []string{"high definition-deleted CustomResourceDefinition.apiextensions.k8s.io widgets.example.com: 12 Widgets"}},
		"a namespace, with what is in it": {
			situation{before: "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n" + workload("Deployment", v1, "replicas: 1"), others: "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {selector: {app: web}}\n"},
			[]string{"high namespace-deleted Namespace shop: everything in it"},
		},
		"a ConfigMap":           {situation{before: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n"}, nil},
		"a Service made anew":   {situation{before: "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: shop}\nspec: {type: ClusterIP}\n", after: "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: shop}\nspec: {type: NodePort}\n", change: replaced}, []string{"medium object-replaced Service shop/a: address"}},
		"a Job made anew":       {situation{before: "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a, namespace: shop}\nspec: {completions: 1}\n", after: "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a, namespace: shop}\nspec: {completions: 2}\n", change: replaced}, []string{"low object-replaced Job.batch shop/a: runs again"}},
		"a finalizer":           {situation{after: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop, finalizers: [example.com/hold]}\n"}, []string{"low finalizer-added ConfigMap shop/a: example.com/hold"}},
		"a finalizer it had":    {situation{before: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop, finalizers: [example.com/hold]}\n", after: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop, finalizers: [example.com/hold]}\ndata: {a: b}\n"}, nil},
		"what stays, let go of": {situation{before: claim, change: func(c *plan.Change) { c.Action = plan.Orphan }, app: func(a *risk.Application) { a.Items[0].After = a.Items[0].Before }}, nil},
	})
}
