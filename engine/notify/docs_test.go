package notify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine/notify"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	services "github.com/gantrycd/gantry/providers/notify"
	"github.com/gantrycd/gantry/providers/notify/post"
)

var update = flag.Bool("update", false, "write the transcripts of docs/notifications.md")

const page = "../../docs/notifications.md"

var (
	configuration = regexp.MustCompile("(?s)<!-- file: main.gantry.hcl -->\n```hcl\n(.*?)```")
	transcript    = regexp.MustCompile("(?s)<!-- transcript: (\\d) -->\n```json\n(.*?)```")
)

// TestTheSlackThreadInTheDocs sends what the page's configuration says of one sync to a
// server, and compares the requests with the page.
func TestTheSlackThreadInTheDocs(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var requests []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, body, "", "  "); err != nil {
			t.Error(err)
		}
		requests = append(requests, indented.String()+"\n")
		_, _ = io.WriteString(w, `{"ok":true,"channel":"C024BE91L","ts":"1772445600.000100"}`)
	}))
	t.Cleanup(server.Close)
	config := evaluate(t, configuration.FindStringSubmatch(string(text))[1])
	config.Notifiers[0].Settings["api_url"] = server.URL
	from, err := notify.Of(config, func(addr.Address) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	all := services.New(post.Options{})
	outbox := notify.NewOutbox(notify.Options{
		Store: b.store, Lineage: "lineage", Notifiers: all, Secrets: known{}, Identity: b.identity, Recipient: b.identity.Recipient(), Clock: b.clock,
	})
	r, err := notify.NewRules(from, all.Escape)
	if err != nil {
		t.Fatal(err)
	}
	began := b.Now()
	memory := notify.Memory{}
	for _, phase := range []string{notify.PhaseRunning, notify.PhaseSucceeded} {
		c := &notify.Case{
			Address: web, Name: "web", Project: "payments", Cluster: "prod", Namespace: "web", Sync: notify.OutOfSync, At: b.Now(),
			Repository: "https://git.example.com/payments/config", Revisions: []string{"3f1c8a52d0a94b6e8f57c1d2e3b4a5968778695a"},
			Operation: notify.Operation{Phase: phase, StartedAt: began},
		}
		if phase == notify.PhaseSucceeded {
			c.Sync, c.Health.Status = notify.Synced, "healthy"
		}
		messages, after, problems := r.Decide(c, memory)
		if len(messages) != 1 || len(problems) != 0 {
			t.Fatalf("%v, %v", fired(messages), problems)
		}
		memory = after
		if err := outbox.Enqueue(t.Context(), from.Notifiers, messages, map[addr.Address]notify.Memory{web: after}); err != nil {
			t.Fatal(err)
		}
		if s, err := outbox.Flush(t.Context(), notify.FlushOptions{Notifiers: from.Notifiers}); err != nil || s.Sent != 1 {
			t.Fatalf("%+v, %v", s, err)
		}
		b.move(40 * time.Second)
	}
	if len(requests) != 3 {
		t.Fatalf("%d requests", len(requests))
	}
	want := transcript.ReplaceAllStringFunc(string(text), func(block string) string {
		number, err := strconv.Atoi(transcript.FindStringSubmatch(block)[1])
		if err != nil || number > len(requests) {
			t.Fatal(block)
		}
		return "<!-- transcript: " + strconv.Itoa(number) + " -->\n```json\n" + requests[number-1] + "```"
	})
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(text) {
		t.Error("docs/notifications.md shows something else than is sent: run this test with -update")
	}
	if strings.Contains(want, "xoxb") {
		t.Error("the token is shown")
	}
}

// known reads every secret.
type known struct{}

// Read implements providers.Secrets.
func (known) Read(_ context.Context, _ *target.Secret) (object.Sensitive, error) {
	return "xoxb-canary", nil
}
