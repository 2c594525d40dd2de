package notify_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/notify"
	"github.com/gantrycd/gantry/providers/notify/post"
)

// got is a request that a server has seen.
type got struct {
	method, path, query string
	header              http.Header
	body                []byte
}

// json reads the body, in which nothing unknown may be.
func (g *got) json(t *testing.T, into any) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(string(g.body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		t.Errorf("%s %s: %v in %s", g.method, g.path, err, g.body)
	}
}

// api is a loopback server that speaks a service's API.
type api struct {
	*httptest.Server
	mu   sync.Mutex
	seen []got
}

// serve answers requests: with a status and a document.
func serve(t *testing.T, answer func(g *got) (int, string)) *api {
	t.Helper()
	a := &api{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		g := got{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header, body}
		a.mu.Lock()
		a.seen = append(a.seen, g)
		a.mu.Unlock()
		status, text := answer(&g)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(a.Close)
	return a
}

// paths are the methods and paths of what was seen.
func (a *api) paths() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for _, g := range a.seen {
		out = append(out, g.method+" "+g.path)
	}
	return out
}

// open opens a notifier whose credentials are canaries.
func open(t *testing.T, service string, settings map[string]string, secrets ...string) providers.Notifier {
	t.Helper()
	return openFor(t, 5*time.Second, service, settings, secrets...)
}

// openFor opens one that waits so long for an answer.
func openFor(t *testing.T, timeout time.Duration, service string, settings map[string]string, secrets ...string) providers.Notifier {
	t.Helper()
	config := providers.NotifierConfig{Service: service, Settings: settings, Credentials: map[string]object.Sensitive{}}
	for i := 0; i < len(secrets); i += 2 {
		config.Credentials[secrets[i]] = object.Sensitive(secrets[i+1])
	}
	n, err := notify.New(post.Options{Timeout: timeout}).Open(config)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const sha = "0123456789abcdef0123456789abcdef01234567"

// nasty is what who can write into a cluster may have an application say.
const nasty = "<!channel> <https://evil.example.com|click> @here *bold* [x](https://evil.example.com) <script>alert(1)</script> & \u202egnp.exe\u2066\x1b[31m\x00"

func message() *providers.Notification {
	return &providers.Notification{
		ID: "id-1", Key: "key-1", Trigger: "on_sync_failed", Text: "The sync of application web has failed: " + nasty, Level: providers.LevelError,
		Facts: providers.Facts{
			Address: "application.web", Name: "web", Project: "payments", Cluster: "prod", Namespace: "web", Repository: "https://git.example.com/payments/config.git",
			Tracks: "main", Revision: sha, Sync: "out_of_sync", Health: "degraded", Phase: "failed", At: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC),
		},
	}
}

func send(t *testing.T, n providers.Notifier, m *providers.Notification) providers.Receipt {
	t.Helper()
	receipt, err := n.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

// harmless holds that none of what turns or hides text is left.
func harmless(t *testing.T, text string) {
	t.Helper()
	for _, bad := range []string{"\u202e", "\u2066", "\x1b", "\x00"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q is left in %q", bad, text)
		}
	}
}

// every service, with the arguments that a loopback server needs.
func everyService(t *testing.T, url string) map[string]providers.Notifier {
	return everyServiceFor(t, 5*time.Second, url)
}

func everyServiceFor(t *testing.T, timeout time.Duration, url string) map[string]providers.Notifier {
	open := func(t *testing.T, service string, settings map[string]string, secrets ...string) providers.Notifier {
		return openFor(t, timeout, service, settings, secrets...)
	}
	return map[string]providers.Notifier{
		"slack":      open(t, "slack", map[string]string{"api_url": url}, "token", "canary"),
		"mattermost": open(t, "mattermost", map[string]string{"api_url": url}, "token", "canary"),
		"teams":      open(t, "teams", nil, "url", url+"/canary"),
		"webhook":    open(t, "webhook", nil, "url", url+"/canary?token=canary"),
		"pagerduty":  open(t, "pagerduty", map[string]string{"api_url": url}, "routing_key", "canary"),
		"opsgenie":   open(t, "opsgenie", map[string]string{"api_url": url}, "api_key", "canary"),
		"github":     open(t, "github", map[string]string{"api_url": url}, "token", "canary"),
		"gitlab":     open(t, "gitlab", map[string]string{"api_url": url}, "token", "canary"),
		"grafana":    open(t, "grafana", map[string]string{"api_url": url}, "token", "canary"),
	}
}

