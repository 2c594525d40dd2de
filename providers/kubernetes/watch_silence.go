package kubernetes

import (
	"net"
	"net/http"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
)

// silence is how it is noticed that a server is not there any more, though no connection
// has broken: a cable is out, a firewall forgot, a machine froze. Watches are silent for
// minutes by their nature, so that the connection itself must be asked.
type silence struct {
	idle time.Duration // nothing was heard for so long: the server is asked for a sign
	sign time.Duration // for so long, until the connection is taken for dead
	// watch is how long a watch may be silent where the connection cannot be asked, behind
	// proxies that speak HTTP/1.1. API servers send a bookmark every minute.
	watch time.Duration
}

// usualSilence notices within ten seconds.
var usualSilence = silence{idle: 5 * time.Second, sign: 5 * time.Second, watch: 90 * time.Second}

// dialer gives connections that are asked by TCP. It is the client's own, so that client-go
// gives the client a transport of its own, too.
func (s silence) dialer(config *rest.Config) {
	if config.Dial != nil {
		return
	}
	dialer := &net.Dialer{
		Timeout:         30 * time.Second,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: s.idle, Interval: s.sign, Count: 3},
	}
	config.Dial = dialer.DialContext
}

// ping has a transport ask its HTTP/2 connections. client-go's own settings, 30 seconds and
// 15, come from the environment.
func (s silence) ping(transport http.RoundTripper) {
	for transport != nil {
		if own, ok := transport.(*http.Transport); ok {
			own.HTTP2 = &http.HTTP2Config{SendPingTimeout: s.idle, PingTimeout: s.sign}
			return
		}
		wrapper, ok := transport.(utilnet.RoundTripperWrapper)
		if !ok {
			return
		}
		transport = wrapper.WrappedRoundTripper()
	}
}
