package supervisor

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/home"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/process"
)

// LeashFD is the file descriptor on which a server reads until the end: it comes
// when the supervisor is no more, however that happened.
const LeashFD = 3

// child is a running server.
type child struct {
	name string
	id   process.ID
	cmd  *exec.Cmd
	// ended is closed when the process has ended and state is set.
	ended chan struct{}
	state string
}

// launcher starts servers: this binary once more, with a name and arguments.
type launcher struct {
	executable string
	dir        home.Dir
	env        []string
	// leash is the reading end of a pipe of which this process has the only
	// writing end.
	leash *os.File
	// exits gets every child that has ended.
	exits chan<- *child
}

// start starts a server. It must always be called on one operating system
// thread that lives as long as this process: on Linux the kernel kills a child
// when the thread that started it ends. The leash does the same everywhere, if
// the child has come so far as to read from it.
func (l *launcher) start(p program) (*child, error) {
	log, err := os.OpenFile(l.dir.Log(p.name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", p.name, err)
	}
	defer log.Close()

	cmd := exec.Command(l.executable, append([]string{"run", p.name, "--"}, p.args...)...)
	cmd.Dir = l.dir.Path()
	cmd.Env = l.env
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{l.leash} // LeashFD
	// A group of its own: the terminal's Ctrl-C is for the supervisor to act on.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	c := &child{name: p.name, cmd: cmd, ended: make(chan struct{})}
	// Not yet waited for, so the pid is still this process's; if it has ended
	// already, the zero start time never matches one that runs.
	c.id = process.ID{PID: cmd.Process.Pid}
	if id, err := process.Find(cmd.Process.Pid); err == nil {
		c.id = id
	}
	go func() {
		_ = cmd.Wait() // its error says no more than ProcessState
		c.state = cmd.ProcessState.String()
		close(c.ended)
		l.exits <- c
	}()
	return c, nil
}

// stop asks the children to end, waits at most that long for all of them, kills
// those that have not, and waits for them.
func stop(patience time.Duration, children ...*child) {
	for _, c := range children {
		_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	}
	deadline := time.After(patience)
	for _, c := range children {
		select {
		case <-c.ended:
			continue
		case <-deadline:
		}
		for _, c := range children {
			_ = c.cmd.Process.Kill() // it may have ended
		}
		break
	}
	for _, c := range children {
		<-c.ended
	}
}
