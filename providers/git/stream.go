package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/web"
)

// dialTimeout is how long connecting to a host may take.
const dialTimeout = 20 * time.Second

// stream speaks git's protocol over a connection: git:// or ssh.
type stream struct {
	in         io.Reader
	out        io.Writer
	closeAll   func() error
	complaints *complaints // what the server says beside the protocol; may be nil
	advertised *packp.AdvRefs
	stop       func() bool
}

// newStream starts a conversation; it is closed when ctx ends.
func newStream(ctx context.Context, in io.Reader, out io.Writer, words *complaints, closeAll func() error) *stream {
	s := &stream{in: in, out: out, complaints: words, closeAll: sync.OnceValue(closeAll)}
	s.stop = context.AfterFunc(ctx, func() { _ = s.closeAll() })
	return s
}

// dialGit connects to a git daemon.
func dialGit(ctx context.Context, at address, auth *source.Auth, hosts *web.Hosts) (remote, error) {
	if auth != nil && *auth != (source.Auth{}) {
		return nil, fmt.Errorf("%w: the git protocol has no login; use https or ssh, or no credentials", providers.ErrUnsupported)
	}
	connection, err := connect(ctx, at.hostPort(9418), hosts)
	if err != nil {
		return nil, err
	}
	s := newStream(ctx, connection, connection, nil, connection.Close)
	host := at.host
	if at.port != 0 {
		host = at.hostPort(0)
	}
	hello := packp.GitProtoRequest{RequestCommand: transport.UploadPackServiceName, Pathname: at.path, Host: host}
	if err := hello.Encode(connection); err != nil {
		return nil, fetchError(ctx, fmt.Errorf("%w (%w)", err, s.Close()))
	}
	return s, nil
}

func connect(ctx context.Context, hostPort string, hosts *web.Hosts) (net.Conn, error) {
	connection, err := hosts.DialContext(ctx, net.Dialer{Timeout: dialTimeout}, "tcp", hostPort)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("%w: %s: %w", providers.ErrUnreachable, hostPort, web.Reason(err))
	}
	return connection, nil
}

func (s *stream) references(ctx context.Context) (*references, error) {
	advertised := packp.NewAdvRefs()
	if err := advertised.Decode(s.in); err != nil {
		if errors.Is(err, packp.ErrEmptyInput) {
			// The server ended without a word of the protocol: it says why beside it.
			if said := s.complaints.text(ctx); said != "" {
				return nil, serverSaid(said)
			}
		}
		return nil, fetchError(ctx, err)
	}
	if advertised.IsEmpty() {
		return nil, errEmpty
	}
	transport.FilterUnsupportedCapabilities(advertised.Capabilities)
	s.advertised = advertised
	return newReferences(advertised), nil
}

func (s *stream) pack(ctx context.Context, wants, haves []plumbing.Hash) (io.ReadCloser, error) {
	request, err := newRequest(s.advertised, wants, haves)
	if err != nil {
		return nil, err
	}
	if err := s.send(request); err != nil {
		return nil, fetchError(ctx, err)
	}
	response := packp.NewUploadPackResponse(request)
	if err := response.Decode(readCloser{s.in, io.NopCloser(nil)}); err != nil {
		return nil, fetchError(ctx, err)
	}
	s.advertised = nil // the conversation is over with the pack
	return packReader(request, response), nil
}

func (s *stream) send(request *packp.UploadPackRequest) error {
	if err := request.UploadRequest.Encode(s.out); err != nil {
		return err
	}
	if err := request.UploadHaves.Encode(s.out, false); err != nil {
		return err
	}
	return pktline.NewEncoder(s.out).EncodeString("done\n")
}

// Close ends the conversation; where nothing was asked for, the server is told.
func (s *stream) Close() error {
	s.stop()
	if s.advertised != nil {
		_, _ = s.out.Write(pktline.FlushPkt)
	}
	return s.closeAll()
}

// complaints keeps the start of what a server says on its error channel.
type complaints struct {
	done chan struct{}
	said strings.Builder // read after done
}

// listen reads r to its end.
func listen(r io.Reader) *complaints {
	c := &complaints{done: make(chan struct{})}
	go func() {
		defer close(c.done)
		_, _ = io.Copy(&c.said, io.LimitReader(r, 4<<10))
		_, _ = io.Copy(io.Discard, r)
	}()
	return c
}

// text waits, not for long, until the server has said all.
func (c *complaints) text(ctx context.Context) string {
	if c == nil {
		return ""
	}
	select {
	case <-c.done:
		return strings.TrimSpace(c.said.String())
	case <-ctx.Done():
	case <-time.After(5 * time.Second):
	}
	return ""
}
