package action

import "github.com/gantrycd/gantry/plan/object"

// Annotations by which kinds are asked for something.
const (
	restartedAt = `"kubectl.kubernetes.io/restartedAt":"$now"`
	fluxRequest = `{"metadata":{"annotations":{"reconcile.fluxcd.io/requestedAt":"$now"}}}`
	forceSync   = `{"metadata":{"annotations":{"force-sync":"$now"}}}`
	kedaPaused  = `"autoscaling.keda.sh/paused"`
	kedaCount   = `"autoscaling.keda.sh/paused-replicas"`
	cnpgLoop    = `"cnpg.io/reconciliationLoop"`
)

// suspendable are kinds that rest while their spec.suspend is true.
func suspendable() []string {
	return append(flux(), "Alert.notification.toolkit.fluxcd.io", "Provider.notification.toolkit.fluxcd.io",
		"CronJob.batch", "CronWorkflow.argoproj.io", "MariaDB.k8s.mariadb.com")
}

// flux are the kinds of Flux that reconcile on demand.
func flux() []string {
	return []string{
		"HelmRelease.helm.toolkit.fluxcd.io", "Kustomization.kustomize.toolkit.fluxcd.io", "Receiver.notification.toolkit.fluxcd.io",
		"Bucket.source.toolkit.fluxcd.io", "GitRepository.source.toolkit.fluxcd.io", "HelmChart.source.toolkit.fluxcd.io",
		"HelmRepository.source.toolkit.fluxcd.io", "OCIRepository.source.toolkit.fluxcd.io",
		"ImageRepository.image.toolkit.fluxcd.io", "ImageUpdateAutomation.image.toolkit.fluxcd.io",
	}
}

