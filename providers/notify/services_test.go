package notify_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/notify"
	"github.com/gantrycd/gantry/providers/notify/post"
	"github.com/gantrycd/gantry/providers/notify/webhook"
)

// slackRequest is what chat.postMessage and chat.update take.
type slackRequest struct {
	Channel        string           `json:"channel"`
	Text           string           `json:"text"`
	TS             string           `json:"ts"`
	ThreadTS       string           `json:"thread_ts"`
	ReplyBroadcast bool             `json:"reply_broadcast"`
	Username       string           `json:"username"`
	IconEmoji      string           `json:"icon_emoji"`
	Parse          string           `json:"parse"`
	LinkNames      bool             `json:"link_names"`
	Mrkdwn         *bool            `json:"mrkdwn"`
	UnfurlLinks    *bool            `json:"unfurl_links"`
	UnfurlMedia    *bool            `json:"unfurl_media"`
	Blocks         []any            `json:"blocks"`
	Attachments    []map[string]any `json:"attachments"`
}

func TestSlack(t *testing.T) {
	server := serve(t, func(g *got) (int, string) {
		if g.header.Get("Authorization") != "Bearer xoxb-1" || !strings.HasPrefix(g.header.Get("Content-Type"), "application/json") {
			t.Errorf("%v", g.header)
		}
		var r slackRequest
		g.json(t, &r)
		if g.path == "/chat.update" && (r.TS == "" || r.Username != "" || r.Mrkdwn != nil || !strings.HasPrefix(r.Channel, "C")) {
			t.Errorf("chat.update does not take %s", g.body)
		}
		return 200, `{"ok":true,"channel":"C123","ts":"1700000000.000100"}`
	})
	n := open(t, "slack", map[string]string{"api_url": server.URL, "username": "gantry", "icon": ":rocket:"}, "token", "xoxb-1")
	m := message()
	m.Recipient, m.Thread = "#alerts", "thread"
	root := send(t, n, m)
	if root.Ref != "C123:1700000000.000100" {
		t.Fatalf("%+v", root)
	}
	var first slackRequest
	server.seen[0].json(t, &first)
	if first.Channel != "#alerts" || first.Username != "gantry" || first.IconEmoji != ":rocket:" || *first.Mrkdwn || first.Parse != "none" || *first.UnfurlLinks {
		t.Errorf("%+v", first)
	}
	if strings.ContainsAny(first.Text, "<>") || !strings.Contains(first.Text, "&lt;!channel&gt;") {
		t.Errorf("markup is left in %q", first.Text)
	}
	harmless(t, first.Text)
	if first.Attachments[0]["color"] != "#e96d76" || len(first.Attachments[0]["fields"].([]any)) != 7 {
		t.Errorf("%v", first.Attachments)
	}
	// A reply, shown in the channel too; an update of the first; both.
	m.Root, m.Body = root.Ref, map[string]any{"broadcast": true}
	send(t, n, m)
	var reply slackRequest
	server.seen[1].json(t, &reply)
	if reply.ThreadTS != "1700000000.000100" || reply.Channel != "C123" || !reply.ReplyBroadcast {
		t.Errorf("%+v", reply)
	}
	m.Body = map[string]any{"delivery": "update", "blocks": []any{map[string]any{"type": "divider"}}}
	if !n.Repeatable(m) {
		t.Error("an update can be sent again")
	}
	if got := send(t, n, m); got != root {
		t.Errorf("the root of the thread became %v", got)
	}
	m.Body = map[string]any{"delivery": "post_and_update"}
	if n.Repeatable(m) {
		t.Error("a reply cannot be sent again")
	}
	send(t, n, m)
	want := []string{"POST /chat.postMessage", "POST /chat.postMessage", "POST /chat.update", "POST /chat.postMessage", "POST /chat.update"}
	if got := server.paths(); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	m.Body = map[string]any{"delivery": "pigeon"}
	if _, err := n.Send(t.Context(), m); providers.VerdictOf(err) != providers.Refused {
		t.Errorf("%v", err)
	}
}

