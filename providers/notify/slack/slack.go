// Package slack sends messages to channels of Slack: chat.postMessage, in threads where
// messages belong together, and chat.update of a message that tells something new.
//
// What applications say is plain text there: no markup, no link, no mention comes of it.
package slack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/notify/post"
)

// Limits of Slack.
const (
	maxText  = 3000
	maxField = 500
)

// How a message of a thread that has begun is delivered.
const (
	deliverPost          = "post"            // as a reply
	deliverUpdate        = "update"          // in the place of the thread's first message
	deliverPostAndUpdate = "post_and_update" // both
)

// Notifier sends to one workspace.
type Notifier struct {
	client *post.Client
	config providers.NotifierConfig
}

// New returns a Notifier.
func New(config providers.NotifierConfig, client *post.Client) *Notifier {
	return &Notifier{client: client, config: config}
}

// Escape makes a text plain in Slack's markup.
func Escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(post.Plain(text))
}

// Repeatable implements providers.Notifier: an update can be sent again.
func (*Notifier) Repeatable(m *providers.Notification) bool {
	return m.Root != "" && delivery(m) == deliverUpdate
}

func delivery(m *providers.Notification) string { return post.Or(m, "delivery", deliverPost) }

// Send implements providers.Notifier. The Ref of a receipt is "CHANNEL:TS" of the thread's
// first message.
func (n *Notifier) Send(ctx context.Context, m *providers.Notification) (providers.Receipt, error) {
	channel, ts, threaded := strings.Cut(m.Root, ":")
	how := delivery(m)
	if !slices.Contains([]string{deliverPost, deliverUpdate, deliverPostAndUpdate}, how) {
		return providers.Receipt{}, post.Refuse(fmt.Errorf("the delivery %q is none of %q, %q and %q", how, deliverPost, deliverUpdate, deliverPostAndUpdate))
	}
	body := n.body(m)
	if !threaded {
		body["channel"] = m.Recipient
		return n.call(ctx, "chat.postMessage", body)
	}
	root := providers.Receipt{Ref: m.Root}
	if how != deliverUpdate {
		body["channel"], body["thread_ts"] = channel, ts
		if broadcast, _ := m.Body["broadcast"].(bool); broadcast {
			body["reply_broadcast"] = true
		}
		if _, err := n.call(ctx, "chat.postMessage", body); err != nil {
			return root, err
		}
	}
	if how == deliverPost {
		return root, nil
	}
	update := n.body(m)
	update["channel"], update["ts"] = channel, ts
	for _, name := range []string{"username", "icon_emoji", "icon_url", "unfurl_links", "unfurl_media", "mrkdwn"} {
		delete(update, name) // chat.update knows none of them
	}
	if _, err := n.call(ctx, "chat.update", update); err != nil && how == deliverUpdate {
		return root, err // of the others the reply was delivered, and must not be again
	}
	return root, nil
}

// body is what all requests have in common.
func (n *Notifier) body(m *providers.Notification) map[string]any {
	text := post.Cut(post.Plain(m.Text), maxText)
	out := map[string]any{
		"text": Escape(text), "mrkdwn": false, "parse": "none", "link_names": false,
		"unfurl_links": false, "unfurl_media": false,
	}
	if name := n.config.Setting("username", ""); name != "" {
		out["username"] = name
	}
	switch icon := n.config.Setting("icon", ""); {
	case strings.HasPrefix(icon, "http"):
		out["icon_url"] = icon
	case icon != "":
		out["icon_emoji"] = icon
	}
	blocks, attachments := m.Body["blocks"], m.Body["attachments"]
	if blocks != nil {
		out["blocks"] = blocks
	}
	if attachments == nil && blocks == nil {
		attachments = facts(m)
	}
	if attachments != nil {
		out["attachments"] = attachments
	}
	return out
}

// facts shows what a message is about.
func facts(m *providers.Notification) []any {
	var fields []any
	for _, fact := range post.Shown(m.Facts) {
		fields = append(fields, map[string]any{"title": fact.Name, "value": Escape(post.Cut(fact.Value, maxField)), "short": len(fact.Value) < 40})
	}
	return []any{map[string]any{"color": colour(m.Level), "fallback": Escape(post.Title(m)), "mrkdwn_in": []string{}, "fields": fields}}
}

func colour(level providers.Level) string {
	switch level {
	case providers.LevelSuccess:
		return "#18be52"
	case providers.LevelWarning:
		return "#f4c030"
	case providers.LevelError:
		return "#e96d76"
	case providers.LevelInfo:
	}
	return "#0dadea"
}

// answer is what Slack says, with status 200, also where it does nothing.
type answer struct {
	OK      bool   `json:"ok"`
	Error   string `json:"error"`
	Channel string `json:"channel"`
	TS      string `json:"ts"`
}

func (n *Notifier) call(ctx context.Context, method string, body map[string]any) (providers.Receipt, error) {
	got, err := n.client.Do(ctx, post.Request{
		URL: post.Join(n.config.Setting("api_url", "https://slack.com/api"), method), Header: post.Bearer(n.config.Secret("token")), Body: body,
	})
	if err != nil {
		return providers.Receipt{}, err
	}
	var said answer
	if err := got.JSON(&said); err != nil {
		return providers.Receipt{}, err
	}
	if !said.OK {
		return providers.Receipt{}, failure(method, said.Error)
	}
	if said.Channel == "" || said.TS == "" {
		return providers.Receipt{}, nil
	}
	return providers.Receipt{Ref: said.Channel + ":" + said.TS}, nil
}

// failure is what an error of Slack means.
func failure(method, code string) error {
	err := fmt.Errorf("slack refused %s: %s", method, post.Cut(post.Line(code), 80))
	switch code {
	case "ratelimited", "rate_limited", "service_unavailable", "request_timeout", "team_added_to_org",
		"invalid_auth", "not_authed", "token_expired", "token_revoked", "account_inactive", "missing_scope", "not_in_channel":
		return &providers.DeliveryError{Verdict: providers.Undelivered, Err: err}
	case "fatal_error", "internal_error": // of which Slack says that some of it may have been done
		return &providers.DeliveryError{Verdict: providers.Unanswered, Err: err}
	case "":
		return &providers.DeliveryError{Verdict: providers.Unanswered, Err: errors.New("slack did not say what came of " + method)}
	}
	return post.Refuse(err)
}

var _ providers.Notifier = (*Notifier)(nil)
