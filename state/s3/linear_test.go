package s3_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/s3/s3test"
	"github.com/gantrycd/gantry/state/storetest"
)

func TestLinearizable(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	var stores atomic.Int64
	storetest.Linearizable(t, func(t *testing.T) state.Store {
		return open(t, server, fmt.Sprintf("linear/%d", stores.Add(1)))
	}, storetest.Reopen(func(t *testing.T, store state.Store) state.Store {
		_, prefix, _ := strings.Cut(fmt.Sprint(store), "//"+s3test.Bucket+"/")
		return open(t, server, prefix)
	}))
}
