package s3

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

const (
	// attempts is how often a request is sent.
	attempts = 6
	// firstPause is how long is waited before the second; each next one is twice as long.
	firstPause = 100 * time.Millisecond
	// requestTimeout is how long an answer may take.
	requestTimeout = 60 * time.Second
)

// kind is what an error of a request means for a write.
type kind int

const (
	isFinal     kind = iota // it did not take place, and would not if sent again
	isRefused               // its condition does not hold
	isRetryable             // it did not take place, and may if sent again
	isUncertain             // it may have taken place
)

// kindOf tells what an error means.
func kindOf(err error) kind {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return isRetryable
	}
	switch status, code := statusOf(err); {
	case status == http.StatusPreconditionFailed, code == "NoSuchKey":
		return isRefused
	case status == http.StatusConflict, status == http.StatusTooManyRequests:
		return isRetryable // another write of the object is under way
	case status == 0 && isLocal(err):
		return isFinal
	case status == 0, status >= http.StatusInternalServerError && status != http.StatusNotImplemented, status == http.StatusRequestTimeout, status < http.StatusBadRequest:
		return isUncertain
	default:
		return isFinal
	}
}

// statusOf returns the status of the server's answer, 0 where there was none, and the
// code of its error.
func statusOf(err error) (status int, code string) {
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		status = response.HTTPStatusCode()
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	return status, code
}

// isLocal reports whether a request failed before it was sent, such as for want of
// credentials.
func isLocal(err error) bool {
	var signing *smithy.SerializationError
	var operation *smithy.OperationError
	if errors.As(err, &signing) {
		return true
	}
	// What the transport could not send, or got no answer to, is a RequestSendError.
	var sent interface{ ConnectionError() bool }
	return errors.As(err, &operation) && !errors.As(err, &sent) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled)
}

func isMissing(err error) bool {
	if err == nil {
		return false
	}
	_, code := statusOf(err)
	return code == "NoSuchKey"
}

// repeat calls what changes nothing, again where that may help.
func (s *Store) repeat(ctx context.Context, call func(context.Context) error) error {
	for attempt := 1; ; attempt++ {
		within, cancel := context.WithTimeout(ctx, requestTimeout)
		err := call(within)
		cancel()
		if err == nil || ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		if kind := kindOf(err); attempt == attempts || kind == isFinal || kind == isRefused || wait(ctx, attempt) != nil {
			return err
		}
	}
}

// wait pauses before another attempt.
func wait(ctx context.Context, attempt int) error {
	pause := firstPause << (attempt - 1)
	pause = pause/2 + rand.N(pause/2)
	select {
	case <-time.After(pause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// explain says what could not be done, and how to mend what is often wrong.
func (s *Store) explain(doing string, err error) error {
	status, code := statusOf(err)
	switch {
	case code == "NoSuchBucket":
		err = fmt.Errorf("there is no bucket %q, and gantry makes none: make it, or correct the argument bucket", s.bucket)
	case status == http.StatusForbidden:
		err = fmt.Errorf("the server refuses it (%s): check the credentials, and that they may get, put, delete and list objects of the bucket", code)
	case status == http.StatusMovedPermanently:
		err = fmt.Errorf("the bucket is in another region: correct the argument region")
	case status == http.StatusNotFound && code == "NotFound":
		err = fmt.Errorf("the server has no such bucket or path (set path_style where it has no host name for each bucket): %w", err)
	}
	return fmt.Errorf("%s state in %s: %w", doing, s, err)
}
