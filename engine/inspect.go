package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// Inspection is how far the state and the clusters agree about what is whose.
type Inspection struct {
	Applications []Inspected `json:"applications"` // of the state, sorted by address
	// Extra are objects that carry the marks of this installation, and that no record has.
	Extra []Found `json:"extra"`
	// Unread is what could not be read, so that it is not known, sorted.
	Unread []string `json:"unread,omitempty"`
}

// Inspected is an application of the state beside its cluster.
type Inspected struct {
	Address addr.Address `json:"address"`
	Cluster string       `json:"cluster"`
	Objects int          `json:"objects"`
	Serial  int64        `json:"serial"`
	// Parent is the serial that its parent has; 0 where there is none.
	Parent   int64    `json:"parent"`
	Findings []Found  `json:"findings"`
	Notes    []string `json:"notes,omitempty"` // that are no differences
}

// Found is an object about which state and cluster differ.
type Found struct {
	Cluster string     `json:"cluster"`
	Object  object.ID  `json:"object"`
	What    Difference `json:"what"`
	Detail  string     `json:"detail"`
}

// Difference is how state and cluster differ.
type Difference string

// The differences.
const (
	DiffMissing Difference = "missing" // it is in the state, and not on the cluster
	DiffAnother Difference = "another" // there is another object under its name
	DiffMarks   Difference = "marks"   // it is there, and does not carry the marks of its application
	DiffExtra   Difference = "extra"   // it carries marks, and is not in the state
	DiffOlder   Difference = "older"   // the parent knows of a later record
)

// Differs reports whether state and clusters differ.
func (i *Inspection) Differs() bool {
	return len(i.Extra) > 0 || slices.ContainsFunc(i.Applications, func(a Inspected) bool { return len(a.Findings) > 0 })
}

// Inspect compares the state with the clusters. Only metadata is read of objects. A cluster
// that the configuration does not have any more is not read: what is there is unread.
func (e *Engine) Inspect(ctx context.Context, config *lang.Config) (*Inspection, hcl.Diagnostics) {
	e.use(config)
	out := &Inspection{Extra: []Found{}, Applications: []Inspected{}}
	entries, err := e.options.Records.List(ctx)
	if err != nil {
		return nil, statusError("State cannot be read", err)
	}
	censuses, failed := e.censuses(ctx, config, func(string) bool { return true })
	var diags hcl.Diagnostics
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Cluster cannot be read", Detail: fmt.Sprintf("cluster %q: %s", name, failed[name])})
	}
	if ctx.Err() != nil {
		return nil, hcl.Diagnostics{cancelled(ctx)}
	}
	lineage := e.options.Records.Lineage()
	read := map[string]bool{}
	for _, c := range censuses {
		read[c.session.name] = true
		for _, text := range c.unread {
			out.Unread = append(out.Unread, fmt.Sprintf("cluster %q: %s", c.session.name, text))
		}
		out.inspect(ctx, e, c, lineage, entries)
	}
	for _, entry := range entries {
		if !read[entry.Cluster.Name] && failed[entry.Cluster.Name] == nil {
			out.Unread = append(out.Unread, fmt.Sprintf("%s: the configuration has no cluster %q", entry.Address, entry.Cluster.Name))
		}
	}
	slices.SortFunc(out.Applications, func(a, b Inspected) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(out.Extra, func(a, b Found) int { return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), a.Object.Compare(b.Object)) })
	return out, diags
}