// table is every action there is. To add one, add a line: what it is called, what it
// does, of which kinds, and the patch. An action may be there more than once, with other
// kinds.
func table() []*Action {
	replicas := []Parameter{{Name: "replicas", Doc: "how many pods there are to be"}}
	return []*Action{
		// Workloads.
		{
			Name: "restart", Doc: "Makes all pods anew, by the strategy of the object, as kubectl rollout restart does.",
			Kinds:   []string{"Deployment.apps", "StatefulSet.apps", "DaemonSet.apps"},
			Patches: whole(`{"spec":{"template":{"metadata":{"annotations":{` + restartedAt + `}}}}}`),
			Unless:  []Case{{"the rollout is paused: resume it first", isTrue("spec", "paused")}},
		},
		{
			Name: "scale", Doc: "Sets how many pods there are.",
			Kinds: []string{"Deployment.apps", "StatefulSet.apps", "ReplicaSet.apps", "Rollout.argoproj.io"}, Parameters: replicas,
			Patches: []Patch{{Subresource: "scale", Merge: `{"spec":{"replicas":"$replicas"}}`}},
		},
		{
			Name: "pause", Doc: "Stops the rollout of changes.",
			Kinds: []string{"Deployment.apps"}, Patches: whole(`{"spec":{"paused":true}}`),
			Unless: []Case{{"it is paused already", isTrue("spec", "paused")}},
		},
		{
			Name: "resume", Doc: "Goes on with the rollout of changes.",
			Kinds: []string{"Deployment.apps"}, Patches: whole(`{"spec":{"paused":null}}`),
			Unless: []Case{{"it is not paused", not(isTrue("spec", "paused"))}},
		},

		// Jobs.
		{
			Name: "create-job", Doc: "Runs a job of the CronJob now, as kubectl create job --from does, and waits until it has ended.",
			Kinds: []string{"CronJob.batch"}, makes: job,
		},
		{
			Name: "create-workflow", Doc: "Runs a workflow of the CronWorkflow now.",
			Kinds: []string{"CronWorkflow.argoproj.io"}, makes: workflow,
		},
		{
			Name: "suspend", Doc: "Has it rest: nothing new is begun.",
			Kinds: suspendable(), Patches: whole(`{"spec":{"suspend":true}}`),
			Unless: []Case{{"it is suspended already", isTrue("spec", "suspend")}},
		},
		{
			Name: "resume", Doc: "Has it go on.",
			Kinds: suspendable(), Patches: whole(`{"spec":{"suspend":false}}`),
			Unless: []Case{{"it is not suspended", not(isTrue("spec", "suspend"))}},
		},
		{
			Name: "suspend", Doc: "Deletes the job's pods, and begins no new ones until it is resumed.",
			Kinds: []string{"Job.batch"}, Patches: whole(`{"spec":{"suspend":true}}`),
			Unless: []Case{{"it has ended", jobEnded}, {"it is suspended already", isTrue("spec", "suspend")}},
		},
		{
			Name: "resume", Doc: "Has a suspended job go on.",
			Kinds: []string{"Job.batch"}, Patches: whole(`{"spec":{"suspend":false}}`),
			Unless: []Case{{"it has ended", jobEnded}, {"it is not suspended", not(isTrue("spec", "suspend"))}},
		},

		// Argo Rollouts.
		{
			Name: "restart", Doc: "Makes all pods anew.",
			Kinds: []string{"Rollout.argoproj.io"}, Patches: whole(`{"spec":{"restartAt":"$now"}}`),
		},
		{
			Name: "pause", Doc: "Stops the rollout where it is.",
			Kinds: []string{"Rollout.argoproj.io"}, Patches: whole(`{"spec":{"paused":true}}`),
			Unless: []Case{{"everything is promoted", promoted}, {"it is aborted", isTrue("status", "abort")}, {"it is paused already", isTrue("spec", "paused")}},
		},
		{
			Name: "resume", Doc: "Goes on with the next step.",
			Kinds: []string{"Rollout.argoproj.io"}, computed: resumeRollout,
			Unless: []Case{{"it is not paused", not(rolloutPaused)}},
		},
		{
			Name: "promote-full", Doc: "Leaves out all steps, pauses and analyses that are left.",
			Kinds: []string{"Rollout.argoproj.io"}, Patches: status(`{"status":{"promoteFull":true}}`),
			Unless: []Case{{"everything is promoted", promoted}},
		},
		{
			Name: "skip-current-step", Doc: "Leaves out the step that the rollout is at.",
			Kinds: []string{"Rollout.argoproj.io"}, computed: skipStep,
			Unless: []Case{{"it has no step to leave out", not(hasStep)}},
		},
		{
			Name: "abort", Doc: "Goes back to the version that was there before.",
			Kinds: []string{"Rollout.argoproj.io"}, Patches: status(`{"status":{"abort":true}}`),
			Unless: []Case{{"everything is promoted", promoted}, {"it is aborted already", isTrue("status", "abort")}},
		},
		{
			Name: "retry", Doc: "Begins an aborted rollout again.",
			Kinds: []string{"Rollout.argoproj.io"}, Patches: status(`{"status":{"abort":false}}`),
			Unless: []Case{{"it is not aborted", not(isTrue("status", "abort"))}},
		},
		{
			Name: "terminate", Doc: "Ends the analysis.",
			Kinds: []string{"AnalysisRun.argoproj.io"}, Patches: whole(`{"spec":{"terminate":true}}`),
			Unless: []Case{{"it is terminated already", isTrue("spec", "terminate")}},
		},

		// Operators that are asked by annotation.
		{Name: "reconcile", Doc: "Has Flux look at it now.", Kinds: flux(), Patches: whole(fluxRequest)},
		{Name: "refresh", Doc: "Reads the secret anew.", Kinds: []string{"ExternalSecret.external-secrets.io"}, Patches: whole(forceSync)},
		{Name: "push", Doc: "Writes the secret anew.", Kinds: []string{"PushSecret.external-secrets.io"}, Patches: whole(forceSync)},
		{
			Name: "pause", Doc: "Has KEDA leave the number of pods as it is.",
			Kinds:   []string{"ScaledObject.keda.sh", "ScaledJob.keda.sh"},
			Patches: whole(`{"metadata":{"annotations":{` + kedaPaused + `:"true"}}}`),
			Unless:  []Case{{"it is paused already", annotated("autoscaling.keda.sh/paused", "true")}},
		},
		{
			Name: "paused-replicas", Doc: "Has KEDA hold a number of pods.",
			Kinds: []string{"ScaledObject.keda.sh"}, Parameters: replicas,
			Patches: whole(`{"metadata":{"annotations":{` + kedaCount + `:"${replicas}"}}}`),
		},
		{
			Name: "resume", Doc: "Has KEDA scale again.",
			Kinds:   []string{"ScaledObject.keda.sh", "ScaledJob.keda.sh"},
			Patches: whole(`{"metadata":{"annotations":{` + kedaPaused + `:null,` + kedaCount + `:null}}}`),
			Unless: []Case{{"it is not paused", func(o object.Object) bool {
				return o.Annotation("autoscaling.keda.sh/paused") == "" && o.Annotation("autoscaling.keda.sh/paused-replicas") == ""
			}}},
		},
		{
			Name: "restart", Doc: "Makes all instances anew, one after the other.",
			Kinds: []string{"Cluster.postgresql.cnpg.io"}, Patches: whole(`{"metadata":{"annotations":{` + restartedAt + `}}}`),
		},
		{
			Name: "reload", Doc: "Has all instances read their configuration anew.",
			Kinds: []string{"Cluster.postgresql.cnpg.io"}, Patches: whole(`{"metadata":{"annotations":{"cnpg.io/reloadedAt":"$now"}}}`),
		},
		{
			Name: "suspend", Doc: "Has the operator leave the cluster alone.",
			Kinds: []string{"Cluster.postgresql.cnpg.io"}, Patches: whole(`{"metadata":{"annotations":{` + cnpgLoop + `:"disabled"}}}`),
			Unless: []Case{{"it is suspended already", annotated("cnpg.io/reconciliationLoop", "disabled")}},
		},
		{
			Name: "resume", Doc: "Has the operator look after the cluster again.",
			Kinds: []string{"Cluster.postgresql.cnpg.io"}, Patches: whole(`{"metadata":{"annotations":{` + cnpgLoop + `:null}}}`),
			Unless: []Case{{"it is not suspended", not(annotated("cnpg.io/reconciliationLoop", "disabled"))}},
		},
		{
			Name: "rolling-update", Doc: "Has Strimzi make the pods anew, one after the other.",
			Kinds: []string{"StrimziPodSet.core.strimzi.io"}, Patches: whole(`{"metadata":{"annotations":{"strimzi.io/manual-rolling-update":"true"}}}`),
		},
	}
}

// whole is one patch of the object itself, status one of its status.
func whole(merge string) []Patch { return []Patch{{Merge: merge}} }

func status(merge string) []Patch { return []Patch{{Subresource: "status", Merge: merge}} }
