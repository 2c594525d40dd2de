package overhead

import (
	"context"
	"time"

	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
)

// The API server that is imitated takes 720 writes in a second on two processors, of
// which it carries out so many at once.
const (
	perSecond = 720
	inFlight  = 8
	took      = time.Second * inFlight / perSecond
)

// paced is a cluster that takes its time for what it is to change.
type paced struct {
	providers.Cluster
	slots chan struct{}
}

// Apply implements providers.Cluster.
func (p *paced) Apply(ctx context.Context, request providers.ApplyRequest) (providers.ApplyResult, error) {
	if !request.DryRun {
		p.slots <- struct{}{}
		defer func() { <-p.slots }()
		began := time.Now()
		answer, err := p.Cluster.Apply(ctx, request) // what the cluster in memory takes is part of it
		select {
		case <-time.After(took - min(took, time.Since(began))):
		case <-ctx.Done():
		}
		return answer, err
	}
	return p.Cluster.Apply(ctx, request)
}

// only is the one cluster that there is.
type only struct{ cluster providers.Cluster }

// Connect implements providers.Clusters.
func (o only) Connect(string, target.Connection, target.Credentials) (providers.Cluster, error) {
	return o.cluster, nil
}
