// Package risk finds in the changes of an application what a reviewer should know of
// them: pods that restart, Services that lose their pods, permissions that widen, data
// that goes. It tells facts, with their numbers and names, and does not guess: what it
// cannot know it leaves out, and what could not be looked at it says.
//
// It reads nothing itself. It is given the plan's changes with the objects before and
// after; where a question needs more of the cluster, it asks for a list of a kind in a
// namespace, and is asked again once the list is there. The codes are those of
// plan/riskcode, and docs/risks.md says what each means. Only package engine imports
// it.
package risk

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// Application is an application whose changes are looked at.
type Application struct {
	Items   []Item    // what changes, in any order; unchanged objects are left out
	Sources []Source  // what it is made of
	Varying []Varying // objects that its charts render differently every time
	Clear   []Clear   // Secrets whose values its sources have in the clear
	// Propagation is how deletions reach what the deleted objects own: "Orphan" leaves it.
	Propagation string
	Accepted    []Acceptance // later ones win
	Range       string       // of the application's block
}

// Item is one object that changes. Values that nobody must see are redacted in all
// parts of it.
type Item struct {
	Change *plan.Change
	// Before is the object in the cluster; nil where there is none, or nobody was asked.
	Before object.Object
	// After is the object as it will be, as far as that is known; nil where it goes.
	After object.Object
}

// Varying is an object that a chart rendered twice, with different results.
type Varying struct {
	Object object.ID
	Paths  []string // the fields that differ, sorted; none where it is only in one of the two
	Origin string   // what it was rendered from
}

// Assess returns the risks of an application's changes, sorted as in plan.Application.
// They are complete once cluster.Missing has nothing more to say.
func Assess(app *Application, cluster *Cluster) []plan.Risk {
	a := &assessment{app: app, cluster: cluster}
	for i := range app.Items {
		item := &app.Items[i]
		if item.Change.Action == plan.Blocked || item.Change.Action == plan.Unchanged {
			continue
		}
		for _, check := range checks() {
			check(a, item)
		}
	}
	a.sources()
	a.varying()
	return a.finish()
}

// checks are what each item is looked at for.
func checks() []func(*assessment, *Item) {
	return []func(*assessment, *Item){
		(*assessment).restarts, (*assessment).replicas, (*assessment).autoscaler, (*assessment).config,
		(*assessment).images, (*assessment).services, (*assessment).ports, (*assessment).hosts,
		(*assessment).networkPolicy, (*assessment).apiVersion, (*assessment).role, (*assessment).binding,
		(*assessment).serviceAccount, (*assessment).privileges, (*assessment).webhooks, (*assessment).deletions,
		(*assessment).volumes, (*assessment).replacement, (*assessment).finalizers,
		(*assessment).inClear,
	}
}

// assessment is the risks of one application, as they are found.
type assessment struct {
	app     *Application
	cluster *Cluster
	risks   []plan.Risk
}

// add records a risk of an item's object.
func (a *assessment) add(code string, severity plan.Severity, item *Item, paths []string, detail ...string) {
	a.addOf(code, severity, item.Change.ID, paths, detail...)
}

// addOf records a risk of an object. What is found more than once, such as a Service
// whose pods go with several workloads, is told once.
func (a *assessment) addOf(code string, severity plan.Severity, id object.ID, paths []string, detail ...string) {
	for i := range a.risks {
		if r := &a.risks[i]; r.Code == code && r.Object != nil && *r.Object == id {
			r.Paths = sorted(append(r.Paths, paths...))
			return
		}
	}
	a.risks = append(a.risks, plan.Risk{Code: code, Severity: severity, Object: &id, Paths: sorted(paths), Detail: sentences(detail)})
}

// finish sorts the risks and says which of them are accepted.
func (a *assessment) finish() []plan.Risk {
	for i := range a.risks {
		r := &a.risks[i]
		r.Range = a.app.Range
		for _, acceptance := range a.app.Accepted {
			if acceptance.covers(r) {
				r.Accepted, r.Range = acceptance.Reason, acceptance.Range
			}
		}
	}
	rank := plan.Severities()
	slices.SortStableFunc(a.risks, func(x, y plan.Risk) int {
		return cmp.Or(
			cmp.Compare(slices.Index(rank, x.Severity), slices.Index(rank, y.Severity)),
			cmp.Compare(x.Code, y.Code), compareObjects(x.Object, y.Object),
		)
	})
	return a.risks
}

func compareObjects(x, y *object.ID) int {
	switch {
	case x == nil || y == nil:
		return cmp.Compare(btoi(x != nil), btoi(y != nil))
	default:
		return x.Compare(*y)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// worse returns the greater of two severities.
func worse(a, b plan.Severity) plan.Severity {
	rank := plan.Severities()
	if slices.Index(rank, b) < slices.Index(rank, a) {
		return b
	}
	return a
}

// sorted returns paths sorted, each once.
func sorted(paths []string) []string {
	out := slices.Clone(paths)
	slices.Sort(out)
	return slices.Compact(out)
}

// sentences joins what is not empty.
func sentences(parts []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(parts), func(s string) bool { return s == "" }), " ")
}

// mostNamed is how many of a kind are named in a sentence.
const mostNamed = 5

// words names things in a sentence, and counts those that are too many to name.
func words(names []string) string {
	if n := len(names); n > mostNamed {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostNamed], ", "), n-mostNamed)
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// count is a number of things: "1 pod", "3 pods".
func count(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
