package argocd

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
	"github.com/gantrycd/gantry/lang/argocd/template"
)

// bodyField is what a field of a template, for one service, is in Gantry.
type bodyField struct {
	argument string
	// as is how its text is read; nil is as it stands.
	as func(template.Text) (draft.Value, error)
}

// bodyFields are, by service, the fields that have a counterpart. One with a dot is in
// another.
func bodyFields() map[string]map[string]bodyField {
	return map[string]map[string]bodyField{
		"slack": {
			"attachments": {"attachments", fromJSON}, "blocks": {"blocks", fromJSON}, "groupingKey": {"thread", nil},
			"notifyBroadcast": {"broadcast", asBool}, "deliveryPolicy": {"delivery", asDelivery},
		},
		"mattermost":  {"attachments": {"attachments", fromJSON}},
		"email":       {"subject": {"subject", nil}, "body": {"body", nil}},
		"webhook":     {"body": {"body", asBody}},
		"pagerdutyv2": {"severity": {"severity", nil}},
		"opsgenie":    {"priority": {"priority", nil}, "description": {"description", nil}},
		"github": {
			"status.state": {"state", nil}, "status.label": {"context", nil}, "status.targetURL": {"target_url", nil}, "deployment.environment": {"environment", nil},
		},
	}
}

// bodies writes what a template says for single services into a trigger, but for services
// that it says something for already.
func (w *writer) bodies(trigger *draft.Block, t *messageTemplate) {
	for _, field := range t.root.Fields() {
		service := field.Key()
		fields := bodyFields()[service]
		switch {
		case service == "message":
			continue
		case fields == nil:
			w.leaveAt(t.node, field, "What is of %s alone has no counterpart: it is sent the message.", service)
			continue
		case trigger.Has(blockOf(service)):
			w.leaveAt(t.node, field, "A trigger has one body for %s, and another template has it.", service)
			continue
		}
		body := &draft.Block{Type: blockOf(service)}
		if service == "webhook" { // by the names of its services, of which a trigger knows none
			for i, one := range field.Fields() {
				if i > 0 {
					w.leaveAt(t.node, one, "A trigger has one body for all webhooks. That for %s is left out.", one.Key())
					continue
				}
				w.bodyOf(body, t, one, "", fields)
			}
		} else {
			w.bodyOf(body, t, field, "", fields)
		}
		if !body.Empty() {
			trigger.Add(body)
		}
	}
}

// blockOf is the block of a trigger that is for a service.
func blockOf(service string) string { return services[service].kind }

// bodyOf writes the fields of one service.
func (w *writer) bodyOf(block *draft.Block, t *messageTemplate, of *manifest.Node, within string, known map[string]bodyField) {
	for _, field := range of.Fields() {
		name := within + field.Key()
		to, ok := known[name]
		switch {
		case !ok && len(field.Fields()) > 0 && within == "":
			w.bodyOf(block, t, field, name+".", known)
			continue
		case !ok:
			w.leaveAt(t.node, field, "It has no counterpart.")
			continue
		}
		text := template.Literal(field.Text())
		if template.Has(field.Peek()) {
			result := w.translate(field.Peek())
			if len(result.Problems) > 0 {
				w.leaveAt(t.node, field, "It is left out, for the template %s cannot be translated: %s.", result.Problems[0].Piece, result.Problems[0].Reason)
				continue
			}
			text = result.Text
		}
		value, argument := trimmed(text).Value(), to.argument
		if to.as != nil {
			var err error
			if value, err = to.as(text); err != nil {
				w.leaveAt(t.node, field, "It is left out: %s.", err)
				continue
			}
		}
		if argument == "body" && block.Type == "email" && markup.MatchString(text.Plain()) {
			argument = "html"
		}
		block.Set(argument, value, field.Take())
	}
}

// markup is in a mail that is HTML.
var markup = regexp.MustCompile(`(?i)<(html|body|p|div|br|h[1-6]|table|ul|ol|li|a|b|i|span|strong|em|img)\b`)

