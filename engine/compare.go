package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/engine/options"
	"github.com/gantrycd/gantry/engine/order"
	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// comparison decides what happens to the objects of one cluster block. It is safe
// for concurrent use.
type comparison struct {
	*claims
	engine  *Engine
	session *session
	live    *live // nil when planning offline
	lineage string
	records map[addr.Address]*state.Record
	// policed: there are policies, which want to know what the server said.
	policed bool
	// uncertain says why the plan may not know everybody who wants an object; empty
	// where it does.
	uncertain string
}

// claims is who wants and who lets go of the objects of one cluster, however many
// cluster blocks name it.
type claims struct {
	// makes holds the namespaces that this plan creates.
	makes map[string]bool
	// owners tells which application of the plan wants an object.
	owners map[object.ID]addr.Address
	// held tells which application's record owns an object, and no longer wants it.
	held map[object.ID]addr.Address
}

// want decides what happens to an object that an application wants. It returns
// nil for one that is not to be touched at all.
func (c *comparison) want(ctx context.Context, d *draft, want *desired) *plan.Change {
	id := want.object.ID()
	change := &plan.Change{
		ID: id, Version: want.resource.GVK.Version, Plural: want.resource.Plural, Namespaced: want.resource.Namespaced,
		Origin: want.origin, Source: want.source, Phase: want.phase, Wave: want.placement.Wave,
		Keep: want.whenAbsent, Redacted: c.engine.redactions.pointers(id), Unvalidated: want.options.Unvalidated,
	}
	if want.placement.Hook {
		return c.hook(d, change, want)
	}
	if want.pending && want.served != nil && c.live != nil {
		if have, err := c.live.find(*want.served, id.Namespace, id.Name); err == nil && have != nil {
			return c.newVersion(ctx, d, change, want, have)
		}
	}
	if c.live == nil || want.pending {
		why := ""
		switch {
		case want.missing:
			why = "the server does not have its kind, and sync options say that it will"
		case want.pending:
			why = "its kind is defined by this plan"
		}
		return c.predict(ctx, change, diff.Normalize(want.object), why)
	}
	have, err := c.live.find(want.resource, id.Namespace, id.Name)
	switch {
	case errors.Is(err, providers.ErrNotCached):
		return c.unread(ctx, change, want, err)
	case errors.Is(err, providers.ErrForbidden) && c.makes[id.Namespace]:
		return c.predict(ctx, change, diff.Normalize(want.object), "its namespace is created by this plan")
	case errors.Is(err, providers.ErrForbidden) && d.record.Find(id) == nil:
		return c.unread(ctx, change, want, err)
	}
	if err != nil {
		return block(change, summaryOf(err, "Live object cannot be read"), err.Error())
	}
	prior := d.record.Find(id)
	if have != nil {
		change.UID, change.Seen = have.UID(), have.ResourceVersion()
		if want.whenAbsent && prior == nil && !want.managed {
			return nil
		}
		by, other := c.foreign(d, id, have)
		switch shared := c.shared(d, want, have); {
		case other && want.whenAbsent && prior == nil:
			change.Action, change.Reason = plan.Unchanged, fmt.Sprintf("belongs to %s: managed_namespace_metadata is not put on it", by)
			return change
		case other:
			return block(change, "Object of another application", fmt.Sprintf(
				"%s exists and belongs to %s. Remove it there first, or leave it out here.", id, by))
		case shared != "":
			return block(change, "Object of another application", fmt.Sprintf(
				"%s exists and says that it belongs to the %s, and sync.fail_on_shared_resource is set. Remove it there first, or leave it out here.", id, shared))
		}
	}
	typ := func() *diff.Type { return c.session.schema(ctx, want.resource.GVK) }
	q := question{have: have, prior: prior, want: want, typ: typ, put: want.options.Replace && have != nil}
	if have != nil && prior == nil && !want.whenAbsent && !q.put {
		q.imported, q.moves = c.takeover(d, change, have)
	}
	send, err := c.release(ctx, d, want, have, q.moves)
	if err != nil {
		return block(change, "Invalid ignore_differences", err.Error())
	}
	if q.put {
		released := send
		send = diff.Normalize(want.object)
		// What others have added is no reason to replace an object.
		if prior != nil && prior.Desired == c.engine.differ.Digest(send) && diff.Has(have, released, typ()) {
			change.Action, change.Desired = plan.Unchanged, prior.Desired
			return change
		}
	}
	q.desired, change.Desired = send, c.engine.differ.Digest(send)
	if c.session.past() != nil {
		if q.put {
			return c.askPut(ctx, d, change, q)
		}
		return c.ask(ctx, d, change, q)
	}
	if have != nil && len(q.moves) == 0 {
		same, why := c.engine.differ.Same(diff.Input{Desired: send, Live: have, Prior: prior, Type: typ})
		if same {
			change.Action = plan.Unchanged
			if prior == nil {
				change.Action, change.Reason = plan.Adopt, c.adoptReason(d, id, have)
				c.body(change, send)
			}
			return change
		}
		if d.app.Lifecycle.NoUpdate && prior != nil {
			change.Action, change.Reason = plan.Unchanged, "differs, and lifecycle.update is false: it stays as it is"
			return change
		}
		c.engine.options.Log.Debug("different", "object", id.String(), "why", why)
		q.why = why
	}
	if have == nil && c.makes[id.Namespace] {
		return c.predict(ctx, change, send, "its namespace is created by this plan")
	}
	if q.put {
		return c.askPut(ctx, d, change, q)
	}
	return c.ask(ctx, d, change, q)
}

