package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/gantrycd/gantry/engine/configtest"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/function"
	"github.com/gantrycd/gantry/lang/schema"
)

// The schema as JSON has every block, argument and nested block that the decoder
// knows, and nothing else.
func TestSchemaIsWhole(t *testing.T) {
	var out bytes.Buffer
	c := &cli{out: &out, err: &out, getenv: func(string) string { return "" }}
	if code := c.run(t.Context(), []string{"schema", "--json"}); code != 0 {
		t.Fatalf("ended with %d: %s", code, out.String())
	}
	var got struct {
		FormatVersion string
		Blocks        []describedBlock
		TestBlocks    []describedBlock
		Functions     []struct{ Name string }
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.FormatVersion != schemaFormat {
		t.Errorf("formatVersion is %q", got.FormatVersion)
	}
	compareBlocks(t, "", got.Blocks, lang.Blocks())
	compareBlocks(t, "", got.TestBlocks, configtest.Blocks())
	var names, want []string
	for _, f := range got.Functions {
		names = append(names, f.Name)
	}
	for _, f := range function.Describe(os.DirFS(".")) {
		want = append(want, f.Name)
	}
	if !slices.Equal(names, want) {
		t.Errorf("functions are %v, want %v", names, want)
	}
}

type describedBlock struct {
	Type      string
	Labels    []struct{ Name, Value string }
	Doc       string
	Arguments []struct{ Name, Type, Doc string }
	Blocks    []describedBlock
	Min, Max  int
}

func compareBlocks(t *testing.T, path string, got []describedBlock, want []*schema.Block) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: has %d blocks, want %d", path, len(got), len(want))
		return
	}
	for i, b := range want {
		at := path + " " + schemaName(b)
		if got[i].Type != b.Type || got[i].Doc != b.Doc || len(got[i].Labels) != len(b.Labels) || len(got[i].Arguments) != len(b.Arguments) {
			t.Errorf("%s is %+v", at, got[i])
			continue
		}
		for j, argument := range b.Arguments {
			if a := got[i].Arguments[j]; a.Name != argument.Name || a.Type != argument.Type.Name || a.Doc != argument.Doc {
				t.Errorf("%s: argument %s is %+v", at, argument.Name, a)
			}
		}
		var nested []*schema.Block
		for j, n := range b.Blocks {
			nested = append(nested, n.Block)
			if j < len(got[i].Blocks) && (got[i].Blocks[j].Min != n.Min || got[i].Blocks[j].Max != n.Max) {
				t.Errorf("%s: block %s may be written %d to %d times", at, n.Type, got[i].Blocks[j].Min, got[i].Blocks[j].Max)
			}
		}
		compareBlocks(t, at, got[i].Blocks, nested)
	}
}

// A name means one thing: no function is called as a block is.
func TestSchemaNames(t *testing.T) {
	known := knownSchema()
	functions := map[string]bool{}
	for _, f := range known.functions {
		functions[f.Name] = true
	}
	for _, b := range append(slices.Clone(known.blocks), known.tests...) {
		if functions[b.Type] {
			t.Errorf("%s is a block and a function", b.Type)
		}
		found, err := known.only(schemaName(b))
		if err != nil || len(found.blocks)+len(found.tests) != 1 {
			t.Errorf("%s finds %s, %v", schemaName(b), fmt.Sprint(found.names()), err)
		}
	}
}