func TestWhatSlackSays(t *testing.T) {
	for code, want := range map[string]providers.Verdict{
		"channel_not_found": providers.Refused, "ratelimited": providers.Undelivered, "invalid_auth": providers.Undelivered,
		"fatal_error": providers.Unanswered, "": providers.Unanswered,
	} {
		server := serve(t, func(*got) (int, string) { return 200, fmt.Sprintf(`{"ok":false,"error":%q}`, code) })
		if _, err := open(t, "slack", map[string]string{"api_url": server.URL}, "token", "x").Send(t.Context(), message()); providers.VerdictOf(err) != want {
			t.Errorf("%s: %v", code, err)
		}
	}
	server := serve(t, func(*got) (int, string) { return 200, `<html>captive portal</html>` })
	if _, err := open(t, "slack", map[string]string{"api_url": server.URL}, "token", "x").Send(t.Context(), message()); providers.VerdictOf(err) != providers.Unanswered {
		t.Errorf("%v", err)
	}
}

func TestPagerDuty(t *testing.T) {
	server := serve(t, func(*got) (int, string) {
		return 202, `{"status":"success","message":"Event processed","dedup_key":"key-1"}`
	})
	n := open(t, "pagerduty", map[string]string{"api_url": server.URL, "severity": "critical"}, "routing_key", "routing")
	type event struct {
		RoutingKey  string `json:"routing_key"`
		EventAction string `json:"event_action"`
		DedupKey    string `json:"dedup_key"`
		Client      string `json:"client"`
		Payload     *struct {
			Summary       string            `json:"summary"`
			Source        string            `json:"source"`
			Severity      string            `json:"severity"`
			Timestamp     string            `json:"timestamp"`
			Component     string            `json:"component"`
			Group         string            `json:"group"`
			Class         string            `json:"class"`
			CustomDetails map[string]string `json:"custom_details"`
		} `json:"payload"`
	}
	m := message()
	m.Text = strings.Repeat("x", 3000)
	send(t, n, m)
	m.Resolves = true
	send(t, n, m)
	var opened, closed event
	server.seen[0].json(t, &opened)
	server.seen[1].json(t, &closed)
	if server.seen[0].path != "/v2/enqueue" || opened.RoutingKey != "routing" || opened.EventAction != "trigger" || opened.DedupKey != "key-1" ||
		len([]rune(opened.Payload.Summary)) != 1024 || opened.Payload.Severity != "critical" || opened.Payload.Source != "prod" || opened.Payload.Timestamp != "2026-03-02T10:00:00Z" {
		t.Errorf("%+v", opened.Payload)
	}
	if closed.EventAction != "resolve" || closed.DedupKey != opened.DedupKey || closed.Payload != nil {
		t.Errorf("%+v", closed)
	}
}

func TestOpsgenie(t *testing.T) {
	server := serve(t, func(g *got) (int, string) {
		if g.header.Get("Authorization") != "GenieKey key" {
			t.Errorf("%v", g.header)
		}
		return 202, `{"result":"Request will be processed","took":0.1,"requestId":"r-1"}`
	})
	n := open(t, "opsgenie", map[string]string{"api_url": server.URL, "priority": "P2"}, "api_key", "key")
	m := message()
	m.Recipient = "payments"
	if got := send(t, n, m); got.Ref != "r-1" {
		t.Errorf("%+v", got)
	}
	m.Resolves = true
	send(t, n, m)
	var alert struct {
		Message     string              `json:"message"`
		Alias       string              `json:"alias"`
		Description string              `json:"description"`
		Responders  []map[string]string `json:"responders"`
		Tags        []string            `json:"tags"`
		Details     map[string]string   `json:"details"`
		Entity      string              `json:"entity"`
		Source      string              `json:"source"`
		Priority    string              `json:"priority"`
	}
	server.seen[0].json(t, &alert)
	if len([]rune(alert.Message)) > 130 || alert.Alias != "key-1/payments" || alert.Responders[0]["name"] != "payments" || alert.Priority != "P2" {
		t.Errorf("%+v", alert)
	}
	harmless(t, alert.Description)
	if got := server.seen[1]; got.path != "/v2/alerts/key-1%2Fpayments/close" || got.query != "identifierType=alias" {
		t.Errorf("%s?%s", got.path, got.query)
	}
}

