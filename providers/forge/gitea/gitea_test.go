package gitea_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/forgetest"
	"github.com/gantrycd/gantry/providers/forge/gitea"
	"github.com/gantrycd/gantry/providers/forge/giteatest"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

// site is a repository of a real Gitea.
type site struct {
	server    *giteatest.Server
	people    map[string]giteatest.User
	path      string // of the repository in the API
	name      string
	made      int
	reviewers int
	style     string // how it merges
}

const organization = "example"

// TestGitea is everything that is asked of a real Gitea: one is started for all of it.
func TestGitea(t *testing.T) {
	server := giteatest.Start(t)
	people := map[string]giteatest.User{}
	for _, name := range []string{"gantry", "author", "one", "two", "three", "stranger"} {
		people[name] = server.User(t, name)
	}
	server.Team(t, organization, "developers", people["gantry"], people["author"], people["one"], people["two"], people["three"])
	server.Team(t, organization, "sre", people["gantry"], people["one"], people["two"])
	repositories := 0
	open := func(t *testing.T) (*gitea.Forge, *site) {
		t.Helper()
		repositories++
		s := &site{server: server, people: people, name: fmt.Sprintf("repository-%d", repositories), style: "squash"}
		s.path = "/repos/" + organization + "/" + s.name
		server.API(t, server.Admin, http.MethodPost, "/orgs/"+organization+"/repos", map[string]any{"name": s.name, "auto_init": true, "default_branch": "main"}, nil)
		for _, team := range []string{"developers", "sre"} {
			server.API(t, server.Admin, http.MethodPut, s.path+"/teams/"+team, nil, nil)
		}
		f, err := gitea.New(shape.Account{URL: server.URL, Token: object.Sensitive(people["gantry"].Token)}, organization+"/"+s.name)
		if err != nil {
			t.Fatal(err)
		}
		return f, s
	}
	f, s := open(t)
	shared := func(*testing.T) (providers.Forge, forgetest.Site) { return f, s }
	t.Run("wrong token", func(t *testing.T) { wrongToken(t, server.URL) })
	if os.Getenv("GANTRY_SOAK") == "" {
		// Each write into a repository takes a second, or several on a busy machine.
		forgetest.Check(t, shared, "pulls of a commit", "reviews", "members", "comment")
		return
	}
	forgetest.Check(t, shared)
	t.Run("merged in each way", func(t *testing.T) { mergedInEachWay(t, open) })
	t.Run("dismissed and stale", func(t *testing.T) { dismissed(t, open) })
	t.Run("repositories of an owner", func(t *testing.T) { repositoriesOfOwner(t, server, people) })
}

func (s *site) Branch(t *testing.T, name string) {
	t.Helper()
	s.commit(t, "main", name)
}

// commit adds a file to a branch, or to a new one that begins there.
func (s *site) commit(t *testing.T, branch, newBranch string) {
	t.Helper()
	s.made++
	in := map[string]any{"branch": branch, "message": "change", "content": base64.StdEncoding.EncodeToString([]byte("x"))}
	if newBranch != "" {
		in["new_branch"] = newBranch
	}
	s.server.API(t, s.people["author"], http.MethodPost, fmt.Sprintf("%s/contents/file-%d", s.path, s.made), in, nil)
}

func (s *site) Open(t *testing.T, title string) int64 {
	t.Helper()
	branch := fmt.Sprintf("change-%d", s.made+1)
	s.Branch(t, branch)
	var made struct {
		Number int64 `json:"number"`
	}
	s.server.API(t, s.people["author"], http.MethodPost, s.path+"/pulls", map[string]any{"title": title, "head": branch, "base": "main"}, &made)
	return made.Number
}

type pull struct {
	Mergeable bool `json:"mergeable"`
	Head      struct {
		Ref string `json:"ref"`
		SHA string `json:"sha"`
	} `json:"head"`
}

