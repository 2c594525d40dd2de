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
// right state counts; those with another are somebody else's, and are passed over.
type callback struct {
	address string
	server  *http.Server
	answers chan answer   // has room for the one that counts
	ended   chan struct{} // closed when the server has ended
}

type answer struct {
	code, problem string
}

func listen(state string) (*callback, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the browser: %w", err)
	}
	c := &callback{address: "http://" + listener.Addr().String() + callbackPath, answers: make(chan answer, 1), ended: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+callbackPath, func(w http.ResponseWriter, r *http.Request) { c.come(w, r, state) })
	c.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
	go func() {
		defer close(c.ended)
		_ = c.server.Serve(listener) // which ends with close
	}()
	return c, nil
}

// come is what happens when a browser comes.
func (c *callback) come(w http.ResponseWriter, r *http.Request, state string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Referrer-Policy", "no-referrer")
	if subtle.ConstantTimeCompare([]byte(r.FormValue("state")), []byte(state)) != 1 {
		http.Error(w, "This is not the login that is waited for.", http.StatusBadRequest)
		return
	}
	got := answer{code: r.FormValue("code"), problem: r.FormValue("error")}
	if got.problem != "" && r.FormValue("error_description") != "" {
		got.problem += ": " + r.FormValue("error_description")
	}
	text := "Gantry has what it needs: go back to the terminal. This page can be closed."
	if got.code == "" || got.problem != "" {
		text = "You are not logged in. The terminal says why. This page can be closed."
	}
	_, _ = fmt.Fprintln(w, text) // a browser that went away misses nothing
	select {
	case c.answers <- got:
	default: // another came before
	}
}

// wait returns the code that the issuer sent the browser back with.
func (c *callback) wait(ctx context.Context) (string, error) {
	select {
	case <-ctx.Done():
		return "", fmt.Errorf("nobody has logged in: %w", context.Cause(ctx))
	case got := <-c.answers:
		switch {
		case got.problem != "":
			return "", fmt.Errorf("the issuer refuses: %s", plain(got.problem))
		case got.code == "":
			return "", errors.New("the issuer has sent the browser back without a code")
		default:
			return got.code, nil
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