func TestWebhook(t *testing.T) {
	server := serve(t, func(*got) (int, string) { return 204, "" })
	config := providers.NotifierConfig{
		Service: "webhook", Settings: map[string]string{"method": "PUT", "username": "u"},
		Credentials: map[string]object.Sensitive{"url": object.Sensitive(server.URL + "/hook?a=b"), "password": "p", "signing_key": "key"},
		Headers:     []providers.NotifierHeader{{Name: "X-Team", Value: "delivery"}},
	}
	n, err := notify.New(post.Options{}).Open(config)
	if err != nil {
		t.Fatal(err)
	}
	m := message()
	send(t, n, m)
	g := server.seen[0]
	var document webhook.Document
	g.json(t, &document)
	if g.method != "PUT" || g.path != "/hook" || g.query != "a=b" || document.ID != "id-1" || document.Application.Name != "web" || document.Level != "error" {
		t.Errorf("%+v, %+v", g, document)
	}
	if g.header.Get(webhook.SignatureHeader) != webhook.Signature("key", g.body) || g.header.Get("X-Team") != "delivery" ||
		g.header.Get("Authorization") != "Basic dTpw" || g.header.Get(webhook.DeliveryHeader) != "id-1" {
		t.Errorf("%v", g.header)
	}
	if !n.Repeatable(m) {
		t.Error("PUT can be sent again")
	}
	m.Body = map[string]any{"body": map[string]any{"text": `a "quoted" \ text`}}
	send(t, n, m)
	var own map[string]string
	if err := json.Unmarshal(server.seen[1].body, &own); err != nil || own["text"] != `a "quoted" \ text` {
		t.Errorf("%s", server.seen[1].body)
	}
	m.Body = map[string]any{"body": "plain", "content_type": "text/markdown"}
	send(t, n, m)
	if g := server.seen[2]; string(g.body) != "plain" || g.header.Get("Content-Type") != "text/markdown" {
		t.Errorf("%s, %v", g.body, g.header)
	}
	// What a header holds cannot become another header.
	config.Headers = []providers.NotifierHeader{{Name: "X-Team", Value: "a\r\nX-Evil: canary"}}
	if n, err = notify.New(post.Options{}).Open(config); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Send(t.Context(), m); providers.VerdictOf(err) != providers.Refused || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
	if post := open(t, "webhook", nil, "url", server.URL); post.Repeatable(m) {
		t.Error("POST cannot be sent again")
	}
}

func TestTeams(t *testing.T) {
	say := `1`
	server := serve(t, func(*got) (int, string) { return 200, say })
	n := open(t, "teams", nil, "url", server.URL+"/workflows/secret")
	send(t, n, message())
	var card struct {
		Type        string `json:"type"`
		Attachments []struct {
			ContentType string         `json:"contentType"`
			ContentURL  *string        `json:"contentUrl"`
			Content     map[string]any `json:"content"`
		} `json:"attachments"`
	}
	server.seen[0].json(t, &card)
	content := card.Attachments[0].Content
	if card.Type != "message" || card.Attachments[0].ContentType != "application/vnd.microsoft.card.adaptive" || content["type"] != "AdaptiveCard" || content["version"] != "1.4" {
		t.Errorf("%+v", card)
	}
	body := content["body"].([]any)
	// The runs of a RichTextBlock are no Markdown.
	if text := body[1].(map[string]any); text["type"] != "RichTextBlock" {
		t.Errorf("%v", text)
	}
	harmless(t, string(server.seen[0].body))
	say = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429"
	if _, err := n.Send(t.Context(), message()); providers.VerdictOf(err) != providers.Undelivered {
		t.Errorf("%v", err)
	}
}

func TestMattermost(t *testing.T) {
	server := serve(t, func(g *got) (int, string) {
		if g.path != "/api/v4/posts" || g.header.Get("Authorization") != "Bearer token" {
			t.Errorf("%s %v", g.path, g.header)
		}
		return 201, `{"id":"post-1"}`
	})
	n := open(t, "mattermost", map[string]string{"api_url": server.URL + "/"}, "token", "token")
	m := message()
	m.Recipient = "channel-1"
	root := send(t, n, m)
	m.Root = root.Ref
	send(t, n, m)
	type request struct {
		ChannelID string         `json:"channel_id"`
		Message   string         `json:"message"`
		RootID    string         `json:"root_id"`
		Props     map[string]any `json:"props"`
	}
	var first, reply request
	server.seen[0].json(t, &first)
	server.seen[1].json(t, &reply)
	if first.ChannelID != "channel-1" || first.RootID != "" || reply.RootID != "post-1" {
		t.Errorf("%+v, %+v", first, reply)
	}
	for _, bad := range []string{"@here", "](http", " *bold*", " <script"} {
		if strings.Contains(first.Message, bad) {
			t.Errorf("%q is left in %q", bad, first.Message)
		}
	}
	harmless(t, first.Message)
}

