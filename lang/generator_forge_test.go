package lang_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/plan/source"
)

var _ eval.ForgeReader = fakeReader{}

const someHead = "0123456789abcdef0123456789abcdef01234567"

// ReadPulls answers by the repository that is asked.
func (fakeReader) ReadPulls(_ context.Context, place eval.ForgePlace) ([]eval.Pull, error) {
	if place.Name != "example/web" {
		return nil, errors.New("no answer")
	}
	return []eval.Pull{
		{Number: 12, Title: "Add a cart", Author: "somebody", Branch: "feature/Cart_1", Head: someHead, Target: "main", Labels: []string{"preview", "web"}},
		{Number: 7, Title: "Fix", Author: "other", Branch: "fix", Head: someHead, Target: "release", Labels: []string{"preview"}},
		{Number: 3, Title: "Without", Author: "other", Branch: "w", Head: someHead, Target: "main"},
		{Number: 2, Title: "From a stranger", Author: "stranger", Branch: "main", Head: someHead, Target: "main", Labels: []string{"preview"}, Fork: true},
	}, nil
}

// ReadRepositories tells what it was asked for in a label.
func (fakeReader) ReadRepositories(_ context.Context, place eval.ForgePlace, query eval.RepositoryQuery) ([]eval.RepositoryBranch, error) {
	if place.Name == "silent" {
		return nil, errors.New("no answer")
	}
	var asked []string
	for _, f := range query.Filters {
		asked = append(asked, f.Name.String()+" "+strings.Join(f.Paths, ","))
	}
	return []eval.RepositoryBranch{
		{ID: "1", Repository: "example/web", URL: "https://git.example.com/example/web.git", SSHURL: "git@git.example.com:example/web.git", Branch: "main", Head: someHead, Labels: asked},
		{ID: "2", Repository: "example/sub/web", URL: "https://git.example.com/example/sub/web.git", Branch: "main", Head: someHead},
	}, nil
}

func TestPullRequestGenerator(t *testing.T) {
	config := mustEvaluate(t, `
generator "pull_request" "labelled" {
  forge      = "github"
  repository = "example/web"
  labels     = ["preview"]
}
generator "pull_request" "filtered" {
  forge      = "gitea"
  url        = "https://git.example.com"
  repository = "example/web"
  forks      = true
  filter {
    title         = "^Add"
    target_branch = "^main$"
  }
  filter { branch = "^(w|main)$" }
}
`)
	labelled := generatorNamed(t, config, "generator.pull_request.labelled")
	want := map[string]string{
		"12": `{ author = "somebody", branch = "feature/Cart_1", branch_slug = "feature-cart-1", head_sha = "` + someHead + `", head_short_sha = "01234567", head_short_sha_7 = "0123456", labels = ["preview", "web"], number = "12", target_branch = "main", target_branch_slug = "main", title = "Add a cart" }`,
		"7":  `{ author = "other", branch = "fix", branch_slug = "fix", head_sha = "` + someHead + `", head_short_sha = "01234567", head_short_sha_7 = "0123456", labels = ["preview"], number = "7", target_branch = "release", target_branch_slug = "release", title = "Fix" }`,
	}
	if diff := cmp.Diff(want, itemTexts(labelled.Items)); diff != "" {
		t.Error(diff)
	}
	filtered := generatorNamed(t, config, "generator.pull_request.filtered")
	if diff := cmp.Diff([]string{"12", "2", "3"}, filtered.Keys()); diff != "" {
		t.Error(diff)
	}
	if len(config.Pins) != 2 || labelled.Reads[0].Type != source.Forge || labelled.Reads[0].Digest == filtered.Reads[0].Digest || labelled.Reads[0].URL != "github/example/web" {
		t.Errorf("pins are %v", config.Pins)
	}
}

func TestScmProviderGenerator(t *testing.T) {
	config := mustEvaluate(t, `
generator "scm_provider" "all" {
  forge = "gitlab"
  owner = "example"
  filter {
    repository = "^w"
    paths      = ["deploy"]
  }
}
generator "scm_provider" "branches" {
  forge          = "gitlab"
  owner          = "example"
  all_branches   = true
  clone_protocol = "ssh"
}
`)
	all := generatorNamed(t, config, "generator.scm_provider.all")
	want := `{ branch = "main", branch_slug = "main", labels = ["^w deploy"], organization = "example", repository = "web", repository_id = "1", sha = "` + someHead + `", short_sha = "01234567", short_sha_7 = "0123456", url = "https://git.example.com/example/web.git" }`
	if diff := cmp.Diff(want, itemTexts(all.Items)["web"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"sub/web", "web"}, all.Keys()); diff != "" {
		t.Error(diff)
	}
	branches := generatorNamed(t, config, "generator.scm_provider.branches")
	if diff := cmp.Diff([]string{"sub/web/main", "web/main"}, branches.Keys()); diff != "" || !strings.Contains(itemTexts(branches.Items)["web/main"], `url = "git@git.example.com:example/web.git"`) {
		t.Error(diff, itemTexts(branches.Items))
	}
}

// An app logs in where a token would, at GitHub alone.
func TestGeneratorsWithAnApp(t *testing.T) {
	const app = `
  app {
    id          = %q
    private_key = "x"
  }`
	for name, c := range map[string]struct{ forge, says string }{
		"at GitHub":        {`forge = "github"` + fmt.Sprintf(app, "123456"), ""},
		"elsewhere":        {`forge = "gitlab"` + fmt.Sprintf(app, "123456"), "Only GitHub has apps"},
		"with a token":     {`forge = "github"` + "\n" + `token = "y"` + fmt.Sprintf(app, "123456"), "says what logs in, too"},
		"an ID that isn't": {`forge = "github"` + fmt.Sprintf(app, "../x"), "letters, digits and dots only"},
	} {
		for _, generator := range []string{"\"pull_request\" \"x\" {\nrepository = \"example/web\"\n", "\"scm_provider\" \"x\" {\nowner = \"example\"\n"} {
			_, diags := evaluateOffline(t, "generator "+generator+c.forge+"\n}\n")
			text := fmt.Sprint(diags)
			if c.says == "" && diags.HasErrors() || !strings.Contains(text, c.says) {
				t.Errorf("%s: %s", name, text)
			}
		}
	}
}

// Without a Reader what is made of a forge's answer is deferred: it has not vanished.
func TestForgesAreNotAskedOffline(t *testing.T) {
	config, diags := evaluateOffline(t, `
generator "pull_request" "previews" {
  forge      = "github"
  repository = "example/web"
}
`)
	if diags.HasErrors() || len(config.Generators) != 0 {
		t.Error(diags, config.Generators)
	}
}

// evaluateOffline evaluates without the outside world.
func evaluateOffline(t *testing.T, text string) (*lang.Config, interface{ HasErrors() bool }) {
	t.Helper()
	m, diags := lang.Load("", lang.LoadOptions{FS: fstest.MapFS{"main.gantry.hcl": &fstest.MapFile{Data: []byte(text)}}})
	config, more := m.Evaluate(t.Context(), lang.EvalOptions{})
	return config, append(diags, more...)
}
