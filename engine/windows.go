package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/engine/window"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/state"
)

// windowsOf are the sync windows that are for an application, by the configuration.
func windowsOf(app *lang.Application) []plan.Window {
	if app.Project == nil {
		return nil
	}
	return window.For(app.Project.Rules.Windows, app.WindowSubject())
}

// openings says of each application that changes when it may be applied. Windows that
// cannot be read, of a record that someone else wrote, block it.
func openings(p *plan.Plan) {
	for i := range p.Applications {
		app := &p.Applications[i]
		if len(app.Settings.Windows) == 0 || !app.HasChanges() {
			continue
		}
		windows, err := window.Parse(app.Settings.Windows)
		if err != nil {
			app.Blocked = append(app.Blocked, plan.Problem{Address: app.Address, Summary: "Sync windows cannot be judged", Detail: err.Error()})
			continue
		}
		opening := windows.Opening(p.CreatedAt, window.Sync{})
		app.Opening = &opening
	}
}

// WindowGuards are the sync windows of a configuration, for plans that it did not make.
type WindowGuards struct {
	// Applications are those of the applications that the configuration has.
	Applications map[addr.Address][]plan.Window
	// Projects are those of projects, by name, for applications that it does not have.
	Projects map[string][]govern.Window
}

// WindowGuardsOf returns the sync windows of a configuration.
func WindowGuardsOf(config *lang.Config) WindowGuards {
	out := WindowGuards{Applications: map[addr.Address][]plan.Window{}, Projects: map[string][]govern.Window{}}
	for _, app := range config.Applications {
		out.Applications[app.Address] = windowsOf(app)
	}
	for _, project := range config.Projects {
		out.Projects[project.Name] = project.Rules.Windows
	}
	return out
}

// of returns the windows that are for an application of a plan.
func (g *WindowGuards) of(p *plan.Plan, app *plan.Application) []plan.Window {
	if windows, ok := g.Applications[app.Address]; ok {
		return windows
	}
	subject := govern.Subject{Application: app.Name, Namespace: app.Namespace, Cluster: app.Cluster, Labels: app.Labels}
	for i := range p.Clusters {
		if c := &p.Clusters[i]; c.Name == app.Cluster {
			subject.Server = c.Connection.Server
		}
	}
	return window.For(g.Projects[app.Project], subject)
}

// heeded are the windows that an apply of an application heeds: those of its plan, and
// those of the configuration where it is applied. Each set must allow it, so that a window
// in a plan lets nothing pass that the configuration does not.
type heeded struct {
	sets []*window.Windows
	err  error // they cannot be read

	mu     sync.Mutex
	stage  stage // the one that was judged last
	judged bool
	over   error // nil: it may go on
}

func heed(p *plan.Plan, app *plan.Application, guards *Guards) (*heeded, error) {
	if p.Act != nil && p.Act.Name != plan.SelfHeal || !app.HasChanges() {
		return &heeded{}, nil // an action is no sync
	}
	sets := [][]plan.Window{app.Settings.Windows}
	if guards != nil {
		sets = append(sets, guards.Windows.of(p, app))
	}
	out := &heeded{}
	for _, set := range sets {
		if len(set) == 0 {
			continue
		}
		parsed, err := window.Parse(set)
		if err != nil {
			return nil, err
		}
		out.sets = append(out.sets, parsed)
	}
	return out, nil
}

// judge says which windows do not let a sync run at a time; nil where all do.
func (h *heeded) judge(at time.Time, sync window.Sync) (*window.Windows, window.Judgement) {
	for _, set := range h.sets {
		if judged := set.Judge(at, sync); !judged.Allowed {
			return set, judged
		}
	}
	return nil, window.Judgement{}
}

// errOutside is that no sync window lets an application be applied, or be applied further.
var errOutside = errors.New("outside of its sync window")

// heedWindows finds out which windows each application heeds.
func (a *applying) heedWindows(guards *Guards) {
	for _, p := range a.apps {
		var err error
		if p.windows, err = heed(a.plan, p.app, guards); err != nil {
			p.windows = &heeded{err: err}
		}
	}
}

