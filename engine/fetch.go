package engine

import (
	"context"
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

// Fetch opens every source of a configuration's applications, and the charts that
// those depend on, each once: what is recorded of them is in Options.Lock
// afterwards, and what caches keep is there. Nothing is rendered and no cluster is
// asked.
func (e *Engine) Fetch(ctx context.Context, config *lang.Config) hcl.Diagnostics {
	type job struct {
		at   hcl.Range
		spec source.Spec
		app  *lang.Application
	}
	e.use(config)
	var jobs []job
	seen := map[string]bool{}
	for _, app := range config.Applications {
		for _, s := range app.Sources {
			// A path matters where a chart is: what it depends on is read, too.
			key := s.Key() + "\x00" + s.Path
			if s.Type == source.Inline || seen[key] {
				continue
			}
			seen[key] = true
			jobs = append(jobs, job{at: s.Range, spec: s.Spec, app: app})
		}
	}
	found := make([]hcl.Diagnostics, len(jobs))
	parallel(ctx, e.options.Parallelism, len(jobs), func(i int) {
		if err := e.fetch(ctx, jobs[i].spec, jobs[i].app); err != nil {
			at := jobs[i].at
			found[i] = hcl.Diagnostics{{
				Severity: hcl.DiagError, Summary: summaryOf(err, "Source cannot be read"), Detail: fmt.Sprintf("%s: %s", jobs[i].app.Address, err), Subject: &at,
			}}
		}
	})
	var diags hcl.Diagnostics
	for _, more := range found {
		diags = append(diags, more...)
	}
	if ctx.Err() != nil {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Interrupted", Detail: "Not every source was read: " + context.Cause(ctx).Error() + "."})
	}
	return diags
}

// fetch opens one source, and what rendering it would need.
func (e *Engine) fetch(ctx context.Context, spec source.Spec, app *lang.Application) error {
	snapshot, err := e.openLocation(ctx, spec.Location)
	if err != nil {
		return err
	}
	if spec.Ref != "" && spec.Path == "" && spec.Chart == "" {
		return nil
	}
	in := providers.Input{Tree: snapshot.FS, Spec: spec, Name: app.Name, Labels: app.Labels, Namespace: app.Destination.Namespace}
	renderer, err := e.renderer(in)
	if err != nil {
		return err
	}
	return e.openNeeds(ctx, e.rules(app.Project), renderer, &in)
}
