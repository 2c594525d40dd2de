package forgetest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/gantrycd/gantry/providers"
)

// Token is what a Server's clients log in with.
const Token = "a-token-that-nobody-may-see"

// Server is a loopback server that speaks the shape of a forge's API; its data are in a Memory.
type Server struct {
	*Memory
	*http.ServeMux
	URL string
	T   *testing.T
}

// Serve starts a server that lets in whom authorized does. Its routes are the caller's to add.
// It ends with the test.
func Serve(t *testing.T, authorized func(*http.Request) bool) *Server {
	t.Helper()
	s := &Server{Memory: NewMemory(), ServeMux: http.NewServeMux(), T: t}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !authorized(r) {
			Answer(w, http.StatusUnauthorized, map[string]string{"message": "Bad credentials"})
			return
		}
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Answer writes a document.
func Answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // whoever goes away hears nothing
}

// NotFound says that there is no such thing.
func NotFound(w http.ResponseWriter) {
	Answer(w, http.StatusNotFound, map[string]string{"message": "Not Found"})
}

// Read reads the document of a request.
func Read(r *http.Request, into any) { _ = json.NewDecoder(r.Body).Decode(into) }

// Number reads the number of a pull request out of a path, and reports whether there is one of
// that number; else it has said so.
func (s *Server) Number(w http.ResponseWriter, r *http.Request) (int64, bool) {
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	s.Forge.mu.Lock()
	_, ok := s.pulls[number]
	s.Forge.mu.Unlock()
	if err != nil || !ok {
		NotFound(w)
		return 0, false
	}
	return number, true
}

// Find returns pull requests, the newest first.
func (s *Server) Find(wanted func(*providers.PullRequest) bool) []providers.PullRequest {
	s.Forge.mu.Lock()
	defer s.Forge.mu.Unlock()
	return s.list(wanted)
}

// Get returns a pull request that is there.
func (s *Server) Get(number int64) providers.PullRequest { return s.must(number) }

// Said returns what was said of a pull request.
func (s *Server) Said(number int64) []providers.Review {
	s.Forge.mu.Lock()
	defer s.Forge.mu.Unlock()
	return append([]providers.Review(nil), s.reviews[number]...)
}

// Members returns who is in a group, and whether there is one.
func (s *Server) Members(group string) ([]string, bool) {
	s.Forge.mu.Lock()
	defer s.Forge.mu.Unlock()
	logins, ok := s.groups[group]
	return logins, ok
}

// Has reports whether there is a branch, or a commit on one.
func (s *Server) Has(branchOrCommit string) bool {
	s.Forge.mu.Lock()
	defer s.Forge.mu.Unlock()
	for name, commits := range s.branches {
		if name == branchOrCommit {
			return true
		}
		for _, one := range commits {
			if one == branchOrCommit {
				return true
			}
		}
	}
	return false
}

// Tip returns the newest commit of a branch.
func (s *Server) Tip(branch string) (string, bool) {
	commits := s.On(branch)
	if len(commits) == 0 {
		return "", false
	}
	return commits[len(commits)-1], true
}

// Precedes reports whether a commit is on a branch whose newest commit is tip.
func (s *Server) Precedes(commit, tip string) bool {
	s.Forge.mu.Lock()
	defer s.Forge.mu.Unlock()
	for _, commits := range s.branches {
		if len(commits) == 0 || commits[len(commits)-1] != tip {
			continue
		}
		for _, one := range commits {
			if one == commit {
				return true
			}
		}
	}
	return false
}

// Write adds a comment of the client's account, and Edit replaces one; Edit reports whether
// it is there and the account's own.
func (s *Server) Write(number int64, body string) Written {
	s.Forge.mu.Lock()
	defer s.Forge.mu.Unlock()
	return s.addComment(number, s.Account, body)
}

// Edit replaces a comment of the client's account.
func (s *Server) Edit(id, body string) (Written, bool) {
	s.Forge.mu.Lock()
	defer s.Forge.mu.Unlock()
	for number := range s.comments {
		for i, c := range s.comments[number] {
			if c.ID == id && c.Author == s.Account {
				s.comments[number][i].Body = body
				s.comments[number][i].Edits++
				return s.comments[number][i], true
			}
		}
	}
	return Written{}, false
}

// Show shows a check.
func (s *Server) Show(commit string, check providers.Check) {
	s.Forge.mu.Lock()
	defer s.Forge.mu.Unlock()
	s.checks[commit] = append(s.checks[commit], check)
}
