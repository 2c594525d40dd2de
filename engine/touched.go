package engine

import (
	"context"
	"io/fs"
	"maps"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/lockfile"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

// Affected are the applications whose inputs a change touches. All others are as they were
// at a commit.
type Affected struct {
	plan.Affected
	chosen map[addr.Address]bool
}

// Only makes the choice of the applications that a plan is limited to. What the state has
// and the configuration has not is planned all the same: its end must not go unseen.
func Only(affected plan.Affected) *Affected {
	out := &Affected{Affected: affected, chosen: map[addr.Address]bool{}}
	for _, touched := range affected.Touched {
		out.chosen[touched.Address] = true
	}
	return out
}

// Before is the same choice among the applications of the configuration as it was: those that
// are touched, and those that are no longer there. Of nil it is nil.
func (a *Affected) Before(was, is *lang.Config) *Affected {
	if a == nil {
		return nil
	}
	out := &Affected{Affected: a.Affected, chosen: maps.Clone(a.chosen)}
	stays := map[addr.Address]bool{}
	for _, app := range is.Applications {
		stays[app.Address] = true
	}
	for _, app := range was.Applications {
		if !stays[app.Address] {
			out.chosen[app.Address] = true
		}
	}
	return out
}

// Sides is the tree of a source in two versions of what it is in. The zero value is a source
// that is the same on both.
type Sides struct{ Before, After fs.FS }

// Touching returns what tells a file or folder that rendering an application of a
// configuration reads, and that is not the same on both sides of its sources, which sides has
// in their order; empty where there is none, so that it is rendered to the same. No cluster
// is asked.
func (e *Engine) Touching(config *lang.Config) func(ctx context.Context, app *lang.Application, sides []Sides) (string, error) {
	e.use(config)
	return e.touched
}

func (e *Engine) touched(ctx context.Context, app *lang.Application, sides []Sides) (string, error) {
	refs, refsDiffer := [2]map[string]fs.FS{{}, {}}, false
	trees := make([][2]fs.FS, len(app.Sources))
	for i := range app.Sources {
		spec, side := &app.Sources[i].Spec, sides[i]
		if spec.Type == source.Inline {
			continue
		}
		if side.Before == nil {
			snapshot, err := e.openLocation(ctx, spec.Location)
			if err != nil {
				return "", err
			}
			side = Sides{Before: snapshot.FS, After: snapshot.FS}
		} else if spec.Ref != "" {
			refsDiffer = true
		}
		for j, tree := range []fs.FS{side.Before, side.After} {
			trees[i][j] = e.decrypting(ctx, app, e.rules(app.Project).Within(spec.Location, tree))
			if spec.Ref != "" {
				refs[j][spec.Ref] = trees[i][j]
			}
		}
	}
	for i := range app.Sources {
		spec := app.Sources[i].Spec
		if spec.Type == source.Inline || spec.Ref != "" && spec.Path == "" && spec.Chart == "" || sides[i].Before == nil && !refsDiffer {
			continue
		}
		var inputs [2]providers.Input
		for j := range inputs {
			inputs[j] = providers.Input{Tree: trees[i][j], Spec: spec, Name: app.Name, Labels: app.Labels, Namespace: app.Destination.Namespace, Refs: refs[j]}
		}
		if differs, err := e.touchedSource(ctx, app, inputs[0], inputs[1]); err != nil || differs != "" {
			return differs, err
		}
	}
	return "", nil
}

// touchedSource is Touched for one source.
func (e *Engine) touchedSource(ctx context.Context, app *lang.Application, before, after providers.Input) (string, error) {
	was, err := e.renderer(before)
	if err != nil {
		return "", err
	}
	is, err := e.renderer(after)
	if err != nil {
		return "", err
	}
	if was != is {
		return pathOf(before.Spec), nil
	}
	for _, in := range []*providers.Input{&before, &after} {
		if err := e.openNeeds(ctx, e.rules(app.Project), was, in); err != nil {
			return "", err
		}
	}
	for key := range before.Needed {
		if after.Needed[key] == nil {
			return pathOf(before.Spec), nil
		}
	}
	if len(before.Needed) != len(after.Needed) {
		return pathOf(before.Spec), nil
	}
	return e.options.Renderings.Touched(ctx, was, before, after)
}

func pathOf(spec source.Spec) string {
	if spec.Path == "" {
		return "."
	}
	return spec.Path
}

// SameElsewhere reports whether a location that is in no tree which is compared comes to the
// same for this engine and another one, whatever happens where it is.
func (e *Engine) SameElsewhere(other *Engine, location source.Location) bool {
	return e.options.Lock.Same(other.options.Lock, lockfile.Repository, location)
}
