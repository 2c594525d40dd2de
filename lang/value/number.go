package value

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// parseNumber reads a decimal number. One that is out of range, or a whole one of
// which digits would be lost, is refused.
func parseNumber(text string) (cty.Value, error) {
	v, err := cty.ParseNumberVal(text)
	if err != nil {
		return cty.NilVal, fmt.Errorf("the number %s is out of range; put it in quotes if it is meant as text", text)
	}
	number := v.AsBigFloat()
	near, _ := number.Float64()
	if math.IsInf(near, 0) || near == 0 && number.Sign() != 0 {
		return cty.NilVal, fmt.Errorf("the number %s is out of range; put it in quotes if it is meant as text", text)
	}
	if whole, ok := new(big.Int).SetString(text, 10); ok {
		if kept, _ := number.Int(nil); kept.Cmp(whole) != 0 {
			return cty.NilVal, fmt.Errorf("the number %s has more digits than can be kept; put it in quotes if it is meant as text", text)
		}
	}
	return v, nil
}

// numeral is a scalar that YAML's core schema calls a number.
var numeral = regexp.MustCompile(`^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+)$`)

// yamlNumber reads a number as YAML writes them.
func yamlNumber(text string) (cty.Value, error) {
	text = strings.TrimPrefix(strings.ReplaceAll(text, "_", ""), "+")
	if whole, ok := new(big.Int).SetString(text, 0); ok {
		text = whole.String() // of any base
	}
	return parseNumber(text)
}
