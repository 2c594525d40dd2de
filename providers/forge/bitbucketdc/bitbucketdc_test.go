package bitbucketdc_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/bitbucketdc"
	"github.com/gantrycd/gantry/providers/forge/forgetest"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

func open(t *testing.T, s *server) *bitbucketdc.Forge {
	t.Helper()
	f, err := bitbucketdc.New(shape.Account{URL: s.URL, Token: forgetest.Token}, "example/repository")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestBitbucketDataCenter(t *testing.T) {
	for name, older := range map[string]bool{"as documented": false, "what was merged is told among what happened only": true} {
		t.Run(name, func(t *testing.T) {
			only := []string(nil)
			if older {
				only = []string{"pull", "contains", "reviews"}
			}
			forgetest.Check(t, func(t *testing.T) (providers.Forge, forgetest.Site) {
				s := serve(t)
				s.unmergedInPull = older
				return open(t, s), s.Memory
			}, only...)
		})
	}
}

// An approval is of the commit that the server says was reviewed, where that was the head when
// it was given. Where the two differ it is of no commit.
func TestWhichCommitIsApproved(t *testing.T) {
	s := serve(t)
	number := s.Open(t, "reviewed")
	first := s.Get(number).Head
	s.Review(t, number, providers.Approved)
	s.Push(t, number)
	second := s.Get(number).Head
	at := s.Said(number)[0].At
	for name, c := range map[string]struct {
		says providers.Review
		want string
	}{
		"the head that was there":                          {providers.Review{Verdict: providers.Approved, Commit: first, At: at}, first},
		"a later one, that the reviewer has but looked at": {providers.Review{Verdict: providers.Approved, Commit: second, At: at}, ""},
		"an older one, of a page that was not reloaded":    {providers.Review{Verdict: providers.Approved, Commit: first, At: at.Add(time.Hour)}, ""},
		"none": {providers.Review{Verdict: providers.Approved, Commit: "", At: at}, ""},
	} {
		c.says.Login = "one"
		s.SetReviews(number, c.says)
		got, err := open(t, s).Reviews(t.Context(), number)
		if err != nil || len(got) != 1 || got[0].Commit != c.want || got[0].Verdict != providers.Approved {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	// One that was taken back does not count.
	s.SetReviews(number, providers.Review{Login: "one", Verdict: providers.Dismissed, Commit: first, At: at})
	if got, err := open(t, s).Reviews(t.Context(), number); err != nil || len(got) != 1 || got[0].Verdict != providers.Dismissed {
		t.Errorf("taken back: %+v, %v", got, err)
	}
}

func TestWhatIsNoRepository(t *testing.T) {
	for name, c := range map[string]struct {
		account    shape.Account
		repository string
	}{
		"no URL":          {shape.Account{}, "example/repository"},
		"a project below": {shape.Account{URL: "https://git.example.com"}, "a/b/c"},
		"no project":      {shape.Account{URL: "https://git.example.com"}, "repository"},
	} {
		if _, err := bitbucketdc.New(c.account, c.repository); !errors.Is(err, providers.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A list that is cut off is an error: who is not on it would be taken for gone.
func TestListsThatBreakOff(t *testing.T) {
	for name, answer := range map[string]object{
		"nothing": {}, "no next page": {"values": []object{}, "isLastPage": false}, "the same page again": {"values": []object{}, "isLastPage": false, "nextPageStart": 0},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { forgetest.Answer(w, http.StatusOK, answer) }))
		f, err := bitbucketdc.New(shape.Account{URL: server.URL}, "example/repository")
		if err != nil {
			t.Fatal(err)
		}
		if open, err := f.OpenPulls(t.Context()); !errors.Is(err, providers.ErrUnreachable) {
			t.Errorf("%s: %+v, %v", name, open, err)
		}
		server.Close()
	}
}

func TestOwner(t *testing.T) {
	s := serve(t)
	repository := func(slug string, archived bool) object {
		return object{"id": 1, "slug": slug, "archived": archived, "project": object{"key": "example"}, "links": object{"clone": []object{
			{"name": "ssh", "href": "ssh://git@git.example.com:7999/example/" + slug + ".git"}, {"name": "http", "href": "https://somebody@git.example.com/scm/example/" + slug + ".git"},
		}}}
	}
	s.HandleFunc("GET "+project+"/repos", func(w http.ResponseWriter, r *http.Request) {
		page(w, r, []object{repository("repository", false), repository("old", true), repository("empty", false)})
	})
	s.HandleFunc("GET "+project+"/repos/{slug}/labels", func(w http.ResponseWriter, r *http.Request) {
		labels := []object{}
		if r.PathValue("slug") == "repository" {
			labels = append(labels, object{"name": "deployed"})
		}
		page(w, r, labels)
	})
	s.HandleFunc("GET "+project+"/repos/empty/branches", func(w http.ResponseWriter, r *http.Request) { page(w, r, []object{}) })
	s.HandleFunc("GET "+project+"/repos/repository/browse/{path...}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("path") != "deploy/a b" || r.FormValue("at") == "" {
			failed(w, http.StatusNotFound, "The path does not exist.")
			return
		}
		forgetest.Answer(w, http.StatusOK, object{"type": "DIRECTORY"})
	})
	owner, err := bitbucketdc.NewOwner(shape.Account{URL: s.URL + "/rest/api/1.0/", Token: forgetest.Token}, "example")
	if err != nil {
		t.Fatal(err)
	}
	all, err := owner.Repositories(t.Context())
	if err != nil || len(all) != 2 || all[0].Name != "example/empty" || all[0].DefaultBranch != "" || all[1].DefaultBranch != "main" ||
		all[1].URL != "https://git.example.com/scm/example/repository.git" || all[1].SSHURL == "" || !slices.Equal(all[1].Labels, []string{"deployed"}) {
		t.Fatalf("%+v, %v", all, err)
	}
	s.Branch(t, "main-2")
	branches, err := owner.Branches(t.Context(), "example/repository")
	if err != nil || len(branches) != 2 || branches[0].Name != "main" || branches[0].Head == branches[1].Head {
		t.Errorf("%+v, %v", branches, err)
	}
	main, err := owner.Branch(t.Context(), "example/repository", "main")
	if err != nil || main.Head != branches[0].Head {
		t.Fatalf("%+v, %v", main, err)
	}
	if _, err := owner.Branch(t.Context(), "example/repository", "mai"); !errors.Is(err, providers.ErrNotFound) {
		t.Error(err)
	}
	for path, want := range map[string]bool{"deploy/a b": true, "deploy": false} {
		if has, err := owner.HasPath(t.Context(), "example/repository", main.Head, path); err != nil || has != want {
			t.Errorf("%s: %v, %v", path, has, err)
		}
	}
	if _, err := owner.HasPath(t.Context(), "repository", main.Head, "x"); !errors.Is(err, providers.ErrInvalid) {
		t.Error(err)
	}
}
