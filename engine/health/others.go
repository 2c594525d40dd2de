package health

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/gantrycd/gantry/plan/object"
)

func service(o object.Object) (Status, error) {
	s, err := decode[corev1.Service](o, "v1")
	if err != nil {
		return Status{}, err
	}
	if s.Spec.Type == corev1.ServiceTypeLoadBalancer && len(s.Status.LoadBalancer.Ingress) == 0 {
		return Status{Code: Progressing}, nil
	}
	return Status{Code: Healthy}, nil
}

func ingress(o object.Object) (Status, error) {
	if len(list(o, "status", "loadBalancer", "ingress")) == 0 {
		return Status{Code: Progressing}, nil
	}
	return Status{Code: Healthy}, nil
}

func claim(o object.Object) (Status, error) {
	c, err := decode[corev1.PersistentVolumeClaim](o, "v1")
	if err != nil {
		return Status{}, err
	}
	switch c.Status.Phase {
	case corev1.ClaimBound:
		return Status{Code: Healthy}, nil
	case corev1.ClaimPending:
		return Status{Code: Progressing}, nil
	case corev1.ClaimLost:
		return Status{Code: Degraded}, nil
	}
	return Status{Code: Unknown}, nil
}

// autoscaler reads the conditions of autoscaling/v2, and the annotation that has
// them in autoscaling/v1.
func autoscaler(o object.Object) (Status, error) {
	var list []condition
	switch o.APIVersion() {
	case "autoscaling/v2":
		list = conditions(o)
	case "autoscaling/v1":
		var err error
		if list, err = annotatedConditions(o); err != nil {
			return Status{}, err
		}
	default:
		return Status{}, fmt.Errorf("%s has no health check for %s", o.Kind(), o.APIVersion())
	}
	for _, c := range list {
		if cannotScale(c) {
			return Status{Degraded, c.message}, nil
		}
	}
	for _, c := range list {
		if c.status == "True" && (c.kind == "AbleToScale" || c.kind == "ScalingLimited") {
			return Status{Healthy, c.message}, nil
		}
	}
	return Status{Progressing, "Waiting to Autoscale"}, nil
}

func annotatedConditions(o object.Object) ([]condition, error) {
	text := o.Annotation("autoscaling.alpha.kubernetes.io/conditions")
	if text == "" {
		return nil, nil
	}
	var list []struct{ Type, Status, Reason, Message string }
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("the conditions annotation cannot be read: %w", err)
	}
	var out []condition
	for _, c := range list {
		out = append(out, condition{kind: c.Type, status: c.Status, reason: c.Reason, message: c.Message})
	}
	return out, nil
}

func cannotScale(c condition) bool {
	switch c.kind {
	case "AbleToScale":
		return c.reason == "FailedGetScale" || c.reason == "FailedUpdateScale"
	case "ScalingActive":
		switch c.reason {
		case "FailedGetResourceMetric", "FailedGetObjectMetric", "FailedGetPodsMetric", "FailedGetExternalMetric",
			"FailedComputeMetricsReplicas", "InvalidSelector":
			return true
		}
	}
	return false
}

func apiService(o object.Object) (Status, error) {
	switch o.APIVersion() {
	case "apiregistration.k8s.io/v1", "apiregistration.k8s.io/v1beta1":
	default:
		return Status{}, fmt.Errorf("%s has no health check for %s", o.Kind(), o.APIVersion())
	}
	for _, c := range conditions(o) {
		if c.kind != "Available" {
			continue
		}
		message := c.reason + ": " + c.message
		if c.status == "True" {
			return Status{Healthy, message}, nil
		}
		return Status{Progressing, message}, nil
	}
	return Status{Progressing, "Waiting to be processed"}, nil
}

// disruptionBudget is healthy with too few Pods, too: that may be meant.
func disruptionBudget(o object.Object) (Status, error) {
	status := Status{Progressing, "Waiting for status"}
	for _, c := range conditions(o) {
		message := "PodDisruptionBudget has " + c.reason
		if c.status == "False" && c.reason != "InsufficientPods" {
			return Status{Degraded, message}, nil
		}
		status = Status{Healthy, message}
	}
	return status, nil
}

func definition(o object.Object) (Status, error) {
	list := conditions(o)
	if len(list) == 0 {
		return Status{Progressing, "Status conditions not found"}, nil
	}
	established := false
	for _, c := range list {
		switch {
		case c.kind == "Terminating" && c.status == "True":
			return Status{Progressing, "CRD is terminating: " + c.message}, nil
		case c.kind == "NamesAccepted" && c.status == "False":
			return Status{Degraded, "CRD names have not been accepted: " + c.message}, nil
		case c.kind == "NonStructuralSchema" && c.status == "True":
			return Status{Degraded, "Schema violations found: " + c.message}, nil
		case c.kind == "Established" && c.status == "True":
			established = true
		case c.kind == "Established" && c.reason == "Installing":
			return Status{Progressing, "CRD is being installed"}, nil
		}
	}
	if !established {
		return Status{Degraded, "CRD is not established"}, nil
	}
	return Status{Healthy, "CRD is healthy"}, nil
}

func workflow(o object.Object) (Status, error) {
	message := text(o, "status", "message")
	switch text(o, "status", "phase") {
	case "", "Pending", "Running":
		return Status{Progressing, message}, nil
	case "Succeeded":
		return Status{Healthy, message}, nil
	case "Failed", "Error":
		return Status{Degraded, message}, nil
	}
	return Status{Unknown, message}, nil
}
