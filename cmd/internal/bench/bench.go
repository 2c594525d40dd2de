package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gantrycd/gantry/cmd/internal/bench/minimal"
)

// bench is the measurement of one size.
type bench struct {
	gantry, cluster string // binaries
	services        int
	perApplication  int      // services in one application
	applyOnly       bool     // measure the first apply, and nothing after it
	planOnly        bool     // leave out what the first apply is compared with
	guards          int      // measure nothing but what guards add, by so many pairs of plans
	options         []string // more arguments of plan and apply

	dir        string // the repository and the configuration
	kubeconfig string
	env        []string
	renderAnew bool // the next command keeps nothing, and takes nothing of what is kept
}

// result is what one command took.
type result struct {
	step     string
	wall     time.Duration
	sent     time.Duration  // of an apply: until its last object was written
	cluster  float64        // CPU seconds that the control plane took meanwhile
	CPU      float64        `json:"cpuSeconds"`
	Memory   int64          `json:"maxMemory"` // bytes
	Requests map[string]int `json:"requests"`
}

// run starts a cluster, measures, and removes everything again.
func (b *bench) run(ctx context.Context) (results []result, err error) {
	temporary, err := os.MkdirTemp("", "gantry-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	b.kubeconfig = filepath.Join(temporary, "kubeconfig")
	b.dir = filepath.Join(temporary, "services")
	b.env = append(os.Environ(),
		"GANTRY_CLUSTER_HOME="+filepath.Join(temporary, "clusters"), "GANTRY_CACHE="+filepath.Join(temporary, "cache"),
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
	)
	if err := writeWorkload(b.dir, b.services, b.perApplication); err != nil {
		return nil, err
	}
	if err := b.configure(false); err != nil {
		return nil, err
	}
	if err := b.git(ctx, "init", "--quiet", "--initial-branch", "main"); err != nil {
		return nil, err
	}
	if err := b.commit(ctx); err != nil {
		return nil, err
	}
	if b.guards > 0 {
		err := b.onCluster(ctx, false, func() error {
			measured, err := b.guardsAlone(ctx)
			results = append(results, measured...)
			return err
		})
		return results, err
	}
	for _, n := range inFlight {
		if b.planOnly {
			break
		}
		err := b.onCluster(ctx, true, func() error {
			took, err := b.leastApply(ctx, n)
			results = append(results, took)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("the minimal client, %d in flight: %w", n, err)
		}
	}
	err = b.onCluster(ctx, true, func() error {
		measured, err := b.measure(ctx)
		results = append(results, measured...)
		return err
	})
	if err != nil || b.applyOnly || b.planOnly {
		return results, err
	}
	// What was applied to the cluster that is gone is not known to the next one.
	if err := errors.Join(b.configure(true), os.RemoveAll(filepath.Join(b.dir, ".gantry"))); err != nil {
		return nil, err
	}
	err = b.onCluster(ctx, false, func() error {
		measured, err := b.measurePredicted(ctx)
		results = append(results, measured...)
		return err
	})
	return results, err
}

// onCluster does something with a new cluster, which is gone afterwards. It may have the
// namespaces already.
func (b *bench) onCluster(ctx context.Context, withNamespaces bool, do func() error) (err error) {
	if err := b.do(ctx, b.cluster, "up", "--with-parent", "--control-plane-only", "--kubeconfig", b.kubeconfig); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.do(context.WithoutCancel(ctx), b.cluster, "down")) }()
	if withNamespaces {
		names := make([]string, namespaces(b.services))
		for i := range names {
			names[i] = namespace(i)
		}
		if err := minimal.Namespaces(ctx, b.kubeconfig, names); err != nil {
			return err
		}
	}
	return do()
}

// planned is the file of the plan that is measured.
func (b *bench) planned() string { return filepath.Join(filepath.Dir(b.dir), "bench.gantryplan") }

// step measures one command.
func (b *bench) step(ctx context.Context, name string, wantChanges bool, args ...string) (result, error) {
	measured, changes, err := b.command(ctx, args...)
	if err != nil {
		return result{}, fmt.Errorf("%s: %w", name, err)
	}
	if changes != wantChanges {
		return result{}, fmt.Errorf("%s: the plan has changes: %t, expected %t", name, changes, wantChanges)
	}
	measured.step = name
	return measured, nil
}

// measurePredicted measures the first plan and apply where the plan makes the namespaces
// itself: it can only predict what is in them, and apply asks about it.
func (b *bench) measurePredicted(ctx context.Context) ([]result, error) {
	first, err := b.step(ctx, predicted, true, "plan", "--detailed-exitcode", "--out", b.planned())
	if err != nil {
		return nil, err
	}
	guarded, err := b.measureGuards(ctx, pairsOfGuards)
	if err != nil {
		return nil, err
	}
	applied, err := b.step(ctx, predictedApply, false, "apply", b.planned())
	return append(append([]result{first}, guarded...), applied), err
}

