package helmrepo

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/sourcetest"
	"github.com/gantrycd/gantry/providers/tree"
)

// server is a Helm repository: files over http(s).
type server struct {
	*httptest.Server
	user, password string // asked for where set

	mu       sync.Mutex
	files    map[string][]byte
	entries  map[string][]string // lines of the index by chart
	requests []string
}

func newServer(t *testing.T, secure bool) *server {
	t.Helper()
	s := &server{files: map[string][]byte{}, entries: map[string][]string{}}
	if secure {
		s.Server = httptest.NewTLSServer(s)
	} else {
		s.Server = httptest.NewServer(s)
	}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are part of the tests
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.URL.Path)
	if user, password, _ := r.BasicAuth(); s.password != "" && (user != s.user || password != s.password) {
		http.Error(w, "not you, "+password, http.StatusUnauthorized)
		return
	}
	if r.URL.Path == "/charts/index.yaml" {
		_, _ = io.WriteString(w, "apiVersion: v1\nentries:\n")
		for chart, versions := range s.entries {
			_, _ = fmt.Fprintf(w, "  %s:\n%s", chart, strings.Join(versions, ""))
		}
		return
	}
	content, ok := s.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(content)
}

// add puts a chart into the repository. url is as the index gives it.
func (s *server) add(chart, version, url, more string, archive []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := sha256.Sum256(archive)
	s.files["/charts/"+chart+"-"+version+".tgz"] = archive
	s.entries[chart] = append(s.entries[chart], fmt.Sprintf("  - {name: %s, version: %q, digest: %s, urls: [%q]%s}\n", chart, version, hex.EncodeToString(sum[:]), url, more))
}

func (s *server) addChart(t testing.TB, chart, version, more string) {
	t.Helper()
	s.add(chart, version, chart+"-"+version+".tgz", more, pack(t, chart+"/", sourcetest.Files{"Chart.yaml": {Content: "name: " + chart + "\nversion: " + version + "\n"}}))
}

func (s *server) location(chart, version string) source.Location {
	return source.Location{Type: source.Helm, URL: s.URL + "/charts", Chart: chart, Revision: version}
}

func (s *server) ca() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}

// pack packs files below a folder.
func pack(t testing.TB, folder string, files sourcetest.Files) []byte {
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

type upstream struct{ *server }

func (u upstream) Publish(t *testing.T, files sourcetest.Files) {
	t.Helper()
	u.mu.Lock()
	u.entries = map[string][]string{}
	u.mu.Unlock()
	u.add("web", "1.0.0", "web-1.0.0.tgz", "", pack(t, "web/", files))
}

func (u upstream) Source(*testing.T) providers.Source { return New(Options{}) }
func (u upstream) Location() source.Location          { return u.location("web", "^1") }
func (u upstream) Missing() source.Location           { return u.location("none", "") }

func TestContract(t *testing.T) {
	sourcetest.Run(t, sourcetest.Suite{
		NoLinks: true, Base: sourcetest.Files{"Chart.yaml": {Content: "name: web\n"}},
		New: func(t *testing.T) sourcetest.Upstream { return &upstream{newServer(t, false)} },
	})
}

func open(t *testing.T, location source.Location) (*providers.Snapshot, error) {
	t.Helper()
	return New(Options{}).Open(t.Context(), location)
}

func TestVersions(t *testing.T) {
	s := newServer(t, false)
	for _, version := range []string{"1.0.0", "1.10.0", "1.2.0", "2.0.0-rc.1", "v1.3.0"} {
		s.addChart(t, "web", version, "")
	}
	s.addChart(t, "web", "1.11.0", ", deprecated: true")
	s.addChart(t, "web", "1.12.0", ", removed: true")
	s.addChart(t, "old", "0.1.0", ", deprecated: true")
	s.addChart(t, "beta", "0.1.0-beta.1", "")
	s.addChart(t, "broken", "not-a-version", "")
	for _, test := range []struct{ chart, version, want string }{
		{"web", "", "1.10.0"},
		{"web", "1.2.0", "1.2.0"},
		{"web", "1.3.0", "v1.3.0"},
		{"web", "v1.2.0", "1.2.0"},
		{"web", "1.11.0", "1.11.0"},
		{"web", "2.0.0-rc.1", "2.0.0-rc.1"},
		{"web", "1.2.*", "1.2.0"},
		{"web", "^1", "1.10.0"},
		{"web", ">=1.0 <1.5", "v1.3.0"},
		{"web", "~1.11.0", "1.11.0"},
		{"web", ">=2.0.0-0", "2.0.0-rc.1"},
		{"old", "", "0.1.0"},
	} {
		snapshot, err := open(t, s.location(test.chart, test.version))
		if err != nil {
			t.Errorf("%s %q: %v", test.chart, test.version, err)
			continue
		}
		content, err := fs.ReadFile(snapshot.FS, "Chart.yaml")
		if snapshot.Pin.Resolved != test.want || err != nil || !strings.HasSuffix(string(content), "version: "+test.want+"\n") {
			t.Errorf("%s %q: %+v, %q, %v, want %s", test.chart, test.version, snapshot.Pin, content, err, test.want)
		}
		sum := sha256.Sum256(s.files["/charts/"+test.chart+"-"+test.want+".tgz"])
		if want := "sha256:" + hex.EncodeToString(sum[:]); snapshot.Pin.Digest != want {
			t.Errorf("%s %q: digest %s, want %s", test.chart, test.version, snapshot.Pin.Digest, want)
		}
	}
	for _, test := range []struct{ chart, version, want string }{
		{"web", "9.9.9", "the newest are 2.0.0-rc.1, 1.11.0 (deprecated), 1.10.0, v1.3.0, 1.2.0"},
		{"web", "1.12.0", "the newest are"},
		{"web", "^3", `range "^3"`},
		{"web", "stable", "the newest are"},
		{"wob", "", "did you mean web"},
		{"beta", "", "no pre-release is not found; name one; the newest are 0.1.0-beta.1"},
		{"broken", "", "the chart is not found"},
	} {
		if _, err := open(t, s.location(test.chart, test.version)); !errors.Is(err, providers.ErrNotFound) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %q: got %v, want %q", test.chart, test.version, err, test.want)
		}
	}
}

