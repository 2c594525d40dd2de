package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/engine/order"
	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// RebuildOptions say what is rebuilt.
type RebuildOptions struct {
	// Clusters are the names of those that are read; empty is all of the configuration.
	Clusters []string
	// Lineage is the installation whose objects are looked for; empty is the state's, or,
	// where that has none, the only one that there are objects of.
	Lineage string
	// Replace has records be what was found, also where they have more.
	Replace bool
}

// Recovery is what the clusters say that the state should have.
type Recovery struct {
	Lineage      string    `json:"lineage"`
	Applications []Rebuilt `json:"applications"` // sorted by address
	// Unread is what could not be read, so that something may be missing, sorted.
	Unread []string `json:"unread,omitempty"`
}

// Rebuilt is the record of an application as the clusters say that it should be.
type Rebuilt struct {
	Address addr.Address `json:"address"`
	Cluster string       `json:"cluster"`
	// Objects are how many there are on the cluster, and Added those that the state does not
	// have, or has as others.
	Objects int `json:"objects"`
	Added   int `json:"added"`
	// Lost are how many the state has and the cluster does not; they leave the record only
	// where it is replaced.
	Lost int `json:"lost"`
	// Parent is the serial on its parent; 0 where there is none.
	Parent int64 `json:"parent"`
	// Write tells that the record is to be written: it is not there, is broken, or is behind.
	Write  bool   `json:"write"`
	Was    string `json:"was"` // "absent", "broken", "behind", "complete"
	record *state.Record
}

// Writes reports whether there is anything to write.
func (r *Recovery) Writes() bool {
	return slices.ContainsFunc(r.Applications, func(a Rebuilt) bool { return a.Write })
}

// ErrLineages means that the clusters have objects of several installations.
type ErrLineages struct {
	Objects map[string]int // by lineage
}

// Error implements error.
func (e *ErrLineages) Error() string {
	var those []string
	for _, lineage := range slices.Sorted(maps.Keys(e.Objects)) {
		those = append(those, fmt.Sprintf("%s (%d objects)", lineage, e.Objects[lineage]))
	}
	return "the clusters have objects of several installations: " + strings.Join(those, ", ") + ". Say with --lineage which one this is to be"
}

// Rebuild finds out from the clusters what the state should have. Without Records it is of
// a state that there is not any more. Nothing is written, to a cluster or the state.
func (e *Engine) Rebuild(ctx context.Context, config *lang.Config, options RebuildOptions) (*Recovery, hcl.Diagnostics) {
	e.use(config)
	out := &Recovery{Lineage: options.Lineage}
	found, failed := e.censuses(ctx, config, func(name string) bool {
		return len(options.Clusters) == 0 || slices.Contains(options.Clusters, name)
	})
	var diags hcl.Diagnostics
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Cluster cannot be read", Detail: fmt.Sprintf("cluster %q: %s", name, failed[name])})
	}
	if len(found) == 0 || ctx.Err() != nil {
		return nil, diags
	}
	known, broken, err := e.recorded(ctx)
	if err != nil {
		return nil, append(diags, statusError("State cannot be read", err)...)
	}
	if out.Lineage == "" && len(known) > 0 {
		out.Lineage = e.options.Records.Lineage()
	}
	if out.Lineage == "" {
		if out.Lineage, err = theLineage(found); err != nil {
			return nil, append(diags, statusError("Which installation is not known", err)...)
		}
	}
	seen := map[addr.Address]string{}
	for _, c := range found {
		for _, text := range c.unread {
			out.Unread = append(out.Unread, fmt.Sprintf("cluster %q: %s", c.session.name, text))
		}
		for _, made := range c.records(out.Lineage, config, e) {
			if other := seen[made.Address]; other != "" {
				diags = append(diags, &hcl.Diagnostic{
					Severity: hcl.DiagError, Summary: "Application is on two clusters",
					Detail: fmt.Sprintf("%s has objects on cluster %q and on cluster %q, of the same installation: one record cannot be of both. Rebuild with --cluster, and delete what is left over on the other.", made.Address, other, c.session.name),
				})
				continue
			}
			seen[made.Address] = c.session.name
			made.settle(known[made.Address], broken[made.Address], options.Replace)
			out.Applications = append(out.Applications, made)
		}
	}
	slices.SortFunc(out.Applications, func(a, b Rebuilt) int { return a.Address.Compare(b.Address) })
	return out, diags
}