// shared names the tool that a live object says it belongs to, where the application is
// not to take such: empty where it is, or where the application's own sources say so.
func (c *comparison) shared(d *draft, want *desired, have object.Object) string {
	tool := track.Tool(have)
	if !d.app.Sync.FailOnSharedResource || tool == track.Tool(want.object) {
		return ""
	}
	return tool
}

// heard keeps what the server said that an object comes to, for policies to judge.
func (c *comparison) heard(want *desired, answer object.Object) {
	if c.policed {
		want.after = answer
	}
}

// question is one object to ask the server about by dry-run.
type question struct {
	desired object.Object
	have    object.Object
	prior   *state.Owned
	want    *desired
	typ     func() *diff.Type
	force   bool
	why     string // what made it seem to change; empty for what is asked about in any case
	// moves are the managers whose fields become ours, of an object that is adopted.
	moves []plan.ManagerMove
	// imported: an import block takes the object over, whoever has written it.
	imported bool
	// put: the object is there, and is to be replaced whole.
	put bool
}

// ask sends a dry-run and makes its answer the change.
func (c *comparison) ask(ctx context.Context, d *draft, change *plan.Change, q question) *plan.Change {
	if past := c.session.past(); past != nil {
		return c.foretell(ctx, d, change, q, past)
	}
	answer, err := c.session.cluster.Apply(ctx, providers.ApplyRequest{
		Resource: q.want.resource, Object: q.desired, Manager: c.engine.options.Manager, Force: q.force, DryRun: true, UID: change.UID,
		Unvalidated: change.Unvalidated,
	})
	var conflict *providers.ConflictError
	var invalid *providers.InvalidError
	switch {
	case errors.As(err, &conflict) && len(conflict.Fields) > 0 && !q.force:
		return c.conflict(ctx, d, change, q, conflict)
	case errors.As(err, &invalid) && c.session.defines(q.want.resource.GVK):
		return c.predictUpdate(ctx, change, q, "its kind's definition changes in this plan")
	case errors.Is(err, providers.ErrNoDryRun):
		change.Force = q.force
		return c.predictUpdate(ctx, change, q, "a webhook of the server that must be asked takes no dry run")
	case errors.Is(err, providers.ErrForbidden):
		change.Force = q.force
		return c.predictUpdate(ctx, change, q, unasked(err))
	case errors.As(err, &invalid) && q.have != nil:
		return c.refused(d, change, q, invalid)
	case err != nil:
		return block(change, summaryOf(err, "Server refuses the object"), c.refusal(err, q.desired, q.have))
	}
	after := answer.Object
	if len(q.moves) > 0 {
		m := move{cluster: c.session.cluster, resource: q.want.resource, have: q.have, desired: q.desired, managers: q.moves, typ: q.typ()}
		if after, change.Moves, err = c.engine.outcome(ctx, m); err != nil {
			return block(change, summaryOf(err, "Object cannot be adopted"), c.refusal(err, q.desired, q.have))
		}
	}
	if q.have == nil && q.prior != nil {
		change.Reason = "someone has deleted it since it was last applied"
	}
	change.Force = q.force
	for _, warning := range answer.Warnings {
		change.Warnings = append(change.Warnings, c.engine.differ.Text(warning, q.desired, q.have))
	}
	change.Validation = plan.ServerDryRun
	c.heard(q.want, after)
	if blocked := c.byDefinition(ctx, change, q.desired, after, q.have); blocked != nil {
		return blocked
	}
	c.body(change, q.desired)
	if q.have == nil {
		change.Action = plan.Create
		return change
	}
	change.Fields = c.engine.differ.Fields(diff.Changes{
		Before: q.have, After: after, Desired: q.desired, Prior: q.prior, Type: q.typ(), Moves: q.moves,
	})
	if q.why != "" {
		c.engine.predictions.answered(q.why, change)
	}
	switch {
	case q.prior == nil:
		change.Action, change.Reason = plan.Adopt, c.adoptReason(d, change.ID, q.have)
	case len(change.Fields) == 0:
		change.Action, change.Validation = plan.Unchanged, ""
		change.Body, change.Secret = nil, nil
	default:
		change.Action = plan.Update
	}
	return change
}