// heedWindow leaves the application out where no sync window lets it be applied now.
func (p *progress) heedWindow(ctx context.Context) {
	if p.isSkipped() {
		return
	}
	if err := p.windowed(ctx, time.Time{}); err != nil {
		p.mu.Lock()
		p.outside = !p.refused // who may not override ends as with any refusal
		p.mu.Unlock()
		p.skip(err.Error())
	}
}

// follows leaves the application out for one before it that did not succeed.
func (p *progress) follows(before *progress) {
	before.mu.Lock()
	outside := before.outside
	before.mu.Unlock()
	p.mu.Lock()
	p.outside = p.outside || outside && p.skipped == ""
	p.mu.Unlock()
	p.skip("it follows " + before.app.Address.String() + ", which did not succeed")
}

// goesOn says why a stage of an application that runs may not begin, for its time is over;
// nil where it may. What has begun of a stage is ended.
func (p *progress) goesOn(ctx context.Context, step *plan.Step) error {
	if step.On == plan.OnFailure || step.Kind != plan.StepWrite && step.Kind != plan.StepDelete || len(p.windows.sets) == 0 {
		return nil
	}
	h := p.windows
	h.mu.Lock()
	defer h.mu.Unlock()
	now := stage{step.Phase, step.Wave}
	if !h.judged || h.stage != now {
		h.judged, h.stage, h.over = true, now, p.stillOpen(ctx)
	}
	return h.over
}

// stillOpen says why an application that runs may not go on, for its time is over.
func (p *progress) stillOpen(ctx context.Context) error {
	p.mu.Lock()
	started := p.startedAt
	p.mu.Unlock()
	err := p.windowed(ctx, started)
	if err != nil {
		p.mu.Lock()
		p.outside = !p.refused // who may not override ends as with any refusal
		p.mu.Unlock()
	}
	return err
}

// windowed says why no window lets the application run now; nil where one does, or someone
// goes past them. started is when it began, where it has.
func (p *progress) windowed(ctx context.Context, started time.Time) error {
	h := p.windows
	if h.err != nil {
		return fmt.Errorf("its sync windows cannot be judged: %w", h.err)
	}
	now := p.applying.engine.options.Now()
	sync := window.Sync{Manual: p.applying.manual, Started: started}
	set, judged := h.judge(now, sync)
	if set == nil {
		return nil
	}
	if p.applying.override != "" {
		return p.overrideWindow(ctx, judged.Window)
	}
	word := "it is"
	if !started.IsZero() {
		word = "its time is over, and the rest is not begun: it is"
	}
	opening := set.Opening(now, sync)
	text := fmt.Sprintf("%s; it %s", judged.Window, &opening)
	return fmt.Errorf("%s %w: %s", word, errOutside, text)
}

// overrideWindow writes into the audit log that someone goes past a window. Without that it
// is not done.
func (p *progress) overrideWindow(ctx context.Context, past *plan.Window) error {
	a := p.applying
	p.mu.Lock()
	done := p.overridden
	p.mu.Unlock()
	if done {
		return nil
	}
	if decision := p.may(access.Override); !decision.Allowed {
		why := refused(decision)
		p.mu.Lock()
		told := p.refused
		p.refused = true
		p.mu.Unlock()
		if !told {
			event := a.logged(state.EventRefused)
			event.Act, event.Reason, event.Message = access.Override, a.override, why
			event.Applications = []state.EventApplication{{Address: p.app.Address, Digest: p.app.Digest, Serial: p.app.Serial}}
			if err := a.records.Audit(ctx, event); err != nil {
				why += "; that is not in the audit log: " + err.Error()
			}
		}
		return fmt.Errorf("it is %w, and who applies may not override that: %s", errOutside, why)
	}
	event := a.logged(state.EventOverridden)
	event.Reason, event.Message = a.override, fmt.Sprintf("outside of the sync window %s", past)
	event.Applications = []state.EventApplication{{Address: p.app.Address, Digest: p.app.Digest, Serial: p.app.Serial}}
	if err := a.records.Audit(ctx, event); err != nil {
		return fmt.Errorf("that a sync window is overridden cannot be written into the audit log, so it is not done: %w", err)
	}
	p.mu.Lock()
	p.overridden = true
	p.mu.Unlock()
	return nil
}
