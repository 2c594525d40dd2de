package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWorkloadHasTheObjectsItSays(t *testing.T) {
	dir := t.TempDir()
	if err := writeWorkload(dir, 3, 2); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "applications", "*", "*.yaml"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%d services were written: %v", len(files), err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	documents := strings.Split(string(text), "\n---\n")
	for _, document := range documents {
		for line := range strings.Lines(document) {
			if kind, ok := strings.CutPrefix(line, "kind: "); ok {
				kinds[kind] = true
				break
			}
		}
		if strings.Contains(document, "kind: ConfigMap") && (len(document) < 1800 || len(document) > 2400) {
			t.Errorf("the ConfigMap has %d bytes, it should have about 2 KB", len(document))
		}
	}
	if len(documents) != objectsPerService || len(kinds) != kindsPerService {
		t.Errorf("a service has %d objects of %d kinds, the constants say %d of %d", len(documents), len(kinds), objectsPerService, kindsPerService)
	}
}

func TestStatsAreFoundAmongEvents(t *testing.T) {
	var r result
	start := time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)
	err := readStats(strings.NewReader(`{"event":"reading","subject":"bench"}
{"event":"written","at":"2026-05-04T10:00:01Z"}
{"event":"written","at":"2026-05-04T10:00:02.5Z"}
{"event":"healthy","at":"2026-05-04T10:00:04Z"}
{"event":"stats","cpuSeconds":1.5,"maxMemory":1048576,"requests":{"LIST":3,"GET":2}}
`), start, &r)
	if err != nil {
		t.Fatal(err)
	}
	if r.CPU != 1.5 || r.Memory != 1<<20 || r.total() != 5 || r.sent != 2500*time.Millisecond {
		t.Errorf("got %+v", r)
	}
	if err := readStats(strings.NewReader("{}\n"), start, &r); err == nil {
		t.Error("missing stats are not an error")
	}
}

func TestTheConfigurationMakesNamespacesWhereItIsTo(t *testing.T) {
	b := &bench{dir: t.TempDir(), services: 100, kubeconfig: "/kubeconfig"}
	for _, with := range []bool{false, true} {
		if err := b.configure(with); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(b.dir, "bench.gantry.hcl"))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{`application "namespaces"`, "depends_on = [application.namespaces]"} {
			if strings.Contains(string(text), part) != with {
				t.Errorf("with namespaces %v: %q is there: %v", with, part, !with)
			}
		}
	}
}

