package main

import (
	"fmt"
	"time"
)

// promises gathers those that do not hold.
type promises struct {
	objects int
	took    map[string]result
	broken  []string
}

func (p *promises) hold(holds bool, format string, args ...any) {
	if !holds {
		p.broken = append(p.broken, fmt.Sprintf("%d objects, ", p.objects)+fmt.Sprintf(format, args...))
	}
}

func (p *promises) within(step string, limit time.Duration) {
	wall := p.took[step].wall
	p.hold(wall <= limit, "%s: %s, more than %s", step, wall.Round(time.Millisecond), limit)
}

func (p *promises) memory(step string, most int64) {
	p.hold(p.took[step].Memory <= most<<20, "%s: %d MB, more than %d", step, p.took[step].Memory>>20, most)
}

// requests has a step send exactly so many requests of a kind.
func (p *promises) requests(step, verb string, n int) {
	p.hold(p.took[step].Requests[verb] == n, "%s: %d requests of %s, not %d", step, p.took[step].Requests[verb], verb, n)
}

// The promises about 10,000 objects.
const (
	mostCold      = 4 * time.Second
	mostKept      = 2500 * time.Millisecond
	mostOfLeast   = 1.5 // times what the minimal client takes
	leastShare    = 0.9 // of the minimal client's throughput
	perDryRun     = 3 * time.Millisecond
	mostView      = time.Second
	mostSmallCold = 3 * time.Second // of 1,000 objects
	mostGrowth    = 1.5             // times what it would take if it were in proportion
	mostGuards    = 500 * time.Millisecond
	mostGuardsCPU = 1.0 // seconds: both processors for that long
	planMemory    = 500 // MB
	applyMemory   = 600
)

// broken returns which of the promises of docs/benchmarks.md about one size do not hold.
func (b *bench) broken(results []result) []string {
	p := &promises{objects: b.services * objectsPerService, took: byStep(results)}
	if b.services >= 100 && p.objects%100 == 0 {
		b.countRequests(p)
	}
	switch p.objects {
	case 1000:
		p.within(cold, mostSmallCold)
	case 10000:
		p.within(cold, mostCold)
		p.within(unchanged, mostKept)
		p.within(changed, mostCold+time.Duration(p.objects/100)*perDryRun)
		p.memory(cold, planMemory)
		ratio := p.took[cold].wall.Seconds() / p.took[least].wall.Seconds()
		p.hold(ratio <= mostOfLeast, "%s: %.2f times what the minimal client takes, more than %.1f", cold, ratio, mostOfLeast)
		share, _ := throughput(results)
		p.hold(share >= leastShare, "%s: %.0f %% of the minimal client's throughput, less than %.0f %%", firstApply, 100*share, 100*leastShare)
		p.memory(firstApply, applyMemory)
		p.within(applyChanged, 5*time.Second)
		p.holdGuards()
		for _, v := range shown("") {
			p.within(viewStep(v.name), mostView)
		}
	}
	return p.broken
}

// byStep finds results by their steps.
func byStep(results []result) map[string]result {
	out := map[string]result{}
	for _, r := range results {
		out[r.step] = r
	}
	return out
}

// guardsAdd is what guards add to a plan, in time and in CPU seconds.
func (p *promises) guardsAdd() (time.Duration, float64) {
	with, without := p.took[guarded], p.took[unguarded]
	return with.wall - without.wall, with.CPU - without.CPU
}

// added says what guards add.
func (p *promises) added() string {
	wall, cpu := p.guardsAdd()
	return fmt.Sprintf("%d policies and %d projects add %.2f s, and %.2f s of CPU.", guardedPolicies, guardedProjects, wall.Seconds(), cpu)
}

// holdGuards holds what guards add to a plan of 10,000 objects.
func (p *promises) holdGuards() {
	wall, cpu := p.guardsAdd()
	p.hold(wall <= mostGuards && cpu <= mostGuardsCPU, "%s: %.2f s and %.2f s of CPU more than the plan without them, more than %s and %.0f s", guarded, wall.Seconds(), cpu, mostGuards, mostGuardsCPU)
}

// countRequests has nothing be asked about what does not change, one dry run be sent for
// each object that does, and one request for each that is written.
func (b *bench) countRequests(p *promises) {
	objects, some := p.objects, p.objects/100
	// Each application has an object that stands for it; 1 % is of one service in every
	// application, or of every tenth.
	parents := (b.services + b.perApplication - 1) / b.perApplication
	touched := min(parents, some)
	lists := kindsPerService*(b.services/500+1) + namespaces(b.services) + 20 // in pages of 500
	for _, step := range []string{cold, unchanged} {
		p.requests(step, "DRYRUN", 0)
		n := p.took[step].total()
		p.hold(n <= lists, "%s: %d requests, more than %d", step, n, lists)
	}
	p.requests(first, "DRYRUN", objects)
	p.requests(firstApply, "APPLY", objects+parents)
	p.requests(firstApply, "DRYRUN", 0)
	p.requests(changed, "DRYRUN", some)
	p.requests(applyChanged, "APPLY", some+touched)
	p.requests(predicted, "DRYRUN", namespaces(b.services))
	p.requests(predictedApply, "DRYRUN", objects)
	p.requests(predictedApply, "APPLY", objects+namespaces(b.services)+parents+1) // one more application has the namespaces
	most := some + touched + 2*namespaces(b.services) + 20
	n := p.took[applyChanged].total()
	p.hold(n <= most, "%s: %d requests, more than %d", applyChanged, n, most)
}

// grown returns where time and memory grow faster than the number of objects, from one
// size to another.
func grown(few, many int, before, after []result) []string {
	took := map[string]result{}
	for _, r := range before {
		took[r.step] = r
	}
	var out []string
	factor := mostGrowth * float64(many) / float64(few)
	for _, r := range after {
		was := took[r.step]
		if r.step != cold && r.step != unchanged && r.step != firstApply {
			continue
		}
		if ratio := r.wall.Seconds() / was.wall.Seconds(); ratio > factor {
			out = append(out, fmt.Sprintf("%s: %d objects take %.1f times what %d do, more than %.1f", r.step, many, ratio, few, factor))
		}
		if ratio := float64(r.Memory) / float64(was.Memory); ratio > factor {
			out = append(out, fmt.Sprintf("%s: %d objects take %.1f times the memory that %d do, more than %.1f", r.step, many, ratio, few, factor))
		}
	}
	return out
}
