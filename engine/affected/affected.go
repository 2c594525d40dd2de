// Package affected finds the applications whose inputs a change of a repository touches, so
// that only those need be planned: the configuration is compared as it was evaluated on both
// sides, and of what each application is rendered from the files that are read.
//
// An application is held to be touched unless it is proven not to be. Nothing is said of
// clusters, which are not asked: an application whose inputs are the same may have drifted.
// Only cmd imports it.
package affected

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/configdiff"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers/git"
)

// Side is a configuration, with an engine that reads what belongs to it.
type Side struct {
	Config *lang.Config
	Engine *engine.Engine
}

// Options are what there is to say of a comparison.
type Options struct {
	Ref    string // what Files are compared with, as people call it
	Files  *git.Comparison
	Below  string // the configuration's directory in the repository, slashed; "." at its root
	Tracks func(source.Location) bool
	// Parallelism is how many applications are looked at at once.
	Parallelism int
}

// Find compares two configurations and what they are rendered from. Tracks of the options
// reports whether a location is the repository itself, at a revision that moves with it.
func Find(ctx context.Context, before, after Side, options Options) (*plan.Affected, error) {
	f := &finder{
		Options: options, before: before, after: after, was: map[addr.Address]*lang.Application{},
		touching: after.Engine.Touching(after.Config), everything: everything(before.Config, after.Config),
		placed: places(before.Config), places: places(after.Config),
	}
	for _, app := range before.Config.Applications {
		f.was[app.Address] = app
	}
	apps := after.Config.Applications
	found := make([]*plan.Touched, len(apps))
	var wait sync.WaitGroup
	slots := make(chan struct{}, max(options.Parallelism, 1))
	for i, app := range apps {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			if ctx.Err() == nil {
				found[i] = f.look(ctx, app)
			}
		})
	}
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	out := &plan.Affected{Ref: options.Ref, Commit: options.Files.Commit, Touched: []plan.Touched{}, Others: []addr.Address{}}
	for i, app := range apps {
		if found[i] == nil {
			out.Others = append(out.Others, app.Address)
		} else {
			found[i].Address = app.Address
			out.Touched = append(out.Touched, *found[i])
		}
	}
	slices.SortFunc(out.Touched, func(a, b plan.Touched) int { return cmp.Compare(a.Address.String(), b.Address.String()) })
	return out, nil
}

// finder is one comparison. What it holds is only read while it looks.
type finder struct {
	Options
	before, after Side
	was           map[addr.Address]*lang.Application
	touching      func(context.Context, *lang.Application, []engine.Sides) (string, error)
	everything    string                   // why every application is touched; empty where that is not so
	placed        map[addr.Address][]place // in rollouts, as they were
	places        map[addr.Address][]place // likewise, as they are
}

// everything tells what of a configuration bears on every application, and differs.
func everything(before, after *lang.Config) string {
	switch was, is := &before.Settings, &after.Settings; {
	case !configdiff.Same(was.Backend, is.Backend):
		return "the backend is another"
	case !configdiff.Same(was.Encryption, is.Encryption):
		return "the encryption of the state is another"
	case !configdiff.Same(before.Policies, after.Policies):
		return "the policies are others"
	case !configdiff.Same(before.Health, after.Health):
		return "the health blocks are others"
	case !configdiff.Same(verified(before), verified(after)):
		return "what must be signed is another"
	}
	return ""
}

// look tells in which way the inputs of an application may differ; nil where they do not.
func (f *finder) look(ctx context.Context, app *lang.Application) *plan.Touched {
	was := f.was[app.Address]
	if was == nil {
		return &plan.Touched{Kind: plan.TouchedNew, Why: f.unknown(app.Address)}
	}
	configured := func(why string) *plan.Touched { return &plan.Touched{Kind: plan.TouchedConfiguration, Why: why} }
	if arguments := configdiff.Differing(was, app); len(arguments) > 0 {
		return configured(strings.Join(arguments, ", "))
	}
	if f.everything != "" {
		return configured(f.everything)
	}
	before, after := &f.before.Config.Refactoring, &f.after.Config.Refactoring
	if !configdiff.Same(before.Into(app.Address), after.Into(app.Address)) {
		return configured("an import block is another")
	}
	if moves(before, app.Address) != moves(after, app.Address) {
		return configured("a moved block is another")
	}
	if !configdiff.Same(f.placed[app.Address], f.places[app.Address]) {
		return configured("its rollout is another")
	}
	if file := f.kubeconfig(app.Destination.Cluster); file != "" {
		return &plan.Touched{Kind: plan.TouchedFiles, Why: file}
	}
	return f.sources(ctx, app)
}

// unknown tells why there is nothing to compare an application with.
func (f *finder) unknown(address addr.Address) string {
	config := f.before.Config
	broken := slices.ContainsFunc(config.Broken, func(b lang.Broken) bool { return b.Address.Covers(address) }) ||
		slices.ContainsFunc(config.Deferred, func(a addr.Address) bool { return a.Covers(address) })
	if broken || config.Incomplete {
		return "what it was cannot be told"
	}
	return "it was not in the configuration"
}

// kubeconfig is the file of the repository that says where a cluster is, where that differs.
func (f *finder) kubeconfig(cluster *lang.Cluster) string {
	if cluster == nil || cluster.Connection.Kubeconfig == "" || filepath.IsAbs(cluster.Connection.Kubeconfig) {
		return ""
	}
	name := path.Join(f.Below, filepath.ToSlash(cluster.Connection.Kubeconfig))
	if _, differs := slices.BinarySearch(f.Files.Changed, name); differs {
		return name
	}
	return ""
}

// sources compares what an application is rendered from.
func (f *finder) sources(ctx context.Context, app *lang.Application) *plan.Touched {
	unproven := func(format string, args ...any) *plan.Touched {
		return &plan.Touched{Kind: plan.TouchedUnproven, Why: fmt.Sprintf(format, args...)}
	}
	sides, touches := make([]engine.Sides, len(app.Sources)), false
	for i := range app.Sources {
		location := app.Sources[i].Location
		dir, all := "", false
		switch {
		case location.Type == source.Inline:
			continue
		case location.Type == source.Directory:
			dir, all = path.Join(f.Below, path.Clean(filepath.ToSlash(location.URL))), true
		case f.Tracks(location):
			dir = "."
		case f.after.Engine.SameElsewhere(f.before.Engine, location):
			continue
		default:
			return unproven("source %s is not locked, so that it may have moved", location.URL)
		}
		var side engine.Sides
		var err error
		if side.Before, err = f.Files.Before(dir); err == nil {
			side.After, err = f.Files.After(dir, all)
		}
		if err != nil {
			return &plan.Touched{Kind: plan.TouchedFiles, Why: fmt.Sprintf("%s: %s", dir, reason(err))}
		}
		sides[i], touches = side, touches || f.Files.Touches(dir, all)
	}
	if !touches {
		return nil
	}
	differs, err := f.touching(ctx, app, sides)
	switch {
	case err != nil:
		return unproven("what it was rendered from cannot be told: %s", err)
	case differs != "":
		return &plan.Touched{Kind: plan.TouchedFiles, Why: differs}
	}
	return nil
}

func reason(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "it is not on both sides"
	}
	return err.Error()
}
