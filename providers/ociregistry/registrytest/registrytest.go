// Package registrytest is a registry for tests, as the OCI distribution
// specification describes it, in memory and on this machine.
//
// Tests of sources and of the command line import it; nothing else does.
package registrytest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/plan/source"
)

// Server answers pulls, pushes, tags in pages, and a login by password or token.
type Server struct {
	*httptest.Server
	mu        sync.Mutex
	blobs     map[string][]byte // by repository and digest
	manifests map[string]stored // by repository and tag or digest
	tags      map[string][]string
	requests  []string

	// User and Password, where set, are asked for; with Token by a login server.
	User, Password string
	Token          bool
	// Alter changes what is answered for blobs and manifests.
	Alter func([]byte) []byte
	// BlobsAt redirects requests for blobs to another server.
	BlobsAt string
}

type stored struct {
	mediaType string
	content   []byte
}

// New starts a registry that ends with the test; secure is https with a
// certificate of its own.
func New(t testing.TB, secure bool) *Server {
	t.Helper()
	s := &Server{blobs: map[string][]byte{}, manifests: map[string]stored{}, tags: map[string][]string{}}
	if secure {
		s.Server = httptest.NewTLSServer(s)
	} else {
		s.Server = httptest.NewServer(s)
	}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are part of the tests
	t.Cleanup(s.Close)
	return s
}

// Host is the registry in names of repositories.
func (s *Server) Host() string {
	_, host, _ := strings.Cut(s.URL, "://")
	return host
}

// CA is the certificate, in PEM.
func (s *Server) CA() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}

// Location is a repository of the registry.
func (s *Server) Location(repository string) source.Location {
	return source.Location{Type: source.OCI, URL: "oci://" + s.Host() + "/" + repository}
}

// Bearer is what the login server gives.
const Bearer = "a-short-lived-token"

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	user, password, _ := r.BasicAuth()
	right := user == s.User && password == s.Password
	if r.URL.Path == "/token" {
		if !right {
			refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
			return
		}
		_, _ = fmt.Fprintf(w, `{"token":%q}`, Bearer)
		return
	}
	switch {
	case s.Password == "":
	case s.Token && r.Header.Get("Authorization") != "Bearer "+Bearer:
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="test"`, s.URL))
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		return
	case !s.Token && !right:
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
func (s *Server) serveTags(w http.ResponseWriter, r *http.Request, repository, _ string) {
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

func (s *Server) serveManifest(w http.ResponseWriter, r *http.Request, repository, name string) {
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

func (s *Server) serveBlob(w http.ResponseWriter, r *http.Request, repository, digest string) {
	if s.BlobsAt != "" {
		http.Redirect(w, r, s.BlobsAt+r.URL.Path, http.StatusTemporaryRedirect)
		return
	}
	blob, ok := s.blobs[repository+"@"+digest]
	if !ok {
		refuse(w, http.StatusNotFound, "BLOB_UNKNOWN")
		return
	}
	s.answer(w, r, blob)
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, content []byte) {
	if s.Alter != nil && r.Method == http.MethodGet {
		content = s.Alter(slices.Clone(content))
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(content)
	}
}

func (s *Server) serveUpload(w http.ResponseWriter, r *http.Request, repository, _ string) {
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

// Requests returns the requests so far: "GET /v2/web/tags/list".
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Blob returns a blob.
func (s *Server) Blob(repository, digest string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blobs[repository+"@"+digest]
}

// PutManifest puts a manifest under a tag, whatever it is, and returns its digest.
func (s *Server) PutManifest(repository, tag, mediaType string, content []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.manifests[repository+"@"+digestOf(content)] = stored{mediaType, content}
	s.manifests[repository+"@"+tag] = stored{mediaType, content}
	if !slices.Contains(s.tags[repository], tag) {
		s.tags[repository] = append(s.tags[repository], tag)
	}
	return digestOf(content)
}

// Publish puts an artifact with one layer of files under a tag, and returns the
// manifest's digest.
func (s *Server) Publish(t testing.TB, repository, tag string, files map[string]string) string {
	t.Helper()
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zipped)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name])), Typeflag: tar.TypeReg})
		if err == nil {
			_, err = archive.Write([]byte(files[name]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	layer := packed.Bytes()
	s.mu.Lock()
	s.blobs[repository+"@"+digestOf(layer)] = layer
	s.mu.Unlock()
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":%q,"size":2},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":%q,"size":%d}]}`,
		imageManifest, digestOf([]byte("{}")), digestOf(layer), len(layer))
	return s.PutManifest(repository, tag, imageManifest, []byte(manifest))
}

const imageManifest = "application/vnd.oci.image.manifest.v1+json"

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}
