package github_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/forgetest"
	"github.com/gantrycd/gantry/providers/forge/github"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

func open(t *testing.T, s *forgetest.Server) *github.Forge {
	t.Helper()
	f, err := github.New(shape.Account{URL: s.URL, Token: forgetest.Token}, "example/repository")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestGitHub(t *testing.T) {
	for name, is := range map[string]struct{ app, checks bool }{
		"person": {false, false}, "app": {true, true}, "app without checks": {true, false},
	} {
		t.Run(name, func(t *testing.T) {
			forgetest.Check(t, func(t *testing.T) (providers.Forge, forgetest.Site) {
				s := serve(t, is.app, is.checks)
				return open(t, s), s.Memory
			})
		})
	}
}

// Annotations beyond what one request takes follow in another, and beyond two are left out.
func TestAnnotationsInParts(t *testing.T) {
	s := serve(t, true, true)
	number := s.Open(t, "many")
	check := providers.Check{Name: "gantry/plan", State: providers.CheckFailure, Title: "many"}
	for i := range 120 {
		check.Annotations = append(check.Annotations, providers.Annotation{Path: fmt.Sprintf("f%d", i), Line: i, Level: "error", Message: "m"})
	}
	head := s.Get(number).Head
	if err := open(t, s).Check(t.Context(), head, check); err != nil {
		t.Fatal(err)
	}
	got := s.Checks(head)["gantry/plan"].Annotations
	if len(got) != 100 || got[0].Line != 1 || got[99].Path != "f99" || got[0].Level != "failure" {
		t.Errorf("%d annotations: %+v", len(got), got[0])
	}
}

// More pull requests than one page has are all found.
func TestPages(t *testing.T) {
	s := serve(t, false, false)
	for i := range 230 {
		s.Open(t, fmt.Sprintf("change %d", i))
	}
	all, err := open(t, s).OpenPulls(t.Context())
	if err != nil || len(all) != 230 || all[0].Number != 230 || all[229].Number != 1 {
		t.Errorf("%d, %v", len(all), err)
	}
}

// A branch that was renamed is another one: its new name may be protected otherwise.
func TestRenamedBranch(t *testing.T) {
	s := serve(t, false, false)
	s.HandleFunc("GET /api/v3/repos/example/repository/branches/former", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/api/v3/repos/example/repository/branches/main", http.StatusMovedPermanently)
	})
	tip, _ := s.Tip("main")
	if _, err := open(t, s).Contains(t.Context(), "former", tip); !errors.Is(err, providers.ErrNotFound) {
		t.Error(err)
	}
}

// GitHub tells of each commit that a rebase has made which pull request it came with; who asks
// for the pull requests that are a commit does not get those.
func TestCommitsOfARebase(t *testing.T) {
	s := serve(t, false, false)
	number, other := s.Open(t, "rebased"), s.Open(t, "open")
	s.Merge(t, number)
	first, _ := s.Tip("main")
	s.Branch(t, "more")
	commit, _ := s.Tip("more")
	s.Commit("main", commit)
	s.Bring(number, commit)
	f := open(t, s)
	brought, err := f.Brought(t.Context(), commit)
	if err != nil || len(brought) != 1 || brought[0].Number != number || brought[0].MergedAs != first {
		t.Errorf("%+v, %v", brought, err)
	}
	if found, err := f.Pulls(t.Context(), commit); err != nil || len(found) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
	if brought, err := f.Brought(t.Context(), s.Get(other).Head); err != nil || len(brought) != 0 {
		t.Errorf("of one that is open: %+v, %v", brought, err)
	}
	if _, err := f.Brought(t.Context(), "main"); !errors.Is(err, providers.ErrInvalid) {
		t.Error(err)
	}
}

func TestWrongToken(t *testing.T) {
	s := serve(t, false, false)
	const token = "another-token"
	f, err := github.New(shape.Account{URL: s.URL, Token: token}, "example/repository")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.OpenPulls(t.Context()); !errors.Is(err, providers.ErrUnauthorized) || strings.Contains(err.Error(), token) {
		t.Error(err)
	}
}
