package diff_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/engine/internal/conformance"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/object"
)

type diffCase struct {
	ID                string
	Desired, Live     object.Object
	ExpectedInSync    bool
	IgnoreDifferences []struct {
		Group, Kind, Name, Namespace string
		JSONPointers                 []string
		JQPathExpressions            []string
		ManagedFieldsManagers        []string
	}
	ResourceOverrides     any
	IgnoreAggregatedRoles bool
}

// notOurs are cases about settings of Argo CD that we do not have.
func (c diffCase) notOurs() string {
	switch {
	case c.Desired == nil || c.Live == nil:
		return "creation and deletion are not a comparison"
	case c.ResourceOverrides != nil:
		return "rules of the whole installation, and known types"
	case c.IgnoreAggregatedRoles:
		return "the setting for aggregated roles"
	case len(c.ID) > 9 && c.ID[:9] == "tracking-":
		return "Argo CD's own tracking marks"
	}
	return ""
}

// TestConformance compares whether something differs with what Argo CD's
// client-side diff says. A server-side apply is asked of the API server's field
// manager: what was last applied, if anything, is ours, and live was then made
// someone else's. Ownership that changes alone is no difference here.
func TestConformance(t *testing.T) {
	different := deliberate()
	const known = 93 // cases that the list below was made for
	passed, other, failed, skipped := 0, 0, 0, map[string]int{}
	list := conformance.Cases[diffCase](t, "diff/diff_cases.jsonl")
	for _, c := range list {
		if why := c.notOurs(); why != "" {
			skipped[why]++
			continue
		}
		got, err := inSync(t, c)
		reason, listed := different[c.ID]
		switch {
		case err != nil && listed:
			other++
		case err != nil:
			failed++
			conformance.Unlisted(t, len(list), known, "%s: %v", c.ID, err)
		case got == c.ExpectedInSync && !listed:
			passed++
		case got == c.ExpectedInSync:
			t.Errorf("%s is as Argo CD, and listed as different: %s", c.ID, reason)
		case listed:
			other++
		default:
			failed++
			conformance.Unlisted(t, len(list), known, "%s: in sync %v, want %v", c.ID, got, c.ExpectedInSync)
		}
	}
	t.Logf("%d of %d comparable cases as Argo CD (%.1f %%), %d deliberately different, %d failed; of %d, not comparable: %v",
		passed, passed+other+failed, 100*float64(passed)/float64(passed+other+failed), other, failed, len(list), skipped)
}

func inSync(t *testing.T, c diffCase) (bool, error) {
	t.Helper()
	desired := diff.Normalize(integers(map[string]any(c.Desired)).(map[string]any))
	live := object.Object(integers(map[string]any(c.Live)).(map[string]any))
	possible(desired, live)
	d := diff.New(manager, fingerprinter(t))
	kind, _ := schemas().Type(desired.GVK())
	s := newServer(t, desired.GVK())
	if text := live.Annotation("kubectl.kubernetes.io/last-applied-configuration"); text != "" {
		var last map[string]any
		if err := json.Unmarshal([]byte(text), &last); err != nil {
			return false, err
		}
		if err := s.apply(diff.Normalize(integers(last).(map[string]any)), manager, true); err != nil {
			return false, err
		}
	}
	managed := live.Metadata()["managedFields"]
	delete(live.Metadata(), "managedFields")
	if err := s.replace(live, "someone"); err != nil {
		return false, err
	}
	if managed != nil {
		s.live.Object["metadata"].(map[string]any)["managedFields"] = managed
	}
	var rules []*diff.Ignore
	for _, i := range c.IgnoreDifferences {
		rule, err := diff.CompileIgnore(lang.IgnoreDifference{
			Group: i.Group, Kind: i.Kind, Name: i.Name, Namespace: i.Namespace,
			JSONPointers: i.JSONPointers, JQPathExpressions: i.JQPathExpressions, FieldManagers: i.ManagedFieldsManagers,
		})
		if err != nil {
			return false, err
		}
		rules = append(rules, rule)
	}
	before := s.object()
	sent, err := d.Release(t.Context(), rules, desired, before, kind)
	if err != nil {
		return false, err
	}
	after, err := s.dryRun(sent, manager, true)
	if err != nil {
		return false, err
	}
	for _, change := range d.Fields(diff.Changes{Before: stored(t, before), After: stored(t, after), Desired: sent, Type: kind}) {
		if !change.Owned {
			return false, nil
		}
	}
	return true, nil
}

// possible makes an object what it can be where it is compared: the desired one has the
// namespace of its destination, labels of the live one are texts, and an entry of its
// managed fields says of which version it is.
func possible(desired, live object.Object) {
	if live.Namespace() != "" && desired.Namespace() == "" {
		desired.Metadata()["namespace"] = live.Namespace()
	}
	labels, _ := live.Metadata()["labels"].(map[string]any)
	for key, value := range labels {
		labels[key] = fmt.Sprint(value)
	}
	entries, _ := live.Metadata()["managedFields"].([]any)
	entries = slices.DeleteFunc(entries, func(entry any) bool { return entry.(map[string]any)["apiVersion"] == nil })
	if live.Metadata()["managedFields"] = entries; len(entries) == 0 {
		delete(live.Metadata(), "managedFields")
	}
}

// deliberate are the cases in which we differ, and why.
func deliberate() map[string]string {
	const (
		null    = "where null is, an empty list is written, once"
		never   = "an API server always has a securityContext in a Pod's template; one without is a difference"
		list    = "a list of a custom resource is one value: what the server keeps is what was sent, and more in an item is a difference"
		status  = "status is the controller's; an apply of the object does not write it"
		pointer = "a pointer that is none is an error, not a rule that does nothing"
	)
	return map[string]string{
		"role-null-rules lastApplied=false":                 null,
		"empty-vs-missing-securityContext lastApplied=true": never,
		"cr-list-changed lastApplied=false":                 list,
		"cr-list-changed lastApplied=true":                  list,
		"cr-status-in-desired lastApplied=false":            status,
		"cr-status-in-desired lastApplied=true":             status,
		"ignore-16-lastApplied":                             pointer,
		"ignore-17":                                         pointer,
	}
}
