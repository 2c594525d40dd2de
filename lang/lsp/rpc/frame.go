// Package rpc is JSON-RPC 2.0 over a pair of streams, framed with Content-Length
// headers as the Language Server Protocol has it.
//
// It serves one peer: requests and notifications are handled one after another in
// the order in which they came, so that a handler needs no locks, and a request that
// its sender has cancelled is not begun. It knows no method but $/cancelRequest. Only
// lang/lsp imports it.
package rpc

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Bounds of what a peer may send.
const (
	maxHeader  = 8 << 10
	maxContent = 64 << 20
)

// errFraming says that the stream cannot be read on: where the next message begins
// is not known.
var errFraming = errors.New("the stream is not framed as the protocol has it")

// readFrame reads the content of one message. It returns io.EOF at the end of the
// stream between messages.
func readFrame(in *bufio.Reader) ([]byte, error) {
	length, read := -1, 0
	for {
		line, err := in.ReadSlice('\n')
		read += len(line)
		switch {
		case errors.Is(err, io.EOF) && read == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		case errors.Is(err, bufio.ErrBufferFull) || read > maxHeader:
			return nil, fmt.Errorf("%w: a header is longer than %d bytes", errFraming, maxHeader)
		case err != nil:
			return nil, err
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" && read == len(line) {
			read = 0 // an empty line before a message
			continue
		}
		if text == "" {
			break
		}
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			return nil, fmt.Errorf("%w: %q is no header", errFraming, text)
		}
		if strings.EqualFold(strings.TrimSpace(name), "Content-Length") {
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil || n < 0 || n > maxContent {
				return nil, fmt.Errorf("%w: Content-Length must be a number up to %d, but is %q", errFraming, maxContent, strings.TrimSpace(value))
			}
			length = n
		}
	}
	if length < 0 {
		return nil, fmt.Errorf("%w: there is no Content-Length header", errFraming)
	}
	content := make([]byte, length)
	if _, err := io.ReadFull(in, content); err != nil {
		return nil, fmt.Errorf("reading a message of %d bytes: %w", length, errors.Join(err, io.ErrUnexpectedEOF))
	}
	return content, nil
}

// writeFrame writes one message.
func writeFrame(out io.Writer, message any) error {
	content, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("writing a message: %w", err)
	}
	frame := append(fmt.Appendf(nil, "Content-Length: %d\r\n\r\n", len(content)), content...)
	_, err = out.Write(frame)
	return err
}