func TestOneReadPerPlan(t *testing.T) {
	s := newServer(t, false)
	s.addChart(t, "web", "1.0.0", "")
	s.addChart(t, "api", "1.0.0", "")
	from := New(Options{})
	var group sync.WaitGroup
	for _, chart := range []string{"web", "api", "web", "none", "web", "api"} {
		for _, version := range []string{"", "1.0.0", "^1"} {
			group.Go(func() {
				if _, err := from.Open(t.Context(), s.location(chart, version)); (err != nil) != (chart == "none") {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
	if len(s.requests) != 3 {
		t.Errorf("requests: %v", s.requests)
	}
}

func TestLogin(t *testing.T) {
	s := newServer(t, true)
	s.addChart(t, "web", "1.0.0", "")
	s.user, s.password = "deployer", "correct-horse"
	right := source.Auth{Username: "deployer", Password: "correct-horse", CAData: s.ca()}
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
		location := s.location("web", "")
		location.Auth = &login
		_, err := open(t, location)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "horse") {
			t.Errorf("%s: the error holds the password: %v", name, err)
		}
	}
}

// Charts are often elsewhere; credentials stay with the repository.
func TestChartsElsewhere(t *testing.T) {
	archive := pack(t, "web/", sourcetest.Files{"Chart.yaml": {Content: "name: web\n"}})
	asked := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		for _, name := range []string{"Authorization", "Cookie", "Referer"} {
			if r.Header.Get(name) != "" {
				t.Errorf("%s reached another host", name)
			}
		}
		_, _ = w.Write(archive)
	}))
	t.Cleanup(elsewhere.Close)
	s := newServer(t, false)
	s.user, s.password = "u", "p"
	redirecting := httptest.NewServer(nil)
	t.Cleanup(redirecting.Close)
	redirecting.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			http.Error(w, "who?", http.StatusUnauthorized)
			return
		}
		target := elsewhere.URL + "/chart.tgz"
		if r.URL.Path == "/index.yaml" {
			_, _ = io.WriteString(w, "entries: {web: [{version: 1.0.0, urls: [a/web.tgz]}]}")
			return
		}
		http.Redirect(w, r, target, http.StatusFound)
	})
	s.add("absolute", "1.0.0", elsewhere.URL+"/chart.tgz", "", archive)
	s.add("rooted", "1.0.0", "/charts/rooted-1.0.0.tgz", "", archive)
	s.add("above", "1.0.0", "../charts/above-1.0.0.tgz", "", archive)
	auth := &source.Auth{Username: "u", Password: "p"}
	for _, location := range []source.Location{
		s.location("absolute", ""), s.location("rooted", ""), s.location("above", ""),
		{Type: source.Helm, URL: redirecting.URL, Chart: "web"},
		{Type: source.Helm, URL: redirecting.URL + "/", Chart: "web"},
	} {
		location.Auth = auth
		if _, err := open(t, location); err != nil {
			t.Error(err)
		}
	}
	if asked != 3 {
		t.Errorf("asked elsewhere %d times", asked)
	}
}

func TestSecondURL(t *testing.T) {
	s := newServer(t, false)
	archive := pack(t, "web/", sourcetest.Files{"Chart.yaml": {Content: "name: web\n"}})
	s.files["/charts/second.tgz"] = archive
	s.entries["web"] = []string{"  - {version: 1.0.0, urls: [first.tgz, second.tgz]}\n"}
	s.entries["nowhere"] = []string{"  - {version: 1.0.0, urls: [first.tgz, third.tgz]}\n"}
	s.entries["nothing"] = []string{"  - {version: 1.0.0}\n"}
	s.entries["file"] = []string{"  - {version: 1.0.0, urls: ['file:///etc/passwd']}\n"}
	for chart, want := range map[string]string{"web": "", "nowhere": "third.tgz: not found", "nothing": "no URL", "file": "not http(s)"} {
		_, err := open(t, s.location(chart, ""))
		if (want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", chart, err, want)
		}
	}
}

