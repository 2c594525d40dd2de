package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// patchRequest is how a change is sent that is a patch.
func patchRequest(c *plan.Change) providers.ApplyRequest {
	return providers.ApplyRequest{
		Resource: resource(c), Object: c.Target(), Manager: plan.ActionManager, Merge: true, Subresource: c.Subresource, UID: c.UID,
	}
}

// patch carries out a change that is a patch. As send, it insists on the object that was
// planned for: where that moved on it is read again, and patched only if the planned
// change is still the same.
func (p *progress) patch(ctx context.Context, c *plan.Change, have object.Object) (object.Object, error) {
	request := patchRequest(c)
	for attempt := 1; ; attempt++ {
		request.UID, request.ResourceVersion = have.UID(), have.ResourceVersion()
		answer, err := p.request(ctx, func(ctx context.Context) (providers.ApplyResult, error) {
			return p.session.cluster.Apply(ctx, request)
		})
		var conflict *providers.ConflictError
		switch {
		case err == nil && c.Subresource == "":
			p.warn(c, answer.Warnings)
			return answer.Object, nil
		case err == nil: // what came back may be the subresource alone
			return p.session.cluster.Get(ctx, resource(c), c.ID.Namespace, c.ID.Name)
		case attempt == attempts || !errors.As(err, &conflict) && !errors.Is(err, providers.ErrUnreachable):
			return nil, err
		case conflict == nil:
			if err := pause(ctx, time.Duration(attempt)*500*time.Millisecond); err != nil {
				return nil, err
			}
		}
		if have, err = p.again(ctx, c); err != nil {
			return nil, err
		}
		if len(p.patchesNow(c, have)) == 0 {
			return have, nil // the answer was lost, not the request
		}
	}
}

// patchesNow lists what a patch would change of an object as it is now.
func (p *progress) patchesNow(c *plan.Change, have object.Object) []plan.FieldChange {
	fields, _ := p.applying.engine.differ.Patched(have, c.Target(), nil)
	return fields
}

// tryPatch asks the server what it says to a patch, without carrying it out. Where the
// kind does not have the subresource, as definitions that keep the status with the rest,
// the patch becomes one of the object.
func (e *Engine) tryPatch(ctx context.Context, cluster providers.Cluster, c *plan.Change) ([]string, error) {
	request := patchRequest(c)
	request.DryRun = true
	answer, err := cluster.Apply(ctx, request)
	if errors.Is(err, providers.ErrNotFound) && c.Subresource == "status" {
		c.Subresource, request.Subresource = "", ""
		answer, err = cluster.Apply(ctx, request)
	}
	if err != nil {
		return nil, fmt.Errorf("the server does not take it: %w", scrub(e.differ, err, c.Target()))
	}
	return answer.Warnings, nil
}
