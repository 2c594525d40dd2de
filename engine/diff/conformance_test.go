package diff_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/argocd/conformance"
	"github.com/gantrycd/gantry/plan/object"
)

type diffCase struct {
	ID                    string
	Desired, Live         object.Object
	ExpectedInSync        bool
	IgnoreDifferences     []ignored
	ResourceOverrides     map[string]override
	IgnoreAggregatedRoles bool
}

// override is a setting of the whole installation for a kind.
type override struct {
	ignored
	KnownTypeFields []any
}

// ignored is a rule of what is ignored.
type ignored struct {
	Group, Kind, Name, Namespace string
	JSONPointers                 []string
	JQPathExpressions            []string
	ManagedFieldsManagers        []string
}

// rules are the case's, and those of the whole installation, which are an application's
// here: for the kinds that their keys name.
func (c diffCase) rules() []ignored {
	out := slices.Clone(c.IgnoreDifferences)
	for key, rule := range c.ResourceOverrides {
		if group, kind, both := strings.Cut(key, "/"); both {
			rule.Group, rule.Kind = group, kind
		} else {
			rule.Kind = key
		}
		out = append(out, rule.ignored)
	}
	return out
}

// notOurs says why a case is about something that there is none of here; empty where it
// is not.
func (c diffCase) notOurs() string {
	switch {
	case c.Desired == nil || c.Live == nil:
		return "an object that is created or deleted is a change as a whole; Argo CD compares it with nothing"
	case slices.ContainsFunc(slices.Collect(maps.Values(c.ResourceOverrides)), func(o override) bool { return o.KnownTypeFields != nil }):
		return "what type a field of a custom resource has says its CRD; Argo CD is told so by a setting, by which 1000m and 1 are the same"
	case c.IgnoreAggregatedRoles:
		return "the rules of an aggregated role are its controller's where the manifest leaves them out; Argo CD has a setting that ignores them where it does not"
	case strings.HasPrefix(c.ID, "tracking-"):
		return "Argo CD's marks of what belongs to an application are no marks here: the state says it"
	}
	return ""
}

// TestConformance compares whether something differs with what Argo CD's
// client-side diff says. A server-side apply is asked of the API server's field
// manager: what was last applied, if anything, is ours, and live was then made
// someone else's. Ownership that changes alone is no difference here.
func TestConformance(t *testing.T) {
	different := deliberate()
	tally := conformance.Count(t, conformance.Differences)
	list := conformance.Cases[diffCase](t, "diff/diff_cases.jsonl")
	for _, c := range list {
		if why := c.notOurs(); why != "" {
			tally.Differ(why)
			continue
		}
		got, err := inSync(t, c)
		reason, listed := different[c.ID]
		switch {
		case err == nil && got == c.ExpectedInSync && listed:
			tally.Fail("%s is as Argo CD, and listed as different: %s", c.ID, reason)
		case listed:
			tally.Differ(reason)
		case err != nil:
			tally.Fail("%s: %v", c.ID, err)
		case got == c.ExpectedInSync:
			tally.Agree()
		default:
			tally.Fail("%s: in sync %v, want %v", c.ID, got, c.ExpectedInSync)
		}
	}
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
	for _, i := range c.rules() {
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
// namespace of its destination, labels of the live one are texts, an entry of its
// managed fields says of which version it is, and the template of its pods has the
// securityContext that the API server gives each.
func possible(desired, live object.Object) {
	if live.Namespace() != "" && desired.Namespace() == "" {
		desired.Metadata()["namespace"] = live.Namespace()
	}
	if spec, found := live.Get("spec", "template", "spec"); found {
		if pod, _ := spec.(map[string]any); pod != nil && pod["securityContext"] == nil {
			pod["securityContext"] = map[string]any{}
		}
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
		null    = "where null is, an empty list is written, once; Argo CD takes both for the same"
		list    = "a list of a custom resource is one value: what somebody adds to an item of it is drift. (What its CRD adds to an item is none: the dry run adds it, too.) Argo CD sees neither"
		status  = "a status in a manifest is passed over: it is the controller's, and an apply does not write it. In Argo CD the application is never in sync"
		pointer = "a pointer that is none is an error, with the place; in Argo CD a rule that does nothing"
	)
	return map[string]string{
		"role-null-rules lastApplied=false":      null,
		"cr-list-changed lastApplied=false":      list,
		"cr-list-changed lastApplied=true":       list,
		"cr-status-in-desired lastApplied=false": status,
		"cr-status-in-desired lastApplied=true":  status,
		"ignore-16-lastApplied":                  pointer,
		"ignore-17":                              pointer,
	}
}
