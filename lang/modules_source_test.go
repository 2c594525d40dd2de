package lang_test

import (
	"context"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/source"
)

// noting is a reader of modules that remembers how it is to log in.
type noting map[string]*source.Auth

func (n noting) ReadModule(_ context.Context, from lang.ModuleSource) (fs.FS, source.Pin, error) {
	n[from.Location.URL] = from.Location.Auth
	return fstest.MapFS{}, source.Pin{}, nil
}

// Modules are read with the credentials of the root module, although nothing else
// of it is known yet, or is wrong.
func TestModulesWithCredentials(t *testing.T) {
	tree := fstest.MapFS{"main.gantry.hcl": {Data: []byte(`
variable "token" {
  type      = string
  sensitive = true
}
variable "without_value" {
  type = string
}
credentials "team" {
  url_prefix = "https://git.example.com/team/"
  auth {
    token = var.token
  }
}
locals {
  broken = nothing.at.all
}
`)}}
	got := noting{}
	reader := lang.ModulesWithCredentials(got, "", lang.LoadOptions{FS: tree}, lang.VarArgs{Vars: []string{"token=correct-horse"}})
	for _, url := range []string{"https://git.example.com/team/modules.git", "https://git.example.com/other/modules.git"} {
		parsed, _, err := lang.ParseModuleSource(url, "^1.0")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := reader.ReadModule(t.Context(), parsed); err != nil {
			t.Fatal(err)
		}
	}
	if auth := got["https://git.example.com/team/modules.git"]; auth == nil || auth.Token.Reveal() != "correct-horse" {
		t.Errorf("below the prefix: %+v", auth)
	}
	if auth := got["https://git.example.com/other/modules.git"]; auth.LogsIn() {
		t.Error("credentials are sent elsewhere")
	}
}

// Below the prefix of credentials that are not known, no module is read with others.
func TestModulesWithBrokenCredentials(t *testing.T) {
	tree := fstest.MapFS{"main.gantry.hcl": {Data: []byte(`
credentials "org" {
  url_prefix = "https://git.example.com/"
  auth {
    token = "org"
  }
}
credentials "team" {
  url_prefix = "https://git.example.com/team/"
  auth {
    tokn = "team"
  }
}
`)}}
	got := noting{}
	reader := lang.ModulesWithCredentials(got, "", lang.LoadOptions{FS: tree}, lang.VarArgs{})
	for url, readable := range map[string]bool{"https://git.example.com/team/modules.git": false, "https://git.example.com/other/modules.git": true} {
		parsed, _, err := lang.ParseModuleSource(url, "^1.0")
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = reader.ReadModule(t.Context(), parsed)
		if (err == nil) != readable || (got[url] != nil) != readable {
			t.Errorf("%s: %v, read with %v", url, err, got[url])
		}
	}
}
