package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/gantrycd/gantry/engine/guard"
	"github.com/gantrycd/gantry/lang/lockfile"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

// openLocation opens what objects or generators are read from, as it is locked.
func (e *Engine) openLocation(ctx context.Context, location source.Location) (*providers.Snapshot, error) {
	authorized, err := e.authorized(location)
	if err != nil {
		return nil, err
	}
	return e.options.Lock.Open(ctx, lockfile.Repository, authorized, e.openNow)
}

// openNow opens a location as it is now, and tells of it.
func (e *Engine) openNow(ctx context.Context, location source.Location) (*providers.Snapshot, error) {
	from, ok := e.options.Sources[location.Type]
	if !ok {
		return nil, fmt.Errorf("%w: no source of type %q is built in", providers.ErrUnsupported, location.Type)
	}
	first := e.firstTime(location)
	if first {
		e.emit(Event{Kind: EventOpening, Subject: location.URL})
	}
	snapshot, err := from.Open(ctx, location)
	if err == nil && first {
		e.emit(Event{Kind: EventOpened, Subject: location.URL, Message: snapshot.Pin.Resolved})
	}
	return snapshot, err
}

// firstTime reports whether a location is opened for the first time: a repository
// that a thousand applications share is told of once.
func (e *Engine) firstTime(location source.Location) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	first := !e.opened[location.Key()]
	e.opened[location.Key()] = true
	return first
}

// rendering is one object as rendered, before the cluster had a say.
type rendering struct {
	providers.Rendered
	source  int
	inClear []string // fields of a Secret that everyone sees who can read the source
}

// render opens an application's sources and renders them, in their order.
func (e *Engine) render(ctx context.Context, d *draft) []rendering {
	return e.renderLater(ctx, d, 0)
}

// renderLater is render, at a time that is later than now by so much.
func (e *Engine) renderLater(ctx context.Context, d *draft, later time.Duration) []rendering {
	app := d.app
	var out []rendering
	for _, in := range e.inputs(ctx, d) {
		in.Later = later
		i, spec := in.source, in.Spec
		sensitive := sensitiveValues(&app.Sources[i])
		objects, err := e.renderSource(ctx, e.rules(app.Project), in.Input, len(app.Sources[i].SensitivePaths) > 0)
		sensitive = longestFirst(append(sensitive, decryptedValues(&in.Input)...))
		if d.refused(d.sourceRange(i), err) {
			continue
		}
		if err != nil {
			d.fail(d.sourceRange(i), renderSummary(err), hide(err.Error(), sensitive))
			continue
		}
		d.warnings = append(d.warnings, unmatchedImages(&spec, objects)...)
		for _, o := range objects {
			r := rendering{Rendered: o, source: i}
			if exposed(o.Object, sensitive) {
				refuseExposed(d, r, sensitive)
				continue
			}
			r.inClear = inClear(o.Object, &app.Sources[i], sensitive)
			out = append(out, r)
		}
	}
	return out
}

// input is what one source of an application is rendered from.
type input struct {
	providers.Input
	source int
}

