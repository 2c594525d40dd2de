package syntax

import (
	"fmt"
	"sync/atomic"
	"testing"
)

func TestEach(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 17, 1000} {
		done := make([]int, n)
		Each(n, func(i int) { done[i]++ })
		for i, times := range done {
			if times != 1 {
				t.Errorf("of %d, %d was done %d times", n, i, times)
			}
		}
	}
}

func TestEachPanics(t *testing.T) {
	var began atomic.Int64
	defer func() {
		if cause := recover(); fmt.Sprint(cause) != "number 20" || began.Load() == 100_000 {
			t.Errorf("got %v after %d", cause, began.Load())
		}
	}()
	Each(100_000, func(i int) {
		if began.Add(1); i == 20 {
			panic(fmt.Sprintf("number %d", i))
		}
	})
}
