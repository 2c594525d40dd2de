package ociregistry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/ociregistry/registrytest"
	"github.com/gantrycd/gantry/providers/sourcetest"
	"github.com/gantrycd/gantry/providers/tree"
)

const genericLayer = "application/vnd.oci.image.layer.v1.tar+gzip"

// archive packs files below a folder.
func archive(t testing.TB, folder string, files sourcetest.Files) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	w := tar.NewWriter(zipped)
	for name, file := range files {
		header := &tar.Header{Name: folder + name, Mode: 0o644, Size: int64(len(file.Content)), Typeflag: tar.TypeReg}
		if file.Link != "" {
			header.Typeflag, header.Linkname = tar.TypeSymlink, file.Link
		}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(file.Content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// oras is a registry that oras pushes to.
type oras struct{ *registrytest.Server }

func newRegistry(t *testing.T, secure bool) *oras {
	t.Helper()
	return &oras{registrytest.New(t, secure)}
}

// push pushes layers with oras, as its users do, and returns the manifest's digest.
func (s *oras) push(t testing.TB, repository, tag string, layers map[string][]byte) string {
	t.Helper()
	to, err := remote.NewRepository(s.Host() + "/" + repository)
	if err != nil {
		t.Fatal(err)
	}
	to.PlainHTTP = strings.HasPrefix(s.URL, "http://")
	to.Client = &auth.Client{
		Client: s.Client(), BlockedRealmPrefixes: nil,
		Credential: auth.StaticCredential(s.Host(), auth.Credential{Username: s.User, Password: s.Password}),
	}
	manifest := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: ocispec.DescriptorEmptyJSON,
	}
	for mediaType, content := range layers {
		layer := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(content), Size: int64(len(content))}
		if err := to.Push(t.Context(), layer, bytes.NewReader(content)); err != nil {
			t.Fatal(err)
		}
		manifest.Layers = append(manifest.Layers, layer)
	}
	encoded, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	descriptor := ocispec.Descriptor{MediaType: manifest.MediaType, Digest: digest.FromBytes(encoded), Size: int64(len(encoded))}
	if err := to.Manifests().PushReference(t.Context(), descriptor, bytes.NewReader(encoded), tag); err != nil {
		t.Fatal(err)
	}
	return descriptor.Digest.String()
}

func (s *oras) pushChart(t testing.TB, repository, version string) string {
	t.Helper()
	files := sourcetest.Files{"Chart.yaml": {Content: "name: web\nversion: " + version + "\n"}}
	return s.push(t, repository, tagOf(version), map[string][]byte{helmChartLayer: archive(t, "web/", files)})
}

type upstream struct {
	*oras
	layer    string
	revision string
}

func (u *upstream) Publish(t *testing.T, files sourcetest.Files) {
	t.Helper()
	folder := ""
	if u.layer == helmChartLayer {
		folder = "web/"
	}
	u.push(t, "charts/web", "1.0.0", map[string][]byte{u.layer: archive(t, folder, files)})
}

func (u *upstream) Source(*testing.T) providers.Source { return New(Options{}) }

func (u *upstream) Location() source.Location {
	location := u.Server.Location("charts")
	location.Chart, location.Revision = "web", u.revision
	return location
}

func (u *upstream) Missing() source.Location { return u.Server.Location("charts/none") }

func TestContract(t *testing.T) {
	for name, test := range map[string]struct {
		layer, revision string
		base            sourcetest.Files
	}{
		"chart": {helmChartLayer, "1.0.0", sourcetest.Files{"Chart.yaml": {Content: "name: web\n"}}},
		"files": {genericLayer, "^1.0", nil},
	} {
		t.Run(name, func(t *testing.T) {
			sourcetest.Run(t, sourcetest.Suite{NoLinks: true, Base: test.base, New: func(t *testing.T) sourcetest.Upstream {
				return &upstream{oras: newRegistry(t, false), layer: test.layer, revision: test.revision}
			}})
		})
	}
}

func open(t *testing.T, location source.Location, revision string) (*providers.Snapshot, error) {
	t.Helper()
	location.Revision = revision
	return New(Options{}).Open(t.Context(), location)
}

