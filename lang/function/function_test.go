package function_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/lang/function"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

func files() fstest.MapFS {
	return fstest.MapFS{
		"a.txt":         {Data: []byte("text\n")},
		"dir/b.txt":     {Data: []byte("b")},
		"dir/in/c.yaml": {Data: []byte("c: 1\n")},
		"greet.tpl":     {Data: []byte("Hello ${upper(name)}%{ for x in list }, ${x}%{ endfor }")},
	}
}

func evaluate(t *testing.T, text string) (cty.Value, hcl.Diagnostics) {
	t.Helper()
	expr, diags := hclsyntax.ParseExpression([]byte(text), "", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%s: %v", text, diags)
	}
	return expr.Value(&hcl.EvalContext{
		Functions: function.Functions(files()),
		Variables: map[string]cty.Value{
			"secret": cty.StringVal("hunter2").Mark(value.Sensitive), "unknown": cty.UnknownVal(cty.String), "dynamic": cty.DynamicVal,
		},
	})
}

// Every function is called here at least once.
func TestFunctions(t *testing.T) {
	tests := map[string]string{
		`abs(-1)`:                                  `1`,
		`ceil(1.2)`:                                `2`,
		`floor(1.8)`:                               `1`,
		`log(8, 2)`:                                `3`,
		`max(1, 3, 2)`:                             `3`,
		`min(3, 1)`:                                `1`,
		`parseint("ff", 16)`:                       `255`,
		`pow(2, 10)`:                               `1024`,
		`signum(-5)`:                               `-1`,
		`sum([1, 2.5])`:                            `3.5`,
		`chomp("a\n")`:                             `"a"`,
		`endswith("abc", "bc")`:                    `true`,
		`format("%s-%03d", "a", 7)`:                `"a-007"`,
		`formatlist("%s!", ["a"])`:                 `["a!"]`,
		`indent(2, "a\nb")`:                        `"a\n  b"`,
		`join("-", ["a", "b"])`:                    `"a-b"`,
		`lower("A")`:                               `"a"`,
		`regex("[a-z]+", "1ab2")`:                  `"ab"`,
		`regexall("[a-z]", "a1b")`:                 `["a", "b"]`,
		`replace("a.b.c", ".", "-")`:               `"a-b-c"`,
		`replace("a1b22", "/\\d+/", "#")`:          `"a#b#"`,
		`split(",", "a,b")`:                        `["a", "b"]`,
		`startswith("abc", "b")`:                   `false`,
		`strcontains("abc", "b")`:                  `true`,
		`strrev("abc")`:                            `"cba"`,
		`substr("hello", 1, 3)`:                    `"ell"`,
		`title("hello world")`:                     `"Hello World"`,
		`trim("--a--", "-")`:                       `"a"`,
		`trimprefix("v1", "v")`:                    `"1"`,
		`trimspace(" a ")`:                         `"a"`,
		`trimsuffix("a.txt", ".txt")`:              `"a"`,
		`upper("a")`:                               `"A"`,
		`alltrue([true, null])`:                    `false`,
		`alltrue([])`:                              `true`,
		`anytrue([false, true])`:                   `true`,
		`anytrue([null])`:                          `false`,
		`chunklist([1, 2, 3], 2)`:                  `[[1, 2], [3]]`,
		`coalesce(null, "", "a", "b")`:             `"a"`,
		`coalescelist([], [1])`:                    `[1]`,
		`compact(["a", ""])`:                       `["a"]`,
		`concat([1], [2])`:                         `[1, 2]`,
		`contains(["a"], "a")`:                     `true`,
		`distinct([1, 1, 2])`:                      `[1, 2]`,
		`element(["a", "b"], 3)`:                   `"b"`,
		`flatten([[1], [[2]]])`:                    `[1, 2]`,
		`index(["a", "b"], "b")`:                   `1`,
		`keys({ b = 1, a = 2 })`:                   `["a", "b"]`,
		`length("héé")`:                            `3`,
		`length("a\r\nb")`:                         `3`,
		`length({ a = 1 })`:                        `1`,
		`length([1, 2])`:                           `2`,
		`lookup({ a = 1 }, "b", 2)`:                `2`,
		`matchkeys(["x", "y"], ["a", "b"], ["b"])`: `["y"]`,
		`merge({ a = 1 }, { b = 2 })`:              `{ a = 1, b = 2 }`,

		`merge_deep({ a = { x = 1, l = [1] } }, null, { a = { y = 2, l = [2] }, b = 3 })`: `{ a = { l = [2], x = 1, y = 2 }, b = 3 }`,

		`one([])`:                                       `null`,
		`one(["a"])`:                                    `"a"`,
		`range(3)`:                                      `[0, 1, 2]`,
		`reverse([1, 2])`:                               `[2, 1]`,
		`setintersection(["a", "b"], ["b"])`:            `["b"]`,
		`setproduct(["a"], ["x", "y"])`:                 `[["a", "x"], ["a", "y"]]`,
		`setsubtract(["a", "b"], ["b"])`:                `["a"]`,
		`setunion(["a"], ["b"])`:                        `["a", "b"]`,
		`slice(["a", "b", "c"], 1, 2)`:                  `["b"]`,
		`sort(["b", "a"])`:                              `["a", "b"]`,
		`transpose({ a = ["x", "y"], b = ["y"] })`:      `{ x = ["a"], y = ["a", "b"] }`,
		`values({ b = 1, a = 2 })`:                      `[2, 1]`,
		`zipmap(["a", "b"], [1, 2])`:                    `{ a = 1, b = 2 }`,
		`base64decode("aGk=")`:                          `"hi"`,
		`base64encode("hi")`:                            `"aGk="`,
		`csvdecode("a,b\n1,2")`:                         `[{ a = "1", b = "2" }]`,
		`jsondecode("{\"a\": 9007199254740993}")`:       `{ a = 9007199254740993 }`,
		`jsonencode({ a = [1, null, true] })`:           `"{\"a\":[1,null,true]}"`,
		`urlencode("a b&c")`:                            `"a+b%26c"`,
		`yamldecode("a: [1, 0x10, 1.50, yes, 'x', ~]")`: `{ a = [1, 16, 1.5, "yes", "x", null] }`,
		`yamldecode("")`:                                `null`,
		`yamldecode_all("a: 1\n---\n---\nb: 2\n")`:      `[{ a = 1 }, { b = 2 }]`,

		`yamlencode({ b = 9007199254740993, a = ["x", "1", "yes"] })`: `"a:\n  - x\n  - \"1\"\n  - \"yes\"\nb: 9007199254740993\n"`,

		`base64sha256("")`:                 `"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="`,
		`length(base64sha512(""))`:         `88`,
		`md5("")`:                          `"d41d8cd98f00b204e9800998ecf8427e"`,
		`sha1("")`:                         `"da39a3ee5e6b4b0d3255bfef95601890afd80709"`,
		`sha256("")`:                       `"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`,
		`length(sha512(""))`:               `128`,
		`uuidv5("dns", "www.example.com")`: `"2ed6657d-e927-568b-95e1-2665a8aea6a2"`,

		`uuidv5("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com")`: `"2ed6657d-e927-568b-95e1-2665a8aea6a2"`,

		`formatdate("YYYY", "2026-01-02T03:04:05Z")`: `"2026"`,
		`timeadd("2026-01-02T03:04:05Z", "1h")`:      `"2026-01-02T04:04:05Z"`,

		`timecmp("2026-01-02T03:04:05Z", "2026-01-02T04:04:05+01:00")`: `0`,

		`cidrhost("10.12.112.0/20", 16)`:    `"10.12.112.16"`,
		`cidrhost("10.12.112.0/20", -1)`:    `"10.12.127.255"`,
		`cidrhost("fd00::/48", 5)`:          `"fd00::5"`,
		`cidrnetmask("172.16.0.0/12")`:      `"255.240.0.0"`,
		`cidrnetmask("0.0.0.0/0")`:          `"0.0.0.0"`,
		`cidrsubnet("172.16.0.0/12", 4, 2)`: `"172.18.0.0/16"`,

		`cidrsubnet("fd00:fd12:3456:7890::/56", 16, 162)`: `"fd00:fd12:3456:7800:a200::/72"`,

		`cidrsubnets("10.1.0.0/16", 4, 4, 8, 4)`: `["10.1.0.0/20", "10.1.16.0/20", "10.1.32.0/24", "10.1.48.0/20"]`,
		`basename("a/b")`:                        `"b"`,
		`dirname("a/b")`:                         `"a"`,
		`file("./a.txt")`:                        `"text\n"`,
		`filebase64("a.txt")`:                    `"dGV4dAo="`,
		`fileexists("dir/b.txt")`:                `true`,
		`fileexists("dir")`:                      `false`,
		`fileexists("nowhere/b.txt")`:            `false`,
		`filesha256("dir/b.txt")`:                `"3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"`,
		`fileset("dir", "**")`:                   `["b.txt", "in/c.yaml"]`,
		`fileset(".", "*.json")`:                 `[]`,

		`templatefile("greet.tpl", { name = "x", list = [1, 2] })`: `"Hello X, 1, 2"`,

		`can(parseint("x", 10))`:                 `false`,
		`issensitive([secret])`:                  `true`,
		`issensitive("x")`:                       `false`,
		`nonsensitive(secret)`:                   `"hunter2"`,
		`sensitive("x")`:                         `(sensitive)`,
		`tobool("true")`:                         `true`,
		`tolist(["a"])`:                          `["a"]`,
		`tomap({ a = "b" })`:                     `{ a = "b" }`,
		`tonumber("1")`:                          `1`,
		`toset(["b", "a", "a"])`:                 `["a", "b"]`,
		`tostring(1)`:                            `"1"`,
		`try(parseint("x", 10), 7)`:              `7`,
		`dns_label("Payments_prod--EU/apps.x-")`: `"payments-prod-eu-apps-x"`,
		`semver_match(">= 1.2, < 2", "1.9.0")`:   `true`,
		`semver_match("~> 1.4", "1.9.0")`:        `true`,
		`semver_match("~> 1.4", "2.0.0")`:        `false`,
		`semver_match("~> 1.4.2", "1.4.9")`:      `true`,
		`semver_match("~> 1.4.2", "1.5.0")`:      `false`,
		`semver_match("~>1", "3.0.0")`:           `true`,
		`semver_match("1.x || 3.0.0", "3.0.0")`:  `true`,

		`product({ a = { x = 1 }, b = { x = 2 } }, { c = { y = 3 } })`:                         `{ "a/c" = { x = 1, y = 3 }, "b/c" = { x = 2, y = 3 } }`,
		`product({ a = { labels = { l = "1" } }, b = { labels = {} } })`:                       `{ a = { labels = { l = "1" } }, b = { labels = { l = null } } }`,
		`product({ a = { key = "a" } }, { b = { key = "b" } })`:                                `{ "a/b" = { key = "a/b" } }`,
		`product({}, { b = { key = "b" } })`:                                                   `{}`,
		`flatmap({ a = { x = 1 }, b = { x = 2 } }, { a = { c = { y = 3 }, d = {} }, b = {} })`: `{ "a/c" = { x = 1, y = 3 }, "a/d" = { x = 1 } }`,
		`flatmap({ a = { x = 1 } }, { a = { c = { y = 3 } } }, { "a/c" = { d = { z = 4 } } })`: `{ "a/c/d" = { x = 1, y = 3, z = 4 } }`,
		`flatmap({ a = { c = { y = 3 } }, b = { c = { y = 4 } } })`:                            `{ "a/c" = { y = 3 }, "b/c" = { y = 4 } }`,
	}
	called := map[string]bool{}
	for text, want := range tests {
		for name := range function.Functions(files()) {
			called[name] = called[name] || strings.Contains(text, name+"(")
		}
		got, diags := evaluate(t, text)
		if diags.HasErrors() {
			t.Errorf("%s: %v", text, diags)
			continue
		}
		if have := value.Text(got); have != want {
			t.Errorf("%s is %s, want %s", text, have, want)
		}
	}
	for name := range function.Functions(files()) {
		if !called[name] {
			t.Errorf("%s is not tested", name)
		}
	}
}

