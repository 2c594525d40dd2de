package syntax_test

import (
	"strings"
	"testing"

	"github.com/gantrycd/gantry/lang/syntax"
)

func TestNumbersAreBounded(t *testing.T) {
	long := strings.Repeat("9", 1001)
	for text, refused := range map[string]bool{
		"a = 1e1000": false, "a = 1.5e+300": false, "a = 1e-1000": false, "a = 1e0000000300": false,
		"a = b1e99999999": false, "a = \"1e99999999\"": false, "a = x.1e99": false, "a = 1.e5": false,
		"a = 1e1001": true, "a = 1e99999999": true, "a = 1E+99999999": true, "a = 1e-99999999": true,
		"a = 1.5e99999999999999999999999": true, "a = " + long: true, "a = 0." + long: true,
		"a = \"x${1e99999999}\"": true, "a = length(\"x${1e99999999}\")": true, "a = [-1e99999999]": true,
	} {
		diags := syntax.Check([]byte(text), "a.gantry.hcl")
		if got := diags.HasErrors() && diags[0].Summary == "Number too large"; got != refused {
			t.Errorf("%.40s is refused: %v, want %v: %v", text, got, refused, diags)
		}
	}
	for text, refused := range map[string]bool{
		`{"locals": {"a": 1e300}}`: false, `{"locals": {"a": "1e99999999"}}`: false,
		`{"locals": {"a": 1e99999999}}`: true, `{"locals": {"a": "${1e99999999}"}}`: true,
	} {
		diags := syntax.Check([]byte(text), "a.gantry.json")
		if diags.HasErrors() != refused {
			t.Errorf("%s is refused: %v, want %v: %v", text, diags.HasErrors(), refused, diags)
		}
	}
}