// unasked says why an object is only predicted whose dry run who plans has no right to: a
// planner's identity has none to some kinds, and to grant what it does not have itself.
// Apply asks before it sends anything of the object's wave.
func unasked(err error) string {
	return fmt.Sprintf("who plans may not ask the server about it: %s", err)
}

// refused handles an object whose change the server does not accept: where only
// immutable fields are the reason, it may be replaced, if the application says so.
func (c *comparison) refused(d *draft, change *plan.Change, q question, refusal *providers.InvalidError) *plan.Change {
	fields, only := diff.ForcesReplace(refusal)
	if !only {
		return block(change, "Server refuses the object", c.refusal(refusal, q.desired, q.have))
	}
	named := strings.Join(fields, ", ")
	if kind := q.desired.ID().GroupKind(); kind == crdKind || kind == namespaceKind {
		return block(change, "Immutable field changes", fmt.Sprintf(
			"%s cannot change on an existing object (%s), and a %s is never replaced: everything in it would go with it.", named, refusal.Message, kind.Kind))
	}
	if !q.want.options.Force {
		return block(change, "Immutable field changes", fmt.Sprintf(
			"%s cannot change on an existing object (%s). To have it deleted and made anew, set sync.force = true "+
				"or the annotation argocd.argoproj.io/sync-options: Force=true.", named, refusal.Message))
	}
	change.Action, change.Validation = plan.Replace, plan.SchemaOnly // the server had nothing else against it
	change.Reason = named + " cannot change on an existing object"
	change.Propagation = ownPropagation(d, q.want.options)
	whole := diff.Normalize(q.want.object) // made anew, it has what is left to others too
	change.Desired = c.engine.differ.Digest(whole)
	change.Fields = c.engine.differ.Fields(diff.Changes{Before: q.have, After: merged(q.have, whole), Desired: whole, Prior: q.prior, Type: q.typ()})
	c.body(change, whole)
	return change
}