func TestFunctionsRefuse(t *testing.T) {
	for _, text := range []string{
		`sum(["a"])`, `sum([null])`, `coalesce()`, `coalesce(null, null)`, `coalesce([1], { a = 1 })`, `index([], 1)`, `index("a", 1)`, `one([1, 2])`, `one("a")`,
		`matchkeys(["a"], [], [])`, `transpose({ a = [null] })`, `transpose({ a = null })`, `merge_deep("a")`, `length(1)`,
		`replace("a", "/[/", "")`, `base64decode("/////w==")`, `uuidv5("x", "y")`, `uuidv5("zzzzzzzz-9dad-11d1-80b4-00c04fd430c8", "y")`, `timecmp("x", "y")`, `yamldecode("a: &x [*x]")`, `yamldecode("[")`,
		`yamldecode("? [a]\n: b")`, `jsondecode("{\"a\": 1, \"a\": 2}")`, `jsondecode("[")`, `yamldecode("a: 1e400")`, `yamldecode("a: !!int x")`, `cidrhost("x", 1)`, `cidrhost("10.0.0.0/8", 1.5)`, `cidrhost("10.0.0.0/31", -3)`, `cidrnetmask("fd00::/8")`, `cidrsubnet("10.0.0.0/8", 25, 0)`,
		`cidrsubnet("10.0.0.0/8", 1, 2)`, `cidrsubnet("10.0.0.0/8", 1.5, 1)`, `cidrsubnet("10.0.0.0/8", 1, 0.5)`, `cidrsubnets("10.0.0.0/31", 1, 1, 1)`, `cidrsubnets("10.0.0.0/31", 0)`,
		`file("../a.txt")`, `file("/a.txt")`, `fileexists("../a.txt")`, `fileset("..", "*")`, `fileset(".", "/*")`, `templatefile("greet.tpl", "x")`, `templatefile("greet.tpl", { name = "x" })`,
		`templatefile("nowhere", {})`, `templatefile("greet.tpl", { name = [], list = [] })`, `product()`, `product("a")`, `product({ a = 1 })`, `product({ a = { x = 1 } }, { b = { x = 2 } })`, `product({ a = { x = 1 }, "a/b" = { x = 2 } }, { "b/c" = {}, c = {} })`,
		`flatmap()`, `flatmap({ a = {} }, "a")`, `flatmap({ a = {} }, {})`, `flatmap({}, { a = {} })`, `flatmap({ a = { x = 1 } }, { a = { b = { x = 2 } } })`, `flatmap({ a = { b = 1 } })`, `flatmap(["a"])`,
		`dns_label("ä")`, `semver_match("abc", "1")`, `semver_match("1", "x")`,
	} {
		if got, diags := evaluate(t, text); !diags.HasErrors() {
			t.Errorf("%s is %s, want an error", text, value.Text(got))
		}
	}
}

