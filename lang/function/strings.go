package function

import (
	"regexp"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

func hasPrefix(s, part string) bool { return strings.HasPrefix(s, part) }
func hasSuffix(s, part string) bool { return strings.HasSuffix(s, part) }
func contains(s, part string) bool  { return strings.Contains(s, part) }

func affixFunc(verb string, holds func(s, part string) bool) function.Function {
	return function.New(&function.Spec{
		Description: "Tells whether a string " + verb + " another.",
		Params:      []function.Parameter{text("str"), text("part")},
		Type:        function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(holds(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

// replaceFunc is Terraform's: between slashes, what is searched for is a regular
// expression.
var replaceFunc = function.New(&function.Spec{
	Description: "Replaces every occurrence of a substring, or with slashes around it of a regular expression, by another string.",
	Params:      []function.Parameter{text("str"), text("substr"), text("replace")},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		s, search, replacement := args[0].AsString(), args[1].AsString(), args[2].AsString()
		if len(search) < 2 || !strings.HasPrefix(search, "/") || !strings.HasSuffix(search, "/") {
			return cty.StringVal(strings.ReplaceAll(s, search, replacement)), nil
		}
		pattern, err := regexp.Compile(search[1 : len(search)-1])
		if err != nil {
			return cty.NilVal, function.NewArgError(1, err)
		}
		return cty.StringVal(pattern.ReplaceAllString(s, replacement)), nil
	},
})
