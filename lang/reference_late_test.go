package lang_test

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/typeexpr"

	"github.com/gantrycd/gantry/lang/late"
)

const latePreamble = `# Expressions that are evaluated case by case

Most expressions are evaluated once, when the plan is made. Those of triggers,
policies, rollouts and health blocks are evaluated later, for one case after the
other: an application, a change, an object. They may use names that other
expressions do not have:

| in | names |
|---|---|
| the ` + "`match`" + ` of a rollout | ` + "`app`" + ` |
| a trigger | ` + "`app`" + `, with how it is and what is being done to it |
| a policy | ` + "`object`, `change`, `app`" + ` |
| a health block | ` + "`object`, `condition(type)`" + ` |

` + "`object`" + ` is an object of Kubernetes, with all its fields. ` + "`condition(\"Ready\")`" + ` is the
condition of a type in the object's status: its ` + "`type`, `status`, `reason` and `message`" + `.
One that is not there has the status ` + "`\"Unknown\"`" + ` and an empty reason and message.

They may use values of the configuration, too: ` + "`var.name`, `local.name`, `each.key`" + ` and
attributes of blocks. These are taken along as they were when the plan was made.
Sensitive values and secrets cannot be used, as what an expression comes to is shown.
All functions are there but those that read files.

What is wrong in every case is an error when the configuration is read: an
attribute of ` + "`app`" + ` that there is not, a function that there is not, a condition that is
neither true nor false. A field that an object does not have is an error in that
case; ` + "`try(object.spec.paused, false)`" + ` says what to take instead. A policy that cannot be
evaluated denies.
`

// latePage tells what late expressions may use.
func latePage() string {
	everywhere, inTriggers := late.App()
	return generated + latePreamble +
		attributesTable("app", everywhere) +
		attributesTable("app, in triggers", inTriggers) +
		attributesTable("change", late.Change())
}

func attributesTable(heading string, attributes []late.Attribute) string {
	name, _, _ := strings.Cut(heading, ",")
	var out strings.Builder
	fmt.Fprintf(&out, "\n## %s\n\n| attribute | type | |\n|---|---|---|\n", heading)
	for _, attribute := range attributes {
		fmt.Fprintf(&out, "| `%s.%s` | %s | %s |\n", name, attribute.Path, typeexpr.TypeString(attribute.Type), attribute.Doc)
	}
	return out.String()
}
