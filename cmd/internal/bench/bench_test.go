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
	if err := writeWorkload(dir, 3, 2, "/kubeconfig"); err != nil {
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
	err := readStats(strings.NewReader(`{"event":"reading","subject":"bench"}
{"event":"stats","cpuSeconds":1.5,"maxMemory":1048576,"requests":{"LIST":3,"GET":2}}
`), &r)
	if err != nil {
		t.Fatal(err)
	}
	if r.CPU != 1.5 || r.Memory != 1<<20 || r.total() != 5 {
		t.Errorf("got %+v", r)
	}
	if err := readStats(strings.NewReader("{}\n"), &r); err == nil {
		t.Error("missing stats are not an error")
	}
}

func TestPromises(t *testing.T) {
	quick := result{step: cold, wall: time.Second, Memory: 1 << 20, Requests: map[string]int{"LIST": 120}}
	kept := result{step: unchanged, wall: time.Second}
	slow := result{step: cold, wall: 5 * time.Second, Memory: 1 << 30, Requests: map[string]int{"LIST": 121}}
	looked := result{step: least, wall: time.Second}
	applied, applying := result{step: firstApply, wall: 10 * time.Second}, result{step: leastStep(16), wall: 9500 * time.Millisecond}
	slowest := result{step: leastStep(8), wall: time.Minute}
	tests := map[string]struct {
		services int
		results  []result
		broken   int
	}{
		"1,000 objects":                {100, []result{quick}, 0},
		"1,000 objects, both broken":   {100, []result{slow}, 2},
		"10,000 objects":               {1000, []result{quick, kept, looked, slowest, applying, applied}, 0},
		"10,000 objects, three broken": {1000, []result{slow, kept, looked, applying, applied}, 3},
		"a slow apply":                 {1000, []result{quick, kept, looked, slowest, {step: leastStep(16), wall: 8 * time.Second}, applied}, 1},
		"a large apply":                {1000, []result{quick, kept, looked, applying, {step: firstApply, wall: 10 * time.Second, Memory: 1 << 30}}, 1},
		"a change asks too much":       {1000, []result{quick, kept, looked, applying, applied, {step: applyChanged, Requests: map[string]int{"APPLY": 100, "GET": 9900}}}, 1},
		"a change takes too long":      {1000, []result{quick, kept, looked, applying, applied, {step: applyChanged, wall: 6 * time.Second}}, 1},
		"slower than the least":        {1000, []result{quick, kept, {step: least, wall: 600 * time.Millisecond}, applying, applied}, 1},
		"slow although kept":           {1000, []result{quick, {step: unchanged, wall: 3 * time.Second}, looked, applying, applied}, 1},
		"another size":                 {10, []result{slow}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := &bench{services: test.services}
			if got := b.broken(test.results); len(got) != test.broken {
				t.Errorf("broken are %q, want %d", got, test.broken)
			}
		})
	}
}