func TestRevisions(t *testing.T) {
	s := newRegistry(t, false)
	digests := map[string]string{}
	for _, version := range []string{"1.0.0", "1.2.0", "1.10.0", "2.0.0-rc.1", "1.10.1+build.5", "0.9.0"} {
		digests[version] = s.pushChart(t, "web", version)
	}
	s.push(t, "moving", "latest", map[string][]byte{genericLayer: archive(t, "", sourcetest.Files{"a": {Content: "1"}})})
	s.pushChart(t, "pre", "1.0.0-beta.1")
	for _, test := range []struct{ revision, want string }{
		{"", "1.10.1+build.5"},
		{"1.2.0", "1.2.0"},
		{"1.10.1+build.5", "1.10.1+build.5"},
		{"2.0.0-rc.1", "2.0.0-rc.1"},
		{"~1.2", "1.2.0"},
		{"^1", "1.10.1+build.5"},
		{">=1.0 <1.5", "1.2.0"},
		{"0.*", "0.9.0"},
	} {
		snapshot, err := open(t, s.Location("web"), test.revision)
		if err != nil {
			t.Errorf("%q: %v", test.revision, err)
			continue
		}
		if snapshot.Pin.Resolved != test.want || snapshot.Pin.Digest != digests[test.want] {
			t.Errorf("%q: %+v, want %s", test.revision, snapshot.Pin, test.want)
		}
		if content, err := fs.ReadFile(snapshot.FS, "Chart.yaml"); err != nil || !strings.Contains(string(content), "version: "+test.want+"\n") {
			t.Errorf("%q: %q, %v", test.revision, content, err)
		}
	}
	if snapshot, err := open(t, s.Location("web"), digests["1.2.0"]); err != nil || snapshot.Pin.Resolved != digests["1.2.0"] || snapshot.Pin.Digest != digests["1.2.0"] {
		t.Errorf("%+v, %v", snapshot, err)
	}
	if snapshot, err := open(t, s.Location("moving"), ""); err != nil || snapshot.Pin.Resolved != "latest" {
		t.Errorf("%+v, %v", snapshot, err)
	}
	for _, test := range []struct{ repository, revision, want string }{
		{"web", "1.2.1", "did you mean 1.2.0"},
		{"web", "^3", "the newest are 2.0.0-rc.1, 1.10.1+build.5, 1.10.0"},
		{"web", "sha256:" + strings.Repeat("0", 64), "not found"},
		{"pre", "", "the newest are 1.0.0-beta.1"},
		{"none", "1.0.0", "not found"},
		{"none", "", "not found"},
	} {
		if _, err := open(t, s.Location(test.repository), test.revision); !errors.Is(err, providers.ErrNotFound) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s at %q: %v", test.repository, test.revision, err)
		}
	}
	for _, revision := range []string{"sha256:12", "a/b", "-x"} {
		if _, err := open(t, s.Location("web"), revision); err == nil {
			t.Errorf("%q is opened", revision)
		}
	}
}

func TestLogin(t *testing.T) {
	for _, token := range []bool{false, true} {
		t.Run(fmt.Sprintf("token=%v", token), func(t *testing.T) {
			s := newRegistry(t, true)
			s.pushChart(t, "web", "1.0.0")
			s.User, s.Password, s.Token = "deployer", "correct-horse", token
			right := source.Auth{Username: s.User, Password: "correct-horse", CAData: s.CA()}
			for name, test := range map[string]struct {
				change func(*source.Auth)
				want   error
			}{
				"right":          {func(*source.Auth) {}, nil},
				"token":          {func(a *source.Auth) { a.Password, a.Token = "", "correct-horse" }, nil},
				"insecure":       {func(a *source.Auth) { a.CAData, a.Insecure = "", true }, nil},
				"wrong password": {func(a *source.Auth) { a.Password = "wrong-horse" }, providers.ErrUnauthorized},
				"nobody":         {func(a *source.Auth) { a.Username, a.Password = "", "" }, providers.ErrUnauthorized},
				"unknown CA":     {func(a *source.Auth) { a.CAData = "" }, providers.ErrUnreachable},
			} {
				login := right
				test.change(&login)
				location := s.Location("web")
				location.Auth = &login
				_, err := open(t, location, "1.0.0")
				if !errors.Is(err, test.want) {
					t.Errorf("%s: got %v, want %v", name, err, test.want)
				}
				if err != nil && strings.Contains(err.Error(), "horse") {
					t.Errorf("%s: the error holds the password: %v", name, err)
				}
			}
		})
	}
}

func TestBearerToken(t *testing.T) {
	s := newRegistry(t, false)
	s.pushChart(t, "web", "1.0.0")
	s.User, s.Password, s.Token = "u", "p", true
	location := s.Location("web")
	location.Auth = &source.Auth{Token: registrytest.Bearer}
	if _, err := open(t, location, "1.0.0"); err != nil {
		t.Error(err)
	}
}

// Blobs are often elsewhere; credentials stay with the registry.
func TestBlobsElsewhere(t *testing.T) {
	s := newRegistry(t, false)
	s.pushChart(t, "web", "1.0.0")
	storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the credentials reached another host")
		}
		_, digest, _ := strings.Cut(r.URL.Path, "/blobs/")
		_, _ = w.Write(s.Blob("web", digest))
	}))
	t.Cleanup(storage.Close)
	s.User, s.Password, s.BlobsAt = "u", "p", storage.URL
	location := s.Location("web")
	location.Auth = &source.Auth{Username: "u", Password: "p"}
	if _, err := open(t, location, "1.0.0"); err != nil {
		t.Error(err)
	}
}

