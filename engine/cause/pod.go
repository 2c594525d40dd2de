package cause

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/gantrycd/gantry/plan/object"
)

// unseenAfter is how long a scheduler may take to look at a Pod.
const unseenAfter = 10 * time.Second

// pod finds why a Pod does not run, or is not ready.
func (w *World) pod(o object.Object) (finding, bool) {
	p := new(corev1.Pod)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o, p); err != nil {
		return finding{}, false
	}
	if p.DeletionTimestamp != nil {
		return w.lingering(o, p)
	}
	var best finder
	best.add(w.containers(o, p))
	best.add(podEnded(o, p))
	best.add(w.unscheduled(o, p))
	best.add(w.unmounted(o, p))
	best.add(w.unready(o, p))
	return best.finding, best.ok
}

// podEnded is of a Pod that has failed as a whole: evicted, over its deadline, refused by
// its node.
func podEnded(o object.Object, p *corev1.Pod) (finding, bool) {
	if p.Status.Phase != corev1.PodFailed {
		return finding{}, false
	}
	f := finding{rank: rankEnded, object: o.ID(), reason: p.Status.Reason, phrase: "failed" + because(p.Status.Reason, p.Status.Message)}
	if f.reason == "" {
		f.reason = "Failed"
	}
	return f, true
}

// unscheduled is of a Pod that has no node.
func (w *World) unscheduled(o object.Object, p *corev1.Pod) (finding, bool) {
	if p.Spec.NodeName != "" || p.Status.Phase != corev1.PodPending && p.Status.Phase != "" {
		return finding{}, false
	}
	f := finding{rank: rankScheduling, object: o.ID()}
	for _, c := range p.Status.Conditions {
		if c.Type != corev1.PodScheduled || c.Status != corev1.ConditionFalse {
			continue
		}
		f.reason = c.Reason
		message, _, _ := strings.Cut(oneLine(c.Message), " preemption: ")
		if strings.Contains(strings.ToLower(message), "persistentvolumeclaim") {
			if claim, ok := w.claimOf(p); ok {
				f.object, f.reason, f.key = claim.object, claim.reason, claim.phrase
				f.phrase = fmt.Sprintf("cannot be scheduled (volume claim %q %s)", claim.object.Name, claim.phrase)
				return f, true
			}
		}
		f.phrase = "cannot be scheduled" + because("", message)
		return f, true
	}
	if w.at.Sub(p.CreationTimestamp.Time) < unseenAfter {
		return finding{}, false
	}
	f.reason = "NotScheduled"
	f.phrase = fmt.Sprintf("cannot be scheduled (scheduler %q has not answered)", p.Spec.SchedulerName)
	return f, true
}

// claimOf finds what is wrong with the claims of a Pod.
func (w *World) claimOf(p *corev1.Pod) (finding, bool) {
	for _, v := range p.Spec.Volumes {
		name := ""
		switch {
		case v.PersistentVolumeClaim != nil:
			name = v.PersistentVolumeClaim.ClaimName
		case v.Ephemeral != nil:
			name = p.Name + "-" + v.Name
		default:
			continue
		}
		claim := w.find(object.ID{Kind: "PersistentVolumeClaim", Namespace: p.Namespace, Name: name})
		if claim == nil {
			continue
		}
		if f, ok := w.claim(claim); ok {
			return f, true
		}
	}
	return finding{}, false
}

// unmounted is of a Pod that has a node, whose volumes or network cannot be set up. Where
// that is over, something has started since.
func (w *World) unmounted(o object.Object, p *corev1.Pod) (finding, bool) {
	if p.Spec.NodeName == "" || p.Status.Phase != corev1.PodPending || slices.ContainsFunc(allStatuses(p), hasStarted) {
		return finding{}, false
	}
	e, ok := w.warned(o, "FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox", "FailedCreatePodContainer", "NetworkNotReady", "NodeNotReady")
	if !ok {
		return finding{}, false
	}
	phrase := "cannot be set up on the node"
	if strings.HasSuffix(e.reason, "Volume") || e.reason == "FailedMount" {
		phrase = "cannot mount a volume"
	}
	return finding{rank: rankVolume, object: o.ID(), reason: e.reason, phrase: phrase + because(e.reason, rpcError.ReplaceAllString(e.message, ""))}, true
}

// unready is of a Pod whose containers all run, and that is not ready for another reason
// than their probes.
func (w *World) unready(o object.Object, p *corev1.Pod) (finding, bool) {
	if p.Status.Phase != corev1.PodRunning {
		return finding{}, false
	}
	for _, gate := range p.Spec.ReadinessGates {
		if !slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == gate.ConditionType && c.Status == corev1.ConditionTrue
		}) {
			return finding{rank: rankNotReady, object: o.ID(), reason: "ReadinessGatesNotReady", phrase: fmt.Sprintf("cannot become ready (readiness gate %q is not passed)", gate.ConditionType)}, true
		}
	}
	return finding{}, false
}

// lingering is of a Pod that should be gone by now.
func (w *World) lingering(o object.Object, p *corev1.Pod) (finding, bool) {
	if !p.DeletionTimestamp.Time.Before(w.at) { // it is when its grace ends
		return finding{}, false
	}
	why := fmt.Sprintf("node %q has not reported the end", p.Spec.NodeName)
	if len(p.Finalizers) > 0 {
		why = "held by finalizers: " + strings.Join(p.Finalizers, ", ")
	}
	return finding{rank: rankSlow, object: o.ID(), reason: "Terminating", phrase: "cannot be deleted (" + why + ")"}, true
}

func allStatuses(p *corev1.Pod) []corev1.ContainerStatus {
	return slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses)
}

func hasStarted(s corev1.ContainerStatus) bool {
	return s.State.Running != nil || s.State.Terminated != nil || s.LastTerminationState.Terminated != nil
}
