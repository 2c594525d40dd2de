package http

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// attempts is how often a request is sent.
	attempts = 6
	// firstPause is how long is waited before the second; each next one is twice as long.
	firstPause = 100 * time.Millisecond
	// requestTimeout is how long an answer may take.
	requestTimeout = 30 * time.Second
	// maxAnswer is the largest answer that is read.
	maxAnswer = 1 << 30
	// firstGrowth is the most memory that is taken for what a server says it will send.
	firstGrowth = 64 << 20
)

// send sends one request and returns the status and the body of the answer.
func (s *Store) send(ctx context.Context, method string, address *url.URL, body []byte, header http.Header) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, address.String(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	if s.options.Username != "" || s.options.Password != "" {
		request.SetBasicAuth(s.options.Username, s.options.Password.Reveal())
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	var data bytes.Buffer
	data.Grow(int(min(max(answer.ContentLength, 0), firstGrowth)) + bytes.MinRead)
	_, err = data.ReadFrom(io.LimitReader(answer.Body, maxAnswer+1))
	if err == nil && data.Len() > maxAnswer {
		err = fmt.Errorf("the answer is larger than %d MiB", maxAnswer>>20)
	}
	if err == nil {
		err = intact(answer.Header.Get("Content-MD5"), data.Bytes())
	}
	return answer.StatusCode, data.Bytes(), err
}

// intact holds an answer to the sum that the server gives, if it gives one.
func intact(want string, data []byte) error {
	if want == "" {
		return nil
	}
	sum := md5.Sum(data)
	if want == base64.StdEncoding.EncodeToString(sum[:]) {
		return nil
	}
	return errors.New("the answer is not what its Content-MD5 says: it was changed or cut off on its way")
}

// repeat sends a request that may be sent several times.
func (s *Store) repeat(ctx context.Context, method string, address *url.URL, body []byte, header http.Header) (int, []byte, error) {
	for attempt := 1; ; attempt++ {
		status, data, err := s.send(ctx, method, address, body, header)
		if ctx.Err() != nil {
			return 0, nil, errors.Join(ctx.Err(), err)
		}
		if err == nil && !passing(status) {
			return status, data, nil
		}
		if attempt == attempts || pause(ctx, attempt) != nil {
			return status, data, err
		}
	}
}

// passing reports whether a status tells of a trouble that may pass.
func passing(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusRequestTimeout ||
		status >= http.StatusInternalServerError && status != http.StatusNotImplemented
}

// pause waits before another attempt.
func pause(ctx context.Context, attempt int) error {
	wait := firstPause << (attempt - 1)
	return sleep(ctx, wait/2+rand.N(wait/2))
}

func sleep(ctx context.Context, wait time.Duration) error {
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// isDial reports whether a request failed because no connection was made.
func isDial(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial"
}

// answerText says what a server answered. What it writes beside is not shown: it may
// quote the request.
func answerText(status int, _ []byte) string {
	text := fmt.Sprintf("the server answers %d %s", status, http.StatusText(status))
	switch status {
	case http.StatusUnauthorized:
		text += ": set username and password, and check them"
	case http.StatusForbidden:
		text += ": the user may not do that"
	case http.StatusRequestEntityTooLarge:
		text += ": the state is larger than the server takes. Keep it in another backend"
	case http.StatusMethodNotAllowed:
		text += ": it may want other methods for the lock, see lock_method and unlock_method"
	}
	if status/100 == 3 {
		text += ": a redirection is not followed; correct the address"
	}
	return text
}

// explain says what could not be done.
func (s *Store) explain(doing string, err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // without the URL, which is said already, and may hold a token
	}
	return fmt.Errorf("%s state at %s: %w", doing, strings.TrimSuffix(s.String(), "/"), err)
}
