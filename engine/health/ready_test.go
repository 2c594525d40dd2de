package health_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/plan/object"
)

func parse(t *testing.T, text string) object.Object {
	t.Helper()
	if text == "" {
		return nil
	}
	js, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var o map[string]any
	if err := json.Unmarshal(js, &o); err != nil {
		t.Fatal(err)
	}
	return integers(o).(map[string]any)
}

func TestReady(t *testing.T) {
	assessor := assessorOf(t, ``)
	done, failed := health.Readiness{Done: true}, health.Readiness{Failed: true}
	for name, c := range map[string]struct {
		object     string
		want, hook health.Readiness // without messages
	}{
		"nothing":                 {},
		"no status, no check":     {`{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}`, done, done},
		"being deleted":           {`{apiVersion: v1, kind: ConfigMap, metadata: {name: a, deletionTimestamp: "2026-01-01T00:00:00Z"}}`, health.Readiness{}, health.Readiness{}},
		"a stale healthy rollout": {deploymentAt(2, 1, "MinimumReplicasAvailable"), health.Readiness{}, health.Readiness{}},
		"a rollout":               {deploymentAt(2, 2, "NewReplicaSetAvailable"), done, done},
		"a rollout out of time":   {deploymentAt(2, 2, "ProgressDeadlineExceeded"), failed, failed},
		"a stale failed rollout":  {deploymentAt(3, 2, "ProgressDeadlineExceeded"), health.Readiness{}, health.Readiness{}},
		"a paused rollout":        {`{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, generation: 1}, spec: {paused: true}, status: {observedGeneration: 1}}`, done, health.Readiness{}},
		"old pods of a stateful set": {`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a, generation: 2},
			spec: {replicas: 3, updateStrategy: {type: RollingUpdate, rollingUpdate: {}}},
			status: {observedGeneration: 2, readyReplicas: 3, availableReplicas: 3, updatedReplicas: 1, currentRevision: a, updateRevision: b}}`, health.Readiness{}, done},
		"a partition of a stateful set": {`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a, generation: 2},
			spec: {replicas: 3, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}},
			status: {observedGeneration: 2, readyReplicas: 3, availableReplicas: 3, updatedReplicas: 1, currentRevision: a, updateRevision: b}}`, done, done},
		"ready pods that are not available": {`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a, generation: 1},
			spec: {replicas: 1, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 0}}},
			status: {observedGeneration: 1, readyReplicas: 1, availableReplicas: 0, updatedReplicas: 1, currentRevision: a, updateRevision: a}}`, health.Readiness{}, done},
		"a crashing pod": {`{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {restartPolicy: Always},
			status: {phase: Running, containerStatuses: [{name: a, state: {waiting: {reason: CrashLoopBackOff, message: back-off}}}]}}`, health.Readiness{}, failed},
		"a failed job": {`{apiVersion: batch/v1, kind: Job, metadata: {name: a}, status: {conditions: [{type: Failed, status: "True", message: broken}]}}`, failed, failed},
		"a job that is deleted when done": {`{apiVersion: batch/v1, kind: Job, metadata: {name: a, deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: [foregroundDeletion]},
			status: {conditions: [{type: Complete, status: "True"}]}}`, health.Readiness{}, done},
		"a job that is deleted when failed": {`{apiVersion: batch/v1, kind: Job, metadata: {name: a, deletionTimestamp: "2026-01-01T00:00:00Z"},
			status: {conditions: [{type: Failed, status: "True", message: broken}]}}`, health.Readiness{}, failed},
		"a job that is deleted while it runs": {`{apiVersion: batch/v1, kind: Job, metadata: {name: a, deletionTimestamp: "2026-01-01T00:00:00Z"},
			status: {active: 1}}`, health.Readiness{}, health.Readiness{}},
		"a suspended job": {`{apiVersion: batch/v1, kind: Job, metadata: {name: a}, status: {conditions: [{type: Suspended, status: "True"}]}}`, done, health.Readiness{}},
		"an ingress":      {`{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a}}`, done, health.Readiness{}},
		"a pending claim": {`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a}, status: {phase: Pending}}`, done, health.Readiness{}},
		"a lost claim":    {`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a}, status: {phase: Lost}}`, failed, failed},
		"an autoscaler, no metrics": {`{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: a},
			status: {conditions: [{type: ScalingActive, status: "False", reason: FailedGetResourceMetric, message: none}]}}`, health.Readiness{}, failed},
		"a new CRD":             {`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: a}}`, health.Readiness{}, health.Readiness{}},
		"a custom resource":     {`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a, generation: 1}, status: {conditions: [{type: Ready, status: "True", observedGeneration: 1}]}}`, done, done},
		"not ready yet":         {`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a, generation: 1}, status: {conditions: [{type: Ready, status: "False"}]}}`, health.Readiness{}, health.Readiness{}},
		"ready before":          {`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a, generation: 2}, status: {conditions: [{type: Ready, status: "True", observedGeneration: 1}]}}`, health.Readiness{}, health.Readiness{}},
		"stalled":               {`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, status: {conditions: [{type: Stalled, status: "True", message: broken}]}}`, failed, failed},
		"available":             {`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, status: {conditions: [{type: Available, status: "True"}, {type: Degraded, status: "False"}]}}`, done, done},
		"not available":         {`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, status: {conditions: [{type: Synced, status: "True"}, {type: Available, status: "False", message: soon}]}}`, health.Readiness{}, health.Readiness{}},
		"degraded, may recover": {`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, status: {conditions: [{type: Available, status: "True"}, {type: Degraded, status: "True", message: half}]}}`, health.Readiness{Degraded: true}, failed},
		"ready is the sum":      {`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, status: {conditions: [{type: Ready, status: "True"}, {type: Degraded, status: "True", message: half}]}}`, done, done},
		"observed, not synced":  {`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a, generation: 1}, status: {observedGeneration: 1, conditions: [{type: Synced, status: "False", message: soon}]}}`, health.Readiness{}, health.Readiness{}},
		"conditions of its own": {`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, status: {conditions: [{type: Linked, status: "False"}]}}`, done, done},
		"not observed, no more": {`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a, generation: 2}, status: {observedGeneration: 1}}`, health.Readiness{}, health.Readiness{}},
	} {
		t.Run(name, func(t *testing.T) {
			o := parse(t, c.object)
			for _, answer := range []struct {
				of        string
				got, want health.Readiness
			}{{"Ready", assessor.Ready(o), c.want}, {"HookReady", assessor.HookReady(o), c.hook}} {
				if !answer.got.Done && answer.got.Message == "" {
					t.Errorf("%s does not say why it waits", answer.of)
				}
				answer.got.Message = ""
				if d := cmp.Diff(answer.want, answer.got); d != "" {
					t.Errorf("%s (-want +got):\n%s", answer.of, d)
				}
			}
		})
	}
}

// deploymentAt is a complete rollout with a reason of its Progressing condition.
func deploymentAt(generation, observed int, reason string) string {
	text, err := json.Marshal(map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": "a", "generation": generation},
		"spec":     map[string]any{"replicas": 1},
		"status": map[string]any{
			"observedGeneration": observed, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1,
			"conditions": []any{map[string]any{"type": "Progressing", "status": "True", "reason": reason}},
		},
	})
	if err != nil {
		panic(err)
	}
	return string(text)
}
