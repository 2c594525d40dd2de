package s3_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/s3"
	"github.com/gantrycd/gantry/state/s3/s3test"
	"github.com/gantrycd/gantry/state/storetest"
)

func open(t testing.TB, server *s3test.Server, prefix string) *s3.Store {
	t.Helper()
	store, err := s3.New(t.Context(), server.Options(prefix))
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestStore(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	var stores atomic.Int64
	storetest.Run(t, func(t *testing.T) state.Store {
		return open(t, server, fmt.Sprintf("store/%d", stores.Add(1)))
	}, storetest.Reopen(func(t *testing.T, store state.Store) state.Store {
		_, prefix, _ := strings.Cut(fmt.Sprint(store), "//"+s3test.Bucket+"/")
		return open(t, server, prefix)
	}))
}

func TestProcesses(t *testing.T) {
	storetest.Processes(t, func(t *testing.T) string {
		return s3test.Start(t).Endpoint()
	}, func(endpoint string) (state.Store, error) {
		return s3.New(t.Context(), s3.Options{
			Bucket: s3test.Bucket, Endpoint: endpoint, PathStyle: true, AccessKey: s3test.AccessKey, SecretKey: s3test.SecretKey,
		})
	})
}

func TestUnsuitableOptions(t *testing.T) {
	sound := s3.Options{Bucket: "b", Region: "eu-west-1"}
	for want, change := range map[string]func(*s3.Options){
		"no bucket":         func(o *s3.Options) { o.Bucket = "" },
		"belong together":   func(o *s3.Options) { o.AccessKey = "id" },
		"is not suitable":   func(o *s3.Options) { o.Prefix = "a//b" },
		"longer than":       func(o *s3.Options) { o.Prefix = strings.Repeat("a", 300) },
		"must be a URL":     func(o *s3.Options) { o.Endpoint = "s3.example.com" },
		"holds credentials": func(o *s3.Options) { o.Endpoint = "https://me:hunter2@s3.example.com" },
		"cannot be loaded":  func(o *s3.Options) { o.Profile = "there-is-none" },
	} {
		options := sound
		change(&options)
		if _, err := s3.New(t.Context(), options); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := s3.New(t.Context(), sound); err != nil {
		t.Error(err)
	}
}
