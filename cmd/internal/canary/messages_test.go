package canary

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
)

// listen has the messages of notifications come to the run.
func (r *run) listen() {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		var all bytes.Buffer
		fmt.Fprintln(&all, request.Method, request.URL, request.Header)
		_, err := io.Copy(&all, request.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.messages = append(r.messages, all.Bytes())
		if err != nil {
			r.t.Errorf("a message: %v", err)
		}
	}))
	r.t.Cleanup(server.Close)
	r.listener = server.URL
}

// heard looks at all messages. What was applied was told of.
func (r *run) heard() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, message := range r.messages {
		r.look("a message", message)
	}
	if !r.input.fails && len(r.messages) == 0 {
		r.t.Error("nobody was told of anything: that no message has the secret shows nothing")
	}
}

var applicationLabel = regexp.MustCompile(`application "(\w+)"`)

// label is the name of the input's application.
func (in *input) label() string {
	found := applicationLabel.FindStringSubmatch(in.blocks)
	if found == nil {
		return "none"
	}
	return found[1]
}
