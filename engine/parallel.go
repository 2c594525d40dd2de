package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
)

// Panic is a panic of one of the engine's goroutines. Plan and Apply panic with it
// in their caller's, once the other goroutines are done: who calls them decides what
// becomes of the process.
type Panic struct {
	Value any    // what it panicked with
	Stack []byte // of the goroutine that did
}

// Error returns both.
func (p *Panic) Error() string { return fmt.Sprintf("%v\n\n%s", p.Value, p.Stack) }

// group is goroutines that someone waits for. Its zero value is ready to use.
type group struct {
	all   sync.WaitGroup
	mu    sync.Mutex
	first *Panic
}

// Go runs a function in a goroutine.
func (g *group) Go(run func()) {
	g.all.Go(func() { g.do(run) })
}

// do runs a function and keeps its panic for who waits.
func (g *group) do(run func()) {
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.first != nil {
			return
		}
		inner, isPanic := value.(*Panic)
		if !isPanic {
			inner = &Panic{Value: value, Stack: debug.Stack()}
		}
		g.first = inner
	}()
	run()
}

// Wait waits for all, and panics as the first did that panicked.
func (g *group) Wait() {
	g.all.Wait()
	if g.first != nil {
		panic(g.first)
	}
}

// parallel calls work for 0 to n-1, at most limit at a time, and returns when all
// calls have. Once the context ends no further call is made.
func parallel(ctx context.Context, limit, n int, work func(i int)) {
	if limit > n {
		limit = n
	}
	if limit <= 1 {
		for i := range n {
			if ctx.Err() != nil {
				return
			}
			work(i)
		}
		return
	}
	next := make(chan int)
	var workers group
	for range limit {
		workers.Go(func() {
			for i := range next {
				workers.do(func() { work(i) })
			}
		})
	}
feed:
	for i := range n {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	workers.Wait()
}