// measure runs gantry as its users do.
func (b *bench) measure(ctx context.Context) ([]result, error) {
	var results []result
	for _, s := range []struct {
		name    string
		changes bool
		args    []string
		before  func() error
	}{
		{first, true, []string{"plan", "--detailed-exitcode", "--out", b.planned()}, nil},
		{firstApply, false, []string{"apply", b.planned()}, nil},
		{cold, false, []string{"plan", "--detailed-exitcode"}, nil},
		{unchanged, false, []string{"plan", "--detailed-exitcode"}, nil},
		{changed, true, []string{"plan", "--detailed-exitcode", "--out", b.planned()}, func() error { return b.change(ctx) }},
		{applyChanged, false, []string{"apply", b.planned()}, nil},
	} {
		b.renderAnew = s.name == cold
		if s.before != nil {
			if err := s.before(); err != nil {
				return nil, err
			}
		}
		measured, err := b.step(ctx, s.name, s.changes, s.args...)
		if err != nil {
			return nil, err
		}
		results = append(results, measured)
		if b.applyOnly && s.name == firstApply {
			break
		}
		if s.name == first && !b.applyOnly {
			shown, err := b.views(ctx)
			if err != nil {
				return nil, err
			}
			results = append(results, shown...)
		}
		if s.name == unchanged {
			took, err := minimal.Run(ctx, b.kubeconfig, filepath.Join(b.dir, "applications"), "gantry")
			if err != nil {
				return nil, fmt.Errorf("the minimal client: %w", err)
			}
			results = append(results, result{step: least, wall: took.List + took.Compare})
		}
	}
	return results, nil
}

// The steps that promises are made of.
const (
	first          = "first plan"
	firstApply     = "first apply"
	cold           = "plan without changes, nothing kept" // of what was rendered before
	unchanged      = "plan without changes"
	least          = "minimal client"
	changed        = "plan with 1 % changed"
	applyChanged   = "apply of 1 %"
	predicted      = "first plan, with the namespaces"
	predictedApply = "first apply, with the namespaces"
	unguarded      = "the first plan again, with the namespaces"
	guarded        = "the first plan again, with 50 policies and 20 projects"
)

// change changes one object in a hundred: one of the ten of every tenth service.
func (b *bench) change(ctx context.Context) error {
	for i := 0; i < b.services; i += 100 / objectsPerService {
		if err := writeService(b.dir, i, b.perApplication, "v2"); err != nil {
			return err
		}
	}
	return b.commit(ctx)
}

// command runs gantry; changes tells that it ended with exit code 2.
func (b *bench) command(ctx context.Context, args ...string) (measured result, changes bool, err error) {
	command := exec.CommandContext(ctx, b.gantry, append(append(args, b.options...), "--json", "--stats", "--chdir", b.dir)...)
	command.Env = b.env
	if b.renderAnew {
		command.Env = append(slices.Clone(b.env), "GANTRY_RENDER_CACHE=off")
	}
	var stderr bytes.Buffer
	command.Stdout, command.Stderr = io.Discard, &stderr
	b.rest(ctx)
	before, start := b.clusterCPU(), time.Now()
	err = command.Run()
	measured.wall, measured.cluster = time.Since(start), b.clusterCPU()-before
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 2 {
		changes, err = true, nil
	}
	if err != nil {
		return measured, false, fmt.Errorf("gantry %s: %w\n%s", strings.Join(args, " "), err, last(stderr.String(), 4000))
	}
	return measured, changes, readStats(&stderr, start, &measured)
}

// readStats finds what --stats printed among the events, and when the last object was
// written.
func readStats(in io.Reader, start time.Time, into *result) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	var written []byte
	for lines.Scan() {
		switch line := lines.Bytes(); {
		case bytes.Contains(line, []byte(`"event":"written"`)):
			written = append(written[:0], line...)
		case bytes.Contains(line, []byte(`"event":"stats"`)):
			if written != nil {
				var event struct{ At time.Time }
				if err := json.Unmarshal(written, &event); err != nil {
					return err
				}
				into.sent = event.At.Sub(start)
			}
			return json.Unmarshal(line, into)
		}
	}
	return errors.Join(lines.Err(), errors.New("gantry did not print its stats"))
}

func (b *bench) commit(ctx context.Context) error {
	if err := b.git(ctx, "add", "--all", "applications"); err != nil {
		return err
	}
	return b.git(ctx, "-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit", "--quiet", "--message", "services")
}

func (b *bench) git(ctx context.Context, args ...string) error {
	return b.do(ctx, "git", append([]string{"-C", b.dir}, args...)...)
}

func (b *bench) do(ctx context.Context, program string, args ...string) error {
	command := exec.CommandContext(ctx, program, args...)
	command.Env = b.env
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(args, " "), err, out)
	}
	return nil
}

func (r result) total() int {
	total := 0
	for _, n := range r.Requests {
		total += n
	}
	return total
}

func printHeader(out io.Writer) {
	fmt.Fprintln(out, "| objects | step | wall | CPU | the cluster's CPU | peak memory | requests |\n|---:|---|---:|---:|---:|---:|---|")
}

func (r result) print(out io.Writer, objects int) {
	cluster := ""
	if r.cluster > 0 {
		cluster = fmt.Sprintf("%.1f s", r.cluster)
	}
	if r.Requests == nil { // another program's
		fmt.Fprintf(out, "| %d | %s | %.2f s | | %s | | |\n", objects, r.step, r.wall.Seconds(), cluster)
		return
	}
	var verbs []string
	for _, verb := range slices.Sorted(maps.Keys(r.Requests)) {
		verbs = append(verbs, fmt.Sprintf("%d %s", r.Requests[verb], verb))
	}
	step := r.step
	if r.sent > 0 {
		step += fmt.Sprintf(" (all was written after %.2f s)", r.sent.Seconds())
	}
	fmt.Fprintf(out, "| %d | %s | %.2f s | %.2f s | %s | %d MB | %d: %s |\n", objects, step,
		r.wall.Seconds(), r.CPU, cluster, r.Memory>>20, r.total(), strings.Join(verbs, ", "))
}

func last(text string, n int) string { return text[max(0, len(text)-n):] }
