package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptrace"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/local"
	"github.com/gantrycd/gantry/state/process"
)

// childVariable has the test binary apply what it says in place of running tests.
const childVariable = "GANTRY_CRASH_CHILD"

func TestMain(m *testing.M) {
	if order := os.Getenv(childVariable); order != "" {
		os.Exit(child(order))
	}
	os.Exit(m.Run())
}

// Points that are not the engine's own.
const (
	pointInFlight = "inFlight"    // a request is sent, and its answer is not here
	pointRenew    = "duringRenew" // the lease is being renewed
	pointNever    = "never"
)

// order is what a child does.
type order struct {
	Dir, State, Plan string
	Point            string // where it kills itself
	Hit              int    // which time it gets there, from 1
	Stop             bool   // it stops itself (SIGSTOP) and goes on when it is continued
	Lease            time.Duration
}

// What a child ends with.
const (
	exitWell = 0
	exitDiag = 1
	exitLost = 6
)

// child applies a plan, and tells on stdout how it went.
func child(text string) int {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		fmt.Println(err)
		return 2
	}
	ctx := context.Background()
	var hits atomic.Int64
	hit := func(point string) {
		if point != o.Point || hits.Add(1) != int64(o.Hit) {
			return
		}
		if o.Stop {
			_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
			return
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	identity, err := seal.GenerateIdentity()
	if err != nil {
		fmt.Println(err)
		return 2
	}
	records, err := state.Open(ctx, &tapped{Store: local.New(o.State), hit: hit})
	if err != nil {
		fmt.Println(err)
		return 2
	}
	b := &enginetest.Bench{Dir: o.Dir, Records: records, Identity: identity}
	b.Wrap = enginetest.Each(func(c providers.Cluster) providers.Cluster { return tracedCluster{c, hit} })
	b.Adapt = func(options *engine.Options) {
		options.Probe = func(point string) {
			hit(point)
			if o.Point == pointRenew && point == engine.PointDuringWait {
				select {} // until it is time to renew
			}
		}
		options.Lease = state.LeaseOptions{Dead: process.Dead, Duration: o.Lease}
	}
	data, err := os.ReadFile(o.Plan)
	if err != nil {
		fmt.Println(err)
		return 2
	}
	read, err := planfile.Read(bytes.NewReader(data), planfile.ReadOptions{})
	if err != nil {
		fmt.Println(err)
		return 2
	}
	result, diags := b.Engine().Apply(ctx, read.Plan, engine.ApplyOptions{By: process.Self("gantry apply", time.Now())})
	for _, d := range diags {
		fmt.Printf("%s: %s\n", d.Summary, d.Detail)
	}
	switch {
	case result != nil && result.Lost:
		return exitLost
	case diags.HasErrors():
		return exitDiag
	}
	return exitWell
}

// tapped is a store that tells when a lease is renewed.
type tapped struct {
	state.Store
	hit    func(string)
	leases atomic.Int64
}

func (s *tapped) Put(ctx context.Context, key string, value []byte, version string) (string, error) {
	if strings.HasPrefix(key, "locks/runs/") && s.leases.Add(1) > 1 {
		s.hit(pointRenew)
	}
	return s.Store.Put(ctx, key, value, version)
}

// tracedCluster tells when a write is sent and its answer is not here.
type tracedCluster struct {
	providers.Cluster
	hit func(string)
}

func (c tracedCluster) Apply(ctx context.Context, request providers.ApplyRequest) (providers.ApplyResult, error) {
	if !request.DryRun {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { c.hit(pointInFlight) }})
	}
	return c.Cluster.Apply(ctx, request)
}

var errChild = errors.New("the child ended otherwise")
