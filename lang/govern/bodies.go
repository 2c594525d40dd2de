package govern

import (
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/lang/schema"
)

// body declares what a trigger can say for one service beyond its message.
type body struct {
	service, doc string
	arguments    []bodyArgument
}

type bodyArgument struct {
	name string
	want late.Want
	doc  string
}

// bodies are in the order in which the reference has them.
func bodies() []body {
	thread := bodyArgument{"thread", late.Text, "What messages of one thread have in common, such as `app.operation.started_at`. Those about an application with the same value are one thread, for each notifier and recipient. Default: each message stands alone."}
	status := []bodyArgument{
		{"state", late.Text, "The state, in the service's words. Default: by how the sync is."},
		{"context", late.Text, "What the status of a commit is called. Default: `gantry/` and the application's name."},
		{"environment", late.Text, "The environment of a deployment. Default: the cluster's name and the application's."},
		{"target_url", late.Text, "The URL that a status of a commit links to."},
	}
	return []body{
		{"slack", "What Slack is sent.", []bodyArgument{
			{"blocks", late.Any, "Blocks of Slack's Block Kit, in place of what shows the application."},
			{"attachments", late.Any, "Attachments, in place of what shows the application."},
			thread,
			{"delivery", late.Text, "What becomes of a message whose thread has begun: `\"post\"` (a reply, which is the default), `\"update\"` (it takes the place of the first message) or `\"post_and_update\"`."},
			{"broadcast", late.Condition, "Whether a reply is shown in the channel, too."},
		}},
		{"mattermost", "What Mattermost is sent.", []bodyArgument{
			{"attachments", late.Any, "Attachments, in place of what shows the application."},
			thread,
		}},
		{"teams", "What Microsoft Teams is sent.", []bodyArgument{
			{"card", late.Any, "An adaptive card, in place of the usual one."},
		}},
		{"email", "What e-mail says.", []bodyArgument{
			{"subject", late.Text, "The subject. Default: the application's name and the trigger's."},
			{"body", late.Text, "The plain text. Default: the message, and what shows the application."},
			{"html", late.Text, "HTML, beside the plain text. Values of `app` are escaped in it."},
			thread,
		}},
		{"webhook", "What a webhook is sent.", []bodyArgument{
			{"body", late.Any, "The body: a string as it is, anything else as JSON. Default: a document with the message and the application."},
			{"content_type", late.Text, "The body's media type."},
		}},
		{"pagerduty", "What PagerDuty is sent.", []bodyArgument{
			{"severity", late.Text, "How bad it is: `\"critical\"`, `\"error\"`, `\"warning\"` or `\"info\"`. Default: as the notifier says."},
			{"details", late.Any, "Details, in place of what shows the application."},
		}},
		{"opsgenie", "What Opsgenie is sent.", []bodyArgument{
			{"priority", late.Text, "The priority, `\"P1\"` to `\"P5\"`. Default: as the notifier says."},
			{"description", late.Text, "The description. Default: the message."},
		}},
		{"github", "What GitHub is sent.", status},
		{"gitlab", "What GitLab is sent.", status},
		{"grafana", "What Grafana is sent.", []bodyArgument{
			{"tags", late.Any, "Tags beside those of the notifier, a list of strings."},
		}},
	}
}

// bodyBlocks declares the blocks.
func bodyBlocks() []schema.Nested {
	var out []schema.Nested
	for _, b := range bodies() {
		block := &schema.Block{Type: b.service, Doc: b.doc}
		for _, a := range b.arguments {
			block.Arguments = append(block.Arguments, schema.Argument{Name: a.name, Type: late.Trigger.Type(a.want), Doc: a.doc})
		}
		out = append(out, schema.Nested{Max: 1, Block: block})
	}
	return out
}

// decodeBodies returns what is said by service and argument; nil where nothing is.
func decodeBodies(e *eval.Evaluation, in *eval.Instance) map[string]map[string]late.Expression {
	var out map[string]map[string]late.Expression
	for _, b := range bodies() {
		v := in.Values.One(b.service)
		if v == nil {
			continue
		}
		if out == nil {
			out = map[string]map[string]late.Expression{}
		}
		out[b.service] = map[string]late.Expression{}
		for _, a := range b.arguments {
			if expression := lateOf(e, in, v, a.name, late.Trigger, a.want); !expression.IsZero() {
				out[b.service][a.name] = expression
			}
		}
	}
	return out
}
