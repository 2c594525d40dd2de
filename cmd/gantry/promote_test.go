package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestPromotionStory promotes on a real forge and a real cluster: a pull request is opened,
// kept current, and left alone where somebody else has committed to it.
func TestPromotionStory(t *testing.T) {
	t.Parallel()
	s := newPullStory(t)
	config := func(staging string) map[string]string {
		return map[string]string{"main.gantry.hcl": fmt.Sprintf(`gantry {
  backend "local" {
    path = %q
  }
  forge "gitea" {
    url        = %q
    repository = %q
  }
}
cluster "main" {
  kubeconfig = %q
}
`, filepath.Join(s.dir, "state"), s.server.URL, storyRepository, s.kubeconfig), "web.gantry.hcl": fmt.Sprintf(`application "web" {
  for_each = {
    staging    = %q
    production = "web:v1" # proven
  }
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = each.key }, data = { image = each.value } }]
  }
  destination {
    cluster   = cluster.main
    namespace = %q
  }
  sync {
    create_namespace = true
  }
}
`, staging, s.namespace)}
	}
	take := func() {
		s.run(s.applier, "git", "fetch", "--quiet", "origin")
		s.run(s.applier, "git", "checkout", "--quiet", "-B", "main", "origin/main")
		s.run(s.applier, program(t), "apply", "--auto-approve")
	}
	promote := []string{"promote", "application.web", "--from", "staging", "--to", "production"}
	s.push("main", config("web:v2"), false)
	take()
	digest := s.promotedDigest()

	// The clone itself may not push: the forge's token does.
	s.run(s.applier, "git", "config", "--unset", "http.extraHeader")
	s.run(s.applier, "git", "config", "http.extraHeader", "X-Nothing: x")
	if out := s.run(s.applier, program(t), promote...); !strings.Contains(out, "Opened #1: "+s.server.URL) {
		t.Fatal(out)
	}
	pulls := s.promotions()
	if len(pulls) != 1 || pulls[0].Title != "Promote application.web from staging to production" || !strings.Contains(pulls[0].Body, digest) || strings.Contains(pulls[0].Body, "speaks against") {
		t.Fatalf("%+v", pulls)
	}
	first := pulls[0]
	s.run(s.author, "git", "fetch", "--quiet", "origin")
	if diff := s.run(s.author, "git", "diff", "--unified=0", "origin/main", "origin/"+first.Head.Ref); !strings.HasSuffix(diff, "-    production = \"web:v1\" # proven\n+    production = \"web:v2\" # proven") || strings.Count(diff, "\n@@") != 1 {
		t.Error(diff)
	}

	// Again is the same, and opens no other.
	if out := s.run(s.applier, program(t), promote...); !strings.Contains(out, "Updated #1") {
		t.Error(out)
	}
	if pulls = s.promotions(); len(pulls) != 1 || pulls[0].Head.SHA != first.Head.SHA {
		t.Errorf("%+v", pulls)
	}

	// What runs there moves on, and so does the pull request; what is gone past is told.
	s.push("main", config("web:v3"), false)
	s.run(s.applier, "git", "config", "http.extraHeader", "Authorization: Basic "+s.login("gantry"))
	take()
	s.run(s.applier, program(t), "hold", `application.web["staging"]`, "--reason", "<b>@alice</b>")
	if out, code := s.try(s.applier, program(t), promote...); code != 1 || !strings.Contains(out, "is held") {
		t.Errorf("%d: %s", code, out)
	}
	s.run(s.applier, program(t), append(promote, "--override-evidence", "--reason", "INC-42")...)
	if pulls = s.promotions(); len(pulls) != 1 || pulls[0].Head.SHA == first.Head.SHA {
		t.Errorf("%+v", pulls)
	}
	s.commented(1, "web", "v3", "INC-42", "speaks against")
	s.run(s.author, "git", "fetch", "--quiet", "origin")
	if count := s.run(s.author, "git", "rev-list", "--count", "origin/main..origin/"+first.Head.Ref); count != "1" {
		t.Errorf("%s commits", count)
	}
	if out := s.run(s.author, "git", "show", "origin/"+first.Head.Ref+":web.gantry.hcl"); !strings.Contains(out, `production = "web:v3"`) {
		t.Error(out)
	}

	// What somebody else has committed to the branch is not lost.
	s.run(s.author, "git", "checkout", "--quiet", "-B", "mine", "origin/"+first.Head.Ref)
	if err := os.WriteFile(filepath.Join(s.author, "note"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run(s.author, "git", "add", "note")
	s.run(s.author, "git", "commit", "--quiet", "--message", "mine")
	s.run(s.author, "git", "push", "--quiet", "origin", "mine:"+first.Head.Ref)
	mine := s.run(s.author, "git", "rev-parse", "HEAD")
	s.run(s.applier, program(t), "release", `application.web["staging"]`)
	if out, code := s.try(s.applier, program(t), promote...); code != 1 || !strings.Contains(out, "commits that are not gantry's") {
		t.Errorf("%d: %s", code, out)
	}
	if pulls = s.promotions(); pulls[0].Head.SHA != mine {
		t.Errorf("%+v", pulls)
	}
}

type promotedPull struct {
	Number int64  `json:"number"`
	Title  string `json:"title"`
	Body   string `json:"body"`
	Head   struct {
		SHA string `json:"sha"`
		Ref string `json:"ref"`
	} `json:"head"`
}

// promotions are the open pull requests, once the forge has taken in what was pushed.
func (s *pullStory) promotions() []promotedPull {
	s.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var out []promotedPull
		s.server.API(s.T, s.server.Admin, http.MethodGet, "/repos/"+storyRepository+"/pulls?state=open", nil, &out)
		current := true
		for i := range out {
			current = current && strings.HasPrefix(s.run(s.author, "git", "ls-remote", "origin", "refs/heads/"+out[i].Head.Ref), out[i].Head.SHA)
		}
		if current || time.Now().After(deadline) {
			return out
		}
	}
}

// promotedDigest is the change digest that staging was applied with.
func (s *pullStory) promotedDigest() string {
	s.Helper()
	out := s.run(s.applier, program(s.T), "history", `application.web["staging"]`, "--json")
	_, after, ok := strings.Cut(out, `"digest": "`)
	digest, _, closed := strings.Cut(after, `"`)
	if !ok || !closed {
		s.Fatal(out)
	}
	return digest
}
