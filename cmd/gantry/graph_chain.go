package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/state"
)

// appChain is the longest chain of applications, each of which follows the one before it;
// nil where none follows another.
type appChain struct {
	applications []addr.Address
	lasted       []time.Duration // when each was last applied; 0 is not known
}

// stateTime is how long the state is waited for by what can do without it.
const stateTime = 5 * time.Second

// longestChain finds the longest chain of a configuration's applications.
func (c *cli) longestChain(ctx context.Context, config *lang.Config) *appChain {
	index := make(map[addr.Address]int, len(config.Applications))
	for i, app := range config.Applications {
		index[app.Address] = i
	}
	known := c.lasted(ctx, config)
	follows, takes := make([][]int, len(config.Applications)), make([]time.Duration, len(config.Applications))
	for i, app := range config.Applications {
		takes[i] = plan.Takes(known[app.Address])
		for _, on := range app.DependsOn {
			if j, ok := index[on.Address]; ok && j != i {
				follows[i] = append(follows[i], j)
			}
		}
	}
	out := &appChain{}
	for _, i := range plan.Longest(follows, takes) {
		address := config.Applications[i].Address
		out.applications = append(out.applications, address)
		out.lasted = append(out.lasted, known[address])
	}
	if len(out.applications) < 2 {
		return nil
	}
	return out
}

// lasted tells how long the last applies of applications took; nothing where the state
// cannot be read, or not soon.
func (c *cli) lasted(ctx context.Context, config *lang.Config) map[addr.Address]time.Duration {
	out := map[addr.Address]time.Duration{}
	if config.Settings.Backend.Type == lang.UnknownBackend {
		return out
	}
	dir, err := c.directory()
	if err != nil {
		return out
	}
	ctx, cancel := context.WithTimeout(ctx, stateTime)
	defer cancel()
	records, err := c.openExisting(ctx, dir, backendOf(config))
	var entries []state.Versioned
	if err == nil {
		entries, err = records.List(ctx)
	}
	if err != nil {
		return out
	}
	for _, entry := range entries {
		if entry.Record != nil {
			out[entry.Address] = entry.Lasted()
		}
	}
	return out
}

// has reports whether the application of a block, or an instance of it, is in the chain.
func (l *appChain) has(block addr.Address) bool {
	return l != nil && slices.ContainsFunc(l.applications, func(a addr.Address) bool { return a == block || a.Block() == block })
}

// follows reports whether in the chain an application of one block comes right after one of
// another.
func (l *appChain) follows(block, on addr.Address) bool {
	if l == nil {
		return false
	}
	for i := 1; i < len(l.applications); i++ {
		after, before := l.applications[i], l.applications[i-1]
		if (after == block || after.Block() == block) && (before == on || before.Block() == on) {
			return true
		}
	}
	return false
}

// String returns a line about the chain; empty where there is none.
func (l *appChain) String() string {
	if l == nil {
		return ""
	}
	names := make([]string, len(l.applications))
	all, known := time.Duration(0), true
	for i, application := range l.applications {
		names[i] = application.String()
		if l.lasted[i] > 0 {
			names[i] += fmt.Sprintf(" (%s)", plan.Spell(l.lasted[i]))
		}
		all, known = all+l.lasted[i], known && l.lasted[i] > 0
	}
	text := "Longest chain: " + strings.Join(names, " → ")
	if known {
		text += fmt.Sprintf(", %s in all when each was last applied", plan.Spell(all))
	}
	return text
}
