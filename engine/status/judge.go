package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gantrycd/gantry/engine/health"
	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// Judge judges applications by what was read of their clusters.
type Judge struct {
	Lineage string
	Now     time.Time
	Running *Running
	Health  *health.Assessor
	// Live returns a live object, nil where there is none.
	Live func(owned *state.Owned) (object.Object, error)
	// Owned returns what an object owns, of what was read.
	Owned func(uid string) []object.Object
	// Drifted lists what others have changed of a live object since it was applied.
	Drifted func(live object.Object, owned *state.Owned) ([]plan.FieldChange, error)
	// Text redacts a text that quotes live objects of the application.
	Text func(text string) string
}

// mostNext is how many changes are named of what goes on.
const mostNext = 3

// Application judges an application by its record. cluster says why its cluster cannot
// be read; nil where it can.
func (j *Judge) Application(record *state.Record, cluster error) Application {
	out := Application{
		Address: record.Address, Project: record.Project, Cluster: record.Cluster.Name, Namespace: record.Namespace,
		Sync: Synced, Health: health.Unknown, Last: lastApply(record), Doing: j.doing(record), Tree: []Node{},
	}
	if cluster != nil {
		out.Sync, out.Why, out.Message = Unknown, cluster.Error(), cluster.Error()
		for i := range record.Objects {
			if !record.Objects[i].Hook {
				out.Objects.Total++
			}
		}
		return out
	}
	var parts []health.Part
	var unread error
	for i := range record.Objects {
		node, part, err := j.node(record.Address, &record.Objects[i])
		if err != nil && unread == nil {
			unread = fmt.Errorf("%s: %w", record.Objects[i].ID, err)
		}
		out.Tree = append(out.Tree, node)
		parts = append(parts, part)
	}
	out.count()
	status := health.Aggregate(parts)
	out.Health, out.Message = status.Code, j.text(status.Message)
	if unread != nil {
		out.Sync, out.Why = Unknown, unread.Error()
		if !health.Worse(out.Health, health.Unknown) {
			out.Health, out.Message = health.Unknown, unread.Error()
		}
		return out
	}
	if why := out.outOfSync(); why != "" {
		out.Sync, out.Why = OutOfSync, why
	}
	return out
}

// Never is an application of the configuration that was never applied.
func Never(address addr.Address, project, cluster, namespace string) Application {
	return Application{
		Address: address, Project: project, Cluster: cluster, Namespace: namespace,
		Sync: OutOfSync, Why: "it was never applied", Health: health.Missing, Message: "it was never applied", Tree: []Node{},
	}
}

func (j *Judge) text(text string) string {
	if text == "" {
		return ""
	}
	return j.Text(text)
}

// node judges an object that an application owns.
func (j *Judge) node(address addr.Address, owned *state.Owned) (Node, health.Part, error) {
	out := Node{Object: owned.ID, Hook: owned.Hook}
	live, err := j.Live(owned)
	if err != nil {
		out.Health, out.Message = health.Unknown, err.Error()
		return out, health.Part{Assessment: health.Assessment{Status: health.Status{Code: health.Unknown, Message: err.Error()}}, Live: true}, err
	}
	part := j.Health.Part(nil, live)
	part.Excluded = part.Excluded || owned.Hook
	if live == nil {
		out.Missing, out.Health, out.Known = true, health.Missing, true
		return out, part, nil
	}
	j.look(&out, live)
	out.Changed = j.changed(address, live, owned)
	j.grow(&out, 0)
	return out, part, nil
}

// look fills in what a live object says.
func (j *Judge) look(n *Node, live object.Object) {
	assessed := j.Health.Assess(live)
	n.live, n.Health, n.Message, n.Known = live, assessed.Code, j.text(assessed.Message), assessed.Known()
	n.Created, n.Since = created(live), lastTransition(live)
}

// changed says what others did to an object since it was applied.
func (j *Judge) changed(address addr.Address, live object.Object, owned *state.Owned) string {
	if owned.Hook || len(owned.Fields) == 0 {
		return ""
	}
	if owned.UID != "" && live.UID() != owned.UID {
		return "deleted and made again"
	}
	if lineage, owner, ok := track.Owner(live); ok && (lineage != j.Lineage || owner != address) {
		return "marked as an object of " + owner.String()
	}
	fields, err := j.Drifted(live, owned)
	if err != nil {
		return "it cannot be compared: " + err.Error()
	}
	if len(fields) == 0 {
		return ""
	}
	var by []string
	for _, f := range fields {
		if f.Drift != nil && !slices.Contains(by, f.Drift.Manager) {
			by = append(by, f.Drift.Manager)
		}
	}
	slices.Sort(by)
	text := fmt.Sprintf("%d fields", len(fields))
	if len(fields) == 1 {
		text = fields[0].Path
	}
	if len(by) > 0 {
		text += " by " + strings.Join(by, ", ")
	}
	return text
}

