package govern

import (
	_ "embed" // the usual triggers

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// Trigger says when a message goes, and what it says.
type Trigger struct {
	Address addr.Address
	Name    string
	BuiltIn bool
	// When is asked whenever something about an application changes. A message goes when
	// it becomes true, or with OncePer once for every value of that while it is true.
	When    late.Expression
	OncePer late.Expression // zero for none
	Message late.Expression
	// Bodies are what it says for single services, by service and argument.
	Bodies map[string]map[string]late.Expression
	Range  hcl.Range
}

// builtInTriggers are those of Argo CD's catalogue.
//
//go:embed triggers.gantry.hcl
var builtInTriggers string

func triggerKind() *eval.Kind {
	return &eval.Kind{
		Block: &schema.Block{
			Type:   "trigger",
			Labels: []string{"name"},
			Doc: "When a message goes, and what it says. Elsewhere it is `trigger.NAME`. " +
				"There are already `trigger.on_created`, `on_deleted`, `on_deployed`, `on_health_degraded`, `on_sync_failed`, `on_sync_running`, `on_sync_status_unknown` and `on_sync_succeeded`; a block with such a name takes its place. " +
				"The expressions are evaluated for each application whenever something about it changes; in them [`app`](late.md) is the application.",
			Example: `trigger "on_sync_failed" {
  when     = contains(["error", "failed"], app.operation.phase)
  once_per = app.sync.revision
  message  = "Application ${app.name} sync ${app.operation.phase} at ${app.sync.revision}"

  slack {
    thread = app.operation.started_at
  }
  email {
    subject = "${app.name} has failed"
  }
}`,
			Arguments: []schema.Argument{
				eval.ForEachArgument(),
				eval.DependsOnArgument(),
				{Name: "when", Type: late.Trigger.Type(late.Condition), Required: true, Doc: "A message goes when this becomes true."},
				{Name: "once_per", Type: late.Trigger.Type(late.Any), Doc: "While `when` is true, a message goes once for every value of this, such as every revision."},
				{Name: "message", Type: late.Trigger.Type(late.Text), Required: true, Doc: "What it says: a text without markup, whatever the service."},
			},
			Blocks: bodyBlocks(),
		},
		Root:    "trigger",
		Grouped: true,
		Library: builtInTriggers,
		Decode: func(e *eval.Evaluation, in *eval.Instance) eval.Decoded {
			v := in.Values
			trigger := &Trigger{
				Address: in.Address, Name: in.Name(), BuiltIn: in.FromLibrary(), Range: v.Range,
				When:    lateOf(e, in, v, "when", late.Trigger, late.Condition),
				OncePer: lateOf(e, in, v, "once_per", late.Trigger, late.Any),
				Message: lateOf(e, in, v, "message", late.Trigger, late.Text),
				Bodies:  decodeBodies(e, in),
			}
			return eval.Decoded{
				Value: value.Block(value.Reference{Address: in.Address, Target: trigger}, map[string]cty.Value{"name": cty.StringVal(trigger.Name)}),
				Made:  trigger,
			}
		},
	}
}
