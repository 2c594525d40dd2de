package rendercache_test

import (
	"testing"
	"testing/fstest"

	"github.com/gantrycd/gantry/engine/rendercache"
)

// TestTouched compares what is read for a rendering on two sides: with a cache, with what
// that has kept, and without one.
func TestTouched(t *testing.T) {
	edit := func(change func(fstest.MapFS)) fstest.MapFS {
		out := files()
		change(out)
		return out
	}
	const read = "web/a.yaml"
	tests := []struct {
		name    string
		after   fstest.MapFS
		touched bool
	}{
		{"the same", files(), false},
		{"what is read", edit(func(f fstest.MapFS) { f[read] = &fstest.MapFile{Data: []byte("other")} }), true},
		{"what is read is gone", edit(func(f fstest.MapFS) { delete(f, read) }), true},
		{"one more where all are listed", edit(func(f fstest.MapFS) { f["web/zzz.yaml"] = &fstest.MapFile{Data: []byte("a: b")} }), true},
		{"what was looked for and was not there", edit(func(f fstest.MapFS) { f["optional"] = &fstest.MapFile{} }), true},
		{"what is listed, and not read", edit(func(f fstest.MapFS) { f["web/README.md"] = &fstest.MapFile{Data: []byte("other")} }), false},
		{"what nobody reads", edit(func(f fstest.MapFS) { f["elsewhere/x"] = &fstest.MapFile{} }), false},
	}
	renderer, cache := &counting{}, open(t, t.TempDir(), 1)
	for _, of := range []*rendercache.Cache{cache, cache, nil} {
		for _, test := range tests {
			before, after := input(), input()
			after.Tree = test.after
			differs, err := of.Touched(t.Context(), renderer, before, after)
			if err != nil || (differs != "") != test.touched {
				t.Errorf("%s: %q, %v", test.name, differs, err)
			}
		}
	}
	// Once for the cache, and each time without one.
	if renderer.calls != 1+len(tests) {
		t.Errorf("rendered %d times", renderer.calls)
	}
	// What the first side has of files counts, whatever was kept of others.
	before, after := input(), input()
	before.Tree = tests[1].after
	if differs, err := cache.Touched(t.Context(), renderer, before, after); err != nil || differs == "" || renderer.calls != 2+len(tests) {
		t.Errorf("%q, %v, rendered %d times", differs, err, renderer.calls)
	}
}