func TestAltered(t *testing.T) {
	for name, alter := range map[string]func([]byte) []byte{
		"changed":   func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"cut short": func(b []byte) []byte { return b[:len(b)-1] },
		"longer":    func(b []byte) []byte { return append(b, ' ') },
	} {
		for _, part := range []string{"all", "blob"} {
			s := newRegistry(t, false)
			s.pushChart(t, "web", "1.0.0")
			s.Alter = func(b []byte) []byte {
				if part == "blob" && bytes.HasPrefix(b, []byte("{")) {
					return b
				}
				return alter(b)
			}
			if _, err := open(t, s.Location("web"), "1.0.0"); err == nil {
				t.Errorf("%s, %s: no error", name, part)
			}
		}
	}
}

func TestContent(t *testing.T) {
	s := newRegistry(t, false)
	files := archive(t, "", sourcetest.Files{"a": {Content: "1"}})
	s.push(t, "two", "1", map[string][]byte{genericLayer: files, "application/vnd.oci.image.layer.v1.tar": archive(t, "x/", sourcetest.Files{"a": {Content: "2"}})})
	s.push(t, "none", "1", nil)
	s.push(t, "sbom", "1", map[string][]byte{"application/spdx+json": []byte("{}")})
	s.push(t, "flat", "1", map[string][]byte{helmChartLayer: files})
	s.push(t, "page", "1", map[string][]byte{genericLayer: []byte("<html>")})
	s.push(t, "signed", "1", map[string][]byte{helmChartLayer: archive(t, "web/", sourcetest.Files{"Chart.yaml": {Content: "name: web"}}), helmProvenanceLayer: []byte("signature")})
	s.push(t, "flux", "1", map[string][]byte{"application/vnd.cncf.flux.content.v1.tar+gzip": files})
	s.PutManifest("index", "1", ocispec.MediaTypeImageIndex, []byte(`{"schemaVersion":2,"manifests":[]}`))
	for repository, want := range map[string]string{
		"two": "2 layers of files", "none": "no layers", "sbom": "application/spdx+json", "index": "index of several manifests",
		"flat": "no folder with a Chart.yaml", "page": "damaged", "signed": "", "flux": "",
	} {
		_, err := open(t, s.Location(repository), "1")
		if (want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", repository, err, want)
		}
	}
}

func TestLimits(t *testing.T) {
	s := newRegistry(t, false)
	s.push(t, "web", "1", map[string][]byte{genericLayer: archive(t, "", sourcetest.Files{"a": {Content: strings.Repeat("x", 5000)}})})
	for name, limits := range map[string]Limits{
		"packed": {LayerBytes: 10}, "unpacked": {Unpacked: tree.Limits{Bytes: 1000}},
	} {
		location := s.Location("web")
		location.Revision = "1"
		if _, err := New(Options{Limits: limits}).Open(t.Context(), location); !errors.Is(err, tree.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestURLs(t *testing.T) {
	for raw, want := range map[string]string{
		"":                               "no URL of a registry",
		"https://example.com/a":          "no URL of a registry",
		"oci://example.com":              "needs the name",
		"oci://example.com/web:1.0":      "holds a tag",
		"oci://u:horse@example.com/web":  "holds credentials",
		"oci://u:horse%zz@example.com/a": "not a valid URL",
		"oci://example.com/Web":          "lower case",
		"oci://example.com/a?x=1":        "query",
	} {
		_, err := open(t, source.Location{Type: source.OCI, URL: raw}, "1")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "horse") {
			t.Errorf("%s: got %v, want %q", raw, err, want)
		}
	}
	if r, err := parseURL("oci://example.com:5000/charts/", "web"); err != nil || r.Registry != "example.com:5000" || r.Repository != "charts/web" {
		t.Errorf("%+v, %v", r, err)
	}
	for host, want := range map[string]bool{"localhost:5000": true, "127.0.0.1:1": true, "[::1]:5000": true, "localhost": true, "example.com": false, "10.0.0.1:5000": false} {
		if loopback(host) != want {
			t.Errorf("%s: %v", host, !want)
		}
	}
}

func TestUnreachable(t *testing.T) {
	s := newRegistry(t, false)
	location := s.Location("web")
	s.Close()
	if _, err := open(t, location, "1.0.0"); !errors.Is(err, providers.ErrUnreachable) {
		t.Error(err)
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(`{"layers":[{"mediaType":"` + helmChartLayer + `","digest":"sha256:00","size":1}]}`))
	f.Add([]byte(`{"layers":null}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		layer, err := parseManifest(encoded)
		if err == nil && layer.MediaType != helmChartLayer && !isArchive(layer.MediaType) {
			t.Errorf("chose a layer of type %q", layer.MediaType)
		}
	})
}
