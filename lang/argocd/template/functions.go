package template

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template/parse"
)

// predicates are the functions that give a boolean.
var predicates = []string{"eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not", "hasPrefix", "hasSuffix", "contains", "hasKey", "regexMatch", "has"}

// direct are functions whose counterpart takes the same arguments, in the places
// that are given: %[1]s is the first.
var direct = map[string]struct {
	arguments int
	format    string
}{
	"lower":      {1, "lower(%[1]s)"},
	"upper":      {1, "upper(%[1]s)"},
	"title":      {1, "title(%[1]s)"},
	"trim":       {1, "trimspace(%[1]s)"},
	"trimAll":    {2, "trim(%[2]s, %[1]s)"},
	"trimPrefix": {2, "trimprefix(%[2]s, %[1]s)"},
	"trimSuffix": {2, "trimsuffix(%[2]s, %[1]s)"},
	"hasPrefix":  {2, "startswith(%[2]s, %[1]s)"},
	"hasSuffix":  {2, "endswith(%[2]s, %[1]s)"},
	"contains":   {2, "strcontains(%[2]s, %[1]s)"},
	"toString":   {1, "tostring(%[1]s)"},
	"int":        {1, "tonumber(%[1]s)"},
	"int64":      {1, "tonumber(%[1]s)"},
	"atoi":       {1, "tonumber(%[1]s)"},
	"float64":    {1, "tonumber(%[1]s)"},
	"toJson":     {1, "jsonencode(%[1]s)"},
	"fromJson":   {1, "jsondecode(%[1]s)"},
	"toYaml":     {1, "yamlencode(%[1]s)"},
	"fromYaml":   {1, "yamldecode(%[1]s)"},
	"b64enc":     {1, "base64encode(%[1]s)"},
	"b64dec":     {1, "base64decode(%[1]s)"},
	"sha256sum":  {1, "sha256(%[1]s)"},
	"sha1sum":    {1, "sha1(%[1]s)"},
	"splitList":  {2, "split(%[1]s, %[2]s)"},
	"join":       {2, "join(%[1]s, %[2]s)"},
	"first":      {1, "element(%[1]s, 0)"},
	"has":        {2, "contains(%[2]s, %[1]s)"},
	"len":        {1, "length(%[1]s)"},
	"ternary":    {3, "(%[3]s ? %[1]s : %[2]s)"},
	"eq":         {2, "(%[1]s == %[2]s)"},
	"ne":         {2, "(%[1]s != %[2]s)"},
	"lt":         {2, "(%[1]s < %[2]s)"},
	"le":         {2, "(%[1]s <= %[2]s)"},
	"gt":         {2, "(%[1]s > %[2]s)"},
	"ge":         {2, "(%[1]s >= %[2]s)"},
	"not":        {1, "!%[1]s"},
	"add":        {2, "(%[1]s + %[2]s)"},
	"sub":        {2, "(%[1]s - %[2]s)"},
	"mul":        {2, "(%[1]s * %[2]s)"},
}

// label is what is said of the functions that make names.
const label = "The function dns_label, which stands for %s, also replaces dots, joins dashes, and ends what has more than 63 characters in a hash"

