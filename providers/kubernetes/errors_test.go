package kubernetes

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

func TestRefusals(t *testing.T) {
	tests := map[string]struct {
		code    int
		reason  string
		message string
		details map[string]any
		want    error
		says    string
	}{
		"not authorized": {
			code: 403, reason: "Forbidden",
			message: `configmaps "settings" is forbidden: User "ci" cannot patch resource "configmaps" in API group "" in the namespace "web"`,
			want:    providers.ErrForbidden, says: `cluster "test": configmaps "settings" is forbidden: User "ci" cannot patch`,
		},
		"granting more than one has": {
			code: 403, reason: "Forbidden",
			message: `roles.rbac.authorization.k8s.io "x" is forbidden: user "ci" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held: {...}`,
			want:    providers.ErrForbidden,
		},
		"quota": {
			code: 403, reason: "Forbidden",
			message: `configmaps "settings" is forbidden: exceeded quota: small, requested: count/configmaps=1, used: count/configmaps=1, limited: count/configmaps=1`,
			want:    providers.ErrInvalid, says: "exceeded quota: small",
		},
		"Pod security": {
			code: 403, reason: "Forbidden",
			message: `pods "x" is forbidden: violates PodSecurity "restricted:latest": privileged (container "c" must not set securityContext.privileged=true)`,
			want:    providers.ErrInvalid,
		},
		"a webhook refuses": {
			code: 403, reason: "Forbidden",
			message: `admission webhook "policy.example.com" denied the request: User x cannot do this on Sundays`,
			want:    providers.ErrInvalid, says: "on Sundays",
		},
		"a webhook does not answer": {
			code: 500, reason: "InternalError",
			message: `Internal error occurred: failed calling webhook "policy.example.com": failed to call webhook: Post "https://policy.web.svc:443/?timeout=10s": dial tcp 10.0.0.1:443: connect: connection refused`,
			want:    providers.ErrInvalid, says: "failed calling webhook",
		},
		"a namespace that ends": {
			code: 403, reason: "Forbidden",
			message: `configmaps "settings" is forbidden: unable to create new content in namespace web because it is being terminated`,
			details: map[string]any{"causes": []any{map[string]any{"reason": "NamespaceTerminating", "field": "metadata.namespace", "message": "namespace web is being terminated"}}},
			want:    providers.ErrInvalid,
		},
		"credentials": {code: 401, reason: "Unauthorized", message: "Unauthorized", want: providers.ErrUnauthorized, says: "does not accept the credentials"},
		"no namespace": {
			code: 404, reason: "NotFound", message: `namespaces "web" not found`,
			details: map[string]any{"name": "web", "kind": "namespaces"}, want: providers.ErrNotFound, says: `namespaces "web" not found`,
		},
		"not served": {code: 404, reason: "NotFound", message: "the server could not find the requested resource", details: map[string]any{}, want: providers.ErrUnknownKind, says: "does not serve v1 ConfigMap"},
		"strict":     {code: 400, reason: "BadRequest", message: `strict decoding error: unknown field "spec.x"`, want: providers.ErrInvalid},
		"no dry run": {
			code: 400, reason: "BadRequest", message: `admission webhook "audit.example.com" does not support dry run`,
			want: providers.ErrNoDryRun, says: `cluster "test": admission webhook "audit.example.com" does not support dry run`,
		},
		"too large":      {code: 413, reason: "RequestEntityTooLarge", message: "Request entity too large: limit is 3145728", want: providers.ErrInvalid},
		"no such verb":   {code: 405, reason: "MethodNotAllowed", message: "the server does not allow this method on the requested resource", want: providers.ErrUnsupported},
		"no media type":  {code: 415, reason: "UnsupportedMediaType", message: "the body of the request was in an unknown format", want: providers.ErrUnsupported},
		"server is slow": {code: 504, reason: "Timeout", message: "request did not complete within the requested timeout", want: providers.ErrUnreachable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				status(w, test.code, test.reason, test.message, test.details)
			})
			_, err := c.Apply(t.Context(), configMapRequest())
			if !errors.Is(err, test.want) {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %q does not say %q", err, test.says)
			}
			for _, other := range []error{providers.ErrForbidden, providers.ErrInvalid, providers.ErrNotFound, providers.ErrUnknownKind, providers.ErrUnreachable, providers.ErrUnauthorized} {
				if !errors.Is(test.want, other) && errors.Is(err, other) {
					t.Errorf("error %v is %v too", err, other)
				}
			}
		})
	}
}

