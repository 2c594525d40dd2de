package kubernetes

import (
	"fmt"
	"net/http"
	"slices"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"

	"github.com/gantrycd/gantry/plan/target"
)

// actAs has every request of a cluster made as somebody, or not made: of what is about to
// be sent, the last that happens is that its headers are looked at.
func actAs(config *rest.Config, as *target.Impersonation) error {
	if err := as.Check(); err != nil {
		return err
	}
	config.Impersonate = rest.ImpersonationConfig{UserName: as.User, Groups: as.Groups}
	wrapped := config.WrapTransport
	config.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
		if wrapped != nil {
			next = wrapped(next)
		}
		return &onlyAs{as: as, next: next}
	}
	return nil
}

// onlyAs sends requests that are made as somebody, and no others.
type onlyAs struct {
	as   *target.Impersonation
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (o *onlyAs) RoundTrip(request *http.Request) (*http.Response, error) {
	users := request.Header.Values(transport.ImpersonateUserHeader)
	groups := request.Header.Values(transport.ImpersonateGroupHeader)
	if len(users) != 1 || users[0] != o.as.User || !slices.Equal(groups, o.as.Groups) {
		return nil, fmt.Errorf("a request was not sent, for it is not made as %s. This is a bug in gantry", o.as)
	}
	return o.next.RoundTrip(request)
}

// WrappedRoundTripper lets client-go find the transport below.
func (o *onlyAs) WrappedRoundTripper() http.RoundTripper { return o.next }
