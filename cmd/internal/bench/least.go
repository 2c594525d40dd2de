package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/cmd/internal/bench/minimal"
)

// inFlight are the numbers of requests that the minimal client has in flight at once;
// the one with which it is fastest counts.
var inFlight = [...]int{8, 16, 32}

// leastSteps names what the minimal client does with a number of requests in flight.
func leastStep(n int) string { return fmt.Sprintf("minimal client, first apply, %d in flight", n) }

// leastApply has the minimal client apply the objects of all services.
func (b *bench) leastApply(ctx context.Context, n int) (result, error) {
	before := b.clusterCPU()
	took, err := minimal.Apply(ctx, b.kubeconfig, filepath.Join(b.dir, "applications"), "minimal", n, func(file string) string {
		return namespaceOf(file, b.services)
	})
	return result{step: leastStep(n), wall: took, cluster: b.clusterCPU() - before}, err
}

// namespaceOf returns the namespace that the configuration has for a service's file.
func namespaceOf(file string, services int) string {
	application, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(filepath.Dir(file)), "application-"))
	if err != nil {
		return namespace(0)
	}
	return namespace(application % namespaces(services))
}

// throughput returns the share of the minimal client's throughput that the first apply
// reached, and with how many requests in flight that client was fastest; 0 where either
// was not measured.
func throughput(results []result) (share float64, best int) {
	took := map[string]float64{}
	for _, r := range results {
		took[r.step] = r.wall.Seconds()
	}
	for _, n := range inFlight {
		if seconds := took[leastStep(n)]; seconds > 0 && (best == 0 || seconds < took[leastStep(best)]) {
			best = n
		}
	}
	if best == 0 || took[firstApply] == 0 {
		return 0, 0
	}
	return took[leastStep(best)] / took[firstApply], best
}