// newVersion plans an object that exists, in a version that only this plan's
// definition of its kind brings.
func (c *comparison) newVersion(ctx context.Context, d *draft, change *plan.Change, want *desired, have object.Object) *plan.Change {
	change.UID, change.Seen = have.UID(), have.ResourceVersion()
	if by, other := c.foreign(d, change.ID, have); other {
		return block(change, "Object of another application", fmt.Sprintf("%s exists and belongs to %s.", change.ID, by))
	}
	q := question{
		desired: diff.Normalize(want.object), have: have, prior: d.record.Find(change.ID), want: want,
		typ: func() *diff.Type { return c.session.schema(ctx, want.resource.GVK) },
	}
	if q.prior == nil {
		q.imported, q.moves = c.takeover(d, change, have)
	}
	change.Desired = c.engine.differ.Digest(q.desired)
	return c.predictUpdate(ctx, change, q, "its kind's definition changes in this plan")
}

// predictUpdate makes a change of an object that the server cannot be asked about: not
// before the definition of its kind in this plan is there, or not at all.
func (c *comparison) predictUpdate(ctx context.Context, change *plan.Change, q question, why string) *plan.Change {
	if q.have == nil {
		return c.predict(ctx, change, q.desired, why)
	}
	after, err := c.engine.differ.Moved(q.have, q.desired, q.moves, q.typ())
	if err != nil {
		after = merged(q.have, q.desired) // what it does not fit, validate tells
	}
	after = c.defaulted(after)
	if blocked := c.validate(ctx, change, q.desired, after, q.have); blocked != nil {
		return blocked
	}
	c.predicted(change, q.desired, why)
	change.Action = plan.Update
	if q.prior == nil {
		change.Action = plan.Adopt
	}
	change.Moves = c.engine.differ.MovedFields(q.have, after, q.moves, q.typ())
	change.Fields = c.engine.differ.Fields(diff.Changes{Before: q.have, After: after, Desired: q.desired, Prior: q.prior, Type: q.typ(), Moves: q.moves})
	return change
}

// predict makes the creation of an object that nobody can be asked about yet. It is
// checked against its schema, where there is one.
func (c *comparison) predict(ctx context.Context, change *plan.Change, send object.Object, why string) *plan.Change {
	if blocked := c.validate(ctx, change, send, send, nil); blocked != nil {
		return blocked
	}
	c.predicted(change, send, why)
	change.Action = plan.Create
	return change
}

func (c *comparison) predicted(change *plan.Change, send object.Object, why string) {
	change.Predicted, change.Reason = true, why
	if change.Desired == "" {
		change.Desired = c.engine.differ.Digest(send)
	}
	c.body(change, send)
}

// hook plans one hook: whether it runs is decided once the other changes are known.
func (c *comparison) hook(d *draft, change *plan.Change, want *desired) *plan.Change {
	change.Hook = &plan.Hook{DeletePolicies: want.placement.DeletePolicies}
	change.Desired = c.engine.differ.Digest(want.object)
	if isForLeaving(want.phase) && !d.leaves() {
		c.body(change, want.object)
		return d.remembered(change)
	}
	if c.live != nil && !want.pending && change.ID.Name != "" {
		have, err := c.live.find(want.resource, change.ID.Namespace, change.ID.Name)
		if err != nil {
			return block(change, summaryOf(err, "Live object cannot be read"), err.Error())
		}
		lineage, owner, ok := track.Owner(have)
		if have != nil && (!ok || lineage != c.lineage || owner != d.address) {
			return block(change, "Object is not the hook's", fmt.Sprintf(
				"%s exists, and is not what an earlier run of the hook left: running it would delete or overwrite it. Remove it, or give the hook another name.", change.ID))
		}
	}
	change.Action = plan.Run
	change.Predicted = true
	if want.kept != nil { // as it was redacted then
		change.Body, change.Secret, change.Redacted = want.kept.Body, want.kept.Secret, want.kept.Redacted
		return change
	}
	c.body(change, want.object)
	return change
}

