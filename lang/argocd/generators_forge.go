package argocd

import (
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
)

// forgeFields are how Argo CD's generators name, for each forge, where it is, whose
// repositories are meant and what one is called.
var forgeFields = map[string]struct{ forge, url, owner, repository string }{
	"github":    {"github", "api", "owner", "repo"},
	"gitlab":    {"gitlab", "api", "", "project"},
	"gitea":     {"gitea", "api", "owner", "repo"},
	"bitbucket": {"bitbucket", "api", "owner", "repo"},

	"bitbucketServer": {"bitbucket_data_center", "api", "project", "repo"},
}

// scmOwners are the fields with the owner in the generator scmProvider.
var scmOwners = map[string]string{"github": "organization", "gitlab": "group", "gitea": "owner", "bitbucket": "owner", "bitbucketServer": "project"}

// forge writes which forge a generator asks, and returns the block of Argo CD that says so; nil
// for one that there is no client of.
func (s *applicationSet) forge(n *manifest.Node, block *draft.Block) *manifest.Node {
	for _, name := range sortedKeys(forgeFields) {
		of := n.Get(name)
		if of == nil {
			continue
		}
		block.Set("forge", draft.String(forgeFields[name].forge), draft.None())
		s.within(nil).set(block, "url", of.Get(forgeFields[name].url))
		s.login(of, block)
		return of
	}
	s.leave(n, "There is no client of that forge. Say what it gives with a generator \"list\", \"git\" or \"plugin\", and make the application of that.")
	return nil
}

// login writes who asks a forge. What is secret is a variable: in Argo CD it is in a Secret.
func (s *applicationSet) login(of *manifest.Node, block *draft.Block) {
	name := forgeFields[of.Key()].forge
	for _, field := range []string{"tokenRef", "basicAuth", "bearerToken", "appPasswordRef"} {
		given := of.Get(field)
		if given == nil {
			continue
		}
		whose := given.Get("username")
		if field == "appPasswordRef" {
			whose = of.Get("user")
		}
		s.within(nil).set(block, "username", whose)
		given.Use()
		block.Set("token", s.loginPart(name, "token", "The token that generators ask "+name+" with.", true), draft.None())
	}
	if authority := of.Get("caRef"); authority != nil {
		authority.Use()
		block.Set("ca_certificate", s.loginPart(name, "ca_certificate", "The authorities that the certificate of "+name+" must come from, in PEM.", false), draft.None())
	}
}

// app writes the app that asks a forge, where there is one.
func (s *applicationSet) app(of *manifest.Node, block *draft.Block) {
	app := of.Get("appSecretName")
	if app == nil {
		return
	}
	app.Use()
	name := forgeFields[of.Key()].forge
	inner := &draft.Block{Type: "app"}
	inner.Set("id", s.loginPart(name, "app_id", "The ID of the app that generators ask "+name+" as.", false), draft.None())
	inner.Set("installation", s.loginPart(name, "app_installation", "The ID of that app's installation.", false), draft.None())
	inner.Set("private_key", s.loginPart(name, "app_private_key", "The private key of that app, in PEM.", true), draft.None())
	block.Add(inner)
	s.finding(ToDo, app, "What this Secret of Argo CD holds is not copied: set the variables of the app to its githubAppID, githubAppInstallationID and githubAppPrivateKey.")
}

// loginPart is the variable for a part of what logs in to a forge.
func (s *applicationSet) loginPart(forge, part, description string, sensitive bool) draft.Value {
	return draft.Raw(s.im.variable(identifier("forge", forge)+"_"+part, description, sensitive))
}

// pullRequests writes a generator of pull requests.
func (s *applicationSet) pullRequests(n *manifest.Node, outer *given, base string) *given {
	block := &draft.Block{}
	of := s.forge(n, block)
	if of == nil {
		return nil
	}
	w := s.within(outer)
	fields := forgeFields[of.Key()]
	name := of.Get(fields.repository).Text()
	if fields.owner != "" {
		name = of.Get(fields.owner).Text() + "/" + name
	}
	if !strings.Contains(name, "/") {
		s.finding(ToDo, of, "The project is known by its number, %q. Set repository to its path, such as \"group/name\".", name)
	}
	block.Set("repository", draft.String(name), draft.None())
	w.setStrings(block, "labels", of.Get("labels"))
	block.Set("forks", draft.Raw("true"), draft.None())
	s.finding(ToDo, n, "As in Argo CD pull requests from forks count, which anybody can open. Remove forks where they should not.")
	s.app(of, block)
	for _, filter := range n.Get("filters").Items() {
		inner := w.nested(block, "filter", filter)
		w.set(inner, "title", filter.Get("titleMatch"))
		w.set(inner, "branch", filter.Get("branchMatch"))
		w.set(inner, "target_branch", filter.Get("targetBranchMatch"))
	}
	return s.asked("pull_request", n, outer, base, block)
}

// repositories writes a generator of repositories.
func (s *applicationSet) repositories(n *manifest.Node, outer *given, base string) *given {
	block := &draft.Block{}
	of := s.forge(n, block)
	if of == nil {
		return nil
	}
	w := s.within(outer)
	w.set(block, "owner", of.Get(scmOwners[of.Key()]))
	w.set(block, "all_branches", of.Get("allBranches"))
	w.set(block, "clone_protocol", n.Get("cloneProtocol"))
	s.app(of, block)
	for _, filter := range n.Get("filters").Items() {
		inner := w.nested(block, "filter", filter)
		w.set(inner, "repository", filter.Get("repositoryMatch"))
		w.set(inner, "label", filter.Get("labelMatch"))
		w.set(inner, "branch", filter.Get("branchMatch"))
		w.setStrings(inner, "paths", filter.Get("pathsExist"))
		w.setStrings(inner, "no_paths", filter.Get("pathsDoNotExist"))
	}
	return s.asked("scm_provider", n, outer, base, block)
}

// asked is what a generator gives that asks a forge.
func (s *applicationSet) asked(kind string, n *manifest.Node, outer *given, base string, block *draft.Block) *given {
	scope := s.scopeOf(openShape{})
	values := s.values(n.Get("values"), scope, outer)
	scope.shapes = slices.Concat([]shape{values}, scope.shapes)
	return &given{expression: s.emit(kind, base, n, block), scope: scope}
}
