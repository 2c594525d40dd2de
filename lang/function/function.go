// Package function holds the functions of the language: the cty standard
// library's, those that Terraform users expect, and a few for delivery.
//
// Every one is pure: no clock, no randomness, no environment, no network. Files
// are read only below the module's directory. The package knows no block. Only lang
// and the packages below it import it.
package function

import (
	"io/fs"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// Group is a part of the table, as the reference shows it.
type Group struct {
	Name      string
	Functions map[string]function.Function
}

// Table returns all functions. files is the module's directory.
func Table(files fs.FS) []Group {
	return []Group{
		{"Numbers", map[string]function.Function{
			"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "log": stdlib.LogFunc,
			"max": stdlib.MaxFunc, "min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "pow": bounded(stdlib.PowFunc),
			"signum": stdlib.SignumFunc, "sum": sumFunc,
		}},
		{"Strings", map[string]function.Function{
			"chomp": stdlib.ChompFunc, "endswith": affixFunc("ends", hasSuffix), "format": stdlib.FormatFunc,
			"formatlist": stdlib.FormatListFunc, "indent": stdlib.IndentFunc, "join": stdlib.JoinFunc,
			"lower": stdlib.LowerFunc, "regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc, "replace": replaceFunc,
			"split": stdlib.SplitFunc, "startswith": affixFunc("starts", hasPrefix), "strcontains": affixFunc("contains", contains),
			"strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc, "title": stdlib.TitleFunc, "trim": stdlib.TrimFunc,
			"trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc,
			"upper": stdlib.UpperFunc,
		}},
		{"Collections", map[string]function.Function{
			"alltrue": quantifierFunc(false), "anytrue": quantifierFunc(true), "chunklist": stdlib.ChunklistFunc,
			"coalesce": coalesceFunc, "coalescelist": stdlib.CoalesceListFunc, "compact": stdlib.CompactFunc,
			"concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc, "distinct": stdlib.DistinctFunc,
			"element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc, "index": indexFunc, "keys": stdlib.KeysFunc,
			"length": lengthFunc, "lookup": stdlib.LookupFunc, "matchkeys": matchKeysFunc, "merge": stdlib.MergeFunc,
			"merge_deep": mergeDeepFunc, "one": oneFunc, "range": stdlib.RangeFunc, "reverse": stdlib.ReverseListFunc,
			"setintersection": stdlib.SetIntersectionFunc, "setproduct": stdlib.SetProductFunc,
			"setsubtract": stdlib.SetSubtractFunc, "setunion": stdlib.SetUnionFunc, "slice": stdlib.SliceFunc,
			"sort": stdlib.SortFunc, "transpose": transposeFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
		}},
		{"Encodings", map[string]function.Function{
			"base64decode": base64DecodeFunc, "base64encode": base64EncodeFunc, "csvdecode": stdlib.CSVDecodeFunc,
			"jsondecode": jsonDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc, "urlencode": urlEncodeFunc,
			"yamldecode": yamlDecodeFunc, "yamldecode_all": yamlDecodeAllFunc, "yamlencode": yamlEncodeFunc,
		}},
		{"Hashes", map[string]function.Function{
			"base64sha256": hashFunc("SHA-256 hash as base64", sha256Sum, toBase64),
			"base64sha512": hashFunc("SHA-512 hash as base64", sha512Sum, toBase64),
			"md5":          hashFunc("MD5 hash in hexadecimal digits", md5Sum, toHex),
			"sha1":         hashFunc("SHA-1 hash in hexadecimal digits", sha1Sum, toHex),
			"sha256":       hashFunc("SHA-256 hash in hexadecimal digits", sha256Sum, toHex),
			"sha512":       hashFunc("SHA-512 hash in hexadecimal digits", sha512Sum, toHex),
			"uuidv5":       uuidV5Func,
		}},
		{"Dates", map[string]function.Function{
			"formatdate": stdlib.FormatDateFunc, "timeadd": stdlib.TimeAddFunc, "timecmp": timeCompareFunc,
		}},
		{"Networks", map[string]function.Function{
			"cidrhost": cidrHostFunc, "cidrnetmask": cidrNetmaskFunc, "cidrsubnet": cidrSubnetFunc, "cidrsubnets": cidrSubnetsFunc,
		}},
		{"Files", fileFunctions(files)},
		{"Types", map[string]function.Function{
			"can": tryfunc.CanFunc, "issensitive": isSensitiveFunc, "nonsensitive": nonsensitiveFunc,
			"sensitive": sensitiveFunc, "tobool": stdlib.MakeToFunc(cty.Bool),
			"tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)), "tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
			"tonumber": bounded(stdlib.MakeToFunc(cty.Number)), "toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),
			"tostring": stdlib.MakeToFunc(cty.String), "try": tryfunc.TryFunc,
		}},
		{"Delivery", map[string]function.Function{
			"dns_label": dnsLabelFunc, "flatmap": flatMapFunc, "product": productFunc, "semver_match": semverMatchFunc,
		}},
	}
}

// Functions returns the table as HCL takes it.
func Functions(files fs.FS) map[string]function.Function {
	functions := map[string]function.Function{}
	for _, group := range Table(files) {
		for name, f := range group.Functions {
			functions[name] = f
		}
	}
	return functions
}

// text declares a parameter that is a string.
func text(name string) function.Parameter { return function.Parameter{Name: name, Type: cty.String} }

// dynamic declares a parameter of any type, whose elements may be unknown.
func dynamic(name string) function.Parameter {
	return function.Parameter{Name: name, Type: cty.DynamicPseudoType, AllowDynamicType: true}
}
