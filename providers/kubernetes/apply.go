package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// Apply sends one object by server-side apply, or as the request says. Fields that the server's schema
// does not have are an error, not dropped. Where the connection breaks it is
// sent again, since that changes nothing more, unless a ResourceVersion is given:
// what came through would then look like somebody else's change. A ResourceVersion
// needs the UID too: servers ignore it where the object is not there, and create it.
func (c *cluster) Apply(ctx context.Context, r providers.ApplyRequest) (providers.ApplyResult, error) {
	if r.ResourceVersion != "" && r.UID == "" {
		return providers.ApplyResult{}, fmt.Errorf("%s: applying a resourceVersion needs its uid. This is a bug in gantry", r.Object.ID())
	}
	if r.New && (r.UID != "" || r.ResourceVersion != "" || r.Replace || r.Merge) {
		return providers.ApplyResult{}, fmt.Errorf("%s: applying what must be new has no preconditions and replaces nothing. This is a bug in gantry", r.Object.ID())
	}
	if r.Replace && (r.ResourceVersion == "" || r.UID == "") {
		return providers.ApplyResult{}, fmt.Errorf("%s: replacing an object needs its uid and resourceVersion. This is a bug in gantry", r.Object.ID())
	}
	path, err := objectPath(r.Resource, r.Object.Namespace(), r.Object.Name())
	if err != nil {
		return providers.ApplyResult{}, err
	}
	out := request{
		verb:        verbApply,
		method:      http.MethodPatch,
		path:        path,
		query:       url.Values{"force": {fmt.Sprint(r.Force)}},
		contentType: typeApply,
		repeatable:  r.DryRun || r.ResourceVersion == "",
		guarded:     r.UID != "",
	}
	if r.Replace {
		out.verb, out.method, out.contentType, out.query = verbReplace, http.MethodPut, typeJSON, url.Values{}
	}
	if r.Merge {
		out.verb, out.contentType, out.query = verbPatch, typeMergePatch, url.Values{}
		if r.Subresource != "" {
			out.path += "/" + url.PathEscape(r.Subresource)
		}
	}
	return c.send(ctx, r, out)
}

// mergePatch is what is sent to change what the object names: not what identifies it, for
// a subresource has a kind of its own. Of the preconditions one says it all: no two
// objects have the same resourceVersion.
func mergePatch(r providers.ApplyRequest) object.Object {
	out := maps.Clone(r.Object)
	metadata := maps.Clone(r.Object.Metadata())
	for _, name := range []string{"name", "namespace"} {
		delete(metadata, name)
	}
	switch {
	case r.ResourceVersion != "":
		metadata["resourceVersion"] = r.ResourceVersion
	case r.UID != "":
		metadata["uid"] = r.UID
	}
	delete(out, "apiVersion")
	delete(out, "kind")
	out["metadata"] = map[string]any(metadata)
	return out
}

// Create sends one object by POST. It is never sent twice unless the server
// turned the first request away.
func (c *cluster) Create(ctx context.Context, r providers.ApplyRequest) (providers.ApplyResult, error) {
	if err := checkNamespace(r.Resource, r.Object.Namespace()); err != nil {
		return providers.ApplyResult{}, err
	}
	path, err := collectionPath(r.Resource, r.Object.Namespace())
	if err != nil {
		return providers.ApplyResult{}, err
	}
	return c.send(ctx, r, request{
		verb:        verbCreate,
		method:      http.MethodPost,
		path:        path,
		query:       url.Values{},
		contentType: typeJSON,
		repeatable:  r.DryRun,
	})
}

// send completes a request by what Apply and Create have in common.
func (c *cluster) send(ctx context.Context, r providers.ApplyRequest, out request) (providers.ApplyResult, error) {
	sent := withPreconditions(r)
	if r.Merge {
		sent = mergePatch(r)
	}
	body, err := json.Marshal(sent)
	if err != nil {
		return providers.ApplyResult{}, fmt.Errorf("%s: encoding the object: %w", r.Object.ID(), err)
	}
	out.body = body
	out.resource = &r.Resource
	out.scrub = scrubberOf(r.Resource, r.Object)
	out.query.Set("fieldManager", r.Manager)
	out.query.Set("fieldValidation", "Strict")
	if r.Unvalidated {
		out.query.Set("fieldValidation", "Ignore")
	}
	if r.DryRun {
		out.verb = verbDryRun
		out.query.Set("dryRun", "All")
	}
	answer, err := c.do(ctx, out)
	if err != nil {
		return providers.ApplyResult{}, err
	}
	live, err := c.object(answer)
	if err != nil {
		return providers.ApplyResult{}, err
	}
	return providers.ApplyResult{Object: live, Warnings: warnings(out, answer.header)}, nil
}

// noVersion is a resourceVersion that no object ever has: that of a server's empty store.
// Applying it makes an object that is not there, for which servers ignore it, and is a
// conflict where there is one.
const noVersion = "1"

// withPreconditions returns the object to send. The request's own is shared and
// not changed.
func withPreconditions(r providers.ApplyRequest) object.Object {
	if r.New {
		r.ResourceVersion = noVersion
	}
	if r.UID == "" && r.ResourceVersion == "" {
		return r.Object
	}
	metadata := maps.Clone(r.Object.Metadata())
	if metadata == nil {
		metadata = object.Object{}
	}
	if r.UID != "" {
		metadata["uid"] = r.UID
	}
	if r.ResourceVersion != "" {
		metadata["resourceVersion"] = r.ResourceVersion
	}
	out := maps.Clone(r.Object)
	out["metadata"] = map[string]any(metadata)
	return out
}

// Patch sends a JSON patch to one object.
func (c *cluster) Patch(ctx context.Context, resource providers.Resource, namespace, name string, patch []byte, dryRun bool) (object.Object, error) {
	path, err := objectPath(resource, namespace, name)
	if err != nil {
		return nil, err
	}
	out := request{
		verb:        verbPatch,
		method:      http.MethodPatch,
		path:        path,
		query:       url.Values{},
		contentType: typeJSONPatch,
		body:        patch,
		repeatable:  dryRun,
		resource:    &resource,
		scrub:       scrubberOfPatch(resource, name, patch),
	}
	if dryRun {
		out.verb = verbDryRun
		out.query.Set("dryRun", "All")
	}
	answer, err := c.do(ctx, out)
	if err != nil {
		return nil, err
	}
	return c.object(answer)
}
