package rpc

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strconv"
	"sync"
)

// Handler handles a request or a notification. For a notification the result is
// dropped. An error that is no *Error is sent with the code InternalError. Its
// context ends when the sender cancels the request.
type Handler func(ctx context.Context, method string, params json.RawMessage) (result any, err error)

// ErrExit ends Serve when a handler returns it.
var ErrExit = errors.New("exit")

// queueLength is how many messages are read ahead of the one that is handled.
const queueLength = 256

// Conn is a connection to one peer.
type Conn struct {
	in *bufio.Reader

	writing sync.Mutex
	out     io.Writer
	nextID  int

	mu      sync.Mutex
	pending map[string]context.CancelFunc // of requests that came and are not answered

	report func(error)
}

// NewConn returns a connection. What goes wrong in a notification, in a handler that
// panics or in the peer's own handlers has nobody to be returned to: report is called
// with it, from any goroutine.
func NewConn(in io.Reader, out io.Writer, report func(error)) *Conn {
	return &Conn{
		in: bufio.NewReaderSize(in, maxHeader), out: out, report: report,
		pending: map[string]context.CancelFunc{},
	}
}

// call is a request or notification that waits to be handled.
type call struct {
	*message
	ctx    context.Context
	cancel context.CancelFunc
}

// Serve reads messages and handles them until the stream ends, the context ends or a
// handler returns ErrExit, which is what it then returns. The end of the stream is
// io.EOF. The reader may still block in a read when it returns.
func (c *Conn) Serve(ctx context.Context, handle Handler) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	calls := make(chan call, queueLength)
	ended := make(chan error, 1)
	go func() {
		ended <- c.read(ctx, calls)
		close(calls)
	}()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case next, ok := <-calls:
			if !ok {
				return <-ended
			}
			if err := c.handle(next, handle); err != nil {
				return err
			}
		}
	}
}

// read queues what comes until the stream ends.
func (c *Conn) read(ctx context.Context, calls chan<- call) error {
	for {
		content, err := readFrame(c.in)
		if err != nil {
			return err
		}
		m, problem := parse(content)
		if problem != nil {
			var id json.RawMessage
			if m != nil {
				id = m.ID
			}
			if err := c.respond(id, nil, problem); err != nil {
				return err
			}
			continue
		}
		switch m.Method {
		case "$/cancelRequest":
			c.cancel(m.Params)
			continue
		case "":
			if m.Error != nil {
				c.report(fmt.Errorf("the client answered a request with an error: %w", m.Error))
			}
			continue
		}
		next := call{message: m}
		next.ctx, next.cancel = context.WithCancel(ctx)
		if m.isRequest() {
			c.mu.Lock()
			c.pending[string(m.ID)] = next.cancel
			c.mu.Unlock()
		}
		select {
		case calls <- next:
		case <-ctx.Done():
			next.cancel()
			return ctx.Err()
		}
	}
}

func (c *Conn) cancel(params json.RawMessage) {
	request, err := Decode[struct {
		ID json.RawMessage `json:"id"`
	}](params)
	if err != nil {
		c.report(err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if cancel, ok := c.pending[string(request.ID)]; ok {
		cancel()
	}
}

// handle handles one call and answers it.
func (c *Conn) handle(next call, handle Handler) error {
	defer next.cancel()
	result, err := c.guarded(next, handle)
	if !next.isRequest() {
		switch {
		case errors.Is(err, ErrExit):
			return err
		case err != nil:
			c.report(fmt.Errorf("%s: %w", next.Method, err))
		}
		return nil
	}
	c.mu.Lock()
	delete(c.pending, string(next.ID))
	c.mu.Unlock()
	return c.respond(next.ID, result, asError(err))
}

// guarded calls the handler. A panic costs its call, not the connection, on which
// an author's unsaved work is being read.
func (c *Conn) guarded(next call, handle Handler) (result any, err error) {
	if next.ctx.Err() != nil {
		return nil, Errorf(RequestCancelled, "the request was cancelled")
	}
	defer func() {
		if cause := recover(); cause != nil {
			c.report(fmt.Errorf("%s: panic: %v\n%s", next.Method, cause, debug.Stack()))
			result, err = nil, Errorf(InternalError, "%s failed: %v. This is a bug in gantry.", next.Method, cause)
		}
	}()
	return handle(next.ctx, next.Method, next.Params)
}

func asError(err error) *Error {
	var known *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.Canceled):
		return Errorf(RequestCancelled, "the request was cancelled")
	}
	return Errorf(InternalError, "%s", err)
}

func (c *Conn) respond(id json.RawMessage, result any, problem *Error) error {
	if id == nil {
		id = json.RawMessage("null")
	}
	response := message{Version: "2.0", ID: id, Error: problem}
	if problem == nil {
		encoded, err := json.Marshal(result)
		if err != nil {
			response.Error = Errorf(InternalError, "the result cannot be encoded: %s", err)
		}
		response.Result = encoded
	}
	return c.write(response)
}

// Notify sends a notification. It may be called from any goroutine.
func (c *Conn) Notify(method string, params any) error {
	encoded, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	return c.write(message{Version: "2.0", Method: method, Params: encoded})
}

// Request sends a request whose result nobody needs; an error that is its answer is
// reported. It may be called from any goroutine.
func (c *Conn) Request(method string, params any) error {
	encoded, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	c.mu.Lock()
	c.nextID++
	id := strconv.Quote("gantry-" + strconv.Itoa(c.nextID))
	c.mu.Unlock()
	return c.write(message{Version: "2.0", ID: json.RawMessage(id), Method: method, Params: encoded})
}

func (c *Conn) write(m message) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	return writeFrame(c.out, m)
}
