package risk_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/engine/risk"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/seal"
)

// situation is what a plan changes, as YAML: an object that is only before is pruned,
// one that is only after is created, one that differs is updated.
type situation struct {
	before, after string
	others        string // what else is in the cluster
	version       string // of the cluster, v1.37.2 where empty
	offline       bool
	unreadable    bool // lists are refused
	change        func(*plan.Change)
	app           func(*risk.Application)
}

// assess returns the risks, and how many lists it took to find them.
func (s situation) assess(t *testing.T) (risks []plan.Risk, lists int) {
	t.Helper()
	before, after, others := parse(t, s.before), parse(t, s.after), parse(t, s.others)
	app := risk.Application{Range: "main.gantry.hcl:1,1"}
	for id, b := range before {
		if a, stays := after[id]; !stays {
			app.Items = append(app.Items, item(t, plan.Prune, b, nil, s.change))
		} else if !cmp.Equal(a, b) {
			app.Items = append(app.Items, item(t, plan.Update, b, a, s.change))
		}
	}
	for id, a := range after {
		if _, was := before[id]; !was {
			app.Items = append(app.Items, item(t, plan.Create, nil, a, s.change))
		}
	}
	if s.app != nil {
		s.app(&app)
	}
	if s.version == "" {
		s.version = "v1.37.2"
	}
	cluster := risk.NewCluster(s.version, s.offline, app.Items)
	for {
		risks = risk.Assess(&app, cluster)
		missing := cluster.Missing()
		if len(missing) == 0 {
			return risks, lists
		}
		for _, scope := range missing {
			lists++
			if s.unreadable {
				cluster.Add(scope, nil, fmt.Errorf("not allowed"))
				continue
			}
			var found []object.Object
			for _, of := range []map[object.ID]object.Object{before, others} {
				for id, o := range of {
					if o.GVK() == scope.GVK && id.Namespace == scope.Namespace {
						found = append(found, o)
					}
				}
			}
			cluster.Add(scope, found, nil)
		}
	}
}

func item(t *testing.T, action plan.Action, before, after object.Object, change func(*plan.Change)) risk.Item {
	t.Helper()
	of := after
	if of == nil {
		of = before
	}
	c := &plan.Change{ID: of.ID(), Version: of.GVK().Version, Action: action, Body: after}
	if before != nil && after != nil {
		fingerprinter, err := seal.NewFingerprinter(bytes.Repeat([]byte{1}, 32))
		if err != nil {
			t.Fatal(err)
		}
		c.Fields = diff.New("gantry", fingerprinter).Fields(diff.Changes{Before: before, After: after, Desired: after})
	}
	if change != nil {
		change(c)
	}
	return risk.Item{Change: c, Before: before, After: after}
}

func parse(t *testing.T, text string) map[object.ID]object.Object {
	t.Helper()
	out := map[object.ID]object.Object{}
	for document := range strings.SplitSeq(text, "\n---\n") {
		if strings.TrimSpace(document) == "" {
			continue
		}
		encoded, err := yaml.YAMLToJSON([]byte(document))
		var o object.Object
		if err == nil {
			err = kjson.UnmarshalCaseSensitivePreserveInts(encoded, &o)
		}
		if err != nil || o.Kind() == "" {
			t.Fatalf("%v in %q", err, document)
		}
		out[o.ID()] = o
	}
	return out
}

// expectation is a situation, and its risks: "severity code Object: a part of the
// detail".
type expectation struct {
	situation
	want []string
}

// check compares the risks of situations with what is expected of them.
func check(t *testing.T, all map[string]expectation) {
	t.Helper()
	for name, c := range all {
		t.Run(name, func(t *testing.T) {
			risks, _ := c.assess(t)
			if len(risks) != len(c.want) {
				t.Errorf("%d risks, expected %d", len(risks), len(c.want))
			}
			for i, r := range risks {
				of := "application"
				if r.Object != nil {
					of = r.Object.String()
				}
				got := fmt.Sprintf("%s %s %s: %s", r.Severity, r.Code, of, r.Detail)
				if i >= len(c.want) {
					t.Errorf("not expected: %s", got)
					continue
				}
				head, parts, _ := strings.Cut(c.want[i], ": ")
				if !strings.HasPrefix(got, head+": ") {
					t.Errorf("got  %s\nwant %s", got, c.want[i])
				}
				for part := range strings.SplitSeq(parts, " … ") {
					if !strings.Contains(r.Detail, part) {
						t.Errorf("%q is not in: %s", part, got)
					}
				}
				if !strings.HasSuffix(r.Detail, ".") {
					t.Errorf("no sentence: %s", r.Detail)
				}
			}
			for _, want := range c.want[min(len(risks), len(c.want)):] {
				t.Errorf("missing: %s", want)
			}
		})
	}
}

