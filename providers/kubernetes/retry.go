package kubernetes

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
)

const (
	maxBusyAttempts    = 10 // while a server says when to come back
	maxNetworkAttempts = 4  // while nobody answers, or a connection breaks
	firstBackoff       = 100 * time.Millisecond
	maxRetryAfter      = 30 * time.Second
)

// again decides whether to send a request once more after a failed attempt, and
// how long to wait first. A write whose outcome is not known is sent again only
// if it is repeatable.
func (c *cluster) again(r request, attempt int, answer response, err error) (wait time.Duration, again bool) {
	repeatable := r.repeatable || r.isRead()
	if err != nil {
		if attempt >= maxNetworkAttempts {
			return 0, false
		}
		return backoff(attempt), wasRefused(err) || repeatable && isBroken(err)
	}
	after, told := retryAfter(answer.header)
	switch answer.status {
	case http.StatusTooManyRequests: // never executed
		return max(after, backoff(attempt)), attempt < maxBusyAttempts
	case http.StatusServiceUnavailable:
		// With Retry-After the server itself turned the request away; without, a
		// proxy may have lost the answer.
		if told {
			return after, attempt < maxBusyAttempts
		}
		return backoff(attempt), repeatable && attempt < maxNetworkAttempts
	case http.StatusBadGateway:
		return backoff(attempt), repeatable && attempt < maxNetworkAttempts
	case http.StatusUnauthorized:
		// The program that gives credentials is asked for new ones after this
		// answer; the old may just have expired.
		return 0, c.hasExec && attempt == 1
	}
	return 0, false
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
		wait = time.Duration(min(max(seconds, 0), int(maxRetryAfter/time.Second))) * time.Second
	} else if date, err := http.ParseTime(text); err == nil {
		wait = min(max(time.Until(date), 0), maxRetryAfter)
	} else {
		return 0, false
	}
	return wait + rand.N(firstBackoff), true
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
