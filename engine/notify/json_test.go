package notify_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine/notify"
)

// A value between the quotes of JSON that a trigger writes as a text stays between them,
// whatever it is; and what is escaped already is not escaped twice.
func TestValuesStayInTheStringsOfJSON(t *testing.T) {
	t.Parallel()
	const config = `
cluster "prod" {
  context = "prod"
}
notifier "webhook" "audit" { url = "https://hooks.example.com" }
trigger "told" {
  when    = app.operation.phase == "failed"
  message = "failed"
  webhook {
    body = %s
  }
}
application "web" {
  source { path = "web" }
  destination { cluster = cluster.prod }
  notify {
    trigger = trigger.told
    to      = notifier.webhook.audit
  }
}
`
	payloads := []string{
		"plain", "", "it's \"quoted\"", `","channel":"#general","x":"`, `"}],"text":"!channel"}`, `","text":"other`, `\`, `\"`, `\",\"a\":\"`, "two\nlines", "tab\there", "\x00", `"} {"a":"`,
		`\u0022,\u0022a\u0022:1`, "\u2028",
	}
	for name, body := range map[string]string{
		"between quotes":   `"{\"channel\": \"#ops\", \"text\": \"said ${app.operation.message}!\"}"`,
		"several":          `"{\"channel\": \"#ops\", \"text\": \"said ${app.operation.message}!\", \"again\": [\"${app.operation.message}\", ${app.plan.changes}]}"`,
		"jsonencode":       `jsonencode({ channel = "#ops", text = "said ${app.operation.message}!" })`,
		"jsonencode of it": `"{\"channel\": \"#ops\", \"text\": ${jsonencode("said ${app.operation.message}!")}}"`,
		"an object":        `{ channel = "#ops", text = "said ${app.operation.message}!" }`,
	} {
		r, from := rules(t, fmt.Sprintf(config, body))
		for _, payload := range payloads {
			c := at(from, "failed", "healthy", "r1", newClock().Now())
			c.Operation.Message = payload
			messages, _, problems := r.Decide(c, notify.Memory{})
			if payload == "" { // null: no text can be made of it
				continue
			}
			if len(messages) != 1 || len(problems) > 0 {
				t.Fatalf("%s, %q: %v, %v", name, payload, messages, problems)
			}
			var got map[string]any
			switch body := messages[0].Body["body"].(type) {
			case string:
				if strings.Count(body, `"channel":`)-strings.Count(payload, `"channel":`) > 1 || json.Unmarshal([]byte(body), &got) != nil {
					t.Errorf("%s, %q: %s", name, payload, body)
					continue
				}
			case map[string]any:
				got = body
			}
			// What is an escape of JSON already may become what it stands for, and no more.
			exact := got["text"] == "said "+payload+"!" || strings.Contains(payload, `\`) && strings.HasPrefix(got["text"].(string), "said ")
			if got["channel"] != "#ops" || !exact || len(got) > 3 || len(got) == 3 && got["again"] == nil {
				t.Errorf("%s, %q: %v", name, payload, got)
			}
		}
	}
	// What is no JSON is sent as it is.
	r, from := rules(t, fmt.Sprintf(config, `"said ${app.operation.message}"`))
	c := at(from, "failed", "healthy", "r1", newClock().Now())
	c.Operation.Message = `a "quoted" word`
	if messages, _, _ := r.Decide(c, notify.Memory{}); messages[0].Body["body"] != `said a "quoted" word` {
		t.Errorf("%v", messages[0].Body)
	}
}

// A value outside of the quotes of JSON that a trigger writes as a text is part of no document:
// the body is left out, and why is told; the message goes with the usual one.
func TestValuesOutsideOfTheStringsOfJSON(t *testing.T) {
	t.Parallel()
	const config = `
cluster "prod" {
  context = "prod"
}
notifier "webhook" "audit" { url = "https://hooks.example.com" }
trigger "told" {
  when    = app.operation.phase == "failed"
  message = "failed"
  webhook {
    body = %s
  }
}
application "web" {
  source { path = "web" }
  destination { cluster = cluster.prod }
  notify {
    trigger = trigger.told
    to      = notifier.webhook.audit
  }
}
`
	const outside, upper = `"{\"n\": ${app.operation.message}, \"x\": [true]}"`, `"{\"n\": \"${upper(app.operation.message)}\"}"`
	for _, c := range []struct{ body, value, want string }{ // "" is refused
		{outside, "12", `{"n": 12, "x": [true]}`},
		{outside, "null", `{"n": null, "x": [true]}`},
		{outside, "web", ""},
		{outside, `"web"`, ""},
		{outside, "1,2", ""},
		{outside, `1, "admin": true`, ""},
		{outside, `{"a": 1}`, ""},
		{outside, "[]", ""},
		{outside, `1}, {"n": 2`, ""},
		{`"[${app.operation.message}]"`, "1", "[1]"},
		{`"[${app.operation.message}]"`, "1,2", ""},
		{`"[${app.operation.message}] failed"`, "1,2", "[1,2] failed"},
		{`"{\"n\": 1,}"`, "1", ""},
		{`"{\"a\": \"${app.operation.message}\"}\n{\"b\": 1}"`, "x", "{\"a\": \"x\"}\n{\"b\": 1}"},
		{`"{\"a\": \"${app.operation.message}\"}\n{\"b\": 1}"`, `","c":"`, "{\"a\": \"\\\",\\\"c\\\":\\\"\"}\n{\"b\": 1}"},
		{upper, "a, b: {c}", `{"n": "A, B: {C}"}`},
		{upper, "\u2028\",\"x\":\"", ""}, // as an escape it is not one any more in capitals
		{`jsonencode([for part in split(",", app.operation.message) : part])`, "a,b", `["a","b"]`},
		{`"{\"${app.operation.message == "a:b" ? "yes" : "no"}\": {}}"`, "a:b", `{"yes": {}}`},
	} {
		r, from := rules(t, fmt.Sprintf(config, c.body))
		k := at(from, "failed", "healthy", "r1", newClock().Now())
		k.Operation.Message = c.value
		messages, _, problems := r.Decide(k, notify.Memory{})
		if len(messages) != 1 {
			t.Fatalf("%s of %q: %v", c.body, c.value, messages)
		}
		got, _ := messages[0].Body["body"].(string)
		told := len(problems) == 1 && strings.Contains(problems[0], "outside of quotes")
		if got != c.want || told != (c.want == "") || len(problems) > 1 || messages[0].Text != "failed" {
			t.Errorf("%s of %q: %q, %v; want %q", c.body, c.value, got, problems, c.want)
		}
	}
}
