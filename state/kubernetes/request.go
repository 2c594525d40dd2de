package kubernetes

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/klog/v2"
)

const (
	dialTimeout    = 10 * time.Second
	requestTimeout = 30 * time.Second
	firstBackoff   = 50 * time.Millisecond
	maxBackoff     = 2 * time.Second
	// fewAttempts are for a server that was never reached. patience is for one that was: it
	// restarts, or another takes its place.
	fewAttempts = 4
	patience    = 60 * time.Second
	// maxBusy is how often, and maxRetryAfter for how long at once, a server may ask to be
	// left alone.
	maxBusy       = 10
	maxRetryAfter = 2 * time.Minute
)

// outcome is what became of a request.
type outcome int

const (
	answered outcome = iota // it was, also where it was refused
	nothing                 // nothing happened, but it may if it is sent again
	open                    // nobody knows
)

// judge tells the outcome of a request that ended with an error.
func judge(err error) outcome {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		switch code := status.Status().Code; {
		case code == http.StatusTooManyRequests:
			return nothing // never executed
		case code == http.StatusRequestTimeout, code >= http.StatusInternalServerError && !isAdmission(err):
			return open // the store behind the server may have written, or a proxy lost the answer
		}
		return answered
	}
	var verification *tls.CertificateVerificationError
	if errors.As(err, &verification) {
		return answered // by someone else; it will not get better
	}
	var dial *net.OpError
	var name *net.DNSError
	if errors.As(err, &dial) && dial.Op == "dial" || errors.As(err, &name) {
		return nothing
	}
	return open
}

// isAdmission reports whether a webhook failed, and not the server.
func isAdmission(err error) bool {
	return strings.Contains(err.Error(), "failed calling webhook") || strings.Contains(err.Error(), "admission webhook")
}

// isMissing reports whether the API server says that there is no such object. A page that
// someone on the way has not found says nothing.
func isMissing(err error) bool {
	return apierrors.IsNotFound(err) && !apierrors.IsUnexpectedServerError(err)
}

// isStale reports whether a write was refused since the key is not as it was read.
func isStale(err error) bool {
	return isMissing(err) || (apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err)) && !apierrors.IsUnexpectedServerError(err)
}

// send sends a request until it is answered, and returns the last answer. Where an answer
// before that was lost, so that the request may have taken place, lost says why.
func (s *Store) send(ctx context.Context, request func(context.Context) error) (lost, err error) {
	ctx = klog.NewContext(ctx, klog.Logger{}) // client-go tells the terminal of broken connections
	var waited time.Duration                  // unasked
	busy, renewed := 0, false
	for attempt := 1; ; attempt++ {
		one, cancel := context.WithTimeout(ctx, requestTimeout)
		err := request(one)
		cancel()
		how := answered
		if err != nil {
			how = judge(err)
		}
		switch how {
		case answered:
			s.answered.Store(true)
			if apierrors.IsUnauthorized(err) && !renewed { // what gives credentials is asked anew
				renewed = true
				continue
			}
			return lost, err
		case open:
			lost = err
		case nothing:
		}
		if ctx.Err() != nil {
			return lost, ended(ctx, err)
		}
		wait := min(firstBackoff<<min(attempt-1, 8), maxBackoff)
		wait += rand.N(wait / 2)
		if left := s.busy.left(); left > 0 {
			busy++
			wait += left
			if busy > maxBusy || left > maxRetryAfter {
				return lost, err
			}
		} else if waited += wait; waited > patience || !s.answered.Load() && attempt >= fewAttempts {
			return lost, err
		}
		if s.pause(ctx, wait) != nil {
			return lost, ended(ctx, err)
		}
	}
}

// ended is an error of a request whose context has ended.
func ended(ctx context.Context, err error) error {
	if errors.Is(err, ctx.Err()) {
		return err
	}
	return fmt.Errorf("%w: %w", ctx.Err(), err)
}

// gate is until when a server has asked to be left alone. The zero value is open.
type gate struct{ until atomic.Int64 } // Unix nanoseconds

func (g *gate) left() time.Duration { return time.Until(time.Unix(0, g.until.Load())) }

// watch notes what the answers of a transport say of when to come back.
func (g *gate) watch(next http.RoundTripper) http.RoundTripper { return &watched{next, g} }

type watched struct {
	next http.RoundTripper
	gate *gate
}

// RoundTrip sends a request.
func (w *watched) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := w.next.RoundTrip(request)
	if err == nil && response.StatusCode >= http.StatusBadRequest {
		if text := response.Header.Get("Retry-After"); text != "" {
			if seconds, err := strconv.Atoi(text); err == nil {
				w.gate.until.Store(time.Now().Add(time.Duration(seconds) * time.Second).UnixNano())
			} else if date, err := http.ParseTime(text); err == nil {
				w.gate.until.Store(date.UnixNano())
			}
		}
	}
	return response, err
}

// WrappedRoundTripper lets client-go find the transport below.
func (w *watched) WrappedRoundTripper() http.RoundTripper { return w.next }