// gone decides what happens to an object that an application owns and no longer
// wants. Nothing is ever deleted but what the record names and the live object
// confirms.
func (c *comparison) gone(ctx context.Context, d *draft, owned *state.Owned) *plan.Change {
	change := &plan.Change{
		ID: owned.ID, Version: owned.Version, Plural: owned.Plural, Namespaced: owned.Namespaced, Wave: owned.Wave, UID: owned.UID,
		Action: plan.Forget,
	}
	if to, moves := c.owners[owned.ID]; moves {
		change.Reason = fmt.Sprintf("moves to %s", to)
		return change
	}
	if c.live == nil {
		change.Action, change.Predicted = plan.Prune, true
		return change
	}
	resource, err := c.session.owned(ctx, owned)
	if errors.Is(err, providers.ErrUnknownKind) {
		change.Reason = "its kind is no longer served"
		return change
	}
	if err != nil {
		return block(change, "Live object cannot be read", err.Error())
	}
	change.Version, change.Plural = resource.GVK.Version, resource.Plural
	have, err := c.live.find(resource, owned.ID.Namespace, owned.ID.Name)
	switch {
	case err != nil:
		return block(change, summaryOf(err, "Live object cannot be read"), err.Error())
	case have == nil:
		change.Reason = "is already gone"
		return change
	case !c.ours(d, owned, have):
		change.Reason = "another object has its name now"
		return change
	}
	if _, _, marked := track.Owner(have); !marked {
		change.Reason = "it no longer carries gantry's mark: it is left as it is"
		return change
	}
	if by, other := c.foreign(d, owned.ID, have); other {
		change.Reason = fmt.Sprintf("belongs to %s by now: it is left as it is", by)
		return change
	}
	change.UID, change.Seen = have.UID(), have.ResourceVersion()
	return c.careful(c.deletion(d, change, owned, have))
}

// deletion says how an object that is ours leaves.
func (c *comparison) deletion(d *draft, change *plan.Change, owned *state.Owned, have object.Object) *plan.Change {
	settings, says := d.settings(), order.Annotations(have)
	var sync lang.Sync
	if !d.leaves() {
		sync = d.app.Sync
	}
	held, _ := options.Of(sync, says.Options)
	switch {
	case owned.Keep:
		change.Action, change.Reason = plan.Orphan, "sync.create_namespace made it: it stays, with what others have put into it"
	case d.leaves() && says.NoDelete, !d.leaves() && says.NoPrune:
		change.Action, change.Reason = plan.Orphan, "its annotations say that it is kept"
	case d.leaves() && settings.OnDestroy == "orphan" && d.removed:
		change.Action, change.Reason = plan.Orphan, "a removed block says that its objects stay"
	case d.leaves() && settings.OnDestroy == "orphan":
		change.Action, change.Reason = plan.Orphan, "on_destroy is \"orphan\""
	case d.leaves() && settings.PreventDestroy:
		return block(change, "Destroying is prevented", "lifecycle.prevent_destroy is set, as it was last applied. Set it to false and apply first.")
	case !d.leaves() && held.Prune == "false":
		change.Action, change.Reason = plan.Unchanged, "no longer desired, and sync.prune is false: it stays"
	default:
		change.Action, change.Propagation = plan.Prune, ownPropagation(d, held)
		change.Confirm = d.leaves() && (says.ConfirmDelete || settings.OnDestroy == "confirm" && !owned.Hook) || !d.leaves() && held.Prune == "confirm"
		if d.leaves() {
			change.Reason = "its application leaves"
		} else {
			change.Reason = "no longer desired"
		}
	}
	return change
}

// ownPropagation is the policy of an object's deletion where it is another than its
// application's.
func ownPropagation(d *draft, held options.Options) string {
	if held.Propagation == d.settings().Propagation {
		return ""
	}
	return held.Propagation
}

