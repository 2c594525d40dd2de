package cli

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/home"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/supervisor"
)

// The file descriptors that up hands to the supervisor.
const (
	lockFD   = 3
	statusFD = 4
)

// runCommand is what the supervisor starts this binary with to have a server.
func (a *app) runCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "run PROGRAM -- [ARGUMENTS]",
		Hidden: true,
		Args:   cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			program, ok := a.programs[args[0]]
			if !ok {
				return fmt.Errorf("there is no program %q in this binary", args[0])
			}
			go endWithSupervisor()
			a.status = program(args[1:])
			return nil
		},
	}
}

// endWithSupervisor ends this process when the pipe of which the supervisor has
// the other end is closed.
func endWithSupervisor() {
	leash := os.NewFile(supervisor.LeashFD, "leash")
	if _, err := io.Copy(io.Discard, leash); err != nil {
		fmt.Fprintln(os.Stderr, "gantry-cluster: the pipe of the supervisor:", err)
	}
	fmt.Fprintln(os.Stderr, "gantry-cluster: the supervisor has ended")
	os.Exit(1)
}

// superviseCommand is what up starts this binary with to have a supervisor.
func (a *app) superviseCommand() *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:    "supervise FOLDER",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			executable, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this binary: %w", err)
			}
			// They came as open files and must not go to the servers.
			unix.CloseOnExec(lockFD)
			unix.CloseOnExec(statusFD)
			dir := home.OpenDir(args[0])
			return supervisor.Run(supervisor.Config{
				Dir:        dir,
				Lock:       dir.Inherit(os.NewFile(lockFD, dir.Path("lock"))),
				Executable: executable,
				Timeout:    timeout,
				Status:     os.NewFile(statusFD, "status"),
				Log:        slog.New(slog.NewTextHandler(a.stderr, nil)),
			})
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", time.Minute, "")
	return cmd
}
