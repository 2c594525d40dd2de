package syntax

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Each calls do for the numbers from 0 up to n, on all processors at once, and returns
// when it is done: for what is done with every item of a file, which know nothing of
// each other. A panic in do is one in Each.
func Each(n int, do func(i int)) {
	const batch = 16
	workers := min(runtime.GOMAXPROCS(0), (n+batch-1)/batch)
	if workers < 2 {
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var panicked atomic.Value
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			defer func() {
				if cause := recover(); cause != nil {
					panicked.CompareAndSwap(nil, &cause)
				}
			}()
			for panicked.Load() == nil {
				from := int(next.Add(batch)) - batch
				if from >= n {
					return
				}
				for i := from; i < min(from+batch, n); i++ {
					do(i)
				}
			}
		})
	}
	group.Wait()
	if cause, ok := panicked.Load().(*any); ok {
		panic(*cause)
	}
}
