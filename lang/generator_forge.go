package lang

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/function"
	"github.com/gantrycd/gantry/lang/generate"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/source"
)

// forgeArguments are what says which forge is asked.
func forgeArguments() []schema.Argument {
	return append([]schema.Argument{
		{Name: "forge", Type: schema.String, Required: true, Doc: "What kind of forge it is: `\"github\"`, `\"gitlab\"`, `\"gitea\"`, `\"forgejo\"`, `\"bitbucket\"` or `\"bitbucket_data_center\"`."},
	}, govern.ForgeArguments()...)
}

func pullRequestGenerator() *eval.Kind {
	return generatorType("pull_request",
		"Gives an item for each pull request of a repository that is open: a preview environment comes with it, and goes when it is closed or merged. The key is its number. A forge that does not answer, or not as it should, is an error: nothing goes for that.",
		`generator "pull_request" "previews" {
  forge      = "github"
  repository = "example/web"
  token      = secret.environment.forge
  labels     = ["preview"]

  filter {
    target_branch = "^main$"
  }
  max_removed = "50%"
}`,
		append(forgeArguments(),
			schema.Argument{Name: "repository", Type: schema.String, Required: true, Doc: "The repository, as `owner/name`."},
			schema.Argument{Name: "labels", Type: schema.Strings, Default: "none", Doc: "The labels that a pull request must have, all of them."},
			schema.Argument{Name: "forks", Type: schema.Bool, Default: "false", Doc: "Whether those count whose branch is in another repository. Anybody can open such a one, and what it holds would be applied."},
		),
		append(govern.ForgeAppBlocks("for this repository alone", "the repository's"), schema.Nested{Block: &schema.Block{
			Type: "filter",
			Doc:  "What a pull request must be like: all that the block says. Of several blocks one is enough.",
			Arguments: []schema.Argument{
				{Name: "title", Type: schema.String, Doc: "A regular expression that the title matches."},
				{Name: "branch", Type: schema.String, Doc: "One that the name of its branch matches."},
				{Name: "target_branch", Type: schema.String, Doc: "One that the branch matches that it is to be merged into."},
			},
		}}),
		generatePulls)
}

// pullFilter is a filter block.
type pullFilter struct{ title, branch, target *regexp.Regexp }

func (f pullFilter) met(p eval.Pull) bool {
	return matches(f.title, p.Title) && matches(f.branch, p.Branch) && matches(f.target, p.Target)
}

func matches(pattern *regexp.Regexp, text string) bool {
	return pattern == nil || pattern.MatchString(text)
}

func generatePulls(e *eval.Evaluation, in *eval.Instance) (generated, bool) {
	v := in.Values
	place := forgePlace(in)
	if place.Name = v.String("repository"); v.IsKnown("repository") && !govern.IsRepository(place.Name) {
		in.ErrorAt(v, "repository", "Unsuitable value", "The repository must be written as owner/name, such as \"example/web\", and not %q.", place.Name)
	}
	var filters []pullFilter
	for _, b := range v.Blocks("filter") {
		filters = append(filters, pullFilter{title: pattern(in, b, "title"), branch: pattern(in, b, "branch"), target: pattern(in, b, "target_branch")})
	}
	if in.Failed || !v.Known() {
		return generated{}, false
	}
	if e.Offline() {
		in.Deferred = true
		return generated{}, false
	}
	pulls, err := e.ReadPulls(place)
	if err != nil {
		in.ErrorAt(v, "forge", "Cannot ask forge", "The pull requests of %s cannot be told: %s.", place.Name, err)
		return generated{}, false
	}
	labels, forks := v.Strings("labels"), v.Bool("forks", false)
	var found []generate.PullRequest
	for _, p := range pulls {
		has := func(label string) bool { return slices.Contains(p.Labels, label) }
		switch {
		case p.Fork && !forks:
		case slices.ContainsFunc(labels, func(label string) bool { return !has(label) }):
		case len(filters) > 0 && !slices.ContainsFunc(filters, func(f pullFilter) bool { return f.met(p) }):
		default:
			found = append(found, generate.PullRequest{
				Number: p.Number, Title: p.Title, Author: p.Author, Branch: p.Branch, Head: p.Head, Target: p.Target, Labels: p.Labels,
			})
		}
	}
	return fromForge(e, place, generate.PullRequests(found, function.DNSLabel), "pull requests")
}

func scmProviderGenerator() *eval.Kind {
	return generatorType("scm_provider",
		"Gives an item for each repository of an organization, group, workspace or person at a forge. The key is the repository's name. Archived repositories, and those without a commit, are left out. A forge that does not answer, or not as it should, is an error: nothing goes for that.",
		`generator "scm_provider" "services" {
  forge = "github"
  owner = "example"
  token = secret.environment.forge

  filter {
    repository = "^service-"
    label      = "^deployed$"
    paths      = ["deploy/kustomization.yaml"]
  }
  max_removed = 3
}`,
		append(forgeArguments(),
			schema.Argument{Name: "owner", Type: schema.String, Required: true, Doc: "Whose repositories are meant. Of a group at GitLab those of the groups in it count, too."},
			schema.Argument{Name: "all_branches", Type: schema.Bool, Default: "false", Doc: "Whether all branches are items, and not the default one alone. The key is then `repository/branch`."},
			schema.Argument{Name: "clone_protocol", Type: schema.String, Default: `"https"`, Doc: "What the attribute `url` is for: `\"https\"` or `\"ssh\"`."},
		),
		append(govern.ForgeAppBlocks("for all that it is installed for", "the owner's"), schema.Nested{Block: &schema.Block{
			Type: "filter",
			Doc:  "What a repository must be like: all that the block says. Of several blocks one is enough.",
			Arguments: []schema.Argument{
				{Name: "repository", Type: schema.String, Doc: "A regular expression that its name matches."},
				{Name: "label", Type: schema.String, Doc: "One that one of its topics matches. Bitbucket has none."},
				{Name: "branch", Type: schema.String, Doc: "One that the name of the branch matches."},
				{Name: "paths", Type: schema.Strings, Doc: "Files or folders that the branch has, all of them."},
				{Name: "no_paths", Type: schema.Strings, Doc: "Files or folders of which the branch has none."},
			},
		}}),
		generateRepositories)
}

