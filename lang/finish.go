package lang

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/refactor"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/target"
)

// finisher puts a Config together and checks what concerns several blocks.
type finisher struct {
	config *Config
	diags  hcl.Diagnostics
}

// configOf makes the Config of what was evaluated.
func configOf(m *eval.Module, result *eval.Result, scope *Scope, options EvalOptions) (*Config, hcl.Diagnostics) {
	c := &Config{
		Dir: m.Dir(), Broken: result.Broken, Deferred: result.Deferred, Unset: result.Unset, Incomplete: result.Incomplete, Unguarded: result.Unguarded, Pins: result.Pins,
		Graph: m.Graph(),
	}
	f := &finisher{config: c}
	for _, made := range result.Made {
		f.add(made)
	}
	if c.Settings.Backend.Type == "" {
		c.Settings.Backend.Type = f.backendUnsaid()
	}
	f.leaveUnsound(result.Unsound)
	f.checkNames()
	f.checkRemoteClusters()
	slices.SortFunc(c.Variables, func(a, b Variable) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(c.Outputs, func(a, b Output) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(c.Remotes, func(a, b *Remote) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(c.Clusters, func(a, b *Cluster) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(c.Credentials, func(a, b *Credentials) int { return a.Address.Compare(b.Address) })
	f.checkCredentials(m, scope, options)
	slices.SortFunc(c.Secrets, func(a, b *target.Secret) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(c.Repositories, func(a, b *Repository) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(c.Projects, func(a, b *Project) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(c.Generators, func(a, b *Generator) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(c.Applications, func(a, b *Application) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(c.Broken, func(a, b Broken) int { return a.Address.Compare(b.Address) })
	c.Broken = slices.CompactFunc(c.Broken, func(a, b Broken) bool { return a.Address == b.Address })
	slices.SortFunc(c.Deferred, addr.Address.Compare)
	slices.SortFunc(c.Unset, func(a, b Variable) int {
		return cmp.Or(strings.Compare(a.Range.Filename, b.Range.Filename), cmp.Compare(a.Range.Start.Byte, b.Range.Start.Byte))
	})
	slices.SortFunc(c.Roles, func(a, b *govern.Role) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(c.Rollouts, func(a, b *govern.Rollout) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(c.Health, func(a, b *govern.Health) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(c.Notifiers, func(a, b *govern.Notifier) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(c.Triggers, func(a, b *govern.Trigger) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(c.Policies, func(a, b *govern.Policy) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(c.Checks, func(a, b *govern.Check) int { return a.Address.Compare(b.Address) })
	f.placeInRollouts()
	f.checkRefactoring()
	f.checkWindows()
	f.checkRoles()
	f.checkRoleProjects()
	c.RolesUnknown = !f.checkIssuers() || f.rolesUnknown(m.Files())
	f.subscribe()
	found := len(f.diags)
	for _, diag := range f.diags[found:] {
		diag.Extra = AboutPlans{}
	}
	slices.SortFunc(c.Pins, func(a, b source.Pin) int { return strings.Compare(a.Key(), b.Key()) })
	c.Pins = slices.CompactFunc(c.Pins, func(a, b source.Pin) bool { return a.Key() == b.Key() })
	c.Digest = digest(m, c)
	return c, f.diags
}

// add puts one decoded block into the Config.
func (f *finisher) add(made any) {
	c := f.config
	switch made := made.(type) {
	case Settings:
		c.Settings = made
	case Output:
		c.Outputs = append(c.Outputs, made)
	case Variable:
		c.Variables = append(c.Variables, made)
	case *Remote:
		c.Remotes = append(c.Remotes, made)
	case *Cluster:
		c.Clusters = append(c.Clusters, made)
	case refactor.Moved:
		c.Refactoring.Moved = append(c.Refactoring.Moved, made)
	case refactor.Removed:
		c.Refactoring.Removed = append(c.Refactoring.Removed, made)
	case refactor.Import:
		c.Refactoring.Imports = append(c.Refactoring.Imports, made)
	case *Credentials:
		c.Credentials = append(c.Credentials, made)
	case *target.Secret:
		c.Secrets = append(c.Secrets, made)
	case *Repository:
		c.Repositories = append(c.Repositories, made)
	case *Project:
		c.Projects = append(c.Projects, made)
	case *Generator:
		c.Generators = append(c.Generators, made)
	case *Application:
		c.Applications = append(c.Applications, made)
	case *govern.Role:
		c.Roles = append(c.Roles, made)
	case *govern.Rollout:
		c.Rollouts = append(c.Rollouts, made)
	case *govern.Health:
		c.Health = append(c.Health, made)
	case *govern.Notifier:
		c.Notifiers = append(c.Notifiers, made)
	case *govern.Trigger:
		c.Triggers = append(c.Triggers, made)
	case *govern.Policy:
		c.Policies = append(c.Policies, made)
	case *govern.Check:
		c.Checks = append(c.Checks, made)
	default:
		panic(fmt.Sprintf("there is no place for a %T. This is a bug in gantry.", made))
	}
}

// leaveUnsound takes the applications of module instances with unsuitable inputs for
// broken, whether they use these inputs or not: none of them is what is meant.
func (f *finisher) leaveUnsound(modules []addr.Address) {
	if len(modules) == 0 {
		return
	}
	f.config.Applications = slices.DeleteFunc(f.config.Applications, func(a *Application) bool {
		unsound := slices.ContainsFunc(modules, func(m addr.Address) bool { return m.Covers(a.Address) })
		if unsound {
			f.config.Broken = append(f.config.Broken, Broken{Address: a.Address, Range: a.Range})
		}
		return unsound
	})
}

// backendUnsaid is the type of the backend where no sound gantry block says it: the
// default, but only where there is none.
func (f *finisher) backendUnsaid() string {
	declared := slices.ContainsFunc(f.config.Graph, func(n Node) bool { return n.Address.Kind == "gantry" })
	if declared || f.config.Incomplete {
		return UnknownBackend
	}
	return "local"
}

// checkNames holds that names are unique: of clusters, projects and repositories
// each, and of applications in their project. Applications whose name is taken
// twice are both broken.
func (f *finisher) checkNames() {
	clusters := map[string]hcl.Range{}
	for _, cluster := range f.config.Clusters {
		f.checkName("cluster", cluster.Name, cluster.Range, clusters)
	}
	projects := map[string]hcl.Range{}
	for _, project := range f.config.Projects {
		f.checkName("project", project.Name, project.Range, projects)
	}
	repositories := map[string]hcl.Range{}
	for _, repository := range f.config.Repositories {
		f.checkName("repository", path.Join(repository.Address.Module, repository.Name), repository.Range, repositories)
	}
	type key struct{ project, name string }
	first := map[key]*Application{}
	broken := map[*Application]bool{}
	for _, application := range f.config.Applications {
		k := key{name: application.Name}
		if application.Project != nil {
			k.project = application.Project.Address.String()
		}
		other, taken := first[k]
		if !taken {
			first[k] = application
			continue
		}
		broken[application], broken[other] = true, true
		where := "outside any project"
		if k.project != "" {
			where = "in " + k.project
		}
		f.diags = append(f.diags, &hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Duplicate application name",
			Detail:   fmt.Sprintf("%s and %s (%s) are both called %q %s. Set the argument \"name\" of one of them.", application.Address, other.Address, other.Range, application.Name, where),
			Subject:  application.Range.Ptr(),
		})
	}
	if len(broken) == 0 {
		return
	}
	f.config.Applications = slices.DeleteFunc(f.config.Applications, func(a *Application) bool { return broken[a] })
	for application := range broken {
		f.config.Broken = append(f.config.Broken, Broken{Address: application.Address, Range: application.Range})
	}
}

// checkName reports a name that is taken.
func (f *finisher) checkName(kind, name string, at hcl.Range, taken map[string]hcl.Range) {
	first, ok := taken[name]
	if !ok {
		taken[name] = at
		return
	}
	f.diags = append(f.diags, &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Duplicate " + kind + " name",
		Detail:   fmt.Sprintf("Two %s blocks give the name %q; the first is at %s. The keys of for_each are names, too.", kind, name, first),
		Subject:  at.Ptr(),
	})
}

// digest hashes what the Config was made of.
func digest(m *eval.Module, c *Config) string {
	hash := sha256.New()
	part := func(name, content string) {
		fmt.Fprintf(hash, "%d:%s%d:%s", len(name), name, len(content), content)
	}
	read := m.Read()
	for _, name := range schema.SortedKeys(read) {
		sum := read[name]
		part("file "+name, string(sum[:]))
	}
	for _, variable := range c.Variables {
		part("variable "+variable.Name, variable.Value)
	}
	_, _ = io.WriteString(hash, "end")
	return "sha256:" + hex.EncodeToString(hash.Sum(nil))
}
