package engine

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/published"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/state"
)

// publish puts into a plan what others can read once it is applied. A plan of a part of
// the configuration, or of one with errors, leaves what they can read as it is.
func (p *planning) publish(ctx context.Context, out *plan.Plan) {
	for _, remote := range p.config.Remotes {
		out.Remotes = append(out.Remotes, plan.Remote{Name: remote.Name, Pin: remote.Pin})
	}
	if p.options.Offline || p.limited() || p.options.Unsound || p.config.Incomplete {
		return
	}
	before, err := p.engine.options.Records.Published(ctx)
	if err != nil {
		p.diags = append(p.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "State cannot be read", Detail: err.Error()})
		return
	}
	if before != nil {
		out.OutputsBefore = before.Outputs
	}
	if p.options.Destroy {
		out.Unpublishes = true
		return
	}
	document, err := publishedBy(p.config)
	if err != nil {
		p.diags = append(p.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Outputs cannot be told", Detail: err.Error()})
		return
	}
	out.Published = document
}

// publishedBy is what a configuration gives to others.
func publishedBy(config *lang.Config) (*published.Document, error) {
	out := &published.Document{}
	for _, o := range config.Outputs {
		made := published.Output{Name: o.Name, Description: o.Description, Sensitive: o.Sensitive || value.IsSensitive(o.Value)}
		if !made.Sensitive {
			plain, _, err := value.ToJSON(o.Value)
			if err != nil {
				return nil, fmt.Errorf("output %q: %w", o.Name, err)
			}
			if made.Value, err = published.Encode(plain); err != nil {
				return nil, fmt.Errorf("output %q: %w", o.Name, err)
			}
		}
		out.Outputs = append(out.Outputs, made)
	}
	for _, c := range config.Clusters {
		connection, err := connectionForOthers(config.Dir, c.Connection)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Address, err)
		}
		out.Clusters = append(out.Clusters, published.Cluster{
			Name: c.Name, Connection: connection, LogsIn: !c.Credentials.IsZero(), Labels: c.Labels, Annotations: c.Annotations,
		})
	}
	for _, project := range config.Projects {
		out.Projects = append(out.Projects, published.Project{Name: project.Name, Description: project.Description})
	}
	slices.SortFunc(out.Outputs, func(a, b published.Output) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(out.Clusters, func(a, b published.Cluster) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(out.Projects, func(a, b published.Project) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// connectionForOthers is a connection as a configuration in another directory can use
// it.
func connectionForOthers(dir string, connection target.Connection) (target.Connection, error) {
	path := connection.Kubeconfig
	if path == "" || filepath.IsAbs(path) || strings.HasPrefix(path, "~") {
		return connection, nil
	}
	absolute, err := filepath.Abs(filepath.Join(dir, path))
	if err != nil {
		return connection, fmt.Errorf("the path of the kubeconfig: %w", err)
	}
	connection.Kubeconfig = absolute
	return connection, nil
}

// Publish records what others can read of a plan. Apply does so, too; it is for a plan
// in which there is nothing to apply.
func (e *Engine) Publish(ctx context.Context, p *plan.Plan, options ApplyOptions) hcl.Diagnostics {
	if diags := e.refuse(p); diags.HasErrors() {
		return diags
	}
	changes, err := e.publishes(ctx, p)
	if err != nil || !changes {
		return notPublished(err)
	}
	return e.briefly(ctx, options.By, func(records *state.Records) hcl.Diagnostics { return notPublished(e.recordPublished(ctx, records, p)) })
}

// notPublished tells that others read what was there before.
func notPublished(err error) hcl.Diagnostics {
	if err == nil {
		return nil
	}
	return hcl.Diagnostics{{
		Severity: hcl.DiagError, Summary: "Outputs are not recorded",
		Detail: fmt.Sprintf("Others still read what was recorded before: %s. Apply again.", err),
	}}
}

// publishes reports whether a plan changes what others can read. Where something of
// the configuration is not in it, or cannot be applied, they go on reading what was
// applied last.
func (e *Engine) publishes(ctx context.Context, p *plan.Plan) (bool, error) {
	if p.Published == nil && !p.Unpublishes || !p.IsWhole() {
		return false, nil
	}
	before, err := e.options.Records.Published(ctx)
	if err != nil {
		return false, err
	}
	if p.Published == nil || before == nil {
		return p.Published != nil || before != nil, nil
	}
	return p.Published.Digest() != before.Digest(), nil
}

// recordPublished writes into the state what others can read, when everything else of the
// plan has been applied.
func (e *Engine) recordPublished(ctx context.Context, records *state.Records, p *plan.Plan) error {
	changes, err := e.publishes(ctx, p)
	switch {
	case err != nil || !changes:
		return err
	case p.Published == nil:
		return records.DeletePublished(ctx)
	}
	return records.PutPublished(ctx, p.Published)
}
