package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/engine/capture"
	"github.com/gantrycd/gantry/providers/snapshot"
)

func newSnapshot(c *cli) *cobra.Command {
	var in inputs
	var out string
	var clusters []string
	work := workOptions{parallelism: defaultParallelism, command: "gantry snapshot"}
	command := &cobra.Command{
		Use:   "snapshot",
		Short: "Write what is needed to plan without the clusters",
		Long: `Reads of the clusters what a plan of the configuration reads, and writes it to a
file: who they are, the kinds and the schemas that they serve, the live objects, and
what the state remembers. "gantry plan --offline --snapshot FILE" plans with it, on a
machine that has no way to the clusters and no credentials for them.

Values of Secrets, and fields that the configuration names to be redacted, are not in
the file: fingerprints stand in for them, made with the key of this installation.`,
		Example: `  gantry snapshot --out clusters.gantrysnapshot
  gantry snapshot --out production.gantrysnapshot --cluster production
  gantry plan --offline --snapshot clusters.gantrysnapshot`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return &usageError{command: cmd.CommandPath(), err: errors.New("--out is needed: the file to write")}
			}
			return c.snapshot(cmd.Context(), &in, work, out, clusters)
		},
	}
	in.register(c, command)
	flags := command.Flags()
	flags.StringVarP(&out, "out", "o", "", "`file` to write, as seen from the current directory")
	flags.StringArrayVar(&clusters, "cluster", nil, "only this cluster, by its `name`; may be repeated")
	flags.IntVar(&work.parallelism, "parallelism", defaultParallelism, "`number` of sources rendered, and of requests to a cluster, at once")
	flags.BoolVar(&work.noInput, "no-input", false, "never ask: what is missing is an error")
	complete(command, "cluster", c.clusterCompletions())
	return command
}

// taken is the result of a snapshot as JSON.
type taken struct {
	File     string         `json:"file"`
	TakenAt  string         `json:"takenAt"`
	Bytes    int64          `json:"bytes"`
	Clusters []takenCluster `json:"clusters"`
}

type takenCluster struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Objects int    `json:"objects"`
	Schemas int    `json:"schemas"`
}

func (c *cli) snapshot(ctx context.Context, in *inputs, work workOptions, out string, clusters []string) error {
	work.right = access.Plan
	w, err := c.begin(ctx, in, work)
	if err != nil {
		return err
	}
	defer w.end()
	made, diags := capture.Take(ctx, w.config, w.with, clusters)
	w.progress.pause()
	diags = append(slices.Clone(w.diags), diags...)
	c.printDiagnostics(w.files, diags)
	if made == nil {
		return failed(diags)
	}
	if err := snapshot.WriteFile(out, made); err != nil {
		return failure("Snapshot cannot be written", err)
	}
	result := taken{File: out, TakenAt: made.TakenAt.Format("2006-01-02T15:04:05Z07:00"), Clusters: []takenCluster{}}
	if info, err := os.Stat(out); err == nil {
		result.Bytes = info.Size()
	}
	for _, content := range made.Clusters {
		cluster := takenCluster{Name: content.Name, Version: content.Version, Schemas: len(content.Schemas)}
		for _, list := range content.Lists {
			cluster.Objects += len(list.Objects)
		}
		result.Clusters = append(result.Clusters, cluster)
	}
	if c.json {
		err = c.writeJSON(result)
	} else {
		for _, cluster := range result.Clusters {
			fmt.Fprintf(c.out, "%s (%s): %s, the schemas of %s\n", cluster.Name, cluster.Version, count(cluster.Objects, "object"), count(cluster.Schemas, "group"))
		}
		_, err = fmt.Fprintf(c.out, "Saved to %s. To plan with it:\n\n  gantry plan --offline --snapshot %s\n", out, quoted(out))
	}
	if err != nil {
		return err
	}
	return failed(diags)
}

// restore has an engine work with a snapshot in place of clusters and state.
func restore(ctx context.Context, setup *engine.Options, taken *snapshot.Snapshot) error {
	records, err := capture.Restore(ctx, taken)
	if err != nil {
		return failure("Snapshot cannot be read", err)
	}
	setup.Clusters, setup.Records = taken.Answering(), records
	return nil
}

// clusterCompletions completes names of clusters.
func (c *cli) clusterCompletions() completer {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		read, _, err := c.evaluate(cmd.Context(), &inputs{}, nil)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, cluster := range read.config.Clusters {
			names = append(names, cluster.Name)
		}
		slices.Sort(names)
		return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
	}
}
