// Package diff decides, on this machine, whether a live object is as desired
// and owned by us, and tells field by field what a server-side apply changes.
//
// It knows Kubernetes' field ownership (managedFields) and the server's own
// schemas, by way of structured-merge-diff, which no other package uses. It does
// no I/O: schemas, live objects and the results of dry-runs are handed in. Engine
// packages import it; nothing it returns holds the value of a Secret.
package diff
