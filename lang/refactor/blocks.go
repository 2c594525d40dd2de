package refactor

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/syntax"
)

// Kinds returns the kinds of blocks that refactor.
func Kinds() []*eval.Kind { return []*eval.Kind{movedKind(), importKind(), removedKind()} }

func movedKind() *eval.Kind {
	return &eval.Kind{
		Block: &schema.Block{
			Type: "moved",
			Doc:  "Says that an application, one instance of it, or a module has another address now. What the state knows of it goes on under the new address, and its objects are only labelled anew. Moves may follow each other. The block can go once every state has been applied with it.",
			Example: `moved {
  from = application.payment
  to   = application.payments
}

moved {
  from = application.web
  to   = application.web["eu"]
}`,
			Arguments: []schema.Argument{
				{Name: "from", Type: schema.Address, Required: true, Doc: "The address that it had."},
				{Name: "to", Type: schema.Address, Required: true, Doc: "The address that it has now."},
			},
		},
		Vital:  true,
		Decode: decodeMoved,
	}
}

func removedKind() *eval.Kind {
	return &eval.Kind{
		Block: &schema.Block{
			Type: "removed",
			Doc:  "Says what becomes of an application, one instance of it, or a module that is declared no more, whatever its `on_destroy` and `lifecycle.destroy` were when it was last applied. `lifecycle.prevent_destroy` holds, unless its objects stay.",
			Example: `removed {
  from    = application.old
  destroy = false
}`,
			Arguments: []schema.Argument{
				{Name: "from", Type: schema.Address, Required: true, Doc: "The address that it had."},
				{Name: "destroy", Type: schema.Bool, Default: "true", Doc: "Whether its objects are deleted. Where not, they stay as they are and belong to nobody."},
			},
		},
		Vital:  true,
		Decode: decodeRemoved,
	}
}

func importKind() *eval.Kind {
	return &eval.Kind{
		Block: &schema.Block{
			Type: "import",
			Doc:  "Takes objects over that are in the destination's cluster already, made by a tool or by hand: those of a namespace with some labels. An object that matches, and that the application's sources render, is adopted whoever has written it: fields that others own and the sources set are taken over, whatever `sync.conflicts` is. One that matches and is not rendered is left alone, and the plan warns of it. What is rendered and exists is adopted without such a block too, but there a field that others own is a conflict. The block can go once it has been applied.",
			Example: `import {
  to        = application.banner
  namespace = "web"
  selector  = "app=banner"
}`,
			Arguments: []schema.Argument{
				{Name: "to", Type: schema.Address, Required: true, Doc: "The application, or one instance of it."},
				{Name: "namespace", Type: schema.DNSLabel, Default: "the destination's", Doc: "The namespace that the objects are in."},
				{Name: "selector", Type: schema.String, Required: true, Doc: "Which objects: a selector of labels, such as `app=banner,tier!=test`."},
				{Name: "managers", Type: schema.Strings, Doc: "Field managers whose fields of these objects become ours, so that a field which is not rendered goes: the name under which a tool of your own has written them. Those of kubectl, Helm, Argo CD, Flux and other well-known tools do without being named."},
			},
		},
		Decode: decodeImport,
	}
}

func decodeMoved(_ *eval.Evaluation, in *eval.Instance) eval.Decoded {
	m := Moved{Range: in.Values.Range, FromAt: in.Values.RangeOf("from"), ToAt: in.Values.RangeOf("to")}
	var okFrom, okTo bool
	m.From, okFrom = address(in, "from")
	m.To, okTo = address(in, "to")
	if !okFrom || !okTo {
		return nothing()
	}
	switch {
	case m.From.Kind != m.To.Kind:
		in.Errorf(m.ToAt, invalidAddress, "%s cannot become %s: an application moves to an application, and a module to a module.", m.From, m.To)
		return nothing()
	case m.From.Kind == "module" && Covers(m.From, addr.Address{Module: m.To.Module}):
		in.Errorf(m.ToAt, invalidAddress, "A module cannot be moved into itself.")
		return nothing()
	}
	return eval.Decoded{Value: cty.EmptyObjectVal, Made: m}
}

