package function_test

import (
	"testing"
	"testing/fstest"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/function"
)

func TestNumbersAreBounded(t *testing.T) {
	functions := function.Functions(fstest.MapFS{})
	for _, c := range []struct {
		name string
		args []cty.Value
		ok   bool
	}{
		{"tonumber", []cty.Value{cty.StringVal("1e300")}, true},
		{"tonumber", []cty.Value{cty.StringVal("1e99999999")}, false},
		{"jsondecode", []cty.Value{cty.StringVal(`{"a": [1e300]}`)}, true},
		{"jsondecode", []cty.Value{cty.StringVal(`{"a": [1e99999999]}`)}, false},
		{"pow", []cty.Value{cty.NumberIntVal(2), cty.NumberIntVal(64)}, true},
		{"pow", []cty.Value{cty.NumberIntVal(1e9), cty.NumberIntVal(500)}, false},
	} {
		if _, err := functions[c.name].Call(c.args); (err == nil) != c.ok {
			t.Errorf("%s(%v): %v", c.name, c.args, err)
		}
	}
}
