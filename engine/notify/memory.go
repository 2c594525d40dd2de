package notify

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
)

// Memory is what is remembered of an application between commands.
type Memory struct {
	// At is when it was written: of two, the newer counts.
	At time.Time `json:"at"`
	// Triggers are by their addresses.
	Triggers map[string]Mark `json:"triggers,omitempty"`
	// Last is how the application was.
	Last *Case `json:"last,omitempty"`
	// Threads are what services call the first messages of threads.
	Threads map[string]Thread `json:"threads,omitempty"`
}

// Mark is what is remembered of a trigger.
type Mark struct {
	On     bool     `json:"on,omitempty"`     // its condition was true
	Values []string `json:"values,omitempty"` // digests of what once_per came to, newest last
}

// Thread is a thread that has begun.
type Thread struct {
	Root string    `json:"root"`
	At   time.Time `json:"at"`
}

// maxThreads is how many threads of an application are remembered.
const maxThreads = 20

func (m Memory) clone() Memory {
	out := m
	out.Triggers, out.Threads = maps.Clone(m.Triggers), maps.Clone(m.Threads)
	if out.Triggers == nil {
		out.Triggers = map[string]Mark{}
	}
	return out
}

// merge takes over what is newer.
func (m Memory) merge(other Memory) Memory {
	out := m.clone()
	if other.At.After(m.At) {
		out.At, out.Triggers, out.Last = other.At, maps.Clone(other.Triggers), other.Last
	}
	for key, thread := range other.Threads {
		out.begin(key, thread)
	}
	return out
}

// begin remembers a thread, and forgets the oldest of too many.
func (m *Memory) begin(key string, thread Thread) {
	if m.Threads == nil {
		m.Threads = map[string]Thread{}
	}
	m.Threads[key] = thread
	if len(m.Threads) <= maxThreads {
		return
	}
	oldest := slices.MinFunc(slices.Sorted(maps.Keys(m.Threads)), func(a, b string) int { return m.Threads[a].At.Compare(m.Threads[b].At) })
	delete(m.Threads, oldest)
}

// memories are those of the applications of one key.
type memories struct {
	head
	Applications map[string]Memory `json:"applications"`
}

// memoryKey spreads applications over some keys, so that none becomes large and an apply
// of a few reads a few.
func memoryKey(address addr.Address) string {
	return memoryPrefix + "/" + digest(address.String())[:1]
}

// Remembered returns what is remembered of applications: what is in the outbox counts
// where it is newer.
func (o *Outbox) Remembered(ctx context.Context, addresses []addr.Address) (map[addr.Address]Memory, error) {
	out := make(map[addr.Address]Memory, len(addresses))
	read := map[string]*memories{}
	for _, address := range addresses {
		key := memoryKey(address)
		if read[key] == nil {
			found := &memories{}
			if _, err := o.get(ctx, key, found); err != nil {
				return nil, err
			}
			read[key] = found
		}
		out[address] = read[key].Applications[address.String()]
	}
	batches, _, err := o.load(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range batches {
		for text, memory := range b.doc.Memories {
			if address, err := addr.Parse(text); err == nil {
				if before, asked := out[address]; asked {
					out[address] = before.merge(memory)
				}
			}
		}
	}
	return out, nil
}

// remember writes what is to be remembered.
func (o *Outbox) remember(ctx context.Context, memory map[string]Memory) error {
	return o.changeMemories(ctx, memory, func(before, now Memory) (Memory, bool) { return before.merge(now), true })
}

// Forget forgets applications that are gone.
func (o *Outbox) Forget(ctx context.Context, addresses []addr.Address) error {
	gone := map[string]Memory{}
	for _, address := range addresses {
		gone[address.String()] = Memory{}
	}
	return o.changeMemories(ctx, gone, func(Memory, Memory) (Memory, bool) { return Memory{}, false })
}

func (o *Outbox) changeMemories(ctx context.Context, of map[string]Memory, change func(before, now Memory) (Memory, bool)) error {
	byKey := map[string][]string{}
	for text := range of {
		address, err := addr.Parse(text)
		if err != nil {
			return err
		}
		byKey[memoryKey(address)] = append(byKey[memoryKey(address)], text)
	}
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		err := swap(ctx, o, key, func(found *memories) bool {
			if found.Applications == nil {
				found.Applications = map[string]Memory{}
			}
			for _, text := range byKey[key] {
				if next, keep := change(found.Applications[text], of[text]); keep {
					found.Applications[text] = next
				} else {
					delete(found.Applications, text)
				}
			}
			return true
		})
		if err != nil {
			return err
		}
	}
	return nil
}
