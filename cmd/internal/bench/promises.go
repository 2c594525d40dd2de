package main

import (
	"fmt"
	"time"
)

// broken returns which of the promises of docs/benchmarks.md do not hold.
func (b *bench) broken(results []result) []string {
	took := map[string]result{}
	for _, r := range results {
		took[r.step] = r
	}
	var out []string
	promise := func(holds bool, format string, args ...any) {
		if !holds {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	slow := func(step string, limit time.Duration) {
		wall := took[step].wall
		promise(wall <= limit, "%d objects, %s: %s, more than %s", b.services*objectsPerService, step, wall.Round(time.Millisecond), limit)
	}
	switch b.services {
	case 100:
		slow(cold, 3*time.Second)
		most := kindsPerService*namespaces(b.services) + 20
		n := took[cold].total()
		promise(n <= most, "a plan of 1,000 objects without changes took %d requests, more than %d", n, most)
	case 1000:
		slow(cold, 4*time.Second)
		slow(unchanged, 2500*time.Millisecond)
		promise(took[cold].Memory <= 500<<20, "a plan of 10,000 objects without changes took %d MB, more than 500", took[cold].Memory>>20)
		ratio := took[cold].wall.Seconds() / took[least].wall.Seconds()
		promise(ratio <= 1.5, "a plan of 10,000 objects without changes took %.2f times what the minimal client did, more than 1.5", ratio)
		share, _ := throughput(results)
		promise(share >= 0.9, "the first apply of 10,000 objects reached %.0f %% of the minimal client's throughput, less than 90 %%", 100*share)
		promise(took[firstApply].Memory <= 600<<20, "the first apply of 10,000 objects took %d MB, more than 600", took[firstApply].Memory>>20)
		slow(applyChanged, 5*time.Second)
		changed := b.services / 10
		most := changed + 2*namespaces(b.services) + 20
		n := took[applyChanged].total()
		promise(n <= most, "the apply of %d of 10,000 objects took %d requests, more than %d", changed, n, most)
	}
	return out
}
