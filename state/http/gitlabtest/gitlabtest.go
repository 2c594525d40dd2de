// Package gitlabtest is a server of Terraform's HTTP protocol for tests, on the loopback
// address. It is as strict as GitLab: it wants a login, takes no state that is not
// written under the lock, nor one without a serial or with one that it has, and tells
// who holds the lock. Only tests import it.
package gitlabtest

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/plan/object"
)

// What logs in.
const (
	Username = "gantry"
	Password = object.Sensitive("token-of-the-tests")
)

// Server has a state for each path below /state/, and its lock at PATH/lock. The
// methods of locks are those of GitLab, POST and DELETE, and Terraform's own.
type Server struct {
	URL string
	// Fault, where set, is called for each request: before it is carried out, and after,
	// when an error has the answer lost. It is set before the first request.
	Fault func(r *http.Request, done bool) error

	server *httptest.Server
	mu     sync.Mutex
	states map[string]*versions
}

// versions are what a state was, and its lock.
type versions struct {
	serial  int64
	data    []byte
	lock    json.RawMessage
	lockID  string
	written int
}

// Start starts a server that ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{states: map[string]*versions{}}
	s.server = httptest.NewServer(s)
	t.Cleanup(s.server.Close)
	s.URL = s.server.URL
	return s
}

// Address returns the address of a state.
func (s *Server) Address(name string) string { return s.URL + "/state/" + name }

// Written returns how often a state was written.
func (s *Server) Written(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of("/state/" + name).written
}

// LockedBy returns the ID of the lock of a state; "" where it is free.
func (s *Server) LockedBy(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of("/state/" + name).lockID
}

// Lock takes the lock of a state, as who does not give it back.
func (s *Server) Lock(name, id, info string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.of("/state/" + name)
	found.lockID, found.lock = id, json.RawMessage(info)
}

// Set puts a state in place.
func (s *Server) Set(name, data string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of("/state/" + name).data = []byte(data)
}

// Get returns a state as it was written last.
func (s *Server) Get(name string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of("/state/" + name).data
}

func (s *Server) of(path string) *versions {
	found := s.states[path]
	if found == nil {
		found = &versions{}
		s.states[path] = found
	}
	return found
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.Fault != nil {
		if err := s.Fault(r, false); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	recorder := httptest.NewRecorder()
	s.answer(recorder, r)
	if s.Fault != nil {
		if err := s.Fault(r, true); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	w.WriteHeader(recorder.Code)
	_, _ = w.Write(recorder.Body.Bytes())
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	if user, password, _ := r.BasicAuth(); user != Username || password != Password.Reveal() {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	path, isLock := strings.CutSuffix(r.URL.Path, "/lock")
	if !strings.HasPrefix(path, "/state/") {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	found := s.of(path)
	switch {
	case isLock && (r.Method == "LOCK" || r.Method == http.MethodPost):
		found.take(w, body)
	case isLock && (r.Method == "UNLOCK" || r.Method == http.MethodDelete):
		found.giveBack(w, r, body)
	case !isLock && r.Method == http.MethodGet && len(found.data) == 0:
		w.WriteHeader(http.StatusNoContent)
	case !isLock && r.Method == http.MethodGet:
		_, _ = w.Write(found.data)
	case !isLock && r.Method == http.MethodPost:
		found.write(w, r, body)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func (v *versions) take(w http.ResponseWriter, body []byte) {
	var info struct{ ID string }
	if json.Unmarshal(body, &info) != nil || info.ID == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if v.lockID != "" {
		w.WriteHeader(http.StatusConflict)
		_, _ = w.Write(v.lock)
		return
	}
	v.lockID, v.lock = info.ID, body
}

func (v *versions) giveBack(w http.ResponseWriter, r *http.Request, body []byte) {
	id := r.URL.Query().Get("ID")
	var info struct{ ID string }
	if id == "" && json.Unmarshal(body, &info) == nil {
		id = info.ID
	}
	if id != "" && id != v.lockID {
		w.WriteHeader(http.StatusConflict)
		_, _ = w.Write(v.lock)
		return
	}
	v.lockID, v.lock = "", nil
}

func (v *versions) write(w http.ResponseWriter, r *http.Request, body []byte) {
	sum := md5.Sum(body)
	var document struct{ Serial *int64 }
	switch {
	case r.URL.Query().Get("ID") != v.lockID || v.lockID == "":
		w.WriteHeader(http.StatusConflict)
	case r.Header.Get("Content-MD5") != base64.StdEncoding.EncodeToString(sum[:]):
		w.WriteHeader(http.StatusBadRequest)
	case json.Unmarshal(body, &document) != nil || document.Serial == nil || *document.Serial <= v.serial:
		w.WriteHeader(http.StatusUnprocessableEntity)
	default:
		v.data, v.serial = body, *document.Serial
		v.written++
	}
}
