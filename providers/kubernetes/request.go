package kubernetes

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"

	"github.com/gantrycd/gantry/providers"
)

const (
	typeJSON      = "application/json"
	typeApply     = "application/apply-patch+yaml" // JSON is YAML
	typeJSONPatch = "application/json-patch+json"
	// typeMergePatch is RFC 7386.
	typeMergePatch = "application/merge-patch+json"
	// typeMetadataList asks for lists of objects' metadata, and for whole objects of a
	// server that does not know such lists.
	typeMetadataList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
	// typeMetadata is the same of the objects of a watch.
	typeMetadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
)

// maxBody bounds what is read of one answer, so that no server can exhaust
// memory. A list of 10,000 objects takes about 30 MB.
const maxBody = 1 << 30

// contactTimeout bounds a request to a server that has not answered anything yet, and
// dialTimeout the making of a connection: who is not there is found out soon, for others
// are planned and applied together with it.
const (
	contactTimeout = 15 * time.Second
	dialTimeout    = 10 * time.Second
)

// request is one request to a server, repeated where that is safe.
type request struct {
	verb        string
	method      string // empty is GET
	path        string
	query       url.Values
	accept      string // empty is JSON
	contentType string
	body        []byte
	// repeatable tells that sending it twice does what sending it once does, so
	// that it may be sent again when it is not known whether it arrived. Reads
	// always are.
	repeatable bool
	guarded    bool                // only the object of a uid is to be changed
	resource   *providers.Resource // what is asked for, where it is a kind
	scrub      scrubber            // takes values of Secrets out of what the server says
}

func (r request) isRead() bool { return r.method == "" || r.method == http.MethodGet }

// response is a server's whole answer.
type response struct {
	status int
	header http.Header
	body   []byte
}

// do sends a request until it is answered, and returns the answer of a success.
// Everything else is a typed error where its reason is known.
func (c *cluster) do(ctx context.Context, r request) (response, error) {
	for made := (tries{attempt: 1}); ; made.attempt++ {
		if err := c.pass(ctx); err != nil {
			return response{}, err
		}
		answer, err := c.try(ctx, r)
		if err == nil && answer.status < 300 {
			return answer, nil
		}
		if err := c.failedAttempt(ctx, r, &made, answer, err); err != nil {
			return response{}, err
		}
	}
}

// stream is do for an answer that is read as it comes: the caller reads and
// closes its body. The context bounds it; there is no other time-out.
func (c *cluster) stream(ctx context.Context, r request) (*http.Response, error) {
	for made := (tries{attempt: 1}); ; made.attempt++ {
		if err := c.pass(ctx); err != nil {
			return nil, err
		}
		var refusal response
		answer, err := c.open(ctx, r)
		if err == nil && answer.StatusCode < 300 {
			return answer, nil
		}
		if err == nil {
			refusal, err = readAll(ctx, answer)
		}
		if err := c.failedAttempt(ctx, r, &made, refusal, err); err != nil {
			return nil, err
		}
	}
}

// failedAttempt waits until it is time to send a request again, or returns the
// error to give up with: at once where the context ends before that time.
func (c *cluster) failedAttempt(ctx context.Context, r request, made *tries, answer response, err error) error {
	wait, again := c.again(r, made, answer, err)
	if answer.status == http.StatusTooManyRequests {
		c.busy.close(time.Now().Add(min(wait, maxRetryAfter))) // for this request's next attempt, and all others
	}
	if !again || ctx.Err() != nil || endsWithin(ctx, wait) {
		if err != nil {
			return c.networkFailure(ctx, err)
		}
		return c.statusFailure(r, answer)
	}
	made.waited += wait
	if answer.status == http.StatusTooManyRequests {
		return nil // the next attempt waits
	}
	if err := c.pause(ctx, wait); err != nil {
		return c.networkFailure(ctx, err)
	}
	return nil
}

// try sends a request once and reads the answer. An error is one of the network.
func (c *cluster) try(ctx context.Context, r request) (response, error) {
	timeout := c.timeout
	if !c.answered.Load() && !c.renews { // whose program may take its time
		timeout = min(timeout, contactTimeout)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, timeoutError(timeout))
	defer cancel()
	answer, err := c.open(ctx, r)
	if err != nil {
		return response{}, err
	}
	return readAll(ctx, answer)
}

// readAll reads an answer to its end and closes it.
func readAll(ctx context.Context, answer *http.Response) (response, error) {
	defer answer.Body.Close()
	body, err := readBody(answer)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return response{}, err
	}
	return response{status: answer.StatusCode, header: answer.Header, body: body}, nil
}

// open sends a request once and returns the answer with its body unread. The
// caller closes the body.
func (c *cluster) open(ctx context.Context, r request) (*http.Response, error) {
	method := r.method
	if method == "" {
		method = http.MethodGet
	}
	address := c.server + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	sent, err := http.NewRequestWithContext(withVerb(ctx, r.verb), method, address, body)
	if err != nil {
		return nil, err
	}
	accept := r.accept
	if accept == "" {
		accept = typeJSON
	}
	sent.Header.Set("Accept", accept)
	if r.contentType != "" {
		sent.Header.Set("Content-Type", r.contentType)
	}
	answer, err := c.client.Do(sent)
	switch {
	case err == nil:
		c.answered.Store(true)
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return answer, err
}

// readBody reads an answer whole. Where the length is known it is read in one
// piece.
func readBody(answer *http.Response) ([]byte, error) {
	var buffer bytes.Buffer
	if answer.ContentLength > 0 && answer.ContentLength <= maxBody {
		buffer.Grow(int(answer.ContentLength) + bytes.MinRead)
	}
	n, err := buffer.ReadFrom(io.LimitReader(answer.Body, maxBody+1))
	if err != nil {
		return nil, err
	}
	if n > maxBody {
		return nil, fmt.Errorf("the answer is larger than %d bytes", maxBody)
	}
	return buffer.Bytes(), nil
}

// getJSON reads a JSON document into value.
func (c *cluster) getJSON(ctx context.Context, r request, value any) error {
	answer, err := c.do(ctx, r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer.body, value); err != nil {
		return c.notKubernetes(answer, err)
	}
	return nil
}

// notKubernetes is the error of an answer that is not what an API server says.
func (c *cluster) notKubernetes(answer response, reason error) error {
	return fmt.Errorf("cluster %q at %s: the answer is not one of a Kubernetes API server (status %d, content type %q): %w",
		c.name, c.server, answer.status, answer.header.Get("Content-Type"), reason)
}

// warnings returns an answer's warnings in order, each once.
func warnings(r request, header http.Header) []string {
	parsed, _ := utilnet.ParseWarningHeaders(header.Values("Warning")) // a malformed one is not worth failing for
	var texts []string
	seen := map[string]bool{}
	for _, warning := range parsed {
		text := r.scrub.clean(strings.TrimSpace(warning.Text))
		if text != "" && !seen[text] {
			seen[text] = true
			texts = append(texts, text)
		}
	}
	return texts
}

// timeoutError is why a request ended that had no answer in time.
type timeoutError time.Duration

// Error says how long the answer was waited for.
func (e timeoutError) Error() string { return fmt.Sprintf("no answer within %s", time.Duration(e)) }
