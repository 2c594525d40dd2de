package rpc

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Code is the kind of an error, as JSON-RPC and the Language Server Protocol number
// them.
type Code int

// The codes of errors.
const (
	ParseError           Code = -32700
	InvalidRequest       Code = -32600
	MethodNotFound       Code = -32601
	InvalidParams        Code = -32602
	InternalError        Code = -32603
	ServerNotInitialized Code = -32002
	RequestCancelled     Code = -32800
	RequestFailed        Code = -32803
)

// Error is an error as it is sent.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Errorf makes an error with a code.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// message is a request, a notification or a response.
type message struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *Error          `json:"error,omitempty"`
}

// isRequest reports whether the sender waits for a response.
func (m *message) isRequest() bool { return m.Method != "" && m.ID != nil }

// parse reads a message and says what is wrong with one that is none.
func parse(content []byte) (*message, *Error) {
	var m message
	if err := json.Unmarshal(content, &m); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, Errorf(ParseError, "the message is not JSON: %s", err)
		}
		return nil, Errorf(InvalidRequest, "the message is no request, notification or response: %s", err)
	}
	if string(m.ID) == "null" {
		m.ID = nil
	}
	switch {
	case m.Version != "2.0":
		return &m, Errorf(InvalidRequest, "the message must say \"jsonrpc\": \"2.0\"")
	case m.ID != nil && m.ID[0] != '"' && m.ID[0] != '-' && (m.ID[0] < '0' || m.ID[0] > '9'):
		m.ID = nil
		return &m, Errorf(InvalidRequest, "the id must be a string or a number")
	case m.Method == "" && m.ID == nil && m.Error == nil:
		return &m, Errorf(InvalidRequest, "the message has neither a method nor an id")
	}
	return &m, nil
}

// Decode reads the parameters of a request. Its error has the code InvalidParams.
func Decode[T any](params json.RawMessage) (T, error) {
	var decoded T
	if len(params) == 0 {
		params = json.RawMessage("{}")
	}
	if err := json.Unmarshal(params, &decoded); err != nil {
		return decoded, Errorf(InvalidParams, "the parameters are not as expected: %s", err)
	}
	return decoded, nil
}
