package function

import (
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/gantrycd/gantry/lang/value"
)

// maxLabel is the length of the longest DNS label (RFC 1123).
const maxLabel = 63

// DNSLabel makes a DNS label of any text: lower case, everything else than
// letters and digits a dash, none at the ends. What is too long is cut and ends in
// a hash of the whole, so that two long texts stay apart.
func DNSLabel(text string) string {
	var b strings.Builder
	dash := false
	for _, r := range strings.ToLower(text) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			dash = false
			b.WriteRune(r)
		} else {
			dash = true
		}
	}
	label := b.String()
	if len(label) <= maxLabel {
		return label
	}
	sum := sha256.Sum256([]byte(text))
	hash := hex.EncodeToString(sum[:4])
	return strings.TrimRight(label[:maxLabel-len(hash)-1], "-") + "-" + hash
}

var dnsLabelFunc = function.New(&function.Spec{
	Description: "Makes a DNS label of any text, as names in Kubernetes must be: lower case, up to 63 characters.",
	Params:      []function.Parameter{text("str")},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		label := DNSLabel(args[0].AsString())
		if label == "" {
			return cty.NilVal, function.NewArgErrorf(0, "%q has neither a letter a to z nor a digit", args[0].AsString())
		}
		return cty.StringVal(label), nil
	},
})

// pessimistic is Terraform's operator: "~> 1.4" allows what raises the last part
// that is written, so 1.4 and 1.5, but not 2.0.
var pessimistic = regexp.MustCompile(`~>\s*v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(-[0-9A-Za-z.-]+)?`)

// Constraint parses a version constraint: that of the semver library, and
// Terraform's "~>".
func Constraint(text string) (*semver.Constraints, error) {
	text = pessimistic.ReplaceAllStringFunc(text, func(match string) string {
		parts := pessimistic.FindStringSubmatch(match)
		version := strings.TrimSpace(strings.TrimPrefix(match, "~>"))
		switch {
		case parts[2] == "":
			return ">= " + version
		case parts[3] == "":
			return ">= " + version + ", < " + next(parts[1])
		}
		return ">= " + version + ", < " + parts[1] + "." + next(parts[2])
	})
	return semver.NewConstraint(text)
}

// next returns the number after one that is written in decimal digits.
func next(digits string) string {
	number, _ := new(big.Int).SetString(digits, 10)
	return number.Add(number, big.NewInt(1)).String()
}

var semverMatchFunc = function.New(&function.Spec{
	Description: "Tells whether a version fulfils a constraint such as \"~> 1.2\", \">= 1.4, < 2\" or \"1.x\".",
	Params:      []function.Parameter{text("constraint"), text("version")},
	Type:        function.StaticReturnType(cty.Bool),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		constraint, err := Constraint(args[0].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(0, "%q is no version constraint", args[0].AsString())
		}
		version, err := semver.NewVersion(args[1].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(1, "%q is no version", args[1].AsString())
		}
		return cty.BoolVal(constraint.Check(version)), nil
	},
})

// passThrough declares the parameter of the functions about sensitive values.
func passThrough() []function.Parameter {
	return []function.Parameter{{
		Name: "value", Type: cty.DynamicPseudoType,
		AllowNull: true, AllowUnknown: true, AllowDynamicType: true, AllowMarked: true,
	}}
}

func sameType(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil }

var sensitiveFunc = function.New(&function.Spec{
	Description: "Marks a value as sensitive: nothing shows it.",
	Params:      passThrough(),
	Type:        sameType,
	Impl:        func(args []cty.Value, _ cty.Type) (cty.Value, error) { return args[0].Mark(value.Sensitive), nil },
})

var nonsensitiveFunc = function.New(&function.Spec{
	Description: "Says that a value is no secret, although it was made of one.",
	Params:      passThrough(),
	Type:        sameType,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		unmarked, marks := args[0].UnmarkDeep()
		delete(marks, value.Sensitive)
		return unmarked.WithMarks(marks), nil
	},
})

var isSensitiveFunc = function.New(&function.Spec{
	Description: "Tells whether a value, or anything in it, is sensitive.",
	Params:      passThrough(),
	Type:        function.StaticReturnType(cty.Bool),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if !args[0].IsWhollyKnown() && !value.IsSensitive(args[0]) {
			return cty.UnknownVal(cty.Bool), nil
		}
		return cty.BoolVal(value.IsSensitive(args[0])), nil
	},
})
