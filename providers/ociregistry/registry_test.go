package ociregistry

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/plan/source"
)

// registryServer is a registry as the distribution specification describes it:
// pulls, pushes, tags in pages, and a login by password or token.
type registryServer struct {
	*httptest.Server
	mu        sync.Mutex
	blobs     map[string][]byte // by repository and digest
	manifests map[string]stored // by repository and tag or digest
	tags      map[string][]string
	requests  []string

	// user and password, where set, are asked for; with token by a login server.
	user, password string
	token          bool
	// alter changes what is answered for blobs and manifests.
	alter func([]byte) []byte
	// blobsAt redirects requests for blobs to another server.
	blobsAt string
}

type stored struct {
	mediaType string
	content   []byte
}

func newRegistry(t *testing.T, secure bool) *registryServer {
	t.Helper()
	s := &registryServer{blobs: map[string][]byte{}, manifests: map[string]stored{}, tags: map[string][]string{}}
	if secure {
		s.Server = httptest.NewTLSServer(s)
	} else {
		s.Server = httptest.NewServer(s)
	}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are part of the tests
	t.Cleanup(s.Close)
	return s
}

func (s *registryServer) host() string {
	_, host, _ := strings.Cut(s.URL, "://")
	return host
}

func (s *registryServer) ca() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}

func (s *registryServer) location(repository string) source.Location {
	return source.Location{Type: source.OCI, URL: "oci://" + s.host() + "/" + repository}
}

const bearer = "a-short-lived-token"

func (s *registryServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	user, password, _ := r.BasicAuth()
	right := user == s.user && password == s.password
	if r.URL.Path == "/token" {
		if !right {
			refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
			return
		}
		_, _ = fmt.Fprintf(w, `{"token":%q}`, bearer)
		return
	}
	switch {
	case s.password == "":
	case s.token && r.Header.Get("Authorization") != "Bearer "+bearer:
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="test"`, s.URL))
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		return
	case !s.token && !right:
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/v2/")
	if !ok {
		http.NotFound(w, r)
		return
	}
	for _, route := range []struct {
		part  string
		serve func(w http.ResponseWriter, r *http.Request, repository, name string)
	}{{"/tags/list", s.serveTags}, {"/manifests/", s.serveManifest}, {"/blobs/uploads/", s.serveUpload}, {"/blobs/", s.serveBlob}} {
		if repository, name, ok := strings.Cut(path, route.part); ok {
			route.serve(w, r, repository, name)
			return
		}
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"refused"}]}`, code)
}

// serveTags answers three at a time, so that pages matter.
func (s *registryServer) serveTags(w http.ResponseWriter, r *http.Request, repository, _ string) {
	tags, ok := s.tags[repository]
	if !ok {
		refuse(w, http.StatusNotFound, "NAME_UNKNOWN")
		return
	}
	slices.Sort(tags)
	start := 0
	if last := r.URL.Query().Get("last"); last != "" {
		start = slices.Index(tags, last) + 1
	}
	end := min(start+3, len(tags))
	if end < len(tags) {
		w.Header().Set("Link", fmt.Sprintf(`</v2/%s/tags/list?last=%s>; rel="next"`, repository, tags[end-1]))
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"name": repository, "tags": tags[start:end]})
}

func (s *registryServer) serveManifest(w http.ResponseWriter, r *http.Request, repository, name string) {
	if r.Method == http.MethodPut {
		content, _ := io.ReadAll(r.Body)
		manifest := stored{r.Header.Get("Content-Type"), content}
		s.manifests[repository+"@"+digestOf(content)] = manifest
		if !strings.HasPrefix(name, "sha256:") {
			s.manifests[repository+"@"+name] = manifest
			if !slices.Contains(s.tags[repository], name) {
				s.tags[repository] = append(s.tags[repository], name)
			}
		}
		w.Header().Set("Docker-Content-Digest", digestOf(content))
		w.WriteHeader(http.StatusCreated)
		return
	}
	manifest, ok := s.manifests[repository+"@"+name]
	if !ok {
		refuse(w, http.StatusNotFound, "MANIFEST_UNKNOWN")
		return
	}
	w.Header().Set("Content-Type", manifest.mediaType)
	w.Header().Set("Docker-Content-Digest", digestOf(manifest.content))
	s.answer(w, r, manifest.content)
}

func (s *registryServer) serveBlob(w http.ResponseWriter, r *http.Request, repository, digest string) {
	if s.blobsAt != "" {
		http.Redirect(w, r, s.blobsAt+r.URL.Path, http.StatusTemporaryRedirect)
		return
	}
	blob, ok := s.blobs[repository+"@"+digest]
	if !ok {
		refuse(w, http.StatusNotFound, "BLOB_UNKNOWN")
		return
	}
	s.answer(w, r, blob)
}

func (s *registryServer) answer(w http.ResponseWriter, r *http.Request, content []byte) {
	if s.alter != nil && r.Method == http.MethodGet {
		content = s.alter(slices.Clone(content))
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(content)
	}
}

func (s *registryServer) serveUpload(w http.ResponseWriter, r *http.Request, repository, _ string) {
	if r.Method == http.MethodPost {
		w.Header().Set("Location", r.URL.Path+"session")
		w.WriteHeader(http.StatusAccepted)
		return
	}
	content, _ := io.ReadAll(r.Body)
	if digestOf(content) != r.URL.Query().Get("digest") {
		refuse(w, http.StatusBadRequest, "DIGEST_INVALID")
		return
	}
	s.blobs[repository+"@"+digestOf(content)] = content
	w.WriteHeader(http.StatusCreated)
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}
