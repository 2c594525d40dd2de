package health

import (
	"fmt"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/gantrycd/gantry/engine/order"
	"github.com/gantrycd/gantry/plan/object"
)

// ignoreRestartPolicy has a Pod that need not run for ever assessed as if it did.
const ignoreRestartPolicy = "argocd.argoproj.io/ignore-restart-policy"

// pod assesses Pods that run for ever by their containers, and others by their
// phase: a Pod that is to end is in progress until it has.
func pod(o object.Object) (Status, error) {
	p, err := decode[corev1.Pod](o, "v1")
	if err != nil {
		return Status{}, err
	}
	forever := p.Spec.RestartPolicy == corev1.RestartPolicyAlways ||
		p.Annotations[ignoreRestartPolicy] == "true" && !order.Annotations(o).Hook
	if forever {
		if stuck := stuckContainers(p); stuck != nil {
			return Status{Degraded, strings.Join(stuck, ", ")}, nil
		}
	}
	message := p.Status.Message
	switch p.Status.Phase {
	case corev1.PodPending:
		return Status{Progressing, message}, nil
	case corev1.PodSucceeded:
		return Status{Healthy, message}, nil
	case corev1.PodFailed:
		return Status{Degraded, podFailure(p)}, nil
	case corev1.PodRunning:
		switch {
		case forever:
			return Status{runningPod(p), message}, nil
		case p.Spec.RestartPolicy == corev1.RestartPolicyOnFailure, p.Spec.RestartPolicy == corev1.RestartPolicyNever:
			return Status{Progressing, message}, nil
		}
	case corev1.PodUnknown:
	}
	return Status{Unknown, message}, nil
}

// stuckContainers returns the messages of containers that wait because something
// is wrong; nil if there are none.
func stuckContainers(p *corev1.Pod) []string {
	var messages []string
	for _, c := range p.Status.ContainerStatuses {
		waiting := c.State.Waiting
		if waiting == nil {
			continue
		}
		reason := waiting.Reason
		if strings.HasPrefix(reason, "Err") || strings.HasSuffix(reason, "Error") || strings.HasSuffix(reason, "BackOff") {
			messages = append(messages, waiting.Message)
		}
	}
	return messages
}

func podFailure(p *corev1.Pod) string {
	if p.Status.Message != "" {
		return p.Status.Message
	}
	for _, statuses := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for _, c := range statuses {
			end := c.State.Terminated
			switch {
			case end == nil:
			case end.Message != "":
				return end.Message
			case end.Reason == "OOMKilled":
				return end.Reason
			case end.ExitCode != 0:
				return fmt.Sprintf("container %q failed with exit code %d", c.Name, end.ExitCode)
			}
		}
	}
	return ""
}

func runningPod(p *corev1.Pod) Code {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			if c.Status == corev1.ConditionTrue {
				return Healthy
			}
			break
		}
	}
	for _, c := range p.Status.ContainerStatuses {
		if c.LastTerminationState.Terminated != nil {
			return Degraded
		}
	}
	return Progressing
}

// job has Argo CD's quirk: a condition counts by its type, whatever its status,
// but for Suspended.
func job(o object.Object) (Status, error) {
	j, err := decode[batchv1.Job](o, "batch/v1")
	if err != nil {
		return Status{}, err
	}
	var failed, finished, suspended bool
	var message, failure string
	for _, c := range j.Status.Conditions {
		switch c.Type {
		case batchv1.JobFailed:
			failed, finished, failure = true, true, c.Message
		case batchv1.JobComplete:
			finished, message = true, c.Message
		case batchv1.JobSuspended:
			finished, message = true, c.Message
			suspended = suspended || c.Status == corev1.ConditionTrue
		case batchv1.JobFailureTarget, batchv1.JobSuccessCriteriaMet:
		}
	}
	switch {
	case !finished:
		return Status{Progressing, message}, nil
	case failed:
		return Status{Degraded, failure}, nil
	case suspended:
		return Status{Suspended, message}, nil
	}
	return Status{Healthy, message}, nil
}

// cronJob is never suspended, as in Argo CD: a pause of it is no one's business
// but its own.
func cronJob(o object.Object) (Status, error) {
	if suspended, _ := o.Get("spec", "suspend"); suspended == true {
		return Status{Healthy, "CronJob is Suspended"}, nil
	}
	if status, ok := o.Get("status"); !ok || status == nil {
		return Status{Progressing, "Waiting for CronJob"}, nil
	}
	scheduled, succeeded := text(o, "status", "lastScheduleTime"), text(o, "status", "lastSuccessfulTime")
	switch {
	case scheduled == "":
		return Status{Healthy, "CronJob has not been scheduled yet"}, nil
	case succeeded == "":
		return Status{Healthy, "The CronJob never completed successfully. It may not be healthy"}, nil
	case len(list(o, "status", "active")) > 0:
		return Status{Healthy, "The job is running. Its last execution may not have been successful"}, nil
	case succeeded < scheduled: // both RFC 3339 in UTC
		return Status{Degraded, "CronJob has not completed its last execution successfully"}, nil
	}
	return Status{Healthy, "CronJob has completed its last execution successfully"}, nil
}
