package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/cause"
	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/engine/status"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// StatusOptions say of what a status is, and how deep it goes.
type StatusOptions struct {
	// Chosen says which applications are looked at; nil is all.
	Chosen func(addr.Address) bool
	// Tree has what the applications' objects own be read, too.
	Tree bool
}

// mostCauses is how many objects of an application are asked why they are not healthy.
const mostCauses = 20

// Status tells how applications are: those of the configuration, and those of the state
// that it no longer has. It is read from the records and by lists of live objects: no
// source is read, nothing is sent. An application whose cluster cannot be read is Unknown.
func (e *Engine) Status(ctx context.Context, config *lang.Config, options StatusOptions) (*status.Status, hcl.Diagnostics) {
	e.use(config)
	rules, err := health.Rules(config.Health)
	if err != nil {
		return nil, statusError("Health rules cannot be used", err)
	}
	assessor, err := health.NewAssessor(rules)
	if err != nil {
		return nil, statusError("Health rules cannot be used", err)
	}
	s := &standing{engine: e, sessions: e.newSessions(false), assessor: assessor, tree: options.Tree}
	out := &status.Status{Format: status.Format, At: e.options.Now().UTC()}
	if s.running, err = e.running(ctx); err != nil {
		return nil, statusError("State cannot be read", err)
	}
	out.Running = first(s.running)
	entries, err := e.options.Records.List(ctx)
	if err != nil {
		return nil, statusError("State cannot be read", err)
	}
	holds, err := e.options.Records.Holds(ctx)
	if err != nil {
		return nil, statusError("State cannot be read", err)
	}
	chosen := func(address addr.Address) bool {
		return !e.options.Withheld[address] && (options.Chosen == nil || options.Chosen(address))
	}
	for _, c := range config.Clusters {
		s.sessions.known(c)
	}
	var records []*state.Record
	applied, declared := map[addr.Address]bool{}, map[addr.Address]bool{}
	for _, entry := range entries {
		applied[entry.Address] = true
		if chosen(entry.Address) {
			records = append(records, entry.Record)
			s.sessions.recorded(entry.Record)
		}
	}
	s.sessions.connect(ctx)
	s.read(ctx, records)
	out.Applications = s.judge(ctx, records, out)
	for _, app := range config.Applications {
		declared[app.Address] = true
		if !applied[app.Address] && chosen(app.Address) {
			cluster, project := "", ""
			if app.Destination.Cluster != nil {
				cluster = app.Destination.Cluster.Name
			}
			if app.Project != nil {
				project = app.Project.Name
			}
			out.Applications = append(out.Applications, status.Never(app.Address, project, cluster, app.Destination.Namespace))
		}
	}
	for i := range out.Applications {
		a := &out.Applications[i]
		a.Leaves = !declared[a.Address]
		if hold := holds[a.Address]; hold != nil {
			a.Held = &hold.Hold
		}
	}
	out.Sort()
	if ctx.Err() != nil {
		return nil, hcl.Diagnostics{cancelled(ctx)}
	}
	return out, nil
}

func statusError(summary string, err error) hcl.Diagnostics {
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: err.Error()}}
}

// running tells of the applies that are at work, by the ID of their lease.
func (e *Engine) running(ctx context.Context) (map[string]*status.Running, error) {
	runs, err := e.options.Records.Runs(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]*status.Running{}
	for i := range runs {
		run := &runs[i]
		if len(run.Applications) == 0 || !e.options.Now().Before(run.Expires) || e.options.Lease.Dead != nil && e.options.Lease.Dead(run.Holder) {
			continue
		}
		out[run.ID] = &status.Running{By: run.Holder.Who, Command: run.Holder.Command, Host: run.Holder.Host, PID: run.Holder.PID, Since: run.Since}
	}
	return out, nil
}

// first is the run of some that began first; nil where there is none.
func first(running map[string]*status.Running) *status.Running {
	var out *status.Running
	for _, r := range running {
		if out == nil || r.Since.Before(out.Since) || r.Since.Equal(out.Since) && r.By < out.By {
			out = r
		}
	}
	return out
}

// runningOf is the run that is at work on an application; nil where none is.
func (s *standing) runningOf(record *state.Record) *status.Running {
	if record.Claim == nil {
		return nil
	}
	return s.running[record.Claim.Lease]
}

// standing is the reading for a status.
type standing struct {
	engine   *Engine
	sessions *sessions
	assessor *health.Assessor
	tree     bool
	seen     map[*session]*sighting
	running  map[string]*status.Running
}

// sighting is what was read of one cluster.
type sighting struct {
	resources map[object.ID]providers.Resource // of the owned objects
	errs      map[object.ID]error
	live      *live
	below     []object.Object // what workloads made
	finder    *cause.Finder
}

// read reads what the records say is there, of each cluster by itself.
func (s *standing) read(ctx context.Context, records []*state.Record) {
	by := map[*session][]*state.Record{}
	s.seen = map[*session]*sighting{}
	var sessions []*session
	for _, record := range records {
		at := s.sessions.recorded(record)
		if by[at] == nil && at.err == nil {
			sessions = append(sessions, at)
			s.seen[at] = &sighting{resources: map[object.ID]providers.Resource{}, errs: map[object.ID]error{}, finder: cause.NewFinder(at.cluster, s.engine.options.Now)}
		}
		by[at] = append(by[at], record)
	}
	parallel(ctx, len(sessions), len(sessions), func(i int) { s.readCluster(ctx, sessions[i], by[sessions[i]]) })
}

