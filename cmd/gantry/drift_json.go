package main

import (
	"io"
	"slices"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/plan"
)

// driftFormat is the version of the JSON: within 1, members are only added.
const driftFormat = "1.0"

type driftJSON struct {
	FormatVersion string             `json:"formatVersion"`
	Drifted       bool               `json:"drifted"`
	Applications  []driftApplication `json:"applications"`
}

type driftApplication struct {
	Address   string         `json:"address"`
	Cluster   string         `json:"cluster"`
	Namespace string         `json:"namespace"`
	AppliedAt *time.Time     `json:"appliedAt"`
	Checked   int            `json:"checked"`
	Unknown   string         `json:"unknown"`
	Managers  []driftManager `json:"managers"`
	Objects   []driftObject  `json:"objects"`
}

// driftManager sums up what one manager did to an application.
type driftManager struct {
	Manager string     `json:"manager"`
	Objects int        `json:"objects"`
	Fields  int        `json:"fields"`
	LastAt  *time.Time `json:"lastAt"`
}

type driftObject struct {
	Group     string           `json:"group"`
	Version   string           `json:"version"`
	Kind      string           `json:"kind"`
	Namespace string           `json:"namespace"`
	Name      string           `json:"name"`
	How       engine.DriftKind `json:"how"`
	By        string           `json:"by"`
	Known     bool             `json:"known"`
	Fields    []driftField     `json:"fields"`
}

type driftField struct {
	Path      string     `json:"path"`
	How       string     `json:"how"` // "changed", "removed", "added" or "taken"
	Applied   any        `json:"applied"`
	Live      any        `json:"live"`
	Sensitive bool       `json:"sensitive"`
	Manager   string     `json:"manager"`
	Operation string     `json:"operation"`
	At        *time.Time `json:"at"`
}

// writeDrift writes drift for programs.
func writeDrift(w io.Writer, d *engine.Drift) error {
	out := driftJSON{FormatVersion: driftFormat, Drifted: d.Drifted(), Applications: []driftApplication{}}
	for i := range d.Applications {
		out.Applications = append(out.Applications, driftApplicationOf(&d.Applications[i]))
	}
	encoder := jsonEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(out)
}

func driftApplicationOf(a *engine.DriftedApplication) driftApplication {
	out := driftApplication{
		Address: a.Address.String(), Cluster: a.Cluster, Namespace: a.Namespace, AppliedAt: timeOrNil(a.AppliedAt),
		Checked: a.Checked, Unknown: a.Unknown, Managers: driftManagers(a), Objects: []driftObject{},
	}
	for i := range a.Objects {
		o := &a.Objects[i]
		found := driftObject{
			Group: o.ID.Group, Version: o.Version, Kind: o.ID.Kind, Namespace: o.ID.Namespace, Name: o.ID.Name,
			How: o.How, By: o.By, Known: o.Known, Fields: []driftField{},
		}
		for j := range o.Fields {
			found.Fields = append(found.Fields, driftFieldOf(&o.Fields[j]))
		}
		out.Objects = append(out.Objects, found)
	}
	return out
}

// driftFieldOf turns what a plan would put back into what became of the field.
func driftFieldOf(f *plan.FieldChange) driftField {
	out := driftField{Path: f.Path, Applied: f.After, Live: f.Before, Sensitive: f.Sensitive}
	switch {
	case f.Owned:
		out.How, out.Live = "taken", f.After
	case f.Kind == plan.Added:
		out.How = "removed"
	case f.Kind == plan.Removed:
		out.How = "added"
	case f.Kind == plan.Changed:
		out.How = "changed"
	}
	if f.Drift != nil {
		out.Manager, out.Operation, out.At = f.Drift.Manager, f.Drift.Operation, timeOrNil(f.Drift.At)
	}
	return out
}

// driftManagers sums up by manager, sorted by name.
func driftManagers(a *engine.DriftedApplication) []driftManager {
	out := []driftManager{}
	for i := range a.Objects {
		seen := map[string]bool{}
		for _, f := range a.Objects[i].Fields {
			if f.Drift == nil {
				continue
			}
			at := slices.IndexFunc(out, func(m driftManager) bool { return m.Manager == f.Drift.Manager })
			if at < 0 {
				at = len(out)
				out = append(out, driftManager{Manager: f.Drift.Manager})
			}
			m := &out[at]
			m.Fields++
			if !seen[m.Manager] {
				seen[m.Manager] = true
				m.Objects++
			}
			if last := timeOrNil(f.Drift.At); last != nil && (m.LastAt == nil || last.After(*m.LastAt)) {
				m.LastAt = last
			}
		}
	}
	slices.SortFunc(out, func(a, b driftManager) int {
		if a.Manager < b.Manager {
			return -1
		}
		return 1
	})
	return out
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
