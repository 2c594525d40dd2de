package kubernetes

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const (
	dialTimeout    = 10 * time.Second
	requestTimeout = 30 * time.Second
	firstBackoff   = 50 * time.Millisecond
	maxBackoff     = 2 * time.Second
	// fewAttempts are for a server that was never reached, or that fails over a request;
	// patience is for one that was reached: it restarts, or another takes its place.
	fewAttempts = 4
	patience    = 60 * time.Second
	// maxRetryAfter is how long a server may ask to be left alone.
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

// send sends a request until it is answered, and returns the last answer. Where an answer
// before that was lost, so that the request may have taken place, lost says why.
func (s *Store) send(ctx context.Context, request func(context.Context) error) (lost, err error) {
	began := time.Now()
	renewed := false
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
		seconds, told := apierrors.SuggestsClientDelay(err)
		after := time.Duration(seconds) * time.Second
		if told {
			wait += after
		}
		switch {
		case after > maxRetryAfter,
			!s.answered.Load() && !told && attempt >= fewAttempts,
			time.Since(began)+wait > patience+after:
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
