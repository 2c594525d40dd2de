package main

import (
	"encoding/pem"
	"io"
	"io/fs"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gantrycd/gantry/providers/git/gittest"
	"github.com/gantrycd/gantry/providers/identity/issuertest"
	"github.com/gantrycd/gantry/providers/ociregistry/registrytest"
)

// registries are the OCI registries of running scripts, by their hosts.
var registries sync.Map

// serveCommand starts a server for a script: of the git repositories below a
// directory, with https, or of OCI artifacts. NAME is then the address in the
// environment, and NAME.pem its certificate.
func serveCommand(t testing.TB, ts *testscript.TestScript, neg bool, args []string) {
	const usage = "usage: serve git NAME DIR [USER PASSWORD] | serve oci NAME [USER PASSWORD] | serve issuer NAME | serve publish REGISTRY REPOSITORY:TAG DIR"
	switch {
	case neg || len(args) < 2:
		ts.Fatalf(usage)
	case args[0] == "git" && (len(args) == 3 || len(args) == 5):
		user, password := login(args[3:])
		server := httptest.NewUnstartedServer(gittest.Handler(t, ts.MkAbs(args[2]), user, password))
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		ts.Defer(server.Close)
		certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
		ts.Check(os.WriteFile(ts.MkAbs(args[1]+".pem"), certificate, 0o644))
		ts.Setenv(args[1], server.URL)
	case args[0] == "oci" && (len(args) == 2 || len(args) == 4):
		server := registrytest.New(t, false)
		server.User, server.Password = login(args[2:])
		ts.Defer(func() { registries.Delete(server.Host()) })
		registries.Store(server.Host(), server)
		ts.Setenv(args[1], server.Host())
	case args[0] == "issuer" && len(args) == 2:
		issuer := issuertest.Start(t)
		ts.Setenv(args[1], issuer.URL)
		ts.Setenv(args[1]+"_TOKEN", issuer.Token(issuer.Claims("gantry")))
	case args[0] == "publish" && len(args) == 4:
		found, ok := registries.Load(args[1])
		repository, tag, hasTag := strings.Cut(args[2], ":")
		if !ok || !hasTag {
			ts.Fatalf(usage)
		}
		files := map[string]string{}
		root := ts.MkAbs(args[3])
		ts.Check(filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			content, err := os.ReadFile(path)
			files[filepath.ToSlash(name)] = string(content)
			return err
		}))
		found.(*registrytest.Server).Publish(t, repository, tag, files)
	default:
		ts.Fatalf(usage)
	}
}

func login(args []string) (user, password string) {
	if len(args) < 2 {
		return "", ""
	}
	return args[0], args[1]
}