func (s *site) pull(t *testing.T, number int64) pull {
	t.Helper()
	var got pull
	s.server.API(t, s.server.Admin, http.MethodGet, fmt.Sprintf("%s/pulls/%d", s.path, number), nil, &got)
	return got
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

func (s *site) Push(t *testing.T, number int64) {
	t.Helper()
	before := s.pull(t, number)
	s.commit(t, before.Head.Ref, "")
	until(t, "the pull request notices the push", func() bool { return s.pull(t, number).Head.SHA != before.Head.SHA })
}

func (s *site) Review(t *testing.T, number int64, verdict providers.ReviewVerdict) string {
	t.Helper()
	who := []string{"one", "two", "three"}[s.reviewers%3]
	s.reviewers++
	event := map[providers.ReviewVerdict]string{providers.Approved: "APPROVED", providers.ChangesRequested: "REQUEST_CHANGES"}[verdict]
	s.server.API(t, s.people[who], http.MethodPost, fmt.Sprintf("%s/pulls/%d/reviews", s.path, number), map[string]any{"event": event, "body": "said"}, nil)
	return who
}

func (s *site) Merge(t *testing.T, number int64) {
	t.Helper()
	until(t, "the pull request can be merged", func() bool { return s.pull(t, number).Mergeable })
	s.server.API(t, s.server.Admin, http.MethodPost, fmt.Sprintf("%s/pulls/%d/merge", s.path, number), map[string]any{"Do": s.style}, nil)
}

func (s *site) Close(t *testing.T, number int64) {
	t.Helper()
	s.server.API(t, s.people["author"], http.MethodPatch, fmt.Sprintf("%s/pulls/%d", s.path, number), map[string]any{"state": "closed"}, nil)
}

func (s *site) Say(t *testing.T, number int64, body string) {
	t.Helper()
	s.server.API(t, s.people["author"], http.MethodPost, fmt.Sprintf("%s/issues/%d/comments", s.path, number), map[string]any{"body": body}, nil)
}

func (s *site) Bodies(t *testing.T, number int64) []string {
	t.Helper()
	var all []struct {
		Body string `json:"body"`
	}
	s.server.API(t, s.server.Admin, http.MethodGet, fmt.Sprintf("%s/issues/%d/comments", s.path, number), nil, &all)
	var out []string
	for _, one := range all {
		out = append(out, one.Body)
	}
	return out
}

func (s *site) Shown(t *testing.T, commit, name string) providers.CheckState {
	t.Helper()
	var got struct {
		Statuses []struct {
			Context string `json:"context"`
			Status  string `json:"status"`
		} `json:"statuses"`
	}
	s.server.API(t, s.server.Admin, http.MethodGet, s.path+"/commits/"+commit+"/status", nil, &got)
	for _, one := range got.Statuses {
		if one.Context == name {
			return providers.CheckState(one.Status)
		}
	}
	return ""
}

func (s *site) Group(*testing.T) (group, member, other string) {
	return organization + ":sre", "one", "stranger"
}

func (*site) Labels() bool { return true }

type opener func(*testing.T) (*gitea.Forge, *site)

func mergedInEachWay(t *testing.T, open opener) {
	f, s := open(t)
	for _, style := range []string{"merge", "squash", "rebase", "rebase-merge"} {
		number := s.Open(t, "by "+style)
		s.commit(t, "main", "") // so that no way is a fast-forward
		s.style = style
		s.Merge(t, number)
		p, err := f.Pull(t.Context(), number)
		if err != nil || !p.Merged {
			t.Fatalf("%s: %+v, %v", style, p, err)
		}
		for _, commit := range []string{p.Head, p.MergedAs} {
			found, err := f.Pulls(t.Context(), commit)
			if err != nil || len(found) != 1 || found[0].Number != number {
				t.Errorf("%s: %s is of %+v, %v", style, commit, found, err)
			}
		}
		if has, err := f.Contains(t.Context(), "main", p.MergedAs); err != nil || !has {
			t.Errorf("%s: main has it: %v, %v", style, has, err)
		}
		has, err := f.Contains(t.Context(), "main", p.Head)
		if want := style == "merge"; err != nil || has != want {
			t.Errorf("%s: main has the head: %v, %v", style, has, err)
		}
	}
}

func dismissed(t *testing.T, open opener) {
	f, s := open(t)
	s.server.API(t, s.server.Admin, http.MethodPost, s.path+"/branch_protections", map[string]any{
		"rule_name": "main", "branch_name": "main", "required_approvals": 1, "dismiss_stale_approvals": true,
	}, nil)
	number := s.Open(t, "stale")
	s.Review(t, number, providers.Approved)
	s.Push(t, number)
	until(t, "the approval is dismissed", func() bool {
		got, err := f.Reviews(t.Context(), number)
		if err != nil {
			t.Fatal(err)
		}
		return len(got) == 1 && got[0].Verdict == providers.Dismissed && got[0].Stale
	})
}

func wrongToken(t *testing.T, address string) {
	const token = "0123456789012345678901234567890123456789"
	f, err := gitea.New(shape.Account{URL: address + "/api/v1/", Token: token}, organization+"/repository-1")
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.OpenPulls(t.Context())
	if !errors.Is(err, providers.ErrUnauthorized) || strings.Contains(err.Error(), token) {
		t.Error(err)
	}
}

func repositoriesOfOwner(t *testing.T, server *giteatest.Server, people map[string]giteatest.User) {
	repository := func(name string, initialized bool) string {
		server.API(t, people["stranger"], http.MethodPost, "/user/repos", map[string]any{"name": name, "auto_init": initialized, "default_branch": "main"}, nil)
		return "/repos/stranger/" + name
	}
	web := repository("web", true)
	repository("empty", false)
	server.API(t, people["stranger"], http.MethodPut, web+"/topics", map[string]any{"topics": []string{"deployed"}}, nil)
	server.API(t, people["stranger"], http.MethodPost, web+"/branches", map[string]any{"new_branch_name": "feature/x", "old_branch_name": "main"}, nil)
	old := repository("old", true)
	server.API(t, people["stranger"], http.MethodPatch, old, map[string]any{"archived": true}, nil)
	owner, err := gitea.NewOwner(shape.Account{URL: server.URL, Token: object.Sensitive(people["stranger"].Token)}, "stranger")
	if err != nil {
		t.Fatal(err)
	}
	all, err := owner.Repositories(t.Context())
	if err != nil || len(all) != 2 || all[0].Name != "stranger/empty" || all[1].Name != "stranger/web" || all[0].DefaultBranch != "" || all[1].DefaultBranch != "main" {
		t.Fatalf("%+v, %v", all, err)
	}
	if u, err := url.Parse(all[1].URL); err != nil || u.User != nil || !slices.Equal(all[1].Labels, []string{"deployed"}) {
		t.Errorf("%+v, %v", all[1], err)
	}
	branches, err := owner.Branches(t.Context(), "stranger/web")
	if err != nil || len(branches) != 2 || branches[1].Name != "main" || branches[0].Head != branches[1].Head {
		t.Errorf("%+v, %v", branches, err)
	}
	main, err := owner.Branch(t.Context(), "stranger/web", "main")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{"README.md": true, "nowhere": false, "a/b c#d": false} {
		if has, err := owner.HasPath(t.Context(), "stranger/web", main.Head, path); err != nil || has != want {
			t.Errorf("%s: %v, %v", path, has, err)
		}
	}
	nobody, err := gitea.NewOwner(shape.Account{URL: server.URL, Token: object.Sensitive(people["stranger"].Token)}, "no-such-owner")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nobody.Repositories(t.Context()); !errors.Is(err, providers.ErrNotFound) {
		t.Error(err)
	}
}
