// Package cli is the command line of gantry-cluster.
package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/component-base/version"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/home"
)

// Programs are the servers of this binary, by name: each takes its arguments and
// returns its exit status.
type Programs map[string]func(args []string) int

// app is what the commands share.
type app struct {
	stdout, stderr io.Writer
	stateDir       string
	programs       Programs
	// status is the exit status when no command failed.
	status int
}

// Run carries out a command line and returns the exit status: 0 if it was done, 1
// if not.
func Run(args []string, programs Programs, stdout, stderr io.Writer) int {
	a := &app{stdout: stdout, stderr: stderr, programs: programs}
	root := a.root()
	root.SetArgs(args[1:])
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.Execute(); err != nil {
		fmt.Fprintf(stderr, "Error: %v\n", err)
		var shown *explained
		if errors.As(err, &shown) && shown.detail != "" {
			fmt.Fprintf(stderr, "\n%s\n", strings.TrimRight(shown.detail, "\n"))
		}
		return 1
	}
	return a.status
}

// explained is an error with lines to show below it.
type explained struct {
	error
	detail string
}

func (e *explained) Unwrap() error { return e.error }

func (a *app) root() *cobra.Command {
	var showVersion bool
	root := &cobra.Command{
		Use:   "gantry-cluster",
		Short: "Run Kubernetes with simulated nodes on this machine",
		Long: `Run Kubernetes with simulated nodes on this machine.

A cluster is a real control plane (etcd, kube-apiserver,
kube-controller-manager, kube-scheduler) on the loopback address, with
nodes that kwok simulates: pods are scheduled and become ready, but no
container runs. There is nothing to install and no need to be root.

  gantry-cluster up                       start a cluster called "default"
  export KUBECONFIG=$(gantry-cluster kubeconfig --path)
  kubectl get nodes
  gantry-cluster down                     end it and remove all of it

Clusters keep their files in $GANTRY_CLUSTER_HOME, which is
$XDG_STATE_HOME/gantry-cluster or ~/.local/state/gantry-cluster
unless set.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if showVersion {
				return a.printVersion()
			}
			return cmd.Help()
		},
	}
	root.Flags().BoolVar(&showVersion, "version", false, "print the version of Kubernetes in this binary")
	root.PersistentFlags().StringVar(&a.stateDir, "state-dir", "", "folder of all clusters' files (default $GANTRY_CLUSTER_HOME)")
	// The servers' libraries put a flag of the same name on every command of this
	// process. It is theirs; here it would print nothing.
	if theirs := pflag.Lookup("version"); theirs != nil {
		theirs.Hidden = true
	}
	root.AddCommand(a.upCommand(), a.downCommand(), a.listCommand(), a.kubeconfigCommand(), a.versionCommand(),
		a.runCommand(), a.superviseCommand())
	return root
}

func (a *app) home() (home.Home, error) {
	path := a.stateDir
	if path == "" {
		var err error
		if path, err = home.DefaultPath(os.Getenv); err != nil {
			return home.Home{}, err
		}
	}
	return home.New(path)
}

// dir returns the folder of a cluster that may not exist.
func (a *app) dir(name string) (home.Dir, error) {
	if err := home.CheckName(name); err != nil {
		return home.Dir{}, err
	}
	h, err := a.home()
	if err != nil {
		return home.Dir{}, err
	}
	return h.Dir(name), nil
}

// nameFlag adds --name, with the names of the clusters to complete it.
func (a *app) nameFlag(cmd *cobra.Command, name *string, usage string) {
	cmd.Flags().StringVarP(name, "name", "n", "default", usage)
	complete := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		h, err := a.home()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		names, err := h.Names()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc("name", complete); err != nil {
		panic(fmt.Sprintf("completion of --name: %v. This is a bug in gantry-cluster.", err))
	}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of Kubernetes in this binary",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return a.printVersion() },
	}
}

func (a *app) printVersion() error {
	v := version.Get()
	_, err := fmt.Fprintf(a.stdout, "Kubernetes %s (%s, %s)\n", v.GitVersion, v.GoVersion, v.Platform)
	return err
}

// unknown explains that there is no cluster of the name, and which there are.
func (a *app) unknown(name string) error {
	h, err := a.home()
	if err != nil {
		return err
	}
	names, err := h.Names()
	if err != nil {
		return err
	}
	there := "there is none: start one with \"gantry-cluster up\""
	if len(names) > 0 {
		there = "there is " + strings.Join(names, ", ")
	}
	return fmt.Errorf("no cluster is called %q; %s", name, there)
}