// asBody is a text that is JSON, or any other.
func asBody(text template.Text) (draft.Value, error) {
	if value, err := fromJSON(text); err == nil {
		return value, nil
	}
	return text.Value(), nil
}

func asBool(text template.Text) (draft.Value, error) {
	yes, err := strconv.ParseBool(strings.TrimSpace(text.Plain()))
	if err != nil || !text.IsLiteral() {
		return draft.Value{}, errors.New("it is neither true nor false")
	}
	return draft.Raw(strconv.FormatBool(yes)), nil
}

// asDelivery is a delivery policy of Slack's.
func asDelivery(text template.Text) (draft.Value, error) {
	policy, ok := map[string]string{"Post": "post", "Update": "update", "PostAndUpdate": "post_and_update"}[strings.TrimSpace(text.Plain())]
	if !ok || !text.IsLiteral() {
		return draft.Value{}, errors.New("it is none of Post, Update and PostAndUpdate")
	}
	return draft.String(policy), nil
}

// What stands for an expression in JSON while it is read: its number between these.
const (
	openMark  = "\uE000"
	closeMark = "\uE001"
)

// fromJSON reads a text that comes to JSON, with expressions within its strings.
func fromJSON(text template.Text) (draft.Value, error) {
	var marked strings.Builder
	for i, part := range text {
		if strings.Contains(part.Literal, openMark) {
			return draft.Value{}, errors.New("it has characters that no text has")
		}
		marked.WriteString(part.Literal)
		if part.Expression != "" {
			fmt.Fprintf(&marked, "%s%d%s", openMark, i, closeMark)
		}
	}
	decoder := json.NewDecoder(strings.NewReader(marked.String()))
	decoder.UseNumber()
	read := &jsonText{decoder: decoder, text: text}
	value, err := read.value()
	if err == nil && decoder.More() {
		err = errors.New("there is something behind the JSON")
	}
	if err != nil {
		return draft.Value{}, errors.New("it cannot be read as JSON that has templates within its strings alone")
	}
	return value, nil
}

// jsonText is JSON while it is read, in the order in which it is written.
type jsonText struct {
	decoder *json.Decoder
	text    template.Text
}

func (j *jsonText) value() (draft.Value, error) {
	token, err := j.decoder.Token()
	if err != nil {
		return draft.Value{}, err
	}
	switch token := token.(type) {
	case string:
		return j.string(token).Value(), nil
	case json.Number:
		return draft.Raw(token.String()), nil
	case bool:
		return draft.Raw(strconv.FormatBool(token)), nil
	case json.Delim:
		return j.items(token)
	}
	return draft.Raw("null"), nil
}

// items reads a list or an object behind its first bracket.
func (j *jsonText) items(begin json.Delim) (draft.Value, error) {
	var items []draft.Item
	for j.decoder.More() {
		var item draft.Item
		if begin == '{' {
			token, err := j.decoder.Token()
			if err != nil {
				return draft.Value{}, err
			}
			if item.Key = token.(string); strings.Contains(item.Key, openMark) {
				return draft.Value{}, errors.New("a name has a template in it")
			}
		}
		var err error
		if item.Value, err = j.value(); err != nil {
			return draft.Value{}, err
		}
		items = append(items, item)
	}
	if _, err := j.decoder.Token(); err != nil {
		return draft.Value{}, err
	}
	if begin == '{' {
		return draft.Object(items...), nil
	}
	return draft.List(items...), nil
}

// string puts the expressions back.
func (j *jsonText) string(text string) template.Text {
	var out template.Text
	for {
		before, rest, found := strings.Cut(text, openMark)
		out = out.Add(template.Part{Literal: before})
		if !found {
			return out
		}
		number, after, _ := strings.Cut(rest, closeMark)
		if i, err := strconv.Atoi(number); err == nil && i < len(j.text) {
			out = out.Add(template.Part{Expression: j.text[i].Expression})
		}
		text = after
	}
}