func TestWhatAnswersMean(t *testing.T) {
	for _, test := range []struct {
		status int
		header map[string]string
		want   providers.Verdict
		after  time.Duration
	}{
		{status: 429, header: map[string]string{"Retry-After": "7"}, want: providers.Undelivered, after: 7 * time.Second},
		{status: 429, header: map[string]string{"Retry-After": "999999"}, want: providers.Undelivered, after: time.Hour},
		{status: 429, header: map[string]string{"Retry-After": "NaN"}, want: providers.Undelivered},
		{status: 429, header: map[string]string{"Retry-After": "-3"}, want: providers.Undelivered},
		{status: 500, want: providers.Undelivered},
		{status: 503, header: map[string]string{"Retry-After": "Mon, 02 Jan 2006 15:04:05 GMT"}, want: providers.Undelivered},
		{status: 401, want: providers.Undelivered},
		{status: 404, want: providers.Refused},
		{status: 400, want: providers.Refused},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for name, value := range test.header {
				w.Header().Set(name, value)
			}
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, `{"error":"canary"}`)
		}))
		for name, n := range everyService(t, server.URL) {
			_, err := n.Send(t.Context(), message())
			var failed *providers.DeliveryError
			if !errors.As(err, &failed) || failed.Verdict != test.want || failed.After != test.after {
				t.Errorf("%s, %d: %v", name, test.status, err)
				continue
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("%s, %d: the error holds a credential: %v", name, test.status, err)
			}
		}
		server.Close()
	}
}

