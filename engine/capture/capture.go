// Package capture takes snapshots of clusters for planning without them, and gives the
// state back that is in one.
//
// What a snapshot has is what a plan reads, taken down while one is made; values of
// Secrets, and what configurations name to be redacted, are replaced by fingerprints
// before that. Only cmd imports it.
package capture

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	kjson "sigs.k8s.io/json"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/providers/snapshot"
	"github.com/gantrycd/gantry/state"
	statememory "github.com/gantrycd/gantry/state/memory"
)

// Take takes a snapshot of what a plan of a configuration reads: of the applications
// of some clusters, or of all where none is named. Applications that cannot be
// planned are in the diagnostics as warnings; a cluster that cannot be read is an
// error, and there is no snapshot then.
func Take(ctx context.Context, config *lang.Config, options engine.Options, clusters []string) (*snapshot.Snapshot, hcl.Diagnostics) {
	failed := func(summary string, err error) (*snapshot.Snapshot, hcl.Diagnostics) {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: err.Error()}}
	}
	entries, err := options.Records.List(ctx)
	if err != nil {
		return failed("State cannot be read", err)
	}
	targets, err := of(config, entries, clusters)
	if err != nil {
		return failed("Unknown cluster", err)
	}
	recorder := snapshot.Record(options.Clusters, engine.Redactor(config, options.Fingerprinter))
	options.Clusters = recorder
	made, diags := engine.New(options).Plan(ctx, config, engine.PlanOptions{Targets: targets})
	if made == nil {
		return nil, diags
	}
	var told hcl.Diagnostics
	for _, problem := range made.Problems {
		told = append(told, &hcl.Diagnostic{
			Severity: hcl.DiagWarning, Summary: "Application is not in the snapshot",
			Detail: fmt.Sprintf("%s: %s. %s", problem.Address, problem.Summary, problem.Detail),
		})
	}
	out := &snapshot.Snapshot{
		ToolVersion: options.Version, TakenAt: made.CreatedAt, KeyCheck: options.Fingerprinter.KeyCheck(),
		State: snapshot.State{Lineage: options.Records.Lineage()},
	}
	if err := recorder.Into(ctx, out); err != nil {
		return failed("Cluster cannot be read", err)
	}
	if out.State.Records, err = remembered(entries, clusters); err != nil {
		return failed("State cannot be read", err)
	}
	if out.State.Generators, err = generators(ctx, options.Records); err != nil {
		return failed("State cannot be read", err)
	}
	return out, told
}

// of returns the applications of some clusters, those included that only the state
// knows; nil is all.
func of(config *lang.Config, entries []state.Versioned, clusters []string) ([]addr.Address, error) {
	if len(clusters) == 0 {
		return nil, nil
	}
	known := map[string]bool{}
	var out []addr.Address
	for _, app := range config.Applications {
		if app.Destination.Cluster != nil && slices.Contains(clusters, app.Destination.Cluster.Name) {
			known[app.Destination.Cluster.Name] = true
			out = append(out, app.Address)
		}
	}
	for _, entry := range entries {
		if slices.Contains(clusters, entry.Cluster.Name) {
			known[entry.Cluster.Name] = true
			out = append(out, entry.Address)
		}
	}
	for _, name := range clusters {
		if !known[name] {
			return nil, fmt.Errorf("no application goes to a cluster %q", name)
		}
	}
	slices.SortFunc(out, addr.Address.Compare)
	return slices.Compact(out), nil
}

// remembered are the records of some clusters, or of all, without the history: of it
// there is only what was last applied, to tell what moved.
func remembered(entries []state.Versioned, clusters []string) ([]json.RawMessage, error) {
	var out []json.RawMessage
	for _, entry := range entries {
		if len(clusters) > 0 && !slices.Contains(clusters, entry.Cluster.Name) {
			continue
		}
		record := *entry.Record
		record.History = nil
		if sources := entry.LastSources(); sources != nil {
			record.History = []state.Entry{{Outcome: "succeeded", Sources: sources}}
		}
		text, err := json.Marshal(&record)
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

func generators(ctx context.Context, records *state.Records) ([]snapshot.Generator, error) {
	had, err := records.Generators(ctx)
	if err != nil {
		return nil, err
	}
	var out []snapshot.Generator
	for address, keys := range had {
		out = append(out, snapshot.Generator{Address: address.String(), Keys: keys})
	}
	slices.SortFunc(out, func(a, b snapshot.Generator) int { return cmp.Compare(a.Address, b.Address) })
	return out, nil
}

// Restore returns the state that a snapshot has, in memory.
func Restore(ctx context.Context, s *snapshot.Snapshot) (*state.Records, error) {
	records, err := state.Open(ctx, statememory.New(), state.WithLineage(s.State.Lineage))
	if err != nil {
		return nil, err
	}
	for _, text := range s.State.Records {
		record := &state.Record{}
		if err := kjson.UnmarshalCaseSensitivePreserveInts(text, record); err != nil {
			return nil, errors.New("a record in the snapshot cannot be read")
		}
		record.Serial-- // it is what it was once it is written
		if _, err := records.Put(ctx, record, ""); err != nil {
			return nil, err
		}
	}
	for _, generator := range s.State.Generators {
		address, err := addr.Parse(generator.Address)
		if err != nil {
			return nil, fmt.Errorf("generator %q in the snapshot: %w", generator.Address, err)
		}
		if err := records.PutGenerator(ctx, address, generator.Keys); err != nil {
			return nil, err
		}
	}
	return records, nil
}
