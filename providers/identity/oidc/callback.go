package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// callbackPath is where the browser is sent back to.
const callbackPath = "/callback"

// callback waits for a browser to come back from an issuer. Only its first answer with the
// right state counts.
type callback struct {
	address string
	server  *http.Server
	answers chan answer
	ended   chan struct{} // when the server has
}

type answer struct {
	state, code, problem string
}

func listen() (*callback, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the browser: %w", err)
	}
	c := &callback{address: "http://" + listener.Addr().String() + callbackPath, answers: make(chan answer), ended: make(chan struct{})}
	mux := http.NewServeMux()
	done := make(chan struct{})
	mux.HandleFunc("GET "+callbackPath, func(w http.ResponseWriter, r *http.Request) {
		got := answer{state: r.FormValue("state"), code: r.FormValue("code"), problem: r.FormValue("error")}
		if got.problem != "" && r.FormValue("error_description") != "" {
			got.problem += ": " + r.FormValue("error_description")
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Referrer-Policy", "no-referrer")
		if got.code == "" {
			_, _ = fmt.Fprintln(w, "You are not logged in. The terminal says why. This page can be closed.")
		} else {
			_, _ = fmt.Fprintln(w, "Gantry has what it needs: go back to the terminal. This page can be closed.")
		}
		select {
		case c.answers <- got:
		case <-r.Context().Done():
		case <-done:
		}
	})
	c.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
	c.server.RegisterOnShutdown(func() { close(done) })
	go func() {
		defer close(c.ended)
		_ = c.server.Serve(listener) // which ends with close
	}()
	return c, nil
}

// wait returns the code that the issuer sent the browser back with. Answers with another
// state are somebody else's, and are passed over.
func (c *callback) wait(ctx context.Context, state string) (string, error) {
	for {
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("nobody has logged in: %w", context.Cause(ctx))
		case got := <-c.answers:
			switch {
			case subtle.ConstantTimeCompare([]byte(got.state), []byte(state)) != 1:
			case got.problem != "":
				return "", fmt.Errorf("the issuer refuses: %s", plain(got.problem))
			case got.code == "":
				return "", errors.New("the issuer has sent the browser back without a code")
			default:
				return got.code, nil
			}
		}
	}
}

// close ends the server once the browser has its answer.
func (c *callback) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := c.server.Shutdown(ctx); err != nil {
		_ = c.server.Close()
	}
	<-c.ended
}