func (s *standing) readCluster(ctx context.Context, at *session, records []*state.Record) {
	seen, ask := s.seen[at], newWanted()
	namespaces := map[string]bool{}
	for _, record := range records {
		for i := range record.Objects {
			o := &record.Objects[i]
			if _, asked := seen.resources[o.ID]; asked {
				continue
			}
			resource, err := at.owned(ctx, o)
			if err != nil {
				seen.errs[o.ID] = err
				continue
			}
			seen.resources[o.ID] = resource
			ask.add(resource, o.ID.Namespace, o.ID.Name)
			if s.tree && status.Owners(o.ID.GroupKind()) {
				namespaces[o.ID.Namespace] = true
			}
		}
	}
	seen.live = ask.read(ctx, at.cluster, s.engine.options.Parallelism, nil)
	if len(namespaces) > 0 {
		seen.below = s.below(ctx, at, namespaces)
	}
}

// below reads what workloads of some namespaces made. What may not be read is left out.
func (s *standing) below(ctx context.Context, at *session, namespaces map[string]bool) []object.Object {
	var mu sync.Mutex
	var out []object.Object
	type list struct {
		resource  providers.Resource
		namespace string
	}
	var lists []list
	for _, gvk := range status.Kinds() {
		resource, err := at.cluster.Resource(ctx, gvk)
		if err != nil {
			continue
		}
		if len(namespaces) >= wideFrom {
			lists = append(lists, list{resource, ""})
			continue
		}
		for namespace := range namespaces {
			lists = append(lists, list{resource, namespace})
		}
	}
	parallel(ctx, s.engine.options.Parallelism, len(lists), func(i int) {
		found, err := at.cluster.List(ctx, lists[i].resource, lists[i].namespace, providers.ListOptions{})
		if err != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, o := range found {
			if namespaces[o.Namespace()] {
				out = append(out, o)
			}
		}
	})
	return out
}

// judge judges each application, side by side.
func (s *standing) judge(ctx context.Context, records []*state.Record, of *status.Status) []status.Application {
	out := make([]status.Application, len(records))
	owned := map[*session]func(string) []object.Object{}
	for at, seen := range s.seen {
		owned[at] = status.Index(seen.below)
	}
	parallel(ctx, s.engine.options.Parallelism, len(records), func(i int) {
		record := records[i]
		at := s.sessions.recorded(record)
		judge := &status.Judge{
			Lineage: s.engine.options.Records.Lineage(), Now: of.At, Running: s.runningOf(record), Health: s.assessor,
			Owned: func(uid string) []object.Object {
				if index := owned[at]; index != nil {
					return index(uid)
				}
				return nil
			},
		}
		err := at.err
		switch {
		case err != nil:
			err = clusterError(at)
		case at.info.UID != record.Cluster.UID:
			err = errors.New(anotherCluster(at, record))
		}
		seen := s.seen[at]
		judge.Text = s.redacting(seen, record)
		judge.Live = func(o *state.Owned) (object.Object, error) {
			if err := seen.errs[o.ID]; err != nil {
				if errors.Is(err, providers.ErrUnknownKind) {
					return nil, nil // without its definition there is no object
				}
				return nil, err
			}
			return seen.live.find(seen.resources[o.ID], o.ID.Namespace, o.ID.Name)
		}
		judge.Drifted = func(have object.Object, o *state.Owned) ([]plan.FieldChange, error) {
			return s.engine.differ.Drifted(have, nil, o, nil)
		}
		out[i] = judge.Application(record, err)
		if err == nil {
			s.causes(ctx, &out[i], seen.finder, judge.Text)
		}
	})
	return out
}

// redacting takes out of texts what live Secrets of an application hold.
func (s *standing) redacting(seen *sighting, record *state.Record) func(string) string {
	var secrets []object.Object
	if seen != nil {
		for i := range record.Objects {
			o := &record.Objects[i]
			if o.ID.GroupKind() != (object.GroupKind{Kind: "Secret"}) || seen.errs[o.ID] != nil {
				continue
			}
			if live, err := seen.live.find(seen.resources[o.ID], o.ID.Namespace, o.ID.Name); err == nil && live != nil {
				secrets = append(secrets, live)
			}
		}
	}
	return func(text string) string { return s.engine.differ.Text(text, secrets...) }
}

// causes finds why objects of an application are not healthy.
func (s *standing) causes(ctx context.Context, a *status.Application, finder *cause.Finder, redact func(string) string) {
	const longAgo = time.Hour // Events are kept for about so long
	asked := 0
	a.Unhealthy(func(n *status.Node, live object.Object) {
		if asked++; asked > mostCauses {
			return
		}
		if found, ok := finder.Find(ctx, live, s.engine.options.Now().Add(-longAgo)); ok {
			n.Cause = redact(found.Text)
			if found.Object != n.Object {
				n.Cause = fmt.Sprintf("%s: %s", found.Object, n.Cause)
			}
		}
	})
	a.Explain()
}