func TestBadArchives(t *testing.T) {
	good := pack(t, "web/", sourcetest.Files{"Chart.yaml": {Content: "name: web\n"}})
	s := newServer(t, false)
	s.add("altered", "1.0.0", "altered-1.0.0.tgz", "", good)
	s.files["/charts/altered-1.0.0.tgz"] = append(bytes.Clone(good), 0)
	s.add("cut", "1.0.0", "cut-1.0.0.tgz", "", good[:len(good)-20])
	s.add("page", "1.0.0", "page-1.0.0.tgz", "", []byte("<html>log in</html>"))
	s.add("flat", "1.0.0", "flat-1.0.0.tgz", "", pack(t, "", sourcetest.Files{"Chart.yaml": {Content: "name: flat\n"}}))
	s.add("up", "1.0.0", "up-1.0.0.tgz", "", pack(t, "../", sourcetest.Files{"Chart.yaml": {Content: "x"}}))
	s.add("gone", "1.0.0", "elsewhere.tgz", "", good)
	for chart, want := range map[string]string{
		"altered": "not what the index says", "cut": "cut short", "page": "damaged", "flat": "no folder with a Chart.yaml",
		"up": "leads out of it", "gone": "status 404",
	} {
		if _, err := open(t, s.location(chart, "")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", chart, err, want)
		}
	}
}

func TestLimits(t *testing.T) {
	s := newServer(t, false)
	s.add("web", "1.0.0", "web-1.0.0.tgz", "", pack(t, "web/", sourcetest.Files{"Chart.yaml": {Content: strings.Repeat("#\n", 5000)}}))
	for name, limits := range map[string]Limits{
		"index": {IndexBytes: 20}, "packed": {ArchiveBytes: 20}, "unpacked": {Unpacked: tree.Limits{Bytes: 1000}},
	} {
		if _, err := New(Options{Limits: limits}).Open(t.Context(), s.location("web", "")); !errors.Is(err, tree.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestURLs(t *testing.T) {
	for raw, want := range map[string]string{
		"":                            "no URL of a Helm repository",
		"ftp://example.com":           "no URL of a Helm repository",
		"oci://example.com/charts":    "is a registry",
		"https://u:horse@example.com": "holds credentials",
		"https://u:horse%zz@e.test/":  "not a valid URL",
	} {
		_, err := open(t, source.Location{Type: source.Helm, URL: raw, Chart: "web"})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "horse") {
			t.Errorf("%s: got %v, want %q", raw, err, want)
		}
	}
	if _, err := open(t, source.Location{Type: source.Helm, URL: "https://example.com"}); err == nil {
		t.Error("a location without a chart is opened")
	}
}

func TestUnreachable(t *testing.T) {
	s := newServer(t, false)
	location := s.location("web", "")
	s.Close()
	if _, err := open(t, location); !errors.Is(err, providers.ErrUnreachable) {
		t.Error(err)
	}
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	t.Cleanup(busy.Close)
	if _, err := open(t, source.Location{Type: source.Helm, URL: busy.URL, Chart: "web"}); !errors.Is(err, providers.ErrUnreachable) || !strings.Contains(err.Error(), "502") {
		t.Error(err)
	}
}

func TestParseIndex(t *testing.T) {
	for content, want := range map[string]string{
		"":                           "empty",
		"  \n":                       "empty",
		"<html>":                     "cannot be read",
		"a: [":                       "cannot be read",
		"apiVersion: v1\n":           "no entries",
		"entries: 7\n":               "cannot be read",
		"[]":                         "cannot be read",
		"entries: {}\n":              "",
		`{"entries":{"a":[null]}}`:   "",
		"entries: {web: [{}, null]}": "",
	} {
		_, err := parseIndex([]byte(content))
		if (want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v, want %q", content, err, want)
		}
	}
}

func FuzzParseIndex(f *testing.F) {
	f.Add([]byte("apiVersion: v1\nentries:\n  web:\n  - version: 1.0.0\n    urls: [web.tgz]\n"), "")
	f.Add([]byte(`{"entries":{"web":[{"version":"1.0.0","deprecated":true},null]}}`), "^1")
	f.Add([]byte("a: &a [*a]"), "1.0.0")
	f.Fuzz(func(t *testing.T, content []byte, wanted string) {
		parsed, err := parseIndex(content)
		if err != nil {
			return
		}
		for name := range parsed.Entries {
			if chosen, err := parsed.choose(name, wanted); err == nil && chosen == nil {
				t.Error("neither a version nor an error")
			}
		}
	})
}
