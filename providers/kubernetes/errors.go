package kubernetes

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gantrycd/gantry/providers"
)

// reasonError says what happened in the server's words, and is a reason that
// callers branch on.
type reasonError struct {
	reason  error
	message string
}

// Error returns the message.
func (e *reasonError) Error() string { return e.message }

// Unwrap returns the reason.
func (e *reasonError) Unwrap() error { return e.reason }

// networkFailure is the error of a request that had no answer.
func (c *cluster) networkFailure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("cluster %q: %w", c.name, context.Cause(ctx))
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // without the address, which has no place for credentials but need not be trusted with that
	}
	for _, begins := range []string{"getting credentials: ", "failed to read token file ", "read empty token from file "} {
		if strings.HasPrefix(err.Error(), begins) {
			return &reasonError{providers.ErrUnauthorized, fmt.Sprintf("cluster %q at %s: %s", c.name, c.server, err)}
		}
	}
	return &reasonError{providers.ErrUnreachable, fmt.Sprintf("cluster %q at %s: %s%s", c.name, c.server, err, networkHint(err))}
}

// networkHint says what to look at for the failures that are easily mended.
func networkHint(err error) string {
	var (
		authority   x509.UnknownAuthorityError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &authority):
		return "; the CA certificate of the connection is not the one that signed the server's"
	case errors.As(err, &certificate):
		return "; check the CA certificate and the TLS server name of the connection"
	case errors.As(err, &record):
		return "; the server does not speak TLS at this port"
	}
	return ""
}

// statusFailure is the error of an answer whose status is no success.
func (c *cluster) statusFailure(r request, answer response) error {
	status := parseStatus(answer)
	message := r.scrub.clean(status.Message)
	switch answer.status {
	case http.StatusUnauthorized:
		return &reasonError{providers.ErrUnauthorized, fmt.Sprintf("cluster %q at %s: the server does not accept the credentials: %s", c.name, c.server, message)}
	case http.StatusForbidden:
		if isRBAC(message) || r.isRead() {
			return &reasonError{providers.ErrForbidden, fmt.Sprintf("cluster %q: %s", c.name, message)}
		}
		return invalid(r, status)
	case http.StatusNotFound:
		if r.resource != nil && !isAboutObject(status) {
			return c.notServed(r.resource.GVK)
		}
		return &reasonError{providers.ErrNotFound, message}
	case http.StatusConflict:
		return conflict(r, status)
	case http.StatusUnprocessableEntity:
		if r.guarded && isOtherUID(status) {
			return conflict(r, status)
		}
		return invalid(r, status)
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		if strings.HasSuffix(message, "does not support dry run") { // it has side effects, and says so
			return &reasonError{providers.ErrNoDryRun, fmt.Sprintf("cluster %q: %s", c.name, message)}
		}
		return invalid(r, status)
	case http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusUnsupportedMediaType:
		return &reasonError{providers.ErrUnsupported, fmt.Sprintf("cluster %q: %s", c.name, message)}
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		after, _ := retryAfter(answer.header)
		text := fmt.Sprintf("cluster %q at %s: the server cannot answer now (status %d): %s", c.name, c.server, answer.status, message)
		if after > maxRetryAfter {
			text += fmt.Sprintf("; it asks to be left alone for %s", after.Round(time.Second))
		}
		return &providers.TransientError{Message: text, After: after}
	}
	if !r.isRead() && isAdmission(message) {
		return invalid(r, status)
	}
	if answer.status == http.StatusInternalServerError {
		return &providers.TransientError{Failed: true, Message: fmt.Sprintf("cluster %q at %s: the server failed (status %d): %s", c.name, c.server, answer.status, message)}
	}
	return &statusError{code: answer.status, message: fmt.Sprintf("cluster %q at %s: status %d: %s", c.name, c.server, answer.status, message)}
}

// leftAlone is the error of a request that the server, as it has told others, does not
// want before the request's time is over.
func (c *cluster) leftAlone(wait time.Duration) error {
	return &providers.TransientError{After: wait, Message: fmt.Sprintf(
		"cluster %q at %s: the server cannot answer now: it asks to be left alone for %s", c.name, c.server, wait.Round(time.Second))}
}

// statusError is a failure that no reason of package providers fits.
type statusError struct {
	code    int
	message string
}

// Error returns the message.
func (e *statusError) Error() string { return e.message }

// parseStatus reads the Status that API servers explain a failure with. Other
// answers, those of proxies for instance, give one with the start of their text.
func parseStatus(answer response) metav1.Status {
	var status metav1.Status
	if err := json.Unmarshal(answer.body, &status); err == nil && status.Kind == "Status" && status.Message != "" {
		status.Code = int32(answer.status)
		return status
	}
	const most = 300
	text := strings.Join(strings.Fields(string(answer.body)), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	if location := answer.header.Get("Location"); location != "" && answer.status < 400 {
		text = "a redirect, which is not followed; is this the address of a Kubernetes API server?"
	}
	if text == "" {
		text = strings.ToLower(http.StatusText(answer.status))
	}
	return metav1.Status{Code: int32(answer.status), Message: text}
}

// isRBAC tells the refusals of authorization from those of admission, which have
// the same status: quotas, Pod security, webhooks, terminating namespaces.
func isRBAC(message string) bool {
	if strings.Contains(message, "admission webhook ") {
		return false
	}
	return strings.Contains(message, "User ") && strings.Contains(message, " cannot ") ||
		strings.Contains(message, "is attempting to grant RBAC permissions not currently held") ||
		strings.Contains(message, "cannot impersonate")
}

// isAdmission tells that a server's failure is about the object it was sent: a
// webhook that must be asked does not answer, or the object does not fit its
// schema.
func isAdmission(message string) bool {
	return strings.Contains(message, "failed calling webhook") ||
		strings.Contains(message, "failed to create typed patch object") ||
		strings.Contains(message, "failed to create manager for existing fields") ||
		strings.Contains(message, "failed to convert new object") ||
		strings.Contains(message, "etcdserver: request is too large") ||
		strings.Contains(message, "field not declared in schema")
}

// isOtherUID tells that the uid which was to be is not that of the live object.
// Server-side apply takes it for an attempt to change the uid.
func isOtherUID(status metav1.Status) bool {
	return status.Details != nil && slices.ContainsFunc(status.Details.Causes, func(cause metav1.StatusCause) bool {
		return cause.Field == "metadata.uid"
	})
}

// isAboutObject tells a missing object, or the missing namespace of it, from a
// path that is not served.
func isAboutObject(status metav1.Status) bool {
	return status.Details != nil && status.Details.Name != ""
}

// invalid is a refusal of an object.
func invalid(r request, status metav1.Status) error {
	out := &providers.InvalidError{Message: condense(r.scrub.clean(status.Message))}
	if status.Details != nil {
		for _, cause := range status.Details.Causes {
			out.Causes = append(out.Causes, providers.Cause{
				Field:   cause.Field,
				Reason:  string(cause.Type),
				Message: condense(r.scrub.clean(cause.Message)),
			})
		}
	}
	return out
}

// conflict is a 409: fields of others, a precondition, or a name that is taken.
func conflict(r request, status metav1.Status) error {
	out := &providers.ConflictError{Message: r.scrub.clean(status.Message)}
	if status.Details != nil {
		for _, cause := range status.Details.Causes {
			if cause.Type == metav1.CauseTypeFieldManagerConflict {
				out.Fields = append(out.Fields, providers.FieldConflict{
					Manager: strings.TrimPrefix(cause.Message, "conflict with "),
					Path:    cause.Field,
				})
			}
		}
	}
	return out
}