func TestGrafana(t *testing.T) {
	server := serve(t, func(*got) (int, string) { return 200, `{"message":"Annotation added","id":1}` })
	n := open(t, "grafana", map[string]string{"api_url": server.URL + "/api", "tags": "delivery\nprod"}, "token", "token")
	m := message()
	m.Body = map[string]any{"tags": []any{"team"}}
	send(t, n, m)
	var request struct {
		Time int64    `json:"time"`
		Tags []string `json:"tags"`
		Text string   `json:"text"`
	}
	g := server.seen[0]
	g.json(t, &request)
	if g.path != "/api/annotations" || request.Time != m.Facts.At.UnixMilli() || !slices.Equal(request.Tags, []string{"gantry", "on_sync_failed", "web", "delivery", "prod", "team"}) || strings.Contains(request.Text, "<") {
		t.Errorf("%+v", request)
	}
}

func TestGitHub(t *testing.T) {
	server := serve(t, func(g *got) (int, string) {
		if g.header.Get("Authorization") != "Bearer token" || g.header.Get("X-Github-Api-Version") == "" {
			t.Errorf("%v", g.header)
		}
		return 201, `{"id":42}`
	})
	m := message()
	send(t, open(t, "github", map[string]string{"api_url": server.URL}, "token", "token"), m)
	type status struct {
		State       string `json:"state"`
		Context     string `json:"context"`
		Description string `json:"description"`
		TargetURL   string `json:"target_url"`
	}
	var first status
	server.seen[0].json(t, &first)
	if server.seen[0].path != "/repos/payments/config/statuses/"+sha || first.State != "failure" || first.Context != "gantry/web" || len([]rune(first.Description)) > 140 {
		t.Errorf("%s %+v", server.seen[0].path, first)
	}
	// One deployment, and a status each time.
	n := open(t, "github", map[string]string{"api_url": server.URL, "report": "deployment"}, "token", "token")
	m.Level, m.Facts.Phase = providers.LevelInfo, "running"
	if n.Repeatable(m) {
		t.Error("a deployment cannot be made again")
	}
	root := send(t, n, m)
	m.Root, m.Level, m.Facts.Phase = root.Ref, providers.LevelSuccess, "succeeded"
	send(t, n, m)
	want := []string{"POST /repos/payments/config/deployments", "POST /repos/payments/config/deployments/42/statuses", "POST /repos/payments/config/deployments/42/statuses"}
	if got := server.paths()[1:]; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	var deployment struct {
		Ref              string   `json:"ref"`
		Environment      string   `json:"environment"`
		AutoMerge        *bool    `json:"auto_merge"`
		RequiredContexts []string `json:"required_contexts"`
		Description      string   `json:"description"`
	}
	server.seen[1].json(t, &deployment)
	if deployment.Ref != sha || *deployment.AutoMerge || deployment.RequiredContexts == nil || deployment.Environment != "prod/web" {
		t.Errorf("%+v", deployment)
	}
	for i, want := range []string{"in_progress", "success"} {
		var s status
		server.seen[2+i].json(t, &s)
		if s.State != want {
			t.Errorf("%+v", s)
		}
	}
	// A deployment that was made, and whose status was not taken, is not made again.
	count := 0
	broken := serve(t, func(g *got) (int, string) {
		if count++; strings.HasSuffix(g.path, "/statuses") {
			return 502, ""
		}
		return 201, `{"id":7}`
	})
	m.Root = ""
	receipt, err := open(t, "github", map[string]string{"api_url": broken.URL, "report": "deployment"}, "token", "token").Send(t.Context(), m)
	if receipt.Ref != "7" || providers.VerdictOf(err) != providers.Undelivered {
		t.Errorf("%+v, %v", receipt, err)
	}
}

