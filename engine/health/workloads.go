package health

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/gantrycd/gantry/plan/object"
)

// The rollout rules of the workloads follow kubectl rollout status.

func deployment(o object.Object) (Status, error) {
	d, err := decode[appsv1.Deployment](o, "apps/v1")
	if err != nil {
		return Status{}, err
	}
	s := d.Status
	switch {
	case d.Spec.Paused:
		return Status{Suspended, "Deployment is paused"}, nil
	case d.Generation > s.ObservedGeneration:
		return Status{Progressing, "Waiting for rollout to finish: observed deployment generation less than desired generation"}, nil
	}
	for _, c := range s.Conditions {
		if c.Type == appsv1.DeploymentProgressing {
			if c.Reason == "ProgressDeadlineExceeded" {
				return Status{Degraded, fmt.Sprintf("Deployment %q exceeded its progress deadline", d.Name)}, nil
			}
			break
		}
	}
	switch {
	case d.Spec.Replicas != nil && s.UpdatedReplicas < *d.Spec.Replicas:
		return Status{Progressing, fmt.Sprintf("Waiting for rollout to finish: %d out of %d new replicas have been updated...", s.UpdatedReplicas, *d.Spec.Replicas)}, nil
	case s.Replicas > s.UpdatedReplicas:
		return Status{Progressing, fmt.Sprintf("Waiting for rollout to finish: %d old replicas are pending termination...", s.Replicas-s.UpdatedReplicas)}, nil
	case s.AvailableReplicas < s.UpdatedReplicas:
		return Status{Progressing, fmt.Sprintf("Waiting for rollout to finish: %d of %d updated replicas are available...", s.AvailableReplicas, s.UpdatedReplicas)}, nil
	}
	return Status{Code: Healthy}, nil
}

// statefulSet has Argo CD's quirk: with spec.updateStrategy.rollingUpdate set, and be it
// empty, it is healthy as soon as
// the pods above the partition are updated, whatever the revisions say.
func statefulSet(o object.Object) (Status, error) {
	set, err := decode[appsv1.StatefulSet](o, "apps/v1")
	if err != nil {
		return Status{}, err
	}
	s, strategy := set.Status, set.Spec.UpdateStrategy
	switch {
	case s.ObservedGeneration == 0 || set.Generation > s.ObservedGeneration:
		return Status{Progressing, "Waiting for statefulset spec update to be observed..."}, nil
	case set.Spec.Replicas != nil && s.ReadyReplicas < *set.Spec.Replicas:
		return Status{Progressing, fmt.Sprintf("Waiting for %d pods to be ready...", *set.Spec.Replicas-s.ReadyReplicas)}, nil
	case strategy.Type == appsv1.RollingUpdateStatefulSetStrategyType && strategy.RollingUpdate != nil:
		if set.Spec.Replicas != nil && strategy.RollingUpdate.Partition != nil {
			if want := *set.Spec.Replicas - *strategy.RollingUpdate.Partition; s.UpdatedReplicas < want {
				return Status{Progressing, fmt.Sprintf("Waiting for partitioned roll out to finish: %d out of %d new pods have been updated...", s.UpdatedReplicas, want)}, nil
			}
		}
		return Status{Healthy, fmt.Sprintf("partitioned roll out complete: %d new pods have been updated...", s.UpdatedReplicas)}, nil
	case strategy.Type == appsv1.OnDeleteStatefulSetStrategyType:
		return Status{Healthy, fmt.Sprintf("statefulset has %d ready pods", s.ReadyReplicas)}, nil
	case s.UpdateRevision != s.CurrentRevision:
		return Status{Progressing, fmt.Sprintf("waiting for statefulset rolling update to complete %d pods at revision %s...", s.UpdatedReplicas, s.UpdateRevision)}, nil
	}
	return Status{Healthy, fmt.Sprintf("statefulset rolling update complete %d pods at revision %s...", s.CurrentReplicas, s.CurrentRevision)}, nil
}

func daemonSet(o object.Object) (Status, error) {
	set, err := decode[appsv1.DaemonSet](o, "apps/v1")
	if err != nil {
		return Status{}, err
	}
	s := set.Status
	switch {
	case set.Generation > s.ObservedGeneration:
		return Status{Progressing, "Waiting for rollout to finish: observed daemon set generation less than desired generation"}, nil
	case set.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType:
		return Status{Healthy, fmt.Sprintf("daemon set %d out of %d new pods have been updated", s.UpdatedNumberScheduled, s.DesiredNumberScheduled)}, nil
	case s.UpdatedNumberScheduled < s.DesiredNumberScheduled:
		return Status{Progressing, fmt.Sprintf("Waiting for daemon set %q rollout to finish: %d out of %d new pods have been updated...", set.Name, s.UpdatedNumberScheduled, s.DesiredNumberScheduled)}, nil
	case s.NumberAvailable < s.DesiredNumberScheduled:
		return Status{Progressing, fmt.Sprintf("Waiting for daemon set %q rollout to finish: %d of %d updated pods are available...", set.Name, s.NumberAvailable, s.DesiredNumberScheduled)}, nil
	}
	return Status{Code: Healthy}, nil
}

func replicaSet(o object.Object) (Status, error) {
	set, err := decode[appsv1.ReplicaSet](o, "apps/v1")
	if err != nil {
		return Status{}, err
	}
	s := set.Status
	if set.Generation > s.ObservedGeneration {
		return Status{Progressing, "Waiting for rollout to finish: observed replica set generation less than desired generation"}, nil
	}
	for _, c := range s.Conditions {
		if c.Type == appsv1.ReplicaSetReplicaFailure {
			if c.Status == corev1.ConditionTrue {
				return Status{Degraded, c.Message}, nil
			}
			break
		}
	}
	if set.Spec.Replicas != nil && s.AvailableReplicas < *set.Spec.Replicas {
		return Status{Progressing, fmt.Sprintf("Waiting for rollout to finish: %d out of %d new replicas are available...", s.AvailableReplicas, *set.Spec.Replicas)}, nil
	}
	return Status{Code: Healthy}, nil
}
