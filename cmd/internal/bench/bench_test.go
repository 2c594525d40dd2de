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
	b := &bench{services: 100}
	fast := result{step: "plan without changes", wall: time.Second, Requests: map[string]int{"LIST": 120}}
	slow := result{step: "plan without changes", wall: 4 * time.Second, Requests: map[string]int{"LIST": 121}}
	if got := b.broken([]result{fast}); len(got) != 0 {
		t.Errorf("unexpected: %v", got)
	}
	if got := b.broken([]result{slow}); len(got) != 2 {
		t.Errorf("both promises are broken, got %v", got)
	}
}