// There are as many guards as is said, and without them the configuration is as it was.
func TestGuards(t *testing.T) {
	b := &bench{dir: t.TempDir(), services: 100, kubeconfig: "/kubeconfig"}
	file := filepath.Join(b.dir, "bench.gantry.hcl")
	read := func() string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if err := b.configure(true); err != nil {
		t.Fatal(err)
	}
	before := read()
	if err := b.guard(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(guards(), "\npolicy "); n != guardedPolicies {
		t.Errorf("there are %d policies, not %d", n, guardedPolicies)
	}
	if !strings.Contains(read(), "project    = project.team[") {
		t.Error("the applications are in no project")
	}
	if err := b.unguard(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.guardsFile()); read() != before || err == nil {
		t.Error("the guards are still there")
	}
}

// perApplication is of how many services an application is.
const perApplication = 10

// well is what is measured where every promise holds.
func well(services int) map[string]*result {
	objects, parents := services*objectsPerService, services/perApplication
	all := map[string]*result{}
	add := func(step string, wall time.Duration, requests map[string]int) {
		all[step] = &result{step: step, wall: wall, Memory: 100 << 20, Requests: requests}
	}
	add(first, 10*time.Second, map[string]int{"DRYRUN": objects})
	add(firstApply, 10*time.Second, map[string]int{"APPLY": objects + parents})
	add(cold, time.Second, map[string]int{"LIST": 20})
	add(unchanged, time.Second, map[string]int{"LIST": 20})
	add(least, time.Second, nil)
	add(changed, time.Second, map[string]int{"DRYRUN": objects / 100, "LIST": 40})
	add(applyChanged, time.Second, map[string]int{"APPLY": objects/100 + min(parents, objects/100)})
	add(predicted, time.Second, map[string]int{"DRYRUN": namespaces(services)})
	for _, step := range []string{unguarded, guarded} {
		add(step, time.Second, nil)
		all[step].CPU = 2
	}
	add(predictedApply, time.Second, map[string]int{"DRYRUN": objects, "APPLY": objects + parents + 1 + namespaces(services)})
	add(leastStep(8), time.Minute, nil)
	add(leastStep(16), 9500*time.Millisecond, nil)
	for _, v := range shown("") {
		add(viewStep(v.name), time.Second/2, nil)
	}
	return all
}

func TestPromises(t *testing.T) {
	tests := map[string]struct {
		services int
		spoil    func(all map[string]*result)
		broken   string // a part of what is told; empty for nothing
	}{
		"1,000 objects":            {100, func(map[string]*result) {}, ""},
		"10,000 objects":           {1000, func(map[string]*result) {}, ""},
		"another size":             {10, func(all map[string]*result) { all[cold].wall = time.Hour }, ""},
		"slow":                     {100, func(all map[string]*result) { all[cold].wall = 4 * time.Second }, "more than 3s"},
		"lists too much":           {100, func(all map[string]*result) { all[cold].Requests["LIST"] = 41 }, "41 requests, more than 40"},
		"asks about the unchanged": {100, func(all map[string]*result) { all[unchanged].Requests["DRYRUN"] = 1 }, "1 requests of DRYRUN, not 0"},
		"a large plan":             {1000, func(all map[string]*result) { all[cold].Memory = 1 << 30 }, "1024 MB, more than 500"},
		"a slow apply":             {1000, func(all map[string]*result) { all[leastStep(16)].wall = 8 * time.Second }, "80 % of the minimal client's throughput"},
		"a large apply":            {1000, func(all map[string]*result) { all[firstApply].Memory = 1 << 30 }, "1024 MB, more than 600"},
		"writes twice":             {1000, func(all map[string]*result) { all[firstApply].Requests["APPLY"]++ }, "10101 requests of APPLY, not 10100"},
		"asks before it sends":     {1000, func(all map[string]*result) { all[firstApply].Requests["DRYRUN"]++ }, "1 requests of DRYRUN, not 0"},
		"does not ask":             {1000, func(all map[string]*result) { all[predictedApply].Requests["DRYRUN"]-- }, "9999 requests of DRYRUN, not 10000"},
		"a change asks too much":   {1000, func(all map[string]*result) { all[changed].Requests["DRYRUN"] = 200 }, "200 requests of DRYRUN, not 100"},
		"a change reads too much":  {1000, func(all map[string]*result) { all[applyChanged].Requests["GET"] = 9900 }, "10100 requests, more than 320"},
		"a change takes too long":  {1000, func(all map[string]*result) { all[applyChanged].wall = 6 * time.Second }, "more than 5s"},
		"its plan, too":            {1000, func(all map[string]*result) { all[changed].wall = 5 * time.Second }, "more than 4.3s"},
		"slower than the least":    {1000, func(all map[string]*result) { all[least].wall = 600 * time.Millisecond }, "1.67 times what the minimal client takes"},
		"slow although kept":       {1000, func(all map[string]*result) { all[unchanged].wall = 3 * time.Second }, "more than 2.5s"},
		"slow guards":              {1000, func(all map[string]*result) { all[guarded].CPU = 3.1 }, "1.10 s of CPU more than the plan without them"},
		"guards that wait":         {1000, func(all map[string]*result) { all[guarded].wall += 600 * time.Millisecond }, "0.60 s and 0.00 s of CPU more"},
		"a slow view":              {1000, func(all map[string]*result) { all[viewStep("HTML")].wall = 2 * time.Second }, "the view as HTML"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			all := well(test.services)
			test.spoil(all)
			var results []result
			for _, r := range all {
				results = append(results, *r)
			}
			got := strings.Join((&bench{services: test.services, perApplication: perApplication}).broken(results), "; ")
			if (got == "") != (test.broken == "") || !strings.Contains(got, test.broken) || strings.Contains(got, "; ") {
				t.Errorf("broken are %q, want %q", got, test.broken)
			}
		})
	}
}

func TestGrowth(t *testing.T) {
	before := []result{{step: cold, wall: time.Second, Memory: 100 << 20}, {step: "first plan as HTML", wall: time.Second}}
	for name, test := range map[string]struct {
		after  result
		broken int
	}{
		"in proportion":     {result{step: cold, wall: 10 * time.Second, Memory: 1000 << 20}, 0},
		"time grows faster": {result{step: cold, wall: 16 * time.Second, Memory: 1000 << 20}, 1},
		"both do":           {result{step: cold, wall: 16 * time.Second, Memory: 1600 << 20}, 2},
		"not promised":      {result{step: "first plan as HTML", wall: time.Hour}, 0},
	} {
		if got := grown(1000, 10000, before, []result{test.after}); len(got) != test.broken {
			t.Errorf("%s: %q", name, got)
		}
	}
}