// ours reports whether the live object is the one that the record means.
func (c *comparison) ours(d *draft, owned *state.Owned, have object.Object) bool {
	if owned.UID != "" && owned.UID == have.UID() {
		return true
	}
	lineage, owner, ok := track.Owner(have)
	return ok && lineage == c.lineage && owner == d.address
}

// foreign reports whether a live object belongs to another application that has
// not let go of it in this plan.
func (c *comparison) foreign(d *draft, id object.ID, have object.Object) (string, bool) {
	lineage, owner, ok := track.Owner(have)
	if !ok || lineage == c.lineage && owner == d.address {
		return "", false
	}
	if lineage != c.lineage {
		return fmt.Sprintf("%s of another installation of Gantry (%s)", owner, lineage), true
	}
	if by, letsGo := c.held[id]; letsGo && by != d.address {
		return "", false
	}
	// A mark that no record stands behind is from before the object was let go. Of two
	// records that have it, after a move that was cut off, the mark says whose it is.
	owned := slices.ContainsFunc(c.records[owner].Owns(), func(o state.Owned) bool { return o.ID == id })
	return owner.String(), owned
}

// adoptReason says where an object that exists comes from.
func (c *comparison) adoptReason(d *draft, id object.ID, have object.Object) string {
	if from, moves := c.held[id]; moves {
		return fmt.Sprintf("moves here from %s", from)
	}
	if lineage, owner, ok := track.Owner(have); ok && lineage == c.lineage && owner == d.address {
		return "was written by an apply that was interrupted"
	}
	if tool := track.Tool(have); tool != "" {
		return fmt.Sprintf("exists, and is not in the state; %s has it too, and writes it again unless it is let go there", tool)
	}
	return "exists, and is not in the state"
}

// release returns what is sent of an object: without what ignore_differences leaves to
// others, and with the live value of what only we own, or will once the moves are made.
func (c *comparison) release(ctx context.Context, d *draft, want *desired, have object.Object, moves []plan.ManagerMove) (object.Object, error) {
	send := diff.Normalize(want.object)
	if len(d.ignore) == 0 {
		return send, nil
	}
	have, err := c.engine.differ.WithMoves(have, moves, send.APIVersion())
	if err != nil {
		return nil, err
	}
	return c.engine.differ.Release(ctx, d.ignore, send, have, c.session.schema(ctx, want.resource.GVK))
}

// body puts the object to send into the change, with Secrets' values apart.
func (c *comparison) body(change *plan.Change, send object.Object) {
	redacted, secret := c.engine.differ.Redact(send)
	change.Body = redacted
	if secret {
		change.Secret = send
	}
}

// refusal is a server's answer as it may be shown.
func (c *comparison) refusal(err error, desired, have object.Object) string {
	text := c.engine.differ.Text(err.Error(), desired, have)
	if errors.Is(err, providers.ErrNotFound) && strings.Contains(text, "namespace") {
		text += fmt.Sprintf(". Namespace %q is neither there nor in the plan; set sync.create_namespace = true to have it made", desired.Namespace())
	}
	return text
}

func block(change *plan.Change, summary, detail string) *plan.Change {
	change.Action, change.Reason = plan.Blocked, summary+": "+detail
	change.Body, change.Secret, change.Fields = nil, nil, nil
	return change
}

// merged is what an object would look like if the server took the change: the
// live one, with the desired fields over it.
func merged(have, send object.Object) object.Object {
	var over func(a, b any) any
	over = func(a, b any) any {
		am, aok := a.(map[string]any)
		bm, bok := b.(map[string]any)
		if !aok || !bok {
			return object.DeepCopyValue(b)
		}
		out := make(map[string]any, len(am))
		for k, v := range am {
			out[k] = v
		}
		for k, v := range bm {
			out[k] = over(am[k], v)
		}
		return out
	}
	return over(map[string]any(have), map[string]any(send)).(map[string]any)
}