func generateRepositories(e *eval.Evaluation, in *eval.Instance) (generated, bool) {
	v := in.Values
	place := forgePlace(in)
	if place.Name = v.String("owner"); v.IsKnown("owner") && !govern.IsRepository(place.Name+"/x") {
		in.ErrorAt(v, "owner", "Unsuitable value", "The owner must be the name of an organization, group, workspace or person, and not %q.", place.Name)
	}
	protocol := "https"
	if v.IsKnown("clone_protocol") {
		if protocol = v.String("clone_protocol"); protocol != "https" && protocol != "ssh" {
			in.ErrorAt(v, "clone_protocol", "Unsuitable value", "The argument \"clone_protocol\" is \"https\" or \"ssh\", and not %q.", protocol)
		}
	}
	query := eval.RepositoryQuery{AllBranches: v.Bool("all_branches", false)}
	for _, b := range v.Blocks("filter") {
		filter := eval.RepositoryFilter{
			Name: pattern(in, b, "repository"), Label: pattern(in, b, "label"), Branch: pattern(in, b, "branch"),
			Paths: b.Strings("paths"), NoPaths: b.Strings("no_paths"),
		}
		for _, name := range []string{"paths", "no_paths"} {
			checkForgePaths(in, b, name)
		}
		query.Filters = append(query.Filters, filter)
	}
	if in.Failed || !v.Known() {
		return generated{}, false
	}
	if e.Offline() {
		in.Deferred = true
		return generated{}, false
	}
	branches, err := e.ReadRepositories(place, query)
	if err != nil {
		in.ErrorAt(v, "forge", "Cannot ask forge", "The repositories of %s cannot be told: %s.", place.Name, err)
		return generated{}, false
	}
	found := make([]generate.Repository, 0, len(branches))
	for _, b := range branches {
		url := b.URL
		if protocol == "ssh" {
			url = b.SSHURL
		}
		found = append(found, generate.Repository{ID: b.ID, Name: b.Repository, URL: url, Branch: b.Branch, Head: b.Head, Labels: b.Labels})
	}
	return fromForge(e, place, generate.Repositories(found, place.Name, query.AllBranches, function.DNSLabel), "repositories")
}

// forgePlace reads which forge is asked, but for what of it.
func forgePlace(in *eval.Instance) eval.ForgePlace {
	v := in.Values
	place := eval.ForgePlace{
		Type: v.String("forge"), URL: govern.CheckForge(in, v), Username: v.String("username"), Token: credential(v, "token"), CAData: v.String("ca_certificate"),
		App: govern.DecodeForgeApp(in, v),
	}
	if place.App != nil && v.IsKnown("forge") && place.Type != "github" {
		in.ErrorAt(v, "forge", "Unsuitable block", "Only GitHub has apps: at a forge of type %q a token logs in. Remove the block \"app\".", place.Type)
	}
	if v.IsKnown("forge") && !slices.Contains(govern.ForgeTypes(), place.Type) {
		hint := ""
		if near := schema.Suggest(place.Type, govern.ForgeTypes()); near != "" {
			hint = fmt.Sprintf(" Did you mean %q?", near)
		}
		in.ErrorAt(v, "forge", "Unsuitable value", "There is no forge of type %q; there are %s.%s", place.Type, schema.List(govern.ForgeTypes(), "and"), hint)
	}
	if govern.ForgeNeedsURL(place.Type) && !v.Has("url") {
		in.Errorf(v.Range, "Missing required argument", "Where the forge is must be said: set url, such as \"https://git.example.com\".")
	}
	return place
}

// pattern reads a regular expression; nil where there is none.
func pattern(in *eval.Instance, v *schema.Values, name string) *regexp.Regexp {
	if !v.IsKnown(name) {
		return nil
	}
	compiled, err := regexp.Compile(v.String(name))
	if err != nil {
		in.ErrorAt(v, name, "Invalid regular expression", "%q is no regular expression: %s.", v.String(name), strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return compiled
}

// checkForgePaths refuses paths that no file of a repository has.
func checkForgePaths(in *eval.Instance, v *schema.Values, name string) {
	for _, path := range v.Strings(name) {
		if path == "" || strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/") || slices.Contains(strings.Split(path, "/"), "..") {
			in.ErrorAt(v, name, "Unsuitable value", "A path is from the root of the repository, such as \"deploy/kustomization.yaml\", and not %q.", path)
		}
	}
}

// fromForge is what a generator comes to that has asked a forge.
func fromForge(e *eval.Evaluation, place eval.ForgePlace, items []generate.Item, what string) (generated, bool) {
	at := place.URL
	if at == "" {
		at = place.Type
	}
	sum := sha256.Sum256([]byte(place.Type + "\x00" + what))
	pin := source.Pin{
		Location: source.Location{Type: source.Forge, URL: strings.TrimRight(at, "/") + "/" + place.Name, Revision: "sha256:" + hex.EncodeToString(sum[:])},
		Digest:   generate.Digest(items),
	}
	e.Pin(pin)
	return generated{items: items, reads: []source.Pin{pin}}, true
}
