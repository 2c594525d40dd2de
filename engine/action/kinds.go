package action

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/plan/object"
)

// This file is what the table says by more than a patch.

func isTrue(path ...string) func(object.Object) bool {
	return func(o object.Object) bool { return is(o, true, path...) }
}

func not(holds func(object.Object) bool) func(object.Object) bool {
	return func(o object.Object) bool { return !holds(o) }
}

func annotated(name, value string) func(object.Object) bool {
	return func(o object.Object) bool { return o.Annotation(name) == value }
}

// jobEnded reports whether a Job has succeeded or failed, or is about to.
func jobEnded(o object.Object) bool {
	value, _ := o.Get("status", "conditions")
	conditions, _ := value.([]any)
	for _, item := range conditions {
		c, _ := item.(map[string]any)
		if c["status"] != "True" {
			continue
		}
		switch c["type"] {
		case "Complete", "Failed", "FailureTarget", "SuccessCriteriaMet":
			return true
		}
	}
	return false
}

// promoted reports whether a Rollout has nothing left to roll out.
func promoted(o object.Object) bool {
	current, ok := o.Get("status", "currentPodHash")
	stable, _ := o.Get("status", "stableRS")
	return ok && current == stable
}

func rolloutPaused(o object.Object) bool {
	return length(o, "status", "pauseConditions") > 0 || is(o, true, "spec", "paused")
}

// resumeRollout ends the pauses of a Rollout, its own and a person's.
func resumeRollout(o object.Object) []Patch {
	var out []Patch
	if is(o, true, "spec", "paused") {
		out = append(out, Patch{Merge: `{"spec":{"paused":false}}`})
	}
	if length(o, "status", "pauseConditions") > 0 {
		out = append(out, Patch{Subresource: "status", Merge: `{"status":{"pauseConditions":null}}`})
	}
	return out
}

func hasStep(o object.Object) bool {
	at, ok := number(o, "status", "currentStepIndex")
	return ok && at < int64(length(o, "spec", "strategy", "canary", "steps"))
}

// skipStep goes to the next step of a canary.
func skipStep(o object.Object) []Patch {
	at, _ := number(o, "status", "currentStepIndex")
	return []Patch{{Subresource: "status", Merge: fmt.Sprintf(`{"status":{"currentStepIndex":%d,"pauseConditions":null}}`, at+1)}}
}

// longestName is how long the name of a Job may be, whose pods are labelled with it.
const longestName = 63

// job is the Job that a CronJob would run next.
func job(o object.Object, suffix, _ string) (object.Object, error) {
	spec, ok := o.Get("spec", "jobTemplate", "spec")
	if !ok {
		return nil, errors.New("the CronJob has no job template")
	}
	metadata := map[string]any{}
	for _, name := range []string{"labels", "annotations"} {
		if value, ok := o.Get("spec", "jobTemplate", "metadata", name); ok && value != nil {
			metadata[name] = object.DeepCopyValue(value)
		}
	}
	made := owned(o, "batch/v1", "Job", suffix, metadata)
	made["spec"] = object.DeepCopyValue(spec)
	return made, made.Set("manual", "metadata", "annotations", "cronjob.kubernetes.io/instantiate")
}

// workflow is the Workflow that a CronWorkflow would run next.
func workflow(o object.Object, suffix, now string) (object.Object, error) {
	spec, ok := o.Get("spec", "workflowSpec")
	if !ok {
		return nil, errors.New("the CronWorkflow has no workflow")
	}
	metadata := map[string]any{}
	for _, name := range []string{"labels", "annotations", "finalizers"} {
		if value, ok := o.Get("spec", "workflowMetadata", name); ok && value != nil {
			metadata[name] = object.DeepCopyValue(value)
		}
	}
	made := owned(o, o.APIVersion(), "Workflow", suffix, metadata)
	made["spec"] = object.DeepCopyValue(spec)
	if id := o.Labels()["workflows.argoproj.io/controller-instanceid"]; id != "" {
		if err := made.Set(id, "metadata", "labels", "workflows.argoproj.io/controller-instanceid"); err != nil {
			return nil, err
		}
	}
	return made, errors.Join(
		made.Set(o.Name(), "metadata", "labels", "workflows.argoproj.io/cron-workflow"),
		made.Set(now, "metadata", "annotations", "workflows.argoproj.io/scheduled-time"))
}

// owned is an object that goes with another, and is named after it.
func owned(o object.Object, apiVersion, kind, suffix string, metadata map[string]any) object.Object {
	name := o.Name()
	if most := longestName - len(suffix) - 1; len(name) > most {
		name = strings.TrimRight(name[:most], "-.")
	}
	metadata["name"], metadata["namespace"] = name+"-"+suffix, o.Namespace()
	metadata["ownerReferences"] = []any{map[string]any{
		"apiVersion": o.APIVersion(), "kind": o.Kind(), "name": o.Name(), "uid": o.UID(), "controller": true, "blockOwnerDeletion": true,
	}}
	return object.Object{"apiVersion": apiVersion, "kind": kind, "metadata": metadata}
}
