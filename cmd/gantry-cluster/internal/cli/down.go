package cli

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/home"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/process"
)

// downPatience is how long a supervisor may take to end its servers before it is
// killed, and they with it.
const downPatience = 30 * time.Second

func (a *app) downCommand() *cobra.Command {
	var name string
	var all bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "End a cluster and remove all of it",
		Long: `End a cluster and remove all of it: its processes, its data, its logs and its
kubeconfig. What is left of a cluster that has failed or whose processes have
been killed is removed too.`,
		Example: `  gantry-cluster down
  gantry-cluster down --name staging
  gantry-cluster down --all`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if all && cmd.Flags().Changed("name") {
				return errors.New("--name and --all exclude each other")
			}
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			if all {
				return a.downAll(ctx)
			}
			dir, err := a.dir(name)
			if err != nil {
				return err
			}
			if !dir.Exists() {
				return a.unknown(name)
			}
			return a.down(ctx, dir)
		},
	}
	a.nameFlag(cmd, &name, "name of the cluster")
	cmd.Flags().BoolVar(&all, "all", false, "end every cluster")
	return cmd
}

func (a *app) downAll(ctx context.Context) error {
	h, err := a.home()
	if err != nil {
		return err
	}
	names, err := h.Names()
	if err != nil {
		return err
	}
	if len(names) == 0 {
		_, err := fmt.Fprintln(a.stdout, "There are no clusters")
		return err
	}
	var failures []error
	for _, name := range names {
		failures = append(failures, a.down(ctx, h.Dir(name)))
	}
	return errors.Join(failures...)
}

// down asks the supervisor to end the cluster and waits until the folder is gone.
func (a *app) down(ctx context.Context, dir home.Dir) error {
	ctx, cancel := context.WithTimeout(ctx, 2*downPatience)
	defer cancel()
	asked := process.ID{}
	var since time.Time
	for {
		lock, err := dir.Lock()
		if err == nil {
			return a.remove(ctx, dir, lock, asked != process.ID{})
		}
		if !errors.Is(err, home.ErrLocked) {
			return err
		}
		record, err := dir.Record()
		if err != nil && !errors.Is(err, home.ErrUnknown) {
			return err
		}
		// Who starts a cluster has the lock before its supervisor does, and takes
		// the cluster down on the same signal.
		switch who := record.Supervisor; {
		case who.Alive() && who != asked:
			asked, since = who, time.Now()
			err = who.Signal(unix.SIGTERM)
		case who.Alive() && time.Since(since) > downPatience:
			fmt.Fprintf(a.stderr, "Cluster %q has not ended in %s, killing it\n", dir.Name(), downPatience)
			since = time.Now()
			err = who.Signal(unix.SIGKILL)
		}
		if err != nil && !errors.Is(err, process.ErrGone) && !errors.Is(err, home.ErrUnknown) {
			return err
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("cluster %q has not ended yet: %w", dir.Name(), err)
		}
	}
}

// remove removes what is in a locked folder. After a supervisor that has done its
// work that is nothing but the lock just made.
func (a *app) remove(ctx context.Context, dir home.Dir, lock *home.Lock, ended bool) error {
	said := "What was left of cluster %q is removed\n"
	if ended {
		said = "Cluster %q is down\n"
	}
	if err := killChildren(ctx, dir); err != nil {
		return errors.Join(err, lock.Release())
	}
	if err := lock.Remove(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.stdout, said, dir.Name())
	return err
}

// downLine is the command line that ends a cluster.
func downLine(name string) string {
	return fmt.Sprintf("\"gantry-cluster down --name %s\"", name)
}
