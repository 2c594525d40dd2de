package cause

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gantrycd/gantry/plan/object"
)

// containers finds what is wrong with the containers of a Pod, init containers first.
func (w *World) containers(o object.Object, p *corev1.Pod) (finding, bool) {
	var best finder
	for _, s := range p.Status.InitContainerStatuses {
		best.add(w.container(o, p, s, true))
	}
	for _, s := range p.Status.ContainerStatuses {
		best.add(w.container(o, p, s, false))
	}
	return best.finding, best.ok
}

func (w *World) container(o object.Object, p *corev1.Pod, s corev1.ContainerStatus, init bool) (finding, bool) {
	f := finding{rank: rankContainer, object: o.ID()}
	switch {
	case s.State.Waiting != nil:
		return w.waiting(o, p, s)
	case s.State.Terminated != nil && s.State.Terminated.ExitCode != 0:
		if p.Status.Phase == corev1.PodFailed || p.Spec.RestartPolicy == corev1.RestartPolicyNever {
			f.rank, f.reason = rankEnded, reasonOf(s.State.Terminated)
			f.phrase = fmt.Sprintf("failed (container %q: %s)", s.Name, ending(s.State.Terminated))
			return f, true
		}
		return crashing(f, s.Name, s.State.Terminated), true
	case s.State.Running == nil || s.Ready && !init:
		return finding{}, false
	case init && !isSidecar(p, s.Name):
		f.rank, f.reason = rankSlow, "PodInitializing"
		f.phrase = fmt.Sprintf("cannot start before init container %q has ended", s.Name)
		return f, true
	}
	return w.notReady(o, s)
}

// waiting is of a container that has not been started. That it is being created says
// nothing yet.
func (w *World) waiting(o object.Object, p *corev1.Pod, s corev1.ContainerStatus) (finding, bool) {
	f := finding{rank: rankContainer, object: o.ID(), reason: s.State.Waiting.Reason}
	message := s.State.Waiting.Message
	switch f.reason {
	case "", "ContainerCreating", "PodInitializing":
		return finding{}, false
	case "CrashLoopBackOff":
		if last := s.LastTerminationState.Terminated; last != nil {
			return crashing(f, s.Name, last), true
		}
		f.phrase = fmt.Sprintf("cannot keep container %q running%s", s.Name, because(f.reason, message))
	case "ErrImagePull", "ImagePullBackOff":
		f.reason = "ErrImagePull" // the other comes and goes with it
		f.phrase = fmt.Sprintf("cannot pull image %q%s", imageOf(p, s), because(f.reason, w.registry(o, s.Name, message)))
	case "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed":
		f.phrase = fmt.Sprintf("cannot pull image %q%s", imageOf(p, s), because(f.reason, message))
	default:
		f.phrase = fmt.Sprintf("cannot start container %q%s", s.Name, because(f.reason, rpcError.ReplaceAllString(message, "")))
	}
	return f, true
}

// registry is what a registry said of an image: while the kubelet waits to try again,
// older ones say it only in an Event.
func (w *World) registry(o object.Object, container, message string) string {
	if words := pullWords(message); words != "" {
		return words
	}
	e, ok := w.newest(o, func(e event) bool {
		return e.warning && e.reason == "Failed" && isOf(e, container) && pullFailed.MatchString(e.message)
	})
	if !ok {
		return ""
	}
	return pullWords(e.message)
}

// crashing is of a container that ends each time it is started.
func crashing(f finding, name string, end *corev1.ContainerStateTerminated) finding {
	f.reason = "CrashLoopBackOff"
	f.phrase = fmt.Sprintf("cannot keep container %q running (%s)", name, ending(end))
	return f
}

// notReady is of a container that runs, and is not ready.
func (w *World) notReady(o object.Object, s corev1.ContainerStatus) (finding, bool) {
	f := finding{rank: rankNotReady, object: o.ID(), reason: "Unhealthy"}
	e, ok := w.newest(o, func(e event) bool { return e.warning && e.reason == "Unhealthy" && isOf(e, s.Name) })
	switch last := s.LastTerminationState.Terminated; {
	case ok && !e.at.Before(s.State.Running.StartedAt.Time):
		f.phrase = fmt.Sprintf("cannot get container %q ready%s", s.Name, because("", e.message))
	case last != nil && last.ExitCode != 0:
		f.reason, f.phrase = "Restarted", fmt.Sprintf("cannot get container %q ready (it ended before: %s)", s.Name, ending(last))
	default:
		return finding{}, false
	}
	return f, true
}

// isOf reports whether an Event about a Pod is about one of its containers.
func isOf(e event, container string) bool {
	return e.field == "" || strings.HasSuffix(e.field, "{"+container+"}")
}

// ending says how a container ended: `exit code 137, OOMKilled: the last that it said`.
func ending(end *corev1.ContainerStateTerminated) string {
	out := fmt.Sprintf("exit code %d", end.ExitCode)
	if reason := reasonOf(end); reason != "Error" {
		out += ", " + reason
	}
	if end.Signal != 0 {
		out += fmt.Sprintf(", signal %d", end.Signal)
	}
	if message := oneLine(end.Message); message != "" {
		out += ": " + message
	}
	return out
}

func reasonOf(end *corev1.ContainerStateTerminated) string {
	if end.Reason == "" {
		return "Error"
	}
	return end.Reason
}

// imageOf is the image as the Pod asks for it.
func imageOf(p *corev1.Pod, s corev1.ContainerStatus) string {
	for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		if c.Name == s.Name {
			return c.Image
		}
	}
	return s.Image
}

// isSidecar reports whether an init container runs as long as the Pod does.
func isSidecar(p *corev1.Pod, name string) bool {
	return slices.ContainsFunc(p.Spec.InitContainers, func(c corev1.Container) bool {
		return c.Name == name && c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
	})
}
