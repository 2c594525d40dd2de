package engine

import (
	"context"
	"sync"
)

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
	var group sync.WaitGroup
	for range limit {
		group.Go(func() {
			for i := range next {
				work(i)
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
	group.Wait()
}
