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
| a health block | ` + "`object`, `field(path)`, `has(path)`, `condition(type)`, `conditions()`, `observed()`" + ` |

` + "`object`" + ` is an object of Kubernetes, with all its fields.

They may use values of the configuration, too: ` + "`var.name`, `local.name`, `each.key`" + ` and
attributes of blocks. These are taken along as they were when the plan was made.
Sensitive values and secrets cannot be used, as what an expression comes to is shown.
All functions are there but those that read files.

What is wrong in every case is an error when the configuration is read: an
attribute of ` + "`app`" + ` that there is not, a function that there is not, a condition that is
neither true nor false. A field that an object does not have is an error in that
case; ` + "`try(object.spec.paused, false)`" + ` says what to take instead. A policy that cannot be
evaluated denies.

## In health blocks

| expression | comes to |
|---|---|
| ` + "`field(\"status.phase\")`" + ` | What is at a path of the object; null where there is nothing. |
| ` + "`field(\"status.phase\", \"\")`" + ` | The same, with what to take where there is nothing. |
| ` + "`has(\"status.phase\")`" + ` | Whether there is anything at a path. |
| ` + "`condition(\"Ready\")`" + ` | The first condition of a type in the object's status. |
| ` + "`conditions()`" + ` | All conditions of the status, as a list. |
| ` + "`conditions(\"status.parents[*].conditions\")`" + ` | Those at another path, as one list. |
| ` + "`observed()`" + ` | Whether the controller has looked at the object as it is now: ` + "`status.observedGeneration`" + ` is ` + "`metadata.generation`" + `, or is not there. |

A path is written as one would read it: ` + "`status.nodes[0].name`" + `,
` + "`metadata.labels[\"example.com/tier\"]`" + `. ` + "`[*]`" + ` stands for every element of a list, or of a
map in the order of its names, and makes the result a list of what there is:
` + "`field(\"status.nodes[*].ready\")`" + `.

A condition has the attributes ` + "`type`, `status`, `reason`, `message`, `severity` and `lastTransitionTime`" + `,
texts that are empty where they are not given; ` + "`observedGeneration`" + `, 0 where it is not given; ` + "`current`" + `, whether that is the
object's generation or is not given; and ` + "`exists`" + `. One that is not there has the status ` + "`\"Unknown\"`" + `, and one without a status, too.

What a Secret holds may be compared, and is not shown in a message.
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
