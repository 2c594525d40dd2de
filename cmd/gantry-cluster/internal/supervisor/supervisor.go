// Package supervisor runs one cluster: it makes the files, starts the servers as
// child processes, waits until the cluster is ready, and ends everything when it
// is told to, when the process that the cluster belongs to ends, or when a server
// does. It is the one process that changes the cluster's folder.
package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/home"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/ports"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/process"
)

// patience is how long servers may take to end before they are killed; nothing
// of theirs is kept, so it only has to be long enough for them to say goodbye to
// each other.
const patience = 3 * time.Second

// tailLines is how much of a failed server's log is shown.
const tailLines = 15

var (
	errStopped    = errors.New("the cluster was told to end")
	errParentGone = errors.New("the process that the cluster belongs to has ended")
)

// crash is the cause of a cluster's end when a server has ended by itself.
type crash struct {
	child *child
}

func (c *crash) Error() string { return fmt.Sprintf("%s has ended: %s", c.child.name, c.child.state) }

// Config says which cluster to run.
type Config struct {
	// Dir is the cluster's folder, with a record in it, and Lock the right to
	// change it.
	Dir  home.Dir
	Lock *home.Lock
	// Executable is the path of this binary.
	Executable string
	// Timeout is how long the cluster may take to become ready.
	Timeout time.Duration
	// Status gets events until the cluster is ready or has failed.
	Status io.WriteCloser
	// Log gets a line for every step.
	Log *slog.Logger
}

// Run runs the cluster until it ends. The error is nil if it ended because it was
// to end; nothing of it is left then. After a failure the record and the logs are
// left, unless the cluster belongs to a process: then they last as long as that.
func Run(cfg Config) error {
	// Children are started from here alone; see launcher.start.
	runtime.LockOSThread()
	signal.Ignore(syscall.SIGHUP)
	s := &supervisor{Config: cfg, report: &reporter{w: cfg.Status}}
	defer s.report.close()
	record, err := cfg.Dir.Record()
	if err != nil {
		return err
	}
	s.record = record
	if s.record.Supervisor, err = process.Find(os.Getpid()); err != nil {
		return err
	}
	if err := cfg.Lock.Save(s.record); err != nil {
		return err
	}

	life, end := context.WithCancelCause(context.Background())
	defer end(nil)
	s.endLife = end
	go s.watchSignals(life)
	if parent := record.Parent; parent != nil {
		go func() {
			if parent.Wait(life) == nil {
				end(errParentGone)
			}
		}()
	}

	err = s.bringUp(life)
	if err == nil {
		<-life.Done()
		err = context.Cause(life)
	}
	return s.finish(err)
}

type supervisor struct {
	Config
	record      home.Record
	report      *reporter
	reservation *ports.Reservation
	leash       *os.File
	// children are in the order in which they were started, with etcd and the API
	// server first.
	children []*child
	ready    bool
	// endLife ends the cluster for a cause; working counts what goes on in this
	// process until then.
	endLife context.CancelCauseFunc
	working sync.WaitGroup
}

func (s *supervisor) watchSignals(life context.Context) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	select {
	case <-signals:
		s.endLife(errStopped)
	case <-life.Done():
	}
}

// prepare makes the files and the means to start servers.
func (s *supervisor) prepare() (*launcher, network, error) {
	reservation, err := ports.Reserve(3)
	if err != nil {
		return nil, network{}, err
	}
	s.reservation = reservation
	net := network{apiserver: reservation.Ports[0], etcd: reservation.Ports[1], etcdPeer: reservation.Ports[2]}
	if err := writeFiles(s.Dir, net.server(), time.Now()); err != nil {
		return nil, network{}, err
	}
	for _, folder := range []string{"logs", "tmp"} {
		if err := os.MkdirAll(s.Dir.Path(folder), 0o700); err != nil {
			return nil, network{}, fmt.Errorf("make a folder of cluster %s: %w", s.Dir.Name(), err)
		}
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, network{}, fmt.Errorf("make the pipe that holds the servers: %w", err)
	}
	s.leash = write

	exits := make(chan *child, 8)
	go func() { s.endLife(&crash{<-exits}) }()
	return &launcher{
		executable: s.Executable,
		dir:        s.Dir,
		env:        environment(s.Dir),
		leash:      read,
		exits:      exits,
	}, net, nil
}

// environment is what the servers see of this process's environment: etcd and
// others take settings from theirs, which must not leak into a cluster.
func environment(dir home.Dir) []string {
	env := []string{"HOME=" + dir.Path(), "TMPDIR=" + dir.Path("tmp"), "PATH=" + os.Getenv("PATH")}
	for _, name := range []string{"TZ", "LANG", "GOMAXPROCS", "GOMEMLIMIT", "GOGC", "GOTRACEBACK"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// finish ends what runs and leaves behind what the cause of the end asks for.
func (s *supervisor) finish(cause error) error {
	planned := errors.Is(cause, errStopped) || errors.Is(cause, errParentGone)
	var crashed *crash
	errors.As(cause, &crashed)
	s.Log.Info("ending", "cause", cause)
	if planned {
		s.record.Phase = home.Stopping
	} else {
		s.record.Phase, s.record.Message = home.Failed, cause.Error()
	}
	s.save()
	s.stopAll()
	if planned {
		s.report.send(Event{Failure: cause.Error()})
		s.Log.Info("ended")
		return s.Lock.Remove()
	}

	event := Event{Failure: cause.Error()}
	if crashed != nil {
		event.Program = crashed.child.name
		event.Log = Tail(s.Dir.Log(crashed.child.name), tailLines)
	}
	s.Log.Error("failed", "cause", cause)
	s.record.Children = nil
	s.save()
	s.discard()
	// From here on whoever waits may act, down included.
	if s.record.Parent == nil {
		err := s.Lock.Release()
		s.report.send(event)
		return errors.Join(cause, err)
	}
	if s.ready {
		s.awaitEnd()
	}
	err := s.Lock.Remove()
	s.report.send(event)
	return errors.Join(cause, err)
}

// awaitEnd keeps a failed cluster's logs for as long as the process that it
// belongs to lives, unless it is told to end before.
func (s *supervisor) awaitEnd() {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	_ = s.record.Parent.Wait(ctx) // either way it is over
}

// stopAll ends the servers: those that use the API first, then the API server,
// etcd last.
func (s *supervisor) stopAll() {
	s.endLife(nil)
	s.working.Wait()
	for len(s.children) > 0 {
		last := min(2, len(s.children)-1)
		stop(patience, s.children[last:]...)
		s.children = s.children[:last]
	}
	if s.reservation != nil {
		s.reservation.Close()
	}
	if s.leash != nil {
		_ = s.leash.Close() // nothing was written to it
	}
}

// discard removes everything but the record and the logs.
func (s *supervisor) discard() {
	for _, name := range []string{"etcd", "pki", "config", "tmp", filepath.Base(s.Dir.Kubeconfig())} {
		if err := os.RemoveAll(s.Dir.Path(name)); err != nil {
			s.Log.Error("cleaning up", "cause", err)
		}
	}
}

func (s *supervisor) save() {
	if err := s.Lock.Save(s.record); err != nil {
		s.Log.Error("saving the record", "cause", err)
	}
}
