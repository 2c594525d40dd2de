package kubernetes

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
)

const (
	maxBusyAttempts    = 10 // while a server says when to come back
	maxNetworkAttempts = 4  // while nobody answers, or a connection breaks, of a server never heard of
	maxFailedAttempts  = 3  // while a server fails over the very request
	firstBackoff       = 100 * time.Millisecond
	// maxRetryAfter is how long a server may ask to be left alone for a request to be
	// sent again. One that asks for more is not asked earlier: the request is given up.
	maxRetryAfter = 2 * time.Minute
	// patience is how long a server that has answered before is waited for while it does
	// not: it restarts, or another takes its place.
	patience = 30 * time.Second
)

// tries are the attempts at one request.
type tries struct {
	attempt int           // from 1
	waited  time.Duration // in all
	renewed bool          // credentials were asked for anew
}

// again decides whether to send a request once more after a failed attempt, and
// how long to wait first. A write whose outcome is not known is sent again only
// if it is repeatable.
func (c *cluster) again(r request, made *tries, answer response, err error) (wait time.Duration, again bool) {
	repeatable := r.repeatable || r.isRead()
	wait = backoff(made.attempt)
	if err != nil {
		return wait, (wasRefused(err) || repeatable && isBroken(err)) && c.waitsOn(made)
	}
	after, told := retryAfter(answer.header)
	switch answer.status {
	case http.StatusTooManyRequests: // never executed
		return max(after, wait), made.attempt < maxBusyAttempts && after <= maxRetryAfter
	case http.StatusServiceUnavailable:
		// With Retry-After the server itself turned the request away; without, a
		// proxy may have lost the answer.
		if told {
			return after + rand.N(firstBackoff), made.attempt < maxBusyAttempts && after <= maxRetryAfter
		}
		return wait, repeatable && c.waitsOn(made)
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return wait, repeatable && made.attempt < maxNetworkAttempts
	case http.StatusInternalServerError:
		return wait, repeatable && made.attempt < maxFailedAttempts && !isAdmission(parseStatus(answer).Message)
	case http.StatusUnauthorized:
		// The file or program that gives credentials is asked for new ones after this
		// answer; the old may just have expired.
		if c.renews && !made.renewed {
			made.renewed = true
			return 0, true
		}
	}
	return 0, false
}

// waitsOn reports whether a server that does not answer is asked once more.
func (c *cluster) waitsOn(made *tries) bool {
	return made.attempt < maxNetworkAttempts || c.answered.Load() && made.waited < patience
}

// backoff grows by three with every attempt, with a quarter of chance in it so
// that many clients do not come back at once.
func backoff(attempt int) time.Duration {
	wait := firstBackoff
	for range min(attempt, maxNetworkAttempts) - 1 {
		wait *= 3
	}
	return wait + rand.N(wait/4)
}

// retryAfter reads the header of that name, which holds seconds or a date.
func retryAfter(header http.Header) (wait time.Duration, told bool) {
	text := header.Get("Retry-After")
	if text == "" {
		return 0, false
	}
	if seconds, err := strconv.Atoi(text); err == nil {
		wait = time.Duration(min(max(seconds, 0), int(24*time.Hour/time.Second))) * time.Second
	} else if date, err := http.ParseTime(text); err == nil {
		wait = max(time.Until(date), 0)
	} else {
		return 0, false
	}
	return wait, true
}

// gate keeps all requests to a server back that has asked to be left alone. The zero
// value is open.
type gate struct{ until atomic.Int64 } // Unix nanoseconds

// close keeps requests back until then at least.
func (g *gate) close(until time.Time) {
	for {
		before := g.until.Load()
		if before >= until.UnixNano() || g.until.CompareAndSwap(before, until.UnixNano()) {
			return
		}
	}
}

// shut returns for how long requests are still kept back, with some chance in it.
func (g *gate) shut() time.Duration {
	left := time.Until(time.Unix(0, g.until.Load()))
	if left <= 0 {
		return 0
	}
	return left + rand.N(firstBackoff)
}

// pass waits until the server may be asked. A request whose time ends before that is
// not waited for.
func (c *cluster) pass(ctx context.Context) error {
	wait := c.busy.shut()
	if wait == 0 {
		return nil
	}
	if endsWithin(ctx, wait) {
		return c.leftAlone(wait)
	}
	if err := c.pause(ctx, wait); err != nil {
		return c.networkFailure(ctx, err)
	}
	return nil
}

// endsWithin reports whether a context ends before a time is over.
func endsWithin(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < wait
}

// wasRefused tells that no connection came about for a reason that may pass, so
// that nothing was sent.
func wasRefused(err error) bool {
	var operation *net.OpError
	return errors.As(err, &operation) && operation.Op == "dial" && errors.Is(err, syscall.ECONNREFUSED)
}

// isBroken tells that a connection broke before the whole answer was there.
func isBroken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		utilnet.IsProbableEOF(err) || utilnet.IsHTTP2ConnectionLost(err) ||
		strings.Contains(err.Error(), "stream error: stream ID") // net/http keeps its HTTP/2 errors to itself
}