func decodeRemoved(_ *eval.Evaluation, in *eval.Instance) eval.Decoded {
	from, ok := address(in, "from")
	if !ok {
		return nothing()
	}
	return eval.Decoded{Value: cty.EmptyObjectVal, Made: Removed{
		From: from, Destroy: in.Values.Bool("destroy", true), Range: in.Values.Range, FromAt: in.Values.RangeOf("from"),
	}}
}

func decodeImport(_ *eval.Evaluation, in *eval.Instance) eval.Decoded {
	to, ok := address(in, "to")
	if ok && to.Kind != "application" {
		in.Errorf(in.Values.RangeOf("to"), invalidAddress, "Objects are imported into an application, such as application.banner, and not into %s.", to)
	}
	selector := in.Values.String("selector")
	if in.Values.IsKnown("selector") {
		if parsed, err := labels.Parse(selector); err != nil {
			in.ErrorAt(in.Values, "selector", "Invalid selector", "%q is no selector of labels: %s.", selector, err)
		} else if parsed.Empty() {
			in.ErrorAt(in.Values, "selector", "Invalid selector", "The selector is empty, and would import everything in the namespace.")
		}
	}
	if !ok {
		return nothing()
	}
	return eval.Decoded{Value: cty.EmptyObjectVal, Made: Import{
		To: to, Namespace: in.Values.String("namespace"), Selector: selector, Managers: in.Values.Strings("managers"), Range: in.Values.Range, ToAt: in.Values.RangeOf("to"),
	}}
}

func nothing() eval.Decoded { return eval.Decoded{Value: cty.EmptyObjectVal} }

const invalidAddress = "Invalid address"

// address reads an argument that is an address: it is not evaluated. In a module
// it is of what is in the module.
func address(in *eval.Instance, name string) (addr.Address, bool) {
	argument, ok := in.Values.Get(name)
	if !ok {
		return addr.Address{}, false
	}
	const expected = "It must be the address of an application or a module as it is written, with a key in quotes where it has one: application.web, application.web[\"eu\"], module.platform."
	if text, isText := quoted(argument.Expr); isText {
		in.Errorf(argument.Range(), invalidAddress, "An address is written without quotes: %s.", text)
		return addr.Address{}, false
	}
	traversal, diags := hcl.AbsTraversalForExpr(argument.Expr)
	if diags.HasErrors() {
		in.Errorf(argument.Range(), invalidAddress, "%s", expected)
		return addr.Address{}, false
	}
	a, rest, err := addr.FromTraversal(traversal)
	switch {
	case err != nil:
		in.Errorf(argument.Range(), invalidAddress, "%s", expected)
	case len(rest) > 0:
		in.Errorf(argument.Range(), invalidAddress, "Nothing may follow %s.", a)
	case a.Kind != "application" && a.Kind != "module":
		in.Errorf(argument.Range(), invalidAddress, "Only applications are in the state, alone or in modules, and not %s.", a)
	default:
		a.Module = joined(in.Address.Module, a.Module)
		return a, true
	}
	return addr.Address{}, false
}

// quoted returns the text of an expression in quotes in native syntax; in JSON all
// expressions are in quotes.
func quoted(expr hcl.Expression) (string, bool) {
	if syntax.IsJSON(expr.Range().Filename) {
		return "", false
	}
	v, diags := expr.Value(nil)
	if diags.HasErrors() || v.Type() != cty.String || !v.IsKnown() || v.IsNull() {
		return "", false
	}
	return v.AsString(), true
}

// joined is the address of a module in a module.
func joined(outer, inner string) string {
	if outer == "" || inner == "" {
		return outer + inner
	}
	return fmt.Sprintf("%s.%s", outer, inner)
}
