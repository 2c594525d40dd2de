// Package guard holds applications to the rules of their project: which
// repositories and paths they may read, where they may go, what they may have there,
// and as whom they speak to clusters.
//
// The rules are data ([plan.Project]), and are judged by the same code when a plan is
// made and when one is applied, from whatever hands it comes: Source, Destination and
// Object while it is made, Application over all that a plan says. Every function returns
// what is refused, by which rule, and how to allow it; nothing where the application has
// no project. It does no I/O; the engine, which adds source ranges, imports it.
//
// The rules are Argo CD's in spirit: globs, and what is denied is denied whatever is
// allowed elsewhere. Where nothing is written nothing is restricted, but for
// cluster-scoped objects: those are allowed one by one. A list that is written and empty
// allows nothing. What cannot be understood, a pattern or a URL, is refused.
package guard

import (
	"fmt"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
)

// Rules are the rules of a project, compiled. Nil ones allow everything. They are safe for
// concurrent use.
type Rules struct {
	project      *plan.Project
	repositories patterns
	paths        []pathRule
	signatures   []signatureRule
	destinations []place
	denied       []place
	clusterKinds kinds
	kinds        kinds
	identities   []place
	ignores      []ignore
	broken       []plan.Problem // patterns that cannot be read: then nothing is allowed
}

// Compile compiles the rules of a project; nil for none.
func Compile(project *plan.Project) *Rules {
	if project == nil {
		return nil
	}
	r := &Rules{project: project}
	compileList := func(argument, at string, into *patterns, compile func([]string) (patterns, error), list []string) {
		var err error
		if *into, err = compile(list); err != nil {
			r.broken = append(r.broken, r.problem("Invalid pattern in project", at, fmt.Sprintf(
				"%s: %s: %s. Nothing is allowed until it is mended.", project.Address, argument, err)))
		}
	}
	places := func(argument string, list []plan.Destination) []place {
		out := make([]place, len(list))
		for i, d := range list {
			out[i].Destination = d
			compileList(argument+".clusters", d.Range, &out[i].clusters, compileClusters, d.Clusters)
			compileList(argument+".namespaces", d.Range, &out[i].namespaces, compileNames, d.Namespaces)
		}
		return out
	}
	compileKinds := func(block string, rules plan.ResourceRules) kinds {
		out, argument, err := compileKinds(rules)
		if err != nil {
			r.broken = append(r.broken, r.problem("Invalid pattern in project", rules.Range, fmt.Sprintf(
				"%s: %s.%s: %s. Nothing is allowed until it is mended.", project.Address, block, argument, err)))
		}
		return out
	}
	compileList("repositories", project.Range, &r.repositories, compileRepositories, project.Repositories)
	for _, rule := range project.Sources {
		compiled := pathRule{SourceRule: rule}
		compileList("source.repositories", rule.Range, &compiled.repositories, compileRepositories, rule.Repositories)
		compileList("source.paths", rule.Range, &compiled.paths, compilePaths, rule.Paths)
		r.paths = append(r.paths, compiled)
	}
	for _, rule := range project.Signatures {
		compiled := signatureRule{demand: demand(project.Address.String(), rule.Range, source.Trust{
			SSHKeys: rule.SSHKeys, GPGKeys: rule.GPGKeys, Strict: rule.Strict, Since: rule.Since,
		})}
		compileList("signature.repositories", rule.Range, &compiled.repositories, compileRepositories, rule.Repositories)
		r.signatures = append(r.signatures, compiled)
	}
	r.destinations = places("destination", project.Destinations)
	r.denied = places("destination", project.DeniedDestinations)
	for _, identity := range project.Identities {
		r.identities = append(r.identities, places("identity", []plan.Destination{identity.Destination})...)
	}
	r.compileIgnores()
	r.clusterKinds = compileKinds("cluster_resources", project.ClusterResources)
	r.kinds = compileKinds("namespace_resources", project.NamespaceResources)
	return r
}

// Repository checks a location that an application reads. Directories beside the
// configuration and objects in it are a part of it and always allowed.
func (r *Rules) Repository(location source.Location) []plan.Problem {
	if r == nil || location.Type == source.Inline || location.Type == source.Directory {
		return nil
	}
	if r.broken != nil {
		return r.broken
	}
	if !r.restrictsSources() {
		return nil
	}
	url, err := canonical(location.URL)
	if err != nil {
		return r.problems("Repository not allowed", r.project.Range, fmt.Sprintf(
			"%s restricts repositories, and which one %s is cannot be told: %s.", r.project.Address, shown(location.URL), err))
	}
	switch answer, pattern := r.repositories.ask(url); answer {
	case denied:
		return r.problems("Repository not allowed", r.project.Range, fmt.Sprintf(
			"%s denies the repository %s: repositories has %q.", r.project.Address, shown(location.URL), pattern))
	case unmentioned:
		return r.problems("Repository not allowed", r.project.Range, fmt.Sprintf(
			"%s does not allow the repository %s; its repositories are %s. Add it there to allow it.",
			r.project.Address, shown(location.URL), quoted(r.project.Repositories)))
	case permitted:
	}
	return nil
}