func (a *Application) count() {
	for i := range a.Tree {
		n := &a.Tree[i]
		if n.Hook {
			continue
		}
		a.Objects.Total++
		switch {
		case n.Missing:
			a.Objects.Missing++
		case n.Changed != "":
			a.Objects.Changed++
		}
		if n.Known && !Healthy(n.Health) {
			a.Objects.Unhealthy++
		}
	}
}

// outOfSync says why an application is not as it was to be applied; empty where it is.
func (a *Application) outOfSync() string {
	var why []string
	if n := a.Objects.Missing; n > 0 {
		why = append(why, fmt.Sprintf("%d of its objects missing", n))
	}
	if n := a.Objects.Changed; n > 0 {
		why = append(why, fmt.Sprintf("%d changed by others", n))
	}
	if a.Doing != nil {
		left := fmt.Sprintf(", with %d changes left", a.Doing.Left)
		if a.Doing.Left == 1 {
			left = ", with 1 change left"
		}
		switch {
		case a.Doing.Running:
			why = append(why, "it is being applied")
		case a.Last != nil && a.Last.Outcome != "succeeded" && a.Last.At.After(a.Doing.Since):
			why = append(why, "its last apply "+verb(a.Last.Outcome)+left)
		default:
			why = append(why, "an apply was cut off"+left)
		}
	} else if a.Last != nil && a.Last.Outcome != "succeeded" {
		why = append(why, "its last apply "+verb(a.Last.Outcome))
	}
	return strings.Join(why, ", ")
}

func verb(outcome string) string {
	if outcome == "cancelled" {
		return "was cancelled"
	}
	return outcome
}

func lastApply(record *state.Record) *Apply {
	if len(record.History) == 0 {
		return nil
	}
	e := &record.History[len(record.History)-1]
	out := &Apply{At: e.FinishedAt, By: e.By, Outcome: e.Outcome, Message: e.Message, Digest: e.Digest, Serial: e.Serial}
	for _, pin := range e.Sources {
		if pin.Resolved != "" {
			out.Revisions = append(out.Revisions, pin.Resolved)
		}
	}
	return out
}

// doing is what the journal says.
func (j *Judge) doing(record *state.Record) *Doing {
	if len(record.Journal) == 0 {
		return nil
	}
	out := &Doing{Left: len(record.Journal), Next: []Intent{}, Since: record.Journal[0].At}
	for _, intent := range record.Journal {
		if intent.At.Before(out.Since) {
			out.Since = intent.At
		}
		if len(out.Next) < mostNext {
			out.Next = append(out.Next, Intent{intent.ID, intent.Action})
		}
	}
	// The journal of the apply that runs was begun after it took the state.
	out.Running = j.Running != nil && !out.Since.Before(j.Running.Since.Truncate(time.Second))
	return out
}

func created(o object.Object) time.Time {
	text, _ := o.Metadata()["creationTimestamp"].(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

// lastTransition is when a condition of an object last changed, or was renewed: that a
// Deployment progresses stays true from one rollout to the next.
func lastTransition(o object.Object) time.Time {
	var last time.Time
	value, _ := o.Get("status", "conditions")
	conditions, _ := value.([]any)
	for _, c := range conditions {
		condition, _ := c.(map[string]any)
		for _, member := range []string{"lastTransitionTime", "lastUpdateTime"} {
			text, _ := condition[member].(string)
			if at, err := time.Parse(time.RFC3339, text); err == nil && at.After(last) {
				last = at
			}
		}
	}
	return last
}

// Sort sorts applications by address and counts them.
func (s *Status) Sort() {
	slices.SortFunc(s.Applications, func(a, b Application) int { return cmp.Compare(a.Address.String(), b.Address.String()) })
	s.Summary = Summary{Applications: len(s.Applications), Sync: map[Sync]int{}, Health: map[health.Code]int{}}
	for i := range s.Applications {
		s.Summary.Sync[s.Applications[i].Sync]++
		s.Summary.Health[s.Applications[i].Health]++
	}
}
