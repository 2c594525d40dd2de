package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
)

// stats is what a command took.
type stats struct {
	Event     string         `json:"event"` // "stats"
	Wall      engine.Seconds `json:"wallSeconds"`
	CPU       engine.Seconds `json:"cpuSeconds"`
	MaxMemory int64          `json:"maxMemory"` // bytes, resident; 0 where the platform does not tell
	Requests  map[string]int `json:"requests"`  // to all clusters, by verb
	// Predictions is how far the comparison on this machine agreed with the clusters; nil
	// where nothing was planned.
	Predictions *engine.Predictions `json:"predictions,omitempty"`
}

// meter counts what a command takes.
type meter struct {
	start time.Time

	mu     sync.Mutex
	opened []providers.Cluster
}

func newMeter() *meter { return &meter{start: time.Now()} }

// clusters returns clusters that the meter knows of once they are connected to.
func (m *meter) clusters(next providers.Clusters) providers.Clusters {
	return metered{meter: m, next: next}
}

type metered struct {
	meter *meter
	next  providers.Clusters
}

// Connect implements providers.Clusters.
func (c metered) Connect(name string, connection target.Connection, credentials target.Credentials) (providers.Cluster, error) {
	cluster, err := c.next.Connect(name, connection, credentials)
	if err == nil {
		c.meter.mu.Lock()
		defer c.meter.mu.Unlock()
		c.meter.opened = append(c.meter.opened, cluster)
	}
	return cluster, err
}

func (m *meter) stats() stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	cpu, memory := resources()
	out := stats{Event: "stats", Wall: engine.Seconds(time.Since(m.start)), CPU: engine.Seconds(cpu), MaxMemory: memory, Requests: map[string]int{}}
	for _, cluster := range m.opened {
		for verb, n := range cluster.Requests() {
			out.Requests[verb] += n
		}
	}
	return out
}

// showStats writes stats to where progress goes.
func (c *cli) showStats(s stats) {
	c.events.stats(s)
	if c.json {
		// The stream is gone when this fails; there is nowhere to say so.
		_ = jsonEncoder(c.err).Encode(s)
		return
	}
	var verbs []string
	total := 0
	for _, verb := range slices.Sorted(maps.Keys(s.Requests)) {
		verbs = append(verbs, fmt.Sprintf("%d %s", s.Requests[verb], verb))
		total += s.Requests[verb]
	}
	fmt.Fprintf(c.err, "%s, of which CPU %s; %d MB of memory; %s", duration(time.Duration(s.Wall)), duration(time.Duration(s.CPU)), s.MaxMemory>>20, count(total, "request"))
	if len(verbs) > 0 {
		fmt.Fprintf(c.err, " (%s)", strings.Join(verbs, ", "))
	}
	fmt.Fprintln(c.err)
	if p := s.Predictions; p != nil && p.Asked > 0 {
		fmt.Fprintf(c.err, "%s asked about", count(p.Asked, "object"))
		for _, why := range slices.Sorted(maps.Keys(p.Why)) {
			fmt.Fprintf(c.err, "; %d for nothing: %s", p.Why[why], why)
		}
		fmt.Fprintf(c.err, "; %d with fields that the server brings\n", p.Otherwise)
	}
}