// Destination checks where an application goes: a cluster by name and by server,
// and a namespace in it. An empty namespace is of no cluster's: then each object is
// asked about by itself.
func (r *Rules) Destination(cluster, server, namespace string) []plan.Problem {
	if r == nil {
		return nil
	}
	if r.broken != nil {
		return r.broken
	}
	for _, d := range r.denied {
		if d.covers(cluster, server, namespace) {
			return r.problems("Destination not allowed", d.Range, fmt.Sprintf(
				"%s denies %s: a destination with deny = true has clusters [%s] with namespaces [%s].",
				r.project.Address, where(cluster, namespace), anyOf(d.Clusters), anyOf(d.Namespaces)))
		}
	}
	if r.project.Destinations == nil {
		return nil
	}
	allowed := false
	for _, d := range r.destinations {
		inCluster, pattern := d.clusters.ask(cluster, server)
		if inCluster == denied {
			return r.problems("Destination not allowed", d.Range, fmt.Sprintf(
				"%s denies the cluster %q: destination.clusters has %q.", r.project.Address, cluster, pattern))
		}
		if inCluster != permitted {
			continue
		}
		inNamespace, pattern := d.namespaces.ask(namespace)
		if namespace == "" {
			inNamespace = permitted
		}
		if inNamespace == denied {
			return r.problems("Destination not allowed", d.Range, fmt.Sprintf(
				"%s denies the namespace %q in the cluster %q: destination.namespaces has %q.", r.project.Address, namespace, cluster, pattern))
		}
		allowed = allowed || inNamespace == permitted
	}
	if allowed {
		return nil
	}
	return r.problems("Destination not allowed", r.project.Range, fmt.Sprintf(
		"%s does not allow %s; its destinations are %s. Add a destination block to it to allow it.",
		r.project.Address, where(cluster, namespace), destinations(r.project.Destinations)))
}

// where is a destination for people.
func where(cluster, namespace string) string {
	if namespace == "" {
		return fmt.Sprintf("the cluster %q", cluster)
	}
	return fmt.Sprintf("the namespace %q in the cluster %q", namespace, cluster)
}

// Object checks one object of an application: its kind, its name, and where it is: for a
// namespaced one its namespace, and of a Namespace itself. Cluster and server are the
// destination's.
func (r *Rules) Object(id object.ID, namespaced bool, cluster, server string) []plan.Problem {
	if r == nil {
		return nil
	}
	if r.broken != nil {
		return r.broken
	}
	problems := r.kind(id, namespaced)
	switch {
	case namespaced:
		problems = append(problems, r.Destination(cluster, server, id.Namespace)...)
	case id.GroupKind() == object.GroupKind{Kind: "Namespace"}: // who changes a namespace is in it
		problems = append(problems, r.Destination(cluster, server, id.Name)...)
	default: // the cluster itself was asked about as the application's destination
	}
	for i := range problems {
		problems[i].Object = &id
	}
	return problems
}

func (r *Rules) kind(id object.ID, namespaced bool) []plan.Problem {
	rules, written, block, scope := r.kinds, r.project.NamespaceResources, "namespace_resources", "namespaced"
	if !namespaced {
		rules, written, block, scope = r.clusterKinds, r.project.ClusterResources, "cluster_resources", "cluster-scoped"
	}
	for _, alias := range aliases(id) {
		if pattern, ok := rules.deny.match(alias); ok {
			also := ""
			if alias != id {
				also = fmt.Sprintf(" %s is the same object as %s.", id, alias)
			}
			return r.problems("Kind not allowed", at(written.Range, r.project.Range), fmt.Sprintf(
				"%s denies %s: %s.deny has %q.%s", r.project.Address, id, block, pattern, also))
		}
	}
	if written.Allow == nil && namespaced {
		return nil
	}
	if _, ok := rules.allow.match(id); ok {
		return nil
	}
	return r.problems("Kind not allowed", at(written.Range, r.project.Range), fmt.Sprintf(
		"%s does not allow the %s object %s; its %s.allow is %s. Add %q there to allow it.",
		r.project.Address, scope, id, block, quoted(written.Allow), kindPattern(id)))
}

// problem is one that a rule at a place brings about.
func (r *Rules) problem(summary, rule, detail string) plan.Problem {
	if rule != "" {
		detail += fmt.Sprintf(" The rule is at %s.", rule)
	}
	return plan.Problem{Address: r.project.Address, Summary: summary, Detail: detail, Rule: rule}
}

func (r *Rules) problems(summary, rule, detail string) []plan.Problem {
	return []plan.Problem{r.problem(summary, rule, detail)}
}

// at is the first place that is known.
func at(places ...string) string {
	for _, place := range places {
		if place != "" {
			return place
		}
	}
	return ""
}
