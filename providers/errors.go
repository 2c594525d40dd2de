package providers

import (
	"errors"
	"fmt"
	"strings"
)

// Reasons that callers branch on. Providers wrap them with %w and the details.
var (
	ErrNotFound     = errors.New("not found")         // an object, path, revision, chart or repository
	ErrUnauthorized = errors.New("wrong credentials") // the server does not accept who we say we are
	ErrForbidden    = errors.New("not allowed")       // the server knows us and refuses
	ErrUnreachable  = errors.New("unreachable")       // no answer: address, TLS, time-out
	ErrUnknownKind  = errors.New("unknown kind")      // the cluster does not serve this kind or version
	ErrInvalid      = errors.New("invalid")           // the server's validation, a webhook or a quota refused the object
	ErrTooMany      = errors.New("too many objects")  // a collection has more of them than asked for at most
	ErrUnsupported  = errors.New("unsupported")       // the provider cannot do this at all
	ErrNoDryRun     = errors.New("no dry run")        // a webhook that must be asked cannot be by a dry run
	ErrNotCached    = errors.New("not in the cache")  // it would have to be fetched, and the network is not to be used
)

// ConflictError is a server's 409: fields that others own, or a precondition
// (uid, resourceVersion) that does not hold.
type ConflictError struct {
	// Fields are the fields owned by others, empty for a precondition.
	Fields  []FieldConflict
	Message string // the server's words
}

// FieldConflict is one field that another manager owns.
type FieldConflict struct {
	Manager string // as the server names it: `"kubectl-edit" using apps/v1`
	Path    string // ".spec.replicas"
}

// Error lists the fields in conflict, or repeats the server's words.
func (e *ConflictError) Error() string {
	if len(e.Fields) == 0 {
		return "conflict: " + e.Message
	}
	parts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		parts[i] = fmt.Sprintf("%s is owned by %s", f.Path, f.Manager)
	}
	return "conflict: " + strings.Join(parts, ", ")
}

// InvalidError is a server's refusal of an object, with the fields it names. It
// is an ErrInvalid.
type InvalidError struct {
	Message string
	Causes  []Cause
}

// Cause is one field that a server refused.
type Cause struct {
	Field   string // "spec.ports[0].port"
	Reason  string // "FieldValueInvalid", "FieldValueForbidden"
	Message string
}

// Error returns the server's message.
func (e *InvalidError) Error() string { return e.Message }

// Is makes an InvalidError an ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// RenderError is a failure to turn files into objects, at a place in them.
type RenderError struct {
	File     string // below the location's root
	Line     int    // from 1; 0 where it is not known
	Document int    // from 1 in a file of several YAML documents; 0 where it does not matter
	Err      error
}

// Error puts the place before the reason: "all.yaml:12 (document 3): …".
func (e *RenderError) Error() string {
	place := e.File
	if e.Line > 0 {
		place = fmt.Sprintf("%s:%d", place, e.Line)
	}
	if e.Document > 0 {
		place = fmt.Sprintf("%s (document %d)", place, e.Document)
	}
	return place + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *RenderError) Unwrap() error { return e.Err }
