package rpc

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// peer is the other end of a connection.
type peer struct {
	t   *testing.T
	in  *io.PipeWriter
	out *bufio.Reader

	mu       sync.Mutex
	reported []string
	served   chan error
}

func connect(t *testing.T, handle Handler) *peer {
	t.Helper()
	theirIn, in := io.Pipe()
	out, theirOut := io.Pipe()
	p := &peer{t: t, in: in, out: bufio.NewReader(out), served: make(chan error, 1)}
	conn := NewConn(theirIn, theirOut, func(err error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.reported = append(p.reported, strings.SplitN(err.Error(), "\n", 2)[0])
	})
	go func() { p.served <- conn.Serve(context.Background(), handle) }()
	t.Cleanup(func() { in.Close(); out.Close() })
	return p
}

func (p *peer) send(content string) {
	p.raw(fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(content), content))
}

func (p *peer) raw(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, text); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) want(content string) {
	p.t.Helper()
	got, err := readFrame(p.out)
	if err != nil {
		p.t.Fatal(err)
	}
	if diff := cmp.Diff(content, string(got)); diff != "" {
		p.t.Errorf("message (-want +got):\n%s", diff)
	}
}

func (p *peer) wantEnd(want error) {
	p.t.Helper()
	select {
	case err := <-p.served:
		if !errors.Is(err, want) {
			p.t.Errorf("Serve returned %v, expected %v", err, want)
		}
	case <-time.After(time.Minute):
		p.t.Fatal("Serve did not return")
	}
}

func echo(_ context.Context, method string, params json.RawMessage) (any, error) {
	switch method {
	case "fail":
		return nil, errors.New("it failed")
	case "refuse":
		return nil, Errorf(RequestFailed, "no")
	case "panic":
		panic("oh")
	case "exit":
		return nil, ErrExit
	case "none":
		return nil, nil
	}
	return params, nil
}

func TestRequestsAreAnswered(t *testing.T) {
	p := connect(t, echo)
	p.send(`{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":[1]}}`)
	p.want(`{"jsonrpc":"2.0","id":1,"result":{"a":[1]}}`)
	p.raw("\r\n\ncontent-type: application/vscode-jsonrpc; charset=utf-8\r\ncontent-length:  44\r\n\r\n" + `{"jsonrpc":"2.0","id":"a","method":"none"  }`)
	p.want(`{"jsonrpc":"2.0","id":"a","result":null}`)
	p.send(`{"jsonrpc":"2.0","id":2,"method":"fail"}`)
	p.want(`{"jsonrpc":"2.0","id":2,"error":{"code":-32603,"message":"it failed"}}`)
	p.send(`{"jsonrpc":"2.0","id":3,"method":"refuse"}`)
	p.want(`{"jsonrpc":"2.0","id":3,"error":{"code":-32803,"message":"no"}}`)
	p.send(`{"jsonrpc":"2.0","method":"fail"}`)
	p.send(`{"jsonrpc":"2.0","id":"gantry-1","error":{"code":1,"message":"unknown"}}`)
	p.send(`{"jsonrpc":"2.0","id":4,"method":"panic"}`)
	p.want(`{"jsonrpc":"2.0","id":4,"error":{"code":-32603,"message":"panic failed: oh. This is a bug in gantry."}}`)
	p.send(`{"jsonrpc":"2.0","method":"exit"}`)
	p.wantEnd(ErrExit)
	want := []string{"fail: it failed", "panic: panic: oh", "the client answered a request with an error: unknown"}
	p.mu.Lock()
	defer p.mu.Unlock()
	// The client's answer is reported by the reader, which runs ahead of the handlers.
	if diff := cmp.Diff(len(want), len(p.reported)); diff != "" {
		t.Errorf("reported: %q", p.reported)
	}
	for _, text := range want {
		if !strings.Contains(strings.Join(p.reported, "\n"), text) {
			t.Errorf("%q was not reported: %q", text, p.reported)
		}
	}
}

func TestMalformedMessages(t *testing.T) {
	for _, test := range []struct{ name, content, want string }{
		{"no JSON", `{"jsonrpc":`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"the message is not JSON: unexpected end of JSON input"}}`},
		{"a batch", `[]`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"the message is no request, notification or response: json: cannot unmarshal array into Go value of type rpc.message"}}`},
		{"no version", `{"id":7,"method":"echo"}`, `{"jsonrpc":"2.0","id":7,"error":{"code":-32600,"message":"the message must say \"jsonrpc\": \"2.0\""}}`},
		{"an id that is none", `{"jsonrpc":"2.0","id":{},"method":"echo"}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"the id must be a string or a number"}}`},
		{"nothing", `{"jsonrpc":"2.0"}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"the message has neither a method nor an id"}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := connect(t, echo)
			p.send(test.content)
			p.want(test.want)
			p.send(`{"jsonrpc":"2.0","id":1,"method":"none"}`)
			p.want(`{"jsonrpc":"2.0","id":1,"result":null}`)
			p.in.Close()
			p.wantEnd(io.EOF)
		})
	}
}

func TestBrokenFraming(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       error
	}{
		{"no header", "hello\r\n\r\n", errFraming},
		{"no length", "Content-Type: x\r\n\r\n", errFraming},
		{"a length that is none", "Content-Length: -1\r\n\r\n", errFraming},
		{"a message too large", "Content-Length: 99999999999\r\n\r\n", errFraming},
		{"an endless header", "X: " + strings.Repeat("x", maxHeader) + "\r\n", errFraming},
		{"many headers", strings.Repeat("X: y\r\n", maxHeader/4), errFraming},
		{"a stream that ends in a header", "Content-Length: 5", io.ErrUnexpectedEOF},
		{"a stream that ends in a message", "Content-Length: 5\r\n\r\nabc", io.ErrUnexpectedEOF},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := connect(t, echo)
			go func() {
				_, _ = io.WriteString(p.in, test.text)
				p.in.Close()
			}()
			p.wantEnd(test.want)
		})
	}
}

func TestCancelledRequests(t *testing.T) {
	began := make(chan struct{})
	p := connect(t, func(ctx context.Context, method string, _ json.RawMessage) (any, error) {
		if method == "wait" {
			close(began)
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return "done", nil
	})
	p.send(`{"jsonrpc":"2.0","id":1,"method":"wait"}`)
	<-began
	p.send(`{"jsonrpc":"2.0","id":2,"method":"other"}`)
	p.send(`{"jsonrpc":"2.0","id":3,"method":"other"}`)
	p.send(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":2}}`)
	p.send(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":99}}`)
	p.send(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}`)
	p.want(`{"jsonrpc":"2.0","id":1,"error":{"code":-32800,"message":"the request was cancelled"}}`)
	p.want(`{"jsonrpc":"2.0","id":2,"error":{"code":-32800,"message":"the request was cancelled"}}`)
	p.want(`{"jsonrpc":"2.0","id":3,"result":"done"}`)
}
