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
