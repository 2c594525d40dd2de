package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/home"
)

// listed is one cluster as list prints it in JSON.
type listed struct {
	Name             string     `json:"name"`
	Status           home.Phase `json:"status"`
	Message          string     `json:"message,omitempty"`
	Nodes            int        `json:"nodes"`
	ControlPlaneOnly bool       `json:"controlPlaneOnly"`
	Version          string     `json:"version,omitempty"`
	Server           string     `json:"server,omitempty"`
	Context          string     `json:"context,omitempty"`
	Kubeconfig       string     `json:"kubeconfig,omitempty"`
	Logs             string     `json:"logs,omitempty"`
	Created          time.Time  `json:"created,omitzero"`
	ParentPID        int        `json:"parentPID,omitempty"`
}

func (a *app) listCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the clusters",
		Long: `List the clusters.

A cluster is starting, ready, stopping, failed (a server has ended by itself:
the reason is shown, the logs are in the cluster's folder) or dead (its processes
have been killed). "gantry-cluster up" replaces a failed or dead one,
"gantry-cluster down" removes it.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			clusters, err := a.clusters()
			if err != nil {
				return err
			}
			if asJSON {
				encoder := json.NewEncoder(a.stdout)
				encoder.SetIndent("", "  ")
				return encoder.Encode(clusters)
			}
			return a.table(clusters)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

func (a *app) clusters() ([]listed, error) {
	h, err := a.home()
	if err != nil {
		return nil, err
	}
	names, err := h.Names()
	if err != nil {
		return nil, err
	}
	clusters := []listed{}
	for _, name := range names {
		dir := h.Dir(name)
		r, err := dir.Record()
		if errors.Is(err, home.ErrUnknown) {
			continue // removed a moment ago
		}
		if err != nil {
			return nil, err
		}
		l := listed{
			Name: name, Status: r.Phase, Message: r.Message, Nodes: r.Nodes, ControlPlaneOnly: r.ControlPlaneOnly,
			Version: r.Version, Server: r.Server, Context: r.Context, Created: r.Created, Logs: dir.Path("logs"),
		}
		if r.Phase == home.Ready {
			l.Kubeconfig = dir.Kubeconfig()
		}
		if r.Parent != nil {
			l.ParentPID = r.Parent.PID
		}
		clusters = append(clusters, l)
	}
	return clusters, nil
}

func (a *app) table(clusters []listed) error {
	if len(clusters) == 0 {
		_, err := fmt.Fprintln(a.stdout, "There are no clusters. Start one with \"gantry-cluster up\".")
		return err
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "NAME\tSTATUS\tNODES\tVERSION\tAGE\tSERVER")
	for _, c := range clusters {
		age := ""
		if !c.Created.IsZero() {
			age = duration.HumanDuration(time.Since(c.Created))
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\n", c.Name, c.Status, c.Nodes, c.Version, age, c.Server)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, c := range clusters {
		if c.Status != home.Failed {
			continue
		}
		if _, err := fmt.Fprintf(a.stdout, "\n%s: %s\nIts logs are in %s\n", c.Name, c.Message, c.Logs); err != nil {
			return err
		}
	}
	return nil
}

// notReady says why there is no kubeconfig, and what can be done.
func notReady(name string, r home.Record) error {
	switch r.Phase {
	case home.Failed:
		return fmt.Errorf("cluster %q has failed: %s; start it anew with \"gantry-cluster up --name %s\"", name, r.Message, name)
	case home.Dead:
		return fmt.Errorf("the processes of cluster %q have been killed; start it anew with \"gantry-cluster up --name %s\"", name, name)
	default:
		return fmt.Errorf("cluster %q is %s", name, r.Phase)
	}
}

func (a *app) kubeconfigCommand() *cobra.Command {
	var name string
	var path bool
	cmd := &cobra.Command{
		Use:   "kubeconfig",
		Short: "Print a cluster's kubeconfig, or where it is",
		Long: `Print a cluster's kubeconfig, or, with --path, the path of the file that has it.
It holds the key of the cluster's administrator.`,
		Example: `  export KUBECONFIG=$(gantry-cluster kubeconfig --path)`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			dir, err := a.dir(name)
			if err != nil {
				return err
			}
			record, err := dir.Record()
			if errors.Is(err, home.ErrUnknown) {
				return a.unknown(name)
			}
			if err != nil {
				return err
			}
			if record.Phase != home.Ready {
				return notReady(name, record)
			}
			if path {
				_, err := fmt.Fprintln(a.stdout, dir.Kubeconfig())
				return err
			}
			data, err := os.ReadFile(dir.Kubeconfig())
			if err != nil {
				return fmt.Errorf("read the kubeconfig of cluster %s: %w", name, err)
			}
			_, err = a.stdout.Write(data)
			return err
		},
	}
	a.nameFlag(cmd, &name, "name of the cluster")
	cmd.Flags().BoolVar(&path, "path", false, "print the file's path")
	return cmd
}