// recorded reads the records that there are, and which of them are broken.
func (e *Engine) recorded(ctx context.Context) (known map[addr.Address]*state.Record, broken map[addr.Address]bool, err error) {
	known, broken = map[addr.Address]*state.Record{}, map[addr.Address]bool{}
	if e.options.Records == nil {
		return known, broken, nil
	}
	entries, err := e.options.Records.List(ctx)
	for _, entry := range entries {
		known[entry.Address] = entry.Record
	}
	for _, one := range flat(err) {
		var fault *state.BrokenError
		if !errors.As(one, &fault) {
			return nil, nil, err
		}
		address, parseErr := state.ParseRecordKey(fault.Key)
		if parseErr != nil {
			return nil, nil, err
		}
		broken[address] = true
	}
	return known, broken, nil
}

// flat returns the errors that are joined in one.
func flat(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// theLineage returns the only installation that the clusters have objects of.
func theLineage(found []*census) (string, error) {
	objects := map[string]int{}
	for _, c := range found {
		for i := range c.objects {
			objects[c.objects[i].lineage]++
		}
		for i := range c.parents {
			objects[c.parents[i].Lineage] += 0
		}
	}
	switch len(objects) {
	case 0:
		return "", errors.New("nothing on the clusters carries the marks of an installation: there is nothing to rebuild from")
	case 1:
		for lineage := range objects {
			return lineage, nil
		}
	}
	return "", &ErrLineages{objects}
}

// records makes the records of an installation's applications on a cluster.
func (c *census) records(lineage string, config *lang.Config, e *Engine) []Rebuilt {
	made := map[addr.Address]*Rebuilt{}
	of := func(address addr.Address) *Rebuilt {
		if made[address] == nil {
			made[address] = c.begun(lineage, address, config)
		}
		return made[address]
	}
	for i := range c.objects {
		one := &c.objects[i]
		if one.lineage != lineage {
			continue
		}
		r := of(one.address)
		r.record.Own(c.owned(one, r.record.Namespace, e))
		r.Objects++
	}
	for i := range c.parents {
		if c.parents[i].Lineage == lineage {
			of(c.parents[i].Address)
		}
	}
	out := make([]Rebuilt, 0, len(made))
	for _, r := range made {
		out = append(out, *r)
	}
	return out
}

// begun is the record of an application without its objects: as the configuration says, or
// else as its parent does.
func (c *census) begun(lineage string, address addr.Address, config *lang.Config) *Rebuilt {
	s := c.session
	record := &state.Record{
		Address: address, Lineage: lineage, Name: address.Name, Objects: []state.Owned{},
		Cluster: state.Cluster{Name: s.name, UID: s.info.UID, Connection: s.connection},
	}
	out := &Rebuilt{Address: address, Cluster: s.name, record: record}
	if parent := c.newest(lineage, address); parent != nil {
		out.Parent, record.Serial = parent.Serial, parent.Serial
		record.Parent = &state.Parent{Namespace: parent.Namespace, Name: parent.Name, UID: parent.UID}
		record.Name, record.Project, record.Namespace = cmp.Or(parent.Record.Name, address.Name), parent.Record.Project, parent.Record.Namespace
		record.DependsOn, record.Settings = parent.Record.DependsOn, parent.Record.Settings
	}
	for _, app := range config.Applications {
		if app.Address != address {
			continue
		}
		record.Name, record.Namespace, record.Settings = app.Name, app.Destination.Namespace, (&draft{app: app}).settings()
		record.Settings.As = declaredAs(app)
		record.Project, record.DependsOn = "", nil
		if app.Project != nil {
			record.Project = app.Project.Name
		}
		for _, dependency := range app.DependsOn {
			record.DependsOn = append(record.DependsOn, dependency.Address)
		}
	}
	return out
}

// owned is an object as a record has it. The namespace that an application is in may have
// been there for others: it stays when the application leaves.
func (c *census) owned(one *counted, namespace string, e *Engine) state.Owned {
	o := one.object
	version := e.differ.AppliedVersion(o, one.resource.GVK.Version)
	placement := order.Annotations(o)
	id := o.ID()
	return state.Owned{
		ID: id, Version: version, Plural: one.resource.Plural, Namespaced: one.resource.Namespaced, UID: o.UID(),
		Wave: placement.Wave, Hook: placement.Hook, Fields: e.differ.Owned(o, version),
		Keep: id.GroupKind() == (object.GroupKind{Kind: "Namespace"}) && id.Name == namespace,
	}
}

// settle compares what was found with the record that there is, and decides what is
// written: what was found and is not in it is added, and nothing is taken out unless the
// record is to be replaced.
func (r *Rebuilt) settle(have *state.Record, broken, replace bool) {
	switch {
	case broken:
		r.Was, r.Write, r.Added = "broken", true, r.Objects
		return
	case have == nil:
		r.Was, r.Write, r.Added = "absent", true, r.Objects
		return
	}
	merged := *have
	merged.Objects = slices.Clone(have.Objects)
	merged.Serial = max(have.Serial, r.Parent)
	for _, found := range r.record.Objects {
		if known := have.Find(found.ID); known == nil || known.UID != found.UID {
			merged.Own(found)
			r.Added++
		}
	}
	for _, known := range have.Objects {
		if r.record.Find(known.ID) == nil {
			r.Lost++
			if replace {
				merged.Disown(known.ID)
			}
		}
	}
	r.record, r.Was = &merged, "complete"
	if r.Added > 0 || merged.Serial > have.Serial || replace && r.Lost > 0 {
		r.Was, r.Write = "behind", true
	}
}

// Write writes the records that are to be written.
func (r *Recovery) Write(ctx context.Context, records *state.Records) error {
	for i := range r.Applications {
		if made := &r.Applications[i]; made.Write {
			if err := records.Overwrite(ctx, made.record); err != nil {
				return fmt.Errorf("%s: %w", made.Address, err)
			}
		}
	}
	return nil
}

// Accept gives a record a serial above that of its parents, so that plans and applies go by
// what the state has, however old. An application that the state does not know begins with
// nothing. It returns the serial that was accepted, 0 where there was nothing to accept.
func (e *Engine) Accept(ctx context.Context, config *lang.Config, records *state.Records, address addr.Address) (int64, error) {
	e.use(config)
	record, _, err := records.Get(ctx, address)
	if err != nil {
		return 0, err
	}
	sessions := e.newSessions(false)
	for _, c := range config.Clusters {
		sessions.known(c)
	}
	if record != nil {
		sessions.recorded(record)
	} else {
		for _, c := range config.Clusters {
			sessions.add(c, nil)
		}
	}
	sessions.connect(ctx)
	var errs []error
	for _, s := range sessions.list() {
		if s.err != nil {
			errs = append(errs, clusterError(s))
			continue
		}
		namespaces := namespacesOf(config, s.name)
		if record != nil {
			namespaces = append(namespaces, placeOfParent(record.Namespace))
		}
		found, err := e.readParents(ctx, s.cluster, records.Lineage(), namespaces)
		if err != nil {
			errs = append(errs, fmt.Errorf("cluster %q: %w", s.name, err))
			continue
		}
		parent := found.newest(address)
		if parent == nil || record != nil && parent.Serial <= record.Serial {
			continue
		}
		made := (&census{session: s, parents: []track.Parent{*parent}}).begun(records.Lineage(), address, config).record
		_, err = records.Raise(ctx, made, parent.Serial)
		return parent.Serial, err
	}
	return 0, errors.Join(errs...)
}

// RemoveParent deletes the parent of an application that the state forgets, if its cluster
// can be reached.
func (e *Engine) RemoveParent(ctx context.Context, config *lang.Config, record *state.Record) error {
	e.use(config)
	sessions := e.newSessions(false)
	for _, c := range config.Clusters {
		sessions.known(c)
	}
	s := sessions.recorded(record)
	sessions.connect(ctx)
	if s.err != nil {
		return clusterError(s)
	}
	if s.info.UID != record.Cluster.UID {
		return nil // it is another one by now
	}
	found, err := e.readParents(ctx, s.cluster, record.Lineage, append(namespacesOf(config, s.name), placeOfParent(record.Namespace)))
	if err != nil {
		return err
	}
	for i := range found[record.Address] {
		if err := deleteParent(ctx, s.cluster, &found[record.Address][i]); err != nil {
			return err
		}
	}
	return nil
}