// inspect compares what the state has on a cluster with the census of it.
func (i *Inspection) inspect(ctx context.Context, e *Engine, c *census, lineage string, entries []state.Versioned) {
	s := c.session
	seen := map[object.ID]*counted{}
	for n := range c.objects {
		seen[c.objects[n].object.ID()] = &c.objects[n]
	}
	ask := newWanted()
	served := map[object.ID]providers.Resource{}
	owners := map[object.ID]bool{}
	for _, entry := range entries {
		if entry.Cluster.Name != s.name {
			continue
		}
		for _, owned := range entry.Owns() {
			owners[owned.ID] = true
			if seen[owned.ID] != nil {
				continue
			}
			if resource, err := s.owned(ctx, &owned); err == nil {
				served[owned.ID] = resource
				ask.add(resource, owned.ID.Namespace, owned.ID.Name)
			}
		}
	}
	unmarked := ask.read(ctx, s.cluster, e.options.Parallelism, nil)
	for _, entry := range entries {
		if entry.Cluster.Name != s.name {
			continue
		}
		one := Inspected{Address: entry.Address, Cluster: s.name, Objects: len(entry.Objects), Serial: entry.Serial, Findings: []Found{}}
		if s.info.UID != entry.Cluster.UID {
			i.Unread = append(i.Unread, fmt.Sprintf("%s: %s", entry.Address, anotherCluster(s, entry.Record)))
			i.Applications = append(i.Applications, one)
			continue
		}
		for _, owned := range entry.Owns() {
			if what, detail := compareOwned(&owned, entry.Record, seen[owned.ID], unmarked, served, lineage); what != "" {
				one.Findings = append(one.Findings, Found{Cluster: s.name, Object: owned.ID, What: what, Detail: detail})
			}
		}
		one.compareParent(c.newest(lineage, entry.Address), entry.Record)
		i.Applications = append(i.Applications, one)
	}
	for id, have := range seen {
		if have.lineage == lineage && !owners[id] {
			i.Extra = append(i.Extra, Found{Cluster: s.name, Object: id, What: DiffExtra, Detail: fmt.Sprintf("it carries the marks of %s, whose record does not have it", have.address)})
		}
	}
	for n := range c.parents {
		parent := &c.parents[n]
		if parent.Lineage == lineage && !slices.ContainsFunc(entries, func(entry state.Versioned) bool { return entry.Address == parent.Address }) {
			id := object.ID{Kind: track.ParentGVK.Kind, Namespace: parent.Namespace, Name: parent.Name}
			i.Extra = append(i.Extra, Found{Cluster: s.name, Object: id, What: DiffExtra, Detail: fmt.Sprintf("it is the parent of %s at serial %d, which the state does not know", parent.Address, parent.Serial)})
		}
	}
}

// compareOwned says how an object differs from what the record has of it; empty where it
// does not. marked is what the census has under its name.
func compareOwned(owned *state.Owned, record *state.Record, marked *counted, unmarked *live, served map[object.ID]providers.Resource, lineage string) (Difference, string) {
	if marked == nil {
		resource, known := served[owned.ID]
		if !known {
			return DiffMissing, "the cluster does not have its kind"
		}
		have, err := unmarked.find(resource, owned.ID.Namespace, owned.ID.Name)
		switch {
		case err != nil:
			return "", "" // which is told as unread
		case have == nil && owned.UID == "":
			return "", "" // whether it was made is not known yet
		case have == nil:
			return DiffMissing, "it is in the state, and not on the cluster"
		case owned.UID != "" && have.UID() != owned.UID:
			return DiffAnother, fmt.Sprintf("there is another one under its name, with uid %s in place of %s", have.UID(), owned.UID)
		}
		return DiffMarks, "it is there, and does not carry the marks of its application"
	}
	switch {
	case owned.UID != "" && marked.object.UID() != owned.UID:
		return DiffAnother, fmt.Sprintf("there is another one under its name, with uid %s in place of %s", marked.object.UID(), owned.UID)
	case marked.lineage != lineage || marked.address != record.Address:
		return DiffMarks, fmt.Sprintf("it carries the marks of %s of the installation %s", marked.address, marked.lineage)
	case marked.object.Labels()[track.LabelPartOf] != track.SetID(lineage, record.Address):
		return DiffMarks, fmt.Sprintf("its label %s is %q, and that of the application is %q", track.LabelPartOf, marked.object.Labels()[track.LabelPartOf], track.SetID(lineage, record.Address))
	}
	return "", ""
}

// compareParent compares a record with the application's parent, which may be behind.
func (i *Inspected) compareParent(parent *track.Parent, record *state.Record) {
	if parent == nil {
		i.Notes = append(i.Notes, "it has no parent yet; the next apply that changes something writes one")
		return
	}
	i.Parent = parent.Serial
	if parent.Serial > record.Serial {
		id := object.ID{Kind: track.ParentGVK.Kind, Namespace: parent.Namespace, Name: parent.Name}
		i.Findings = append(i.Findings, Found{
			Cluster: i.Cluster, Object: id, What: DiffOlder,
			Detail: fmt.Sprintf("it says that serial %d was written, and the state has serial %d: the state is older than what was applied", parent.Serial, record.Serial),
		})
	}
}