// workload is a workload with some pods, of a kind of group apps.
func workload(kind, image, spec string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: %s
metadata: {name: web, namespace: shop}
spec:
  %s
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: %q}]}
`, kind, spec, image)
}

const (
	v1, v2 = "example.com/web@sha256:1111", "example.com/web@sha256:2222"
	budget = `
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shop}
spec: {minAvailable: %s, selector: {matchLabels: {app: web}}}
`
)

func TestRestarts(t *testing.T) {
	change := func(kind, spec string) situation {
		return situation{before: workload(kind, v1, spec), after: workload(kind, v2, spec)}
	}
	with := func(s situation, edit func(*situation)) situation {
		edit(&s)
		return s
	}
	check(t, map[string]expectation{
		"rolling":           {change("Deployment", "replicas: 4"), []string{"low pods-restart Deployment.apps shop/web: all 4 pods … up to 1 more … at least 3 available"}},
		"one pod, surging":  {change("Deployment", "replicas: 1"), []string{"low pods-restart Deployment.apps shop/web: the only pod … at least 1 available"}},
		"in percent":        {change("Deployment", "replicas: 10\n  strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 33%, maxSurge: 1%}}"), []string{"low pods-restart Deployment.apps shop/web: up to 1 more … at least 7 available"}},
		"scaled up as well": {situation{before: workload("Deployment", v1, "replicas: 1"), after: workload("Deployment", v2, "replicas: 8")}, []string{"low pods-restart Deployment.apps shop/web: at least 1 available"}},
		"all at once":       {change("Deployment", "replicas: 2\n  strategy: {rollingUpdate: {maxUnavailable: 100%}}"), []string{"high downtime Deployment.apps shop/web: 2 pods"}},
		"recreate":          {change("Deployment", "replicas: 3\n  strategy: {type: Recreate}"), []string{"high downtime Deployment.apps shop/web: Recreate: all 3 pods"}},
		"paused":            {change("Deployment", "replicas: 3\n  paused: true"), []string{"low pods-not-restarted Deployment.apps shop/web: paused"}},
		"none there":        {change("Deployment", "replicas: 0"), nil},
		"as the status has it": {with(change("Deployment", "replicas: 4"), func(s *situation) {
			s.before += "status: {replicas: 7}\n"
		}), []string{"low pods-restart Deployment.apps shop/web: all 7 pods"}},
		"only the annotations of the workload": {situation{
			before: workload("Deployment", v1, "replicas: 4"), after: workload("Deployment", v1, "replicas: 4\n  minReadySeconds: 5"),
		}, nil},
		"only the owner of a field": {with(change("Deployment", "replicas: 4"), func(s *situation) {
			s.change = func(c *plan.Change) { c.Fields[0].Owned = true }
		}), nil},
		"new":                        {situation{after: workload("Deployment", v1, "replicas: 4")}, nil},
		"less than a budget":         {with(change("Deployment", "replicas: 4"), func(s *situation) { s.others = fmt.Sprintf(budget, "4") }), []string{"medium pods-restart Deployment.apps shop/web: asks for 4 of them … can leave 3"}},
		"within a budget":            {with(change("Deployment", "replicas: 4"), func(s *situation) { s.others = fmt.Sprintf(budget, "50%") }), []string{"low pods-restart Deployment.apps shop/web: asks for 2 of them, which the rollout leaves"}},
		"budget of the plan":         {with(change("Deployment", "replicas: 4"), func(s *situation) { s.after += "---" + fmt.Sprintf(budget, "4") }), []string{"medium pods-restart Deployment.apps shop/web: asks for 4"}},
		"budget that goes":           {with(change("Deployment", "replicas: 4"), func(s *situation) { s.before += "---" + fmt.Sprintf(budget, "4") }), []string{"low pods-restart Deployment.apps shop/web: all 4 pods"}},
		"budget of others":           {with(change("Deployment", "replicas: 4"), func(s *situation) { s.others = strings.Replace(fmt.Sprintf(budget, "4"), "app: web", "app: api", 1) }), []string{"low pods-restart Deployment.apps shop/web: at least 3 available."}},
		"budgets cannot be read":     {with(change("Deployment", "replicas: 4"), func(s *situation) { s.unreadable = true }), []string{"low pods-restart Deployment.apps shop/web: PodDisruptionBudgets of namespace shop could not be looked at: not allowed."}},
		"stateful":                   {change("StatefulSet", "replicas: 3"), []string{"low pods-restart StatefulSet.apps shop/web: all 3 pods … At least 2 stay"}},
		"stateful, one":              {change("StatefulSet", "replicas: 1"), []string{"high downtime StatefulSet.apps shop/web: None is left"}},
		"stateful, on delete":        {change("StatefulSet", "replicas: 3\n  updateStrategy: {type: OnDelete}"), []string{"low pods-not-restarted StatefulSet.apps shop/web: OnDelete"}},
		"stateful, partition":        {change("StatefulSet", "replicas: 3\n  updateStrategy: {rollingUpdate: {partition: 2}}"), []string{"low pods-restart StatefulSet.apps shop/web: from partition 2 on … 2 stay as they are"}},
		"stateful, partition of all": {change("StatefulSet", "replicas: 3\n  updateStrategy: {rollingUpdate: {partition: 3}}"), []string{"low pods-not-restarted StatefulSet.apps shop/web: partition of"}},
		"daemons":                    {with(change("DaemonSet", "minReadySeconds: 0"), func(s *situation) { s.before += "status: {desiredNumberScheduled: 5}\n" }), []string{"low pods-restart DaemonSet.apps shop/web: all 5 pods … up to 1 pod at a time"}},
		"daemons, on delete":         {change("DaemonSet", "updateStrategy: {type: OnDelete}"), []string{"low pods-not-restarted DaemonSet.apps shop/web: OnDelete"}},
		"daemons, on no node":        {with(change("DaemonSet", "minReadySeconds: 0"), func(s *situation) { s.before += "status: {desiredNumberScheduled: 0}\n" }), nil},
		"a workload made anew": {with(change("Deployment", "replicas: 3"), func(s *situation) {
			s.change = func(c *plan.Change) { c.Action = plan.Replace }
		}), []string{"high downtime Deployment.apps shop/web: deleted and made anew"}},
		"made anew, its pods left": {with(change("Deployment", "replicas: 3"), func(s *situation) {
			s.change = func(c *plan.Change) { c.Action = plan.Replace }
			s.app = func(a *risk.Application) { a.Propagation = "Orphan" }
		}), []string{"medium object-replaced Deployment.apps shop/web: Its pods are left"}},
	})
}

func TestReplicas(t *testing.T) {
	scale := func(was, now string) situation {
		return situation{before: workload("Deployment", v1, "replicas: "+was), after: workload("Deployment", v1, "replicas: "+now)}
	}
	with := func(s situation, others string) situation {
		s.others = others
		return s
	}
	scaler := `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec: {minReplicas: 2, maxReplicas: %d, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
status: {currentReplicas: 8}
`
	check(t, map[string]expectation{
		"to none":                {scale("3", "0"), []string{"high replicas-zero Deployment.apps shop/web: from 3 replicas to none"}},
		"to none, scaled":        {with(scale("3", "0"), fmt.Sprintf(scaler, 9)), []string{"high replicas-zero Deployment.apps shop/web: between 2 and 9, and does nothing"}},
		"from none":              {scale("0", "3"), nil},
		"fewer":                  {scale("5", "3"), nil},
		"more":                   {with(scale("3", "5"), fmt.Sprintf(budget, "5")), nil},
		"as many as a budget":    {with(scale("5", "3"), fmt.Sprintf(budget, "3")), []string{"medium replicas-below-budget Deployment.apps shop/web: asks for 3 available"}},
		"below a budget, scaled": {with(scale("5", "1"), fmt.Sprintf(budget, "3")+"---"+fmt.Sprintf(scaler, 9)), []string{"medium replicas-below-budget Deployment.apps shop/web: to 1 replica … sets the number itself"}},
		"no room before":         {with(scale("3", "2"), fmt.Sprintf(budget, "3")), nil},
		"room is left":           {with(scale("5", "4"), fmt.Sprintf(budget, "3")), nil},
		"the limit, in use":      {situation{before: fmt.Sprintf(scaler, 9), after: fmt.Sprintf(scaler, 5)}, []string{"medium autoscaler-limit-lowered HorizontalPodAutoscaler.autoscaling shop/web: 5 at most, and no longer 9 … 3 pods are stopped"}},
		"the limit, not in use":  {situation{before: fmt.Sprintf(scaler, 10), after: fmt.Sprintf(scaler, 8)}, []string{"low autoscaler-limit-lowered HorizontalPodAutoscaler.autoscaling shop/web: 8 at most"}},
		"the limit, raised":      {situation{before: fmt.Sprintf(scaler, 9), after: fmt.Sprintf(scaler, 10)}, nil},
	})
}
