// Package lsptest is an editor for tests of the language server: it speaks the
// protocol over a pair of streams, with a framing, documents and positions of its
// own, so that it shares no mistake with the server. Only tests import it.
package lsptest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"strconv"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for the server.
const patience = 2 * time.Minute

// Client is an editor.
type Client struct {
	t  testing.TB
	in io.WriteCloser

	writing sync.Mutex

	mu        sync.Mutex
	next      int
	answers   map[int]chan answer
	published map[string]Published // by URI
	arrived   chan struct{}        // closed and replaced when something was published
	messages  []Message
	ended     chan struct{} // closed when the server's stream has ended

	documents map[string]*document // by URI
}

// Error is an error that the server answered with.
type Error struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// Error returns the message and the code.
func (e *Error) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Code) }

type answer struct {
	result json.RawMessage
	err    *Error
}

// Message is a request or notification of the server.
type Message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *Error          `json:"error"`
}

// Connect returns an editor that talks to a server.
func Connect(t testing.TB, in io.WriteCloser, out io.Reader) *Client {
	c := &Client{
		t: t, in: in, answers: map[int]chan answer{}, published: map[string]Published{}, arrived: make(chan struct{}),
		ended: make(chan struct{}), documents: map[string]*document{},
	}
	go c.listen(bufio.NewReader(out))
	return c
}

func (c *Client) listen(out *bufio.Reader) {
	defer close(c.ended)
	for {
		header, err := textproto.NewReader(out).ReadMIMEHeader()
		if err != nil {
			return
		}
		length, err := strconv.Atoi(header.Get("Content-Length"))
		if err != nil {
			c.t.Errorf("a message without a length: %v", header)
			return
		}
		content := make([]byte, length)
		if _, err := io.ReadFull(out, content); err != nil {
			return
		}
		var m Message
		if err := json.Unmarshal(content, &m); err != nil {
			c.t.Errorf("a message that is no JSON: %s", content)
			return
		}
		c.take(m)
	}
}

// take takes what came from the server.
func (c *Client) take(m Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.Method == "" {
		id, err := strconv.Atoi(string(m.ID))
		waiting := c.answers[id]
		if err != nil || waiting == nil {
			c.messages = append(c.messages, m)
			return
		}
		delete(c.answers, id)
		waiting <- answer{m.Result, m.Error}
		return
	}
	c.messages = append(c.messages, m)
	if m.Method == "textDocument/publishDiagnostics" {
		var p Published
		if err := json.Unmarshal(m.Params, &p); err != nil {
			c.t.Errorf("diagnostics that are none: %s", m.Params)
			return
		}
		p.Count = c.published[p.URI].Count + 1
		c.published[p.URI] = p
		close(c.arrived)
		c.arrived = make(chan struct{})
	}
}

// Write sends bytes as they are.
func (c *Client) Write(content string) {
	c.t.Helper()
	c.writing.Lock()
	defer c.writing.Unlock()
	if _, err := io.WriteString(c.in, content); err != nil {
		c.t.Fatal(err)
	}
}

// send sends a message.
func (c *Client) send(message map[string]any) {
	c.t.Helper()
	message["jsonrpc"] = "2.0"
	content, err := json.Marshal(message)
	if err != nil {
		c.t.Fatal(err)
	}
	c.Write(fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(content), content))
}

// Notify sends a notification.
func (c *Client) Notify(method string, params any) {
	c.t.Helper()
	c.send(map[string]any{"method": method, "params": params})
}

// Begin sends a request and returns its id and what waits for the answer.
func (c *Client) Begin(method string, params any) (id int, wait func(result any) error) {
	c.t.Helper()
	c.mu.Lock()
	c.next++
	id = c.next
	waiting := make(chan answer, 1)
	c.answers[id] = waiting
	c.mu.Unlock()
	c.send(map[string]any{"id": id, "method": method, "params": params})
	return id, func(result any) error {
		c.t.Helper()
		select {
		case got := <-waiting:
			if got.err != nil {
				return got.err
			}
			if result == nil {
				return nil
			}
			return json.Unmarshal(got.result, result)
		case <-c.ended:
			return fmt.Errorf("%s: the server has ended", method)
		case <-time.After(patience):
			c.t.Fatalf("%s was not answered", method)
			return nil
		}
	}
}

// Call sends a request and reads its answer into result, if that is not nil. Its error
// is an *Error if it is the server's.
func (c *Client) Call(method string, params, result any) error {
	c.t.Helper()
	_, wait := c.Begin(method, params)
	return wait(result)
}

// Must is Call for requests that must succeed.
func (c *Client) Must(method string, params, result any) {
	c.t.Helper()
	if err := c.Call(method, params, result); err != nil {
		c.t.Fatalf("%s: %v", method, err)
	}
}

// Initialize begins with the server, and returns what it can do.
func (c *Client) Initialize(capabilities any, folders ...string) map[string]any {
	c.t.Helper()
	var list []map[string]string
	for _, folder := range folders {
		list = append(list, map[string]string{"uri": URI(folder), "name": folder})
	}
	var result map[string]any
	c.Must("initialize", map[string]any{"processId": nil, "rootUri": nil, "capabilities": capabilities, "workspaceFolders": list}, &result)
	c.Notify("initialized", map[string]any{})
	return result
}

// Received returns what the server has sent of some method.
func (c *Client) Received(method string) []Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []Message
	for _, m := range c.messages {
		if m.Method == method {
			found = append(found, m)
		}
	}
	return found
}

// HangUp closes the stream to the server.
func (c *Client) HangUp() { _ = c.in.Close() } // the server may be gone already

// WaitEnd waits until the server's stream has ended.
func (c *Client) WaitEnd() {
	c.t.Helper()
	select {
	case <-c.ended:
	case <-time.After(patience):
		c.t.Fatal("the server has not ended")
	}
}
