package health

import (
	"context"
	_ "embed" // for the library
	"fmt"
	"sync"
	"testing/fstest"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/govern"
)

// LibraryText is the library of health blocks that ships with gantry, as a file of
// configuration.
//
//go:embed builtin.gantry.hcl
var LibraryText string

// LibraryFile is what the file is called.
const LibraryFile = "builtin.gantry.hcl"

// library returns the rules of the library, read once.
var library = sync.OnceValues(readLibrary)

func readLibrary() (ruleset, error) {
	files := fstest.MapFS{LibraryFile: {Data: []byte(LibraryText)}}
	module, diags := lang.Load(".", lang.LoadOptions{FS: files})
	if diags.HasErrors() {
		return ruleset{}, fmt.Errorf("the library of health rules cannot be read: %w. This is a bug in gantry", diags)
	}
	config, diags := module.Evaluate(context.Background(), lang.EvalOptions{})
	if diags.HasErrors() {
		return ruleset{}, fmt.Errorf("the library of health rules cannot be read: %w. This is a bug in gantry", diags)
	}
	var rules []*rule
	for _, block := range config.Health {
		for _, kind := range append([]string{block.Address.Key}, block.Also...) {
			r := &rule{block: block, builtIn: true}
			r.group, r.kind = govern.SplitKind(kind)
			if err := r.compile(); err != nil {
				return ruleset{}, err
			}
			rules = append(rules, r)
		}
	}
	return newRuleset(rules), nil
}