func TestUnknownFailureKeepsTheServersWords(t *testing.T) {
	c, _ := serve(t, refuse(500, "InternalError", "etcdserver: leader changed"))
	_, err := c.Apply(t.Context(), configMapRequest())
	if err == nil || !strings.Contains(err.Error(), "etcdserver: leader changed") {
		t.Errorf("error %v", err)
	}
}

func TestConflictNamesFieldsAndTheirManagers(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		status(w, 409, "Conflict", `Apply failed with 2 conflicts: conflicts with "kubectl-edit" using v1: ...`, map[string]any{"causes": []any{
			map[string]any{"reason": "FieldManagerConflict", "message": `conflict with "kubectl-edit" using v1`, "field": ".data.a"},
			map[string]any{"reason": "FieldManagerConflict", "message": `conflict with "hpa" with subresource "scale" using v1 at 2026-01-02T03:04:05Z`, "field": ".spec.replicas"},
		}})
	})
	_, err := c.Apply(t.Context(), configMapRequest())
	var conflict *providers.ConflictError
	if !errors.As(err, &conflict) {
		t.Fatalf("error %v, want a *ConflictError", err)
	}
	want := []providers.FieldConflict{
		{Manager: `"kubectl-edit" using v1`, Path: ".data.a"},
		{Manager: `"hpa" with subresource "scale" using v1 at 2026-01-02T03:04:05Z`, Path: ".spec.replicas"},
	}
	if diff := cmp.Diff(want, conflict.Fields); diff != "" {
		t.Error(diff)
	}
}

func TestInvalidNamesCauses(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		status(w, 422, "Invalid", `Service "web" is invalid: spec.ports[0].port: Invalid value: 0`, map[string]any{"causes": []any{
			map[string]any{"reason": "FieldValueInvalid", "message": "Invalid value: 0: must be between 1 and 65535", "field": "spec.ports[0].port"},
		}})
	})
	_, err := c.Apply(t.Context(), configMapRequest())
	var invalid *providers.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("error %v, want an *InvalidError", err)
	}
	want := []providers.Cause{{Field: "spec.ports[0].port", Reason: "FieldValueInvalid", Message: "Invalid value: 0: must be between 1 and 65535"}}
	if diff := cmp.Diff(want, invalid.Causes); diff != "" {
		t.Error(diff)
	}
}

func TestWarningsOnce(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for _, text := range []string{"b is deprecated", "a is deprecated", "b is deprecated"} {
			w.Header().Add("Warning", `299 - "`+text+`"`)
		}
		writeJSON(w, http.StatusOK, configMap("settings", "1"))
	})
	result, err := c.Apply(t.Context(), configMapRequest())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b is deprecated", "a is deprecated"}, result.Warnings); diff != "" {
		t.Error(diff)
	}
}

func TestApplySendsPreconditionsAndLeavesTheObjectAlone(t *testing.T) {
	var sent object.Object
	var query, contentType string
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := readBody(&http.Response{Body: r.Body})
		if err != nil {
			t.Error(err)
		}
		sent, err = decodeObject(body)
		if err != nil {
			t.Error(err)
		}
		query, contentType = r.URL.RawQuery, r.Header.Get("Content-Type")
		writeJSON(w, http.StatusOK, configMap("settings", "8"))
	})
	r := configMapRequest()
	r.UID, r.ResourceVersion, r.Force, r.DryRun = "u-1", "7", true, true
	before := r.Object.DeepCopy()
	if _, err := c.Apply(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if sent.UID() != "u-1" || sent.ResourceVersion() != "7" {
		t.Errorf("sent metadata %v", sent.Metadata())
	}
	if diff := cmp.Diff(before, r.Object); diff != "" {
		t.Errorf("the request's object changed: %s", diff)
	}
	if want := "dryRun=All&fieldManager=gantry&fieldValidation=Strict&force=true"; query != want {
		t.Errorf("query %q, want %q", query, want)
	}
	if contentType != "application/apply-patch+yaml" {
		t.Errorf("content type %q", contentType)
	}
	if diff := cmp.Diff(map[string]int{"DRYRUN": 1}, c.Requests()); diff != "" {
		t.Error(diff)
	}
}

func TestUnknownPropagation(t *testing.T) {
	c, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("requested %s", r.URL.Path) })
	err := c.Delete(t.Context(), providers.DeleteRequest{Resource: configMaps, Namespace: "web", Name: "a", Propagation: "Sideways"})
	if err == nil || !strings.Contains(err.Error(), "Sideways") {
		t.Errorf("error %v", err)
	}
}
