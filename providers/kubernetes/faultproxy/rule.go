package faultproxy

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Rule says which requests go wrong, and how. Conditions that are empty hold for every
// request.
type Rule struct {
	Method string // "PATCH", "DELETE", ...
	Path   string // what the path has in it: "/configmaps/"
	Name   string // what the path ends with, after a slash
	DryRun bool   // dry runs; without it, what is none
	Reads  bool   // GET too; without it and without a Method, writes alone

	Skip  int   // so many that it would hold for are spared
	Times int   // it holds for so many after those; 0 is all
	Fault Fault // what goes wrong

	met int
}

// Fault is what happens to a request in place of its being forwarded.
type Fault func(p *Proxy, w http.ResponseWriter, r *http.Request)

// Add puts rules behind those that are there: the first that holds counts.
func (p *Proxy) Add(rules ...Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, rule := range rules {
		p.rules = append(p.rules, &rule)
	}
}

// Clear takes all rules away.
func (p *Proxy) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = nil
}

// about reports whether the conditions of a rule hold for a request.
func (rule *Rule) about(r Request) bool {
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case rule.Method != "" && rule.Method != r.Method,
		rule.Method == "" && read && !rule.Reads,
		!read && rule.DryRun != r.DryRun(),
		!strings.Contains(r.Path, rule.Path),
		rule.Name != "" && !strings.HasSuffix(r.Path, "/"+rule.Name):
		return false
	}
	return true
}

// applies is about, with what is spared counted. The proxy's mutex is held.
func (rule *Rule) applies(r Request) bool {
	if !rule.about(r) {
		return false
	}
	rule.met++
	return rule.met > rule.Skip && (rule.Times == 0 || rule.met <= rule.Skip+rule.Times)
}

// Status answers in the server's place.
func Status(code int, reason, message string) Fault {
	return func(_ *Proxy, w http.ResponseWriter, _ *http.Request) { refuse(w, code, reason, message) }
}

// Page answers as a load balancer does that has no server behind it: a code and a web
// page.
func Page(code int) Fault {
	return func(_ *Proxy, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(code)
		_, _ = w.Write([]byte("<html><body><h1>" + http.StatusText(code) + "</h1></body></html>"))
	}
}

// Busy turns a request away and says in how many seconds to come back.
func Busy(code, seconds int) Fault {
	return func(_ *Proxy, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		reason := "TooManyRequests"
		if code == http.StatusServiceUnavailable {
			reason = "ServiceUnavailable"
		}
		refuse(w, code, reason, "the server is currently unable to handle the request")
	}
}

// Reset breaks the connection before the server has heard of the request.
func Reset() Fault {
	return func(*Proxy, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
}

// Lost breaks the connection after the server has acted.
func Lost() Fault {
	return func(p *Proxy, _ http.ResponseWriter, r *http.Request) {
		_ = p.quietly(r) // whether it failed is not to be known
		panic(http.ErrAbortHandler)
	}
}

// LostAs answers with a code in place of the server's answer, after it has acted.
func LostAs(code int, reason, message string) Fault {
	return func(p *Proxy, w http.ResponseWriter, r *http.Request) {
		_ = p.quietly(r) // whether it failed is not to be known
		refuse(w, code, reason, message)
	}
}

// Stall keeps a request without an answer until whoever asked goes away.
func Stall() Fault {
	return func(p *Proxy, _ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-p.gone:
		}
		panic(http.ErrAbortHandler)
	}
}

// LostInStall has the server act, and keeps its answer until whoever asked goes away.
func LostInStall() Fault {
	return func(p *Proxy, w http.ResponseWriter, r *http.Request) {
		_ = p.quietly(r)
		Stall()(p, w, r)
	}
}

// Slow forwards a request after a while.
func Slow(d time.Duration) Fault {
	return func(p *Proxy, w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-p.gone:
		case <-time.After(d):
			p.forward.ServeHTTP(w, r)
		}
	}
}

// refuse answers with the Status of an API server.
func refuse(w http.ResponseWriter, code int, reason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	// The client may have gone, which is its own matter.
	_ = json.NewEncoder(w).Encode(map[string]any{
		"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure",
		"message": message, "reason": reason, "code": code,
	})
}

// kubeconfig is a kubeconfig that leads to the proxy: JSON is YAML.
func (p *Proxy) kubeconfig(user User) string {
	credentials := map[string]any{}
	if user.Token != "" {
		credentials["token"] = user.Token
	}
	if user.TokenFile != "" {
		credentials["tokenFile"] = user.TokenFile
	}
	if len(user.Exec) > 0 {
		credentials["exec"] = map[string]any{
			"apiVersion": "client.authentication.k8s.io/v1", "command": user.Exec[0], "args": slices.Clone(user.Exec[1:]),
			"interactiveMode": "Never",
		}
	}
	text, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "proxy",
		"clusters": []any{map[string]any{"name": "proxy", "cluster": map[string]any{
			"server": "https://" + p.address, "certificate-authority-data": p.ca,
		}}},
		"users":    []any{map[string]any{"name": "proxy", "user": credentials}},
		"contexts": []any{map[string]any{"name": "proxy", "context": map[string]any{"cluster": "proxy", "user": "proxy"}}},
	})
	if err != nil {
		panic(err) // it is made of texts and lists
	}
	return string(text)
}