func (t *translator) call(name string, args []parse.Node, piped *Text) (Text, error) {
	switch name {
	case "index", "get":
		if piped != nil {
			return nil, errors.New("a key that is piped has no counterpart")
		}
		path, err := t.index(args)
		if err != nil {
			return nil, err
		}
		return t.scope.Field(path)
	case "dig":
		return t.dig(args, piped)
	case "hasKey":
		if piped != nil {
			return nil, errors.New("a key that is piped has no counterpart")
		}
		path, err := t.index(args)
		if err != nil {
			return nil, err
		}
		field, err := t.scope.Field(path)
		return Expression("(try(" + field.Expr() + ", null) != null)"), err
	}
	if slices.Contains([]string{"and", "or", "not"}, name) {
		for _, arg := range args {
			if !isPredicate(arg) {
				return nil, errors.New("what counts as true in a Go template is more than in HCL; compare it with something, as in (eq .x \"y\")")
			}
		}
		if piped != nil && name != "not" {
			return nil, errors.New("a value that is piped into it has no counterpart")
		}
	}
	var texts []Text
	for _, arg := range args {
		text, err := t.argument(arg)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	if piped != nil {
		texts = append(texts, *piped)
	}
	return t.apply(name, texts)
}

func (t *translator) apply(name string, texts []Text) (Text, error) {
	exprs := make([]any, len(texts))
	for i, text := range texts {
		exprs[i] = text.Expr()
	}
	wants := func(n int) error {
		if len(texts) != n {
			return fmt.Errorf("the function %s takes %d arguments, not %d", name, n, len(texts))
		}
		return nil
	}
	if f, ok := direct[name]; ok && (name != "eq" || len(texts) <= 2) {
		if err := wants(f.arguments); err != nil {
			return nil, err
		}
		return Expression(fmt.Sprintf(f.format, exprs...)), nil
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("the function %s has no arguments", name)
	}
	switch name {
	case "eq":
		options := make([]string, len(exprs)-1)
		for i, expr := range exprs[1:] {
			options[i] = expr.(string)
		}
		return Expression(fmt.Sprintf("contains([%s], %s)", strings.Join(options, ", "), exprs[0])), nil
	case "and", "or":
		operator := map[string]string{"and": " && ", "or": " || "}[name]
		parts := make([]string, len(exprs))
		for i, expr := range exprs {
			parts[i] = expr.(string)
		}
		return Expression("(" + strings.Join(parts, operator) + ")"), nil
	case "quote", "squote":
		mark := map[string]string{"quote": `"`, "squote": "'"}[name]
		return append(append(Text{{Literal: mark}}, flat(texts)...), Part{Literal: mark}), wants(1)
	case "trunc":
		if err := wants(2); err != nil {
			return nil, err
		}
		if strings.HasPrefix(exprs[0].(string), "-") {
			return nil, errors.New("a part from the end has no counterpart; use substr")
		}
		return Expression(fmt.Sprintf("substr(%s, 0, %s)", exprs[1], exprs[0])), nil
	case "substr":
		return nil, errors.New("its end is a length in HCL; write substr(text, offset, length)")
	case "default":
		if err := wants(2); err != nil {
			return nil, err
		}
		if texts[0].IsLiteral() && texts[0].Plain() == "" {
			return Expression(fmt.Sprintf("try(coalesce(%s), \"\")", exprs[1])), nil
		}
		return Expression(fmt.Sprintf("coalesce(try(%s, null), %s)", exprs[1], exprs[0])), nil
	case "replace":
		if err := wants(3); err != nil {
			return nil, err
		}
		if old := texts[0].Plain(); !texts[0].IsLiteral() || len(old) > 1 && strings.HasPrefix(old, "/") && strings.HasSuffix(old, "/") {
			return nil, errors.New("HCL's replace takes what is between slashes for a regular expression")
		}
		return Expression(fmt.Sprintf("replace(%s, %s, %s)", exprs[2], exprs[0], exprs[1])), nil
	case "regexReplaceAll":
		if err := wants(3); err != nil {
			return nil, err
		}
		if !texts[0].IsLiteral() {
			return nil, errors.New("its pattern must be written there")
		}
		pattern := Literal("/" + texts[0].Plain() + "/")
		return Expression(fmt.Sprintf("replace(%s, %s, %s)", exprs[1], pattern.Expr(), exprs[2])), nil
	case "regexMatch":
		return Expression(fmt.Sprintf("can(regex(%s))", joined(exprs))), wants(2)
	case "normalize", "slugify":
		if err := wants(1); err != nil {
			return nil, fmt.Errorf("only its form with one argument has a counterpart: %w", err)
		}
		t.differs(fmt.Sprintf(label, name))
		return Expression("dns_label(" + exprs[0].(string) + ")"), nil
	case "printf":
		if len(texts) == 0 || !texts[0].IsLiteral() || !printable(texts[0].Plain()) {
			return nil, errors.New("of its verbs only %s, %v, %d and %q have a counterpart")
		}
		return Expression("format(" + joined(exprs) + ")"), nil
	case "last":
		return Expression(fmt.Sprintf("element(%[1]s, length(%[1]s) - 1)", exprs...)), wants(1)
	}
	return nil, fmt.Errorf("the function %s has no counterpart", name)
}

// isPredicate reports whether a node gives a boolean.
func isPredicate(node parse.Node) bool {
	switch node := node.(type) {
	case *parse.BoolNode:
		return true
	case *parse.PipeNode:
		last := node.Cmds[len(node.Cmds)-1]
		if len(last.Args) == 0 {
			return false
		}
		name, ok := last.Args[0].(*parse.IdentifierNode)
		return ok && slices.Contains(predicates, name.Ident) || len(node.Cmds) == 1 && len(last.Args) == 1 && isPredicate(last.Args[0])
	}
	return false
}

// dig translates {{dig "a" "b" DEFAULT .}}.
func (t *translator) dig(args []parse.Node, piped *Text) (Text, error) {
	if piped != nil || len(args) < 3 {
		return nil, errors.New("only its form with keys, a default and a field has a counterpart")
	}
	last := len(args) - 1
	path, err := t.index(append([]parse.Node{args[last]}, args[:last-1]...))
	if err != nil {
		return nil, err
	}
	field, err := t.scope.Field(path)
	if err != nil {
		return nil, err
	}
	fallback, err := t.argument(args[last-1])
	return Expression(fmt.Sprintf("try(%s, %s)", field.Expr(), fallback.Expr())), err
}

// printable reports whether a format has only verbs that mean the same in HCL.
func printable(format string) bool {
	format = strings.ReplaceAll(format, "%%", "")
	for _, verb := range []string{"%s", "%v", "%d", "%q"} {
		format = strings.ReplaceAll(format, verb, "")
	}
	return !strings.Contains(format, "%")
}

func joined(exprs []any) string {
	parts := make([]string, len(exprs))
	for i, expr := range exprs {
		parts[i] = expr.(string)
	}
	return strings.Join(parts, ", ")
}

func flat(texts []Text) Text {
	var out Text
	for _, text := range texts {
		out = append(out, text...)
	}
	return out
}