// inputs opens an application's sources and returns what is rendered of them, in their
// order. The draft learns what they are.
func (e *Engine) inputs(ctx context.Context, d *draft) []input {
	app, rules := d.app, e.rules(d.app.Project)
	snapshots := make([]*providers.Snapshot, len(app.Sources))
	refs := map[string]fs.FS{}
	for i := range app.Sources {
		spec := &app.Sources[i].Spec
		d.pins = append(d.pins, source.Pin{Location: spec.Location, Path: spec.Path})
		if spec.Type == source.Inline {
			continue
		}
		snapshot, err := e.openLocation(ctx, spec.Location)
		if err != nil {
			d.fail(d.sourceRange(i), summaryOf(err, "Source cannot be read"), err.Error())
			continue
		}
		signatures, err := e.vouched(ctx, rules, spec.Location, snapshot, d.record)
		if err != nil {
			if !d.refused(d.sourceRange(i), err) {
				d.fail(d.sourceRange(i), "Source cannot be read", err.Error())
			}
			continue
		}
		snapshots[i] = snapshot
		d.pins[i].Signatures = signatures
		d.pins[i].Resolved, d.pins[i].Digest = snapshot.Pin.Resolved, snapshot.Pin.Digest
		if spec.Ref != "" {
			refs[spec.Ref] = e.decrypting(ctx, app, rules.Within(spec.Location, snapshot.FS))
		}
	}
	if d.failed() {
		return nil
	}
	var out []input
	for i := range app.Sources {
		spec := app.Sources[i].Spec
		if spec.Ref != "" && spec.Path == "" && spec.Chart == "" {
			continue
		}
		in := providers.Input{
			Spec: spec, Name: app.Name, Labels: app.Labels, Namespace: app.Destination.Namespace, Refs: refs,
		}
		if d.session != nil {
			in.Capabilities = d.session.capabilities()
		}
		if snapshots[i] != nil {
			in.Tree = e.decrypting(ctx, app, rules.Within(spec.Location, snapshots[i].FS))
		}
		out = append(out, input{in, i})
	}
	return out
}

// renderSource renders one source with the renderer it names, or the one that
// its files ask for. What sensitive values were rendered to is not kept.
func (e *Engine) renderSource(ctx context.Context, rules *guard.Rules, in providers.Input, sensitive bool) ([]providers.Rendered, error) {
	renderer, err := e.renderer(in)
	if err != nil {
		return nil, err
	}
	if err := e.openNeeds(ctx, rules, renderer, &in); err != nil {
		return nil, err
	}
	if sensitive || in.Spec.Type == source.Inline {
		return renderer.Render(ctx, in)
	}
	return e.options.Renderings.Render(ctx, renderer, in)
}

// openNeeds opens what rendering reads beyond its tree, where the project allows it.
func (e *Engine) openNeeds(ctx context.Context, rules *guard.Rules, renderer providers.Renderer, in *providers.Input) error {
	needs, err := renderer.Needs(*in)
	if err != nil {
		return err
	}
	for _, location := range needs {
		if problems := rules.Repository(location); len(problems) > 0 {
			return fmt.Errorf("chart dependency %s: %w", location.Chart, &guard.Refused{Problem: problems[0]})
		}
		snapshot, err := e.openLocation(ctx, location)
		if err != nil {
			return fmt.Errorf("chart dependency %s: %w", location.Chart, err)
		}
		if _, err := e.vouched(ctx, rules, location, snapshot, nil); err != nil {
			return fmt.Errorf("chart dependency %s: %w", location.Chart, err)
		}
		if in.Needed == nil {
			in.Needed = map[string]fs.FS{}
		}
		in.Needed[location.Key()] = snapshot.FS
	}
	return nil
}

func (e *Engine) renderer(in providers.Input) (providers.Renderer, error) {
	r := e.options.Renderers
	switch spec := in.Spec; {
	case spec.Type == source.Inline, spec.Manifests != nil:
		return r.Manifests, nil
	case spec.Helm != nil:
		return r.Helm, nil
	case spec.Kustomize != nil:
		return r.Kustomize, nil
	case spec.Jsonnet != nil:
		return r.Jsonnet, nil
	}
	for _, candidate := range []providers.Renderer{r.Helm, r.Kustomize, r.Jsonnet} {
		is, err := candidate.Detect(in.Tree, in.Spec.Path)
		if err != nil {
			return nil, err
		}
		if is {
			return candidate, nil
		}
	}
	return r.Manifests, nil
}

func renderSummary(err error) string {
	var place *providers.RenderError
	switch {
	case errors.As(err, &place):
		return "Source cannot be rendered"
	case errors.Is(err, providers.ErrNotFound):
		return "Path not found"
	}
	return summaryOf(err, "Source cannot be rendered")
}