func TestUnknownStaysUnknown(t *testing.T) {
	for _, text := range []string{
		`length(dynamic)`, `yamldecode(unknown)`, `yamldecode_all(unknown)`, `yamlencode([unknown])`, `merge_deep({ a = unknown })`, `coalesce(unknown, "a")`,
		`anytrue([false, dynamic])`, `alltrue([true, dynamic])`, `sum([1, dynamic])`, `one(dynamic)`, `issensitive(unknown)`, `dns_label(unknown)`, `templatefile("greet.tpl", { name = unknown, list = [] })`,
		`product({ a = { x = unknown } })`, `flatmap({ a = { x = 1 } }, dynamic)`, `index([unknown], "a")`, `matchkeys(["a"], [unknown], ["a"])`,
	} {
		got, diags := evaluate(t, text)
		if diags.HasErrors() || got.IsWhollyKnown() {
			t.Errorf("%s is %#v, %v; want it unknown", text, got, diags)
		}
	}
}

// What is made of a sensitive value is sensitive, whatever made it.
func TestSensitiveStaysSensitive(t *testing.T) {
	args := map[string]string{
		"abs": "length(secret)", "ceil": "length(secret)", "floor": "length(secret)", "log": "length(secret), 2", "max": "length(secret)", "min": "length(secret)",
		"parseint": `replace(secret, "hunter", ""), 10`, "pow": "length(secret), 1", "signum": "length(secret)", "sum": "[length(secret)]",
		"endswith": `secret, "x"`, "startswith": `secret, "x"`, "strcontains": `secret, "x"`, "format": `"%s", secret`, "formatlist": `"%s", [secret]`,
		"indent": "2, secret", "join": `"", [secret]`, "regex": `".*", secret`, "regexall": `".", secret`, "replace": `secret, "a", "b"`, "split": `"", secret`,
		"substr": "secret, 0, 1", "trim": `secret, "a"`, "trimprefix": `secret, "a"`, "trimsuffix": `secret, "a"`,
		"alltrue": `[secret == "a"]`, "anytrue": `[secret == "a"]`, "chunklist": "[secret], 1", "coalesce": "secret", "coalescelist": "[secret]", "compact": "[secret]", "concat": "[secret]",
		"contains": `[secret], "a"`, "distinct": "[secret]", "element": "[secret], 0", "flatten": "[[secret]]", "index": `[secret], "hunter2"`, "keys": "{ (secret) = 1 }",
		"lookup": `{ a = secret }, "a", ""`, "matchkeys": `[secret], ["a"], ["a"]`, "merge": "{ a = secret }", "merge_deep": "{ a = secret }, { a = 1, b = secret }", "one": "[secret]",
		"range": "length(secret)", "reverse": "[secret]", "setintersection": "[secret], [secret]", "setproduct": "[secret], [1]", "setsubtract": "[secret], []", "setunion": "[secret]",
		"slice": "[secret], 0, 1", "sort": "[secret]", "transpose": "{ a = [secret] }", "values": "{ a = secret }", "zipmap": `["a"], [secret]`,
		"base64decode": "base64encode(secret)", "csvdecode": `"a\n${secret}"`, "jsondecode": "jsonencode(secret)", "yamldecode": "yamlencode(secret)", "yamldecode_all": "yamlencode(secret)",
		"uuidv5": `"dns", secret`, "formatdate": `"'${secret}'", "2026-01-02T03:04:05Z"`, "timeadd": `"2026-01-02T03:04:05Z", "${length(secret)}h"`, "timecmp": `"2026-01-02T03:04:0${length(secret)}Z", "2026-01-02T03:04:05Z"`,
		"cidrhost": `"10.0.0.0/${length(secret)}", 1`, "cidrnetmask": `"10.0.0.0/${length(secret)}"`, "cidrsubnet": `"10.0.0.0/${length(secret)}", 1, 1`, "cidrsubnets": `"10.0.0.0/${length(secret)}", 1`,
		"file": `"${substr(secret, 0, 0)}a.txt"`, "filebase64": `"${substr(secret, 0, 0)}a.txt"`, "filesha256": `"${substr(secret, 0, 0)}a.txt"`, "fileset": `".", secret`,
		"templatefile": `"greet.tpl", { name = secret, list = [] }`, "tobool": `secret == "a"`, "tolist": "[secret]", "tomap": "{ a = secret }", "tonumber": "length(secret)", "toset": "[secret]",
		"semver_match": `"1", "1.0.${length(secret)}"`, "try": "secret", "product": "{ a = { x = secret } }", "flatmap": "{ a = { b = { x = secret } } }",
	}
	notAbout := map[string]bool{"nonsensitive": true, "issensitive": true, "can": true}
	for name := range function.Functions(files()) {
		if notAbout[name] {
			continue
		}
		text := name + "(secret)"
		if given, ok := args[name]; ok {
			text = name + "(" + given + ")"
		}
		got, diags := evaluate(t, text)
		if diags.HasErrors() {
			t.Errorf("%s: %v", text, diags)
			continue
		}
		if !value.IsSensitive(got) || strings.Contains(value.Text(got), "hunter2") {
			t.Errorf("%s is %#v, which is not sensitive", text, got)
		}
	}
}

func TestDNSLabelIsAlwaysOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		label := function.DNSLabel(text)
		if len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			t.Fatalf("dns_label(%q) is %q", text, label)
		}
		if len(text) <= 63 && function.DNSLabel(label) != label {
			t.Fatalf("dns_label changes its own result %q", label)
		}
	})
	long := strings.Repeat("a", 80)
	if a, b := function.DNSLabel(long+"x"), function.DNSLabel(long+"y"); a == b || len(a) > 63 {
		t.Errorf("two long texts are both %q", a)
	}
}

// A new function must be thought about: what it reads, whether it is pure.
func TestTableIsKnown(t *testing.T) {
	groups := function.Table(files())
	all := function.Functions(files())
	count := 0
	for _, group := range groups {
		count += len(group.Functions)
	}
	if count != len(all) {
		t.Errorf("a function is in two groups: %d and %d", count, len(all))
	}
	for _, name := range []string{"timestamp", "uuid", "bcrypt", "env", "plantimestamp", "abspath", "pathexpand"} {
		if _, ok := all[name]; ok {
			t.Errorf("%s is not pure", name)
		}
	}
	if names := schema.SortedKeys(all); len(names) != 107 {
		t.Errorf("there are %d functions: %v", len(names), names)
	}
}