func TestCommitsOfRepositories(t *testing.T) {
	for url, want := range map[string]string{
		"https://github.com/example/config.git": "example/config", "git@github.com:example/config.git": "example/config",
		"ssh://git@github.com/example/config": "example/config", "https://gitlab.com/a/b/c/": "a/b/c",
		"https://charts.example.com": "", "": "", "https://github.com/../x/y": "",
	} {
		f := message().Facts
		f.Repository = url
		path, _, err := post.Commit(f)
		if path != want && err == nil || (want == "") != (err != nil) {
			t.Errorf("%s: %q, %v", url, path, err)
		}
	}
	f := message().Facts
	f.Revision = "1.2.3"
	if _, _, err := post.Commit(f); providers.VerdictOf(err) != providers.Refused {
		t.Errorf("%v", err)
	}
}

func TestGitHubApp(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	tokens := 0
	server := serve(t, func(g *got) (int, string) {
		if g.path != "/app/installations/9/access_tokens" {
			if g.header.Get("Authorization") != "Bearer ghs_1" {
				t.Errorf("%v", g.header)
			}
			return 201, `{}`
		}
		tokens++
		parts := strings.Split(strings.TrimPrefix(g.header.Get("Authorization"), "Bearer "), ".")
		signature, err := base64.RawURLEncoding.DecodeString(parts[2])
		if err != nil {
			t.Error(err)
		}
		sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature); err != nil {
			t.Error(err)
		}
		claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
		if !strings.Contains(string(claims), `"iss":"12"`) {
			t.Errorf("%s", claims)
		}
		return 201, `{"token":"ghs_1","expires_at":"2999-01-01T00:00:00Z"}`
	})
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	n := open(t, "github", map[string]string{"api_url": server.URL, "app_id": "12", "installation_id": "9"}, "private_key", string(text))
	send(t, n, message())
	send(t, n, message())
	if tokens != 1 {
		t.Errorf("%d tokens were asked for", tokens)
	}
	bad := open(t, "github", map[string]string{"api_url": server.URL, "app_id": "12", "installation_id": "9"}, "private_key", "canary")
	if _, err := bad.Send(t.Context(), message()); providers.VerdictOf(err) != providers.Refused || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
}

func TestGitLab(t *testing.T) {
	status, text := 201, `{"id":5}`
	server := serve(t, func(g *got) (int, string) {
		if g.header.Get("Private-Token") != "token" {
			t.Errorf("%v", g.header)
		}
		return status, text
	})
	m := message()
	n := open(t, "gitlab", map[string]string{"api_url": server.URL + "/api/v4"}, "token", "token")
	send(t, n, m)
	var first struct {
		State       string `json:"state"`
		Name        string `json:"name"`
		Description string `json:"description"`
		TargetURL   string `json:"target_url"`
	}
	server.seen[0].json(t, &first)
	if server.seen[0].path != "/api/v4/projects/payments%2Fconfig/statuses/"+sha || first.State != "failed" || len([]rune(first.Description)) > 255 {
		t.Errorf("%s %+v", server.seen[0].path, first)
	}
	// That it is so already is no failure.
	status, text = 400, `{"message":"Cannot transition status via :drop from :failed"}`
	send(t, n, m)
	status = 400
	text = `{"message":"bad"}`
	if _, err := n.Send(t.Context(), m); providers.VerdictOf(err) != providers.Refused {
		t.Errorf("%v", err)
	}
	status, text = 201, `{"id":5}`
	deploys := open(t, "gitlab", map[string]string{"api_url": server.URL, "report": "deployment"}, "token", "token")
	root := send(t, deploys, m)
	m.Root = root.Ref
	send(t, deploys, m)
	if got := server.paths()[3:]; !slices.Equal(got, []string{"POST /projects/payments%2Fconfig/deployments", "PUT /projects/payments%2Fconfig/deployments/5"}) {
		t.Errorf("%v", got)
	}
}

func TestEscape(t *testing.T) {
	s := notify.New(post.Options{})
	for _, test := range [][4]string{
		{"slack", "blocks", "<!channel> & co", "&lt;!channel&gt; &amp; co"},
		{"email", "html", "<script>\u202e", "&lt;script&gt;"},
		{"teams", "card", "[a](b)", `\[a\]\(b\)`},
		{"webhook", "body", `<a>"`, `<a>"`},
		{"email", "subject", "a < b", "a < b"},
	} {
		if got := s.Escape(test[0], test[1], test[2]); got != test[3] {
			t.Errorf("%s.%s: %q", test[0], test[1], got)
		}
	}
}