func TestWhatIsNeverAnswered(t *testing.T) {
	done := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-done:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() {
		close(done) // or closing waits for the request
		hanging.Close()
	})
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}))
	t.Cleanup(cut.Close)
	nobody := httptest.NewServer(http.NotFoundHandler())
	nobody.Close()
	// begins answers with a status, and then with what goes on until the client leaves.
	begins := func(status int, goesOn func(w http.ResponseWriter, leaves <-chan struct{})) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			w.(http.Flusher).Flush()
			goesOn(w, r.Context().Done())
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	waits := func(_ http.ResponseWriter, leaves <-chan struct{}) { <-leaves }
	drips := func(w http.ResponseWriter, leaves <-chan struct{}) {
		for tick := time.NewTicker(time.Millisecond); ; {
			select {
			case <-leaves:
				tick.Stop()
				return
			case <-tick.C:
				_, _ = io.WriteString(w, " ")
				w.(http.Flusher).Flush()
			}
		}
	}
	floods := func(w http.ResponseWriter, _ <-chan struct{}) {
		for err := error(nil); err == nil; {
			_, err = w.Write(make([]byte, 64<<10))
		}
	}
	const soon = 50 * time.Millisecond
	for name, test := range map[string]struct {
		url     string
		timeout time.Duration
		want    providers.Verdict // empty: it is taken
	}{
		"hangs":                          {hanging.URL, soon, providers.Unanswered},
		"is cut":                         {cut.URL, 5 * time.Second, providers.Unanswered},
		"is not there":                   {nobody.URL, 5 * time.Second, providers.Undelivered},
		"hangs within its answer":        {begins(200, waits), soon, providers.Unanswered},
		"drips its answer for ever":      {begins(200, drips), soon, providers.Unanswered},
		"has an answer without an end":   {begins(200, floods), time.Minute, ""},
		"fails, and hangs within that":   {begins(500, waits), soon, providers.Undelivered},
		"fails, and drips for ever":      {begins(500, drips), soon, providers.Undelivered},
		"refuses it, and hangs":          {begins(400, waits), soon, providers.Refused},
		"fails, and never ends to do so": {begins(500, floods), time.Minute, providers.Undelivered},
	} {
		n, err := notify.New(post.Options{Timeout: test.timeout}).Open(providers.NotifierConfig{
			Service: "webhook", Credentials: map[string]object.Sensitive{"url": object.Sensitive(test.url + "/canary")},
		})
		if err != nil {
			t.Fatal(err)
		}
		switch _, err = n.Send(t.Context(), message()); {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (err == nil || providers.VerdictOf(err) != test.want || strings.Contains(err.Error(), "canary")):
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestServicesThatHang: whichever service does not answer, or not to the end, the request ends,
// and what it may have taken is not called undelivered, unless to send it twice comes to the same.
func TestServicesThatHang(t *testing.T) {
	for name, begins := range map[string]bool{"hangs": false, "hangs within its answer": true} {
		var written atomic.Int64 // requests that change something, since the last service
		var total int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if r.Method != http.MethodGet {
				written.Add(1)
			}
			if begins {
				w.WriteHeader(http.StatusOK)
				_, _ = io.WriteString(w, `{"ok":`)
				w.(http.Flusher).Flush()
			}
			<-r.Context().Done()
		}))
		for service, n := range everyServiceFor(t, 200*time.Millisecond, server.URL) {
			total += written.Swap(0)
			_, err := n.Send(t.Context(), message())
			var failed *providers.DeliveryError
			if !errors.As(err, &failed) || failed.Verdict == providers.Refused || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s %s: %v", service, name, err)
				continue
			}
			if written.Load() > 0 && failed.Verdict != providers.Unanswered {
				t.Errorf("%s %s: %s, though it may have been taken: %v", service, name, failed.Verdict, err)
			}
		}
		if total == 0 {
			t.Errorf("%s: nothing was sent: the test shows nothing", name)
		}
		server.Close()
	}
}

func TestRedirectsToOtherHostsAreRefused(t *testing.T) {
	other := serve(t, func(g *got) (int, string) {
		t.Errorf("another host was sent %s %s", g.path, g.header)
		return 200, "{}"
	})
	for status := range map[int]bool{301: true, 302: true, 303: true, 307: true, 308: true} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/stolen", status)
		}))
		for name, n := range everyService(t, server.URL) {
			if _, err := n.Send(t.Context(), message()); providers.VerdictOf(err) != providers.Refused {
				t.Errorf("%s, %d: %v", name, status, err)
			}
		}
		server.Close()
	}
	// To another path of the same host the same request goes.
	same := serve(t, nil)
	same.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		same.seen = append(same.seen, got{method: r.Method, path: r.URL.Path, body: body})
		if r.URL.Path == "/canary" {
			http.Redirect(w, r, "/moved", http.StatusTemporaryRedirect)
		}
	})
	send(t, open(t, "webhook", nil, "url", same.URL+"/canary"), message())
	if want := []string{"POST /canary", "POST /moved"}; !slices.Equal(same.paths(), want) || string(same.seen[0].body) != string(same.seen[1].body) {
		t.Errorf("%v", same.paths())
	}
}

func TestEveryServiceIsKnown(t *testing.T) {
	if _, err := notify.New(post.Options{}).Open(providers.NotifierConfig{Service: "fax"}); err == nil {
		t.Error("no error")
	}
}

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"a\r\nb\tc":            "a\nb\tc",
		"a\u202eb\u200bc\x07d": "abcd",
		"a\xffb":               "a\uFFFDb",
		"grüße, 世界":            "grüße, 世界",
	} {
		if got := post.Plain(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := post.Cut("grüße", 3); got != "gr…" {
		t.Errorf("%q", got)
	}
}
