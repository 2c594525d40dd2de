// Command bench measures gantry against the local control plane: the first plan and apply
// of 100, 1,000 and 10,000 objects, a plan without changes, the plan and apply of a change
// to one object in a hundred, and the first plan and apply where the plan makes the
// namespaces, too; and a minimal client that does the same.
//
//	bench -gantry bin/gantry -cluster bin/gantry-cluster -objects 1000,10000,50000
//
// It prints the table that docs/benchmarks.md shows. Each size has a cluster and
// a state of its own, and gantry runs as its users run it: one process per
// command, which tells with --stats what it took.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	gantry := flags.String("gantry", "bin/gantry", "the gantry `binary`")
	cluster := flags.String("cluster", "bin/gantry-cluster", "the gantry-cluster `binary`")
	sizes := flags.String("objects", "100,1000,10000", "how many objects, as a `list`")
	perApplication := flags.Int("services", 10, "how many services of ten objects one application has, a `number`")
	applyOnly := flags.Bool("apply", false, "measure the first apply only, and the minimal client's")
	planOnly := flags.Bool("plan", false, "leave out the minimal client's first applies, and the cluster without namespaces")
	guards := flags.Int("guards", 0, "measure only what policies and projects add to a plan, by a `number` of pairs of plans")
	options := flags.String("options", "", "more `arguments` of plan and apply, separated by spaces: --parallelism=32")
	check := flags.Bool("check", false, "fail where a promise of docs/benchmarks.md is broken")
	if err := flags.Parse(args); err != nil {
		return err
	}
	programs, err := absolute(*gantry, *cluster)
	if err != nil {
		return err
	}
	if *perApplication < 1 {
		return fmt.Errorf("-services %d: an application has one service or more", *perApplication)
	}
	printHeader(os.Stdout)
	var broken, shares []string
	var before []result
	few := 0
	for text := range strings.SplitSeq(*sizes, ",") {
		objects, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || objects < objectsPerService {
			return fmt.Errorf("-objects %q: %q is not a number from %d up", *sizes, text, objectsPerService)
		}
		b := &bench{gantry: programs[0], cluster: programs[1], services: objects / objectsPerService, perApplication: *perApplication, applyOnly: *applyOnly, planOnly: *planOnly, guards: *guards, options: strings.Fields(*options)}
		results, err := b.run(ctx)
		if err != nil {
			return fmt.Errorf("%d objects: %w", objects, err)
		}
		for _, result := range results {
			result.print(os.Stdout, objects)
		}
		if share, best := throughput(results); best > 0 {
			shares = append(shares, fmt.Sprintf("%d objects: the first apply reached %.0f %% of the throughput of the minimal client, which was fastest with %d in flight.", objects, 100*share, best))
		}
		if b.guards > 0 {
			p := &promises{objects: b.services * objectsPerService, took: byStep(results)}
			fmt.Printf("\n%d objects: %s\n", objects, p.added())
			if p.objects == 10000 {
				p.holdGuards()
			}
			broken = append(broken, p.broken...)
			continue
		}
		if b.applyOnly || b.planOnly {
			continue
		}
		broken = append(broken, b.broken(results)...)
		if few >= leastToGrow && objects > few {
			broken = append(broken, grown(few, objects, before, results)...)
		}
		few, before = objects, results
	}
	for _, share := range shares {
		fmt.Printf("\n%s\n", share)
	}
	if *check && len(broken) > 0 {
		return fmt.Errorf("%s", strings.Join(broken, "; "))
	}
	return nil
}

// leastToGrow is from how many objects on time and memory are to grow as their number does:
// what fewer take is what it takes to begin.
const leastToGrow = 1000

func absolute(paths ...string) ([]string, error) {
	out := make([]string, len(paths))
	for i, path := range paths {
		full, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(full); err != nil {
			return nil, fmt.Errorf("%w: run make build cluster first", err)
		}
		out[i] = full
	}
	return out, nil
}
