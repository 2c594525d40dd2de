package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/home"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/process"
)

// maxNodes is how many nodes have addresses of their own; see simulate.
const maxNodes = 1000

type upOptions struct {
	name             string
	nodes            int
	controlPlaneOnly bool
	withParent       bool
	parentPID        int
	kubeconfig       string
	timeout          time.Duration
	json             bool
}

func (a *app) upCommand() *cobra.Command {
	var o upOptions
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start a cluster and wait until it is ready",
		Long: `Start a cluster and wait until it is ready.

The cluster runs in the background until "gantry-cluster down". If it is
up already, this says so, changes nothing and succeeds. What is left of a
cluster whose processes have been killed is removed first.

With --with-parent the cluster belongs to the process that started this
command, usually a shell or a test: when that process ends, however it
does, the cluster ends and its files are removed. --parent-pid names another
process instead, as in a Makefile, where each line has a shell of its own.

With --control-plane-only there are etcd, kube-apiserver and
kube-controller-manager: objects can be stored, owners' deletion is followed and
namespaces can be deleted, but there are no nodes, no scheduler, no storage
class and nobody who hands out addresses.`,
		Example: `  gantry-cluster up
  gantry-cluster up --name staging --nodes 10
  gantry-cluster up --name ci --with-parent --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.controlPlaneOnly && cmd.Flags().Changed("nodes") {
				return errors.New("--nodes and --control-plane-only exclude each other: a control plane only has no nodes")
			}
			if cmd.Flags().Changed("parent-pid") {
				o.withParent = true
			} else {
				o.parentPID = os.Getppid()
			}
			return a.up(o)
		},
	}
	a.nameFlag(cmd, &o.name, "name of the cluster")
	flags := cmd.Flags()
	flags.IntVar(&o.nodes, "nodes", 3, "number of simulated nodes")
	flags.BoolVar(&o.controlPlaneOnly, "control-plane-only", false, "no scheduler, nodes, storage class and load balancers")
	flags.BoolVar(&o.withParent, "with-parent", false, "end the cluster when the process that starts this command ends")
	flags.IntVar(&o.parentPID, "parent-pid", 0, "end the cluster when the process with this id ends")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "write a copy of the kubeconfig to this file too")
	flags.DurationVar(&o.timeout, "timeout", 3*time.Minute, "how long the cluster may take to become ready")
	flags.BoolVar(&o.json, "json", false, "print the result as JSON")
	return cmd
}

func (o *upOptions) check() error {
	switch {
	case o.nodes < 1:
		return fmt.Errorf("--nodes is %d, at least 1 is needed; for a cluster without nodes there is --control-plane-only", o.nodes)
	case o.nodes > maxNodes:
		return fmt.Errorf("--nodes is %d, at most %d are possible", o.nodes, maxNodes)
	case o.timeout <= 0:
		return fmt.Errorf("--timeout is %s, it must be more than nothing", o.timeout)
	}
	return home.CheckName(o.name)
}

func (a *app) up(o upOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	dir, err := a.dir(o.name)
	if err != nil {
		return err
	}
	record := home.Record{
		Name:             o.name,
		Phase:            home.Starting,
		Created:          time.Now().UTC().Truncate(time.Millisecond),
		Nodes:            o.nodes,
		ControlPlaneOnly: o.controlPlaneOnly,
	}
	if o.controlPlaneOnly {
		record.Nodes = 0
	}
	if record.Supervisor, err = process.Find(os.Getpid()); err != nil {
		return fmt.Errorf("find this process: %w", err)
	}
	if o.kubeconfig != "" {
		if err := checkCopy(o.kubeconfig, o.name); err != nil {
			return err
		}
	}
	if o.withParent {
		parent, err := process.Find(o.parentPID)
		if err != nil {
			return fmt.Errorf("find the process %d that the cluster is to end with: %w", o.parentPID, err)
		}
		record.Parent = &parent
	}

	if len(a.programs) == 0 {
		return errors.New("this binary was built without its servers; cmd/gantry-cluster/build.sh builds it with them")
	}

	// From here on an interruption is acted on, not died of: the cluster that is
	// half up has to be taken down.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()

	lock, err := a.acquire(ctx, dir, o.timeout)
	if errors.Is(err, errAlreadyUp) {
		return a.reportUp(dir, o, true)
	}
	if err != nil {
		return err
	}
	if err := clearLeftovers(ctx, dir, lock); err != nil {
		return errors.Join(err, lock.Release())
	}
	if err := a.start(ctx, dir, lock, record, o.timeout); err != nil {
		return err
	}
	return a.reportUp(dir, o, false)
}

// result is what up prints as JSON.
type result struct {
	Name       string `json:"name"`
	Kubeconfig string `json:"kubeconfig"`
	Context    string `json:"context"`
	Server     string `json:"server"`
	Version    string `json:"version"`
	Nodes      int    `json:"nodes"`
	// AlreadyUp says that the cluster was there before.
	AlreadyUp bool `json:"alreadyUp"`
}

func (a *app) reportUp(dir home.Dir, o upOptions, already bool) error {
	record, err := dir.Record()
	if err != nil {
		return err
	}
	path := dir.Kubeconfig()
	if o.kubeconfig != "" {
		if path, err = copyKubeconfig(dir, o.kubeconfig); err != nil {
			return err
		}
	}
	if o.json {
		encoder := json.NewEncoder(a.stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(result{
			Name: record.Name, Kubeconfig: path, Context: record.Context, Server: record.Server,
			Version: record.Version, Nodes: record.Nodes, AlreadyUp: already,
		})
	}
	var b strings.Builder
	if already {
		fmt.Fprintf(&b, "Cluster %q is up already: Kubernetes %s, %s, at %s\n", o.name, record.Version, shape(record), record.Server)
	} else {
		took := time.Since(record.Created).Round(100 * time.Millisecond)
		fmt.Fprintf(&b, "Cluster %q is ready after %s: Kubernetes %s, %s, at %s\n", o.name, took, record.Version, shape(record), record.Server)
	}
	fmt.Fprintf(&b, "\n  export KUBECONFIG=%s\n", shellQuote(path))
	_, err = fmt.Fprint(a.stdout, b.String())
	return err
}

func shape(r home.Record) string {
	switch {
	case r.ControlPlaneOnly:
		return "control plane only"
	case r.Nodes == 1:
		return "1 simulated node"
	default:
		return fmt.Sprintf("%d simulated nodes", r.Nodes)
	}
}

// shellQuote returns s as one word of a POSIX shell.
func shellQuote(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("/._-+@%=:,", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
