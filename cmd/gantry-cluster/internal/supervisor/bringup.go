package supervisor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/home"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/kubeconfig"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/namespaces"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/process"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/simulate"
)

// pollInterval is how often a condition is looked at while the cluster starts.
const pollInterval = 50 * time.Millisecond

// bringUp starts the servers and returns when the cluster is ready. It returns
// the cause of life's end if that comes first.
func (s *supervisor) bringUp(life context.Context) error {
	launch, net, err := s.prepare()
	if err != nil {
		return err
	}
	s.record.Server = net.server()
	s.record.Context = kubeconfig.Context(s.Dir.Name())
	s.record.Children = map[string]process.ID{}

	if err := s.launch(launch, etcdProgram(net), apiserverProgram(net)); err != nil {
		return err
	}
	config, client, err := connect(s.Dir)
	if err != nil {
		return err
	}

	ctx, cancel := context.WithTimeout(life, s.Timeout)
	defer cancel()
	if err := s.wait(ctx, "the API server", func() error { return readyz(ctx, client) }); err != nil {
		return err
	}
	// Not before: the controller manager gives the API server ten seconds and then
	// gives up, and a busy machine may need more.
	programs := []program{controllerManagerProgram()}
	if !s.record.ControlPlaneOnly {
		programs = append(programs, schedulerProgram())
	}
	if err := s.launch(launch, programs...); err != nil {
		return err
	}
	s.work(life, func(ctx context.Context) error { return namespaces.Run(ctx, config, client, s.Log) })
	if !s.record.ControlPlaneOnly {
		s.work(life, func(ctx context.Context) error { return simulate.Run(ctx, client, s.Log) })
		if err := s.populate(ctx, launch, client); err != nil {
			return err
		}
	}
	if err := s.wait(ctx, "service accounts", func() error { return simulate.ServiceAccountReady(ctx, client) }); err != nil {
		return err
	}
	version, err := client.Discovery().ServerVersion()
	if err != nil {
		return fmt.Errorf("ask the API server for its version: %w", err)
	}

	s.record.Version = version.GitVersion
	s.record.Phase = home.Ready
	if err := s.Lock.Save(s.record); err != nil {
		return err
	}
	s.ready = true
	s.Log.Info("ready", "took", time.Since(s.record.Created).Round(time.Millisecond))
	s.report.send(Event{Ready: true})
	s.report.close()
	return nil
}

// launch starts servers and records them.
func (s *supervisor) launch(l *launcher, programs ...program) error {
	for _, p := range programs {
		c, err := l.start(p)
		if err != nil {
			return err
		}
		s.Log.Info("started", "program", c.name, "pid", c.id.PID)
		s.children = append(s.children, c)
		s.record.Children[c.name] = c.id
	}
	return s.Lock.Save(s.record)
}

// populate makes what a cluster with nodes has from the start and waits for the
// nodes.
func (s *supervisor) populate(ctx context.Context, l *launcher, client kubernetes.Interface) error {
	nodes := s.record.Nodes
	// The API server is ready before everything that it makes by itself is
	// there, so this may fail a few times.
	err := s.wait(ctx, "roles and the storage class", func() error { return simulate.Setup(ctx, client, kwokUser, nodes) })
	if err != nil {
		return err
	}
	if err := s.launch(l, kwokProgram()); err != nil {
		return err
	}
	return s.wait(ctx, "the nodes", func() error { return simulate.NodesReady(ctx, client, nodes) })
}

// work does something that belongs to the cluster in this process until the cluster
// ends; see stopWork.
func (s *supervisor) work(life context.Context, do func(context.Context) error) {
	s.working.Go(func() {
		if err := do(life); err != nil {
			s.endLife(err)
		}
	})
}

// wait looks at a condition until it returns nil. When the time is over, the
// error tells what was missing; when the cluster ends, why.
func (s *supervisor) wait(ctx context.Context, what string, condition func() error) error {
	s.Log.Info("waiting", "for", what)
	s.report.send(Event{Step: what})
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	var last error
	for {
		err := condition()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || last == nil {
			last = err // and not that the time is over
		}
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
		}
		if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) {
			return cause
		}
		return fmt.Errorf("not ready after %s: still waiting for %s: %w", s.Timeout, what, last)
	}
}

func readyz(ctx context.Context, client kubernetes.Interface) error {
	return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

// connect returns a client of the cluster's administrator. The server's priority
// and fairness decides how fast it may be.
func connect(dir home.Dir) (*rest.Config, kubernetes.Interface, error) {
	config, err := clientcmd.BuildConfigFromFlags("", dir.Kubeconfig())
	if err != nil {
		return nil, nil, fmt.Errorf("read the kubeconfig of cluster %s: %w", dir.Name(), err)
	}
	config = rest.AddUserAgent(config, "gantry-cluster")
	config.QPS = -1
	config.WarningHandler = rest.NoWarnings{}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("make a client of cluster %s: %w", dir.Name(), err)
	}
	return config, client, nil
}
