package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/tree"
	"github.com/gantrycd/gantry/providers/web"
)

// errEmpty says that a repository has no commits.
var errEmpty = fmt.Errorf("it is empty: a commit is %w", providers.ErrNotFound)

// fetchError gives an error of a conversation the types of providers, and takes
// out what a server or a URL may have put into it.
func fetchError(ctx context.Context, err error) error {
	var unexpected *plumbing.UnexpectedError // does not unwrap by itself
	if errors.As(err, &unexpected) {
		err = unexpected.Err
	}
	var (
		line    *pktline.ErrorLine
		status  *githttp.Err
		request *url.Error
		network net.Error
		text    *packp.ErrUnexpectedData
	)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, errFetchTooLarge):
		return fmt.Errorf("it is %w: %w", tree.ErrTooLarge, errFetchTooLarge)
	case errors.Is(err, transport.ErrEmptyRemoteRepository), errors.Is(err, packp.ErrEmptyAdvRefs):
		return errEmpty
	case errors.Is(err, transport.ErrAuthenticationRequired):
		return fmt.Errorf("%w, or it does not exist (status 401)", providers.ErrUnauthorized)
	case errors.Is(err, transport.ErrAuthorizationFailed):
		return fmt.Errorf("%w (status 403)", providers.ErrForbidden)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return fmt.Errorf("%w, or not visible for this user", providers.ErrNotFound)
	case errors.As(err, &status):
		return fmt.Errorf("%w: it answered with status %d", providers.ErrUnreachable, status.StatusCode())
	case errors.As(err, &line):
		return serverSaid(line.Text)
	case errors.As(err, &request):
		return fmt.Errorf("%w: %w", providers.ErrUnreachable, web.Reason(request.Err))
	case errors.As(err, &text), errors.Is(err, packp.ErrEmptyInput), errors.Is(err, pktline.ErrInvalidPktLen):
		return fmt.Errorf("%w: what answers there does not speak git's protocol", providers.ErrUnreachable)
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return fmt.Errorf("%w: %w", providers.ErrUnreachable, web.Reason(err))
	default:
		return err
	}
}

// serverSaid understands what git servers say when they refuse. There are no
// codes in the protocol, only words.
func serverSaid(message string) error {
	message = printable(message)
	lower := strings.ToLower(message)
	has := func(words ...string) bool {
		for _, word := range words {
			if strings.Contains(lower, word) {
				return true
			}
		}
		return false
	}
	switch {
	case has("not our ref", "unadvertised object"):
		return errRefused
	case has("not found", "does not exist", "no such repository", "not appear to be a git repository", "not exported", "could not be found", "could not read from remote"):
		return fmt.Errorf("%w, or not visible for this user; the server said: %s", providers.ErrNotFound, message)
	case has("permission denied", "access denied", "forbidden", "not authorized", "not allowed"):
		return fmt.Errorf("%w; the server said: %s", providers.ErrForbidden, message)
	default:
		return fmt.Errorf("the server said: %s", message)
	}
}

// printable makes what a server said fit for a terminal.
func printable(message string) string {
	const most = 300
	message = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, message)), " ")
	if len(message) > most {
		message = strings.ToValidUTF8(message[:most], "") + "…"
	}
	return message
}
