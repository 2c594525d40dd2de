// Package guard holds applications to the rules of their project: which
// repositories they may read, where they may go, and what they may have there.
//
// Every function returns what is refused, by which rule, and how to allow it;
// nothing where the application has no project. It does no I/O; the engine, which
// adds source ranges, imports it.
//
// The rules are Argo CD's in spirit: globs, and what is denied is denied whatever
// is allowed elsewhere. Where nothing is written nothing is restricted, but for
// cluster-scoped objects: those are allowed one by one.
package guard

import (
	"fmt"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/source"
)

// Source checks a location that an application reads. Directories beside the
// configuration and objects in it are a part of it and always allowed.
func Source(project *lang.Project, location source.Location) []plan.Problem {
	if project == nil || location.Type == source.Inline || location.Type == source.Directory {
		return nil
	}
	rules, err := compile(normalizeAll(project.Repositories), '/')
	if err != nil {
		return invalid(project, "repositories", err)
	}
	for i := range rules {
		rules[i].text = project.Repositories[i] // as it was written
	}
	answer, pattern := rules.ask(normalize(location.URL))
	switch answer {
	case permitted:
		return nil
	case denied:
		return problem(project, "Repository not allowed", fmt.Sprintf(
			"%s denies the repository %s: repositories has %q.", project.Address, shown(location.URL), pattern))
	case unmentioned:
	}
	return problem(project, "Repository not allowed", fmt.Sprintf(
		"%s does not allow the repository %s; its repositories are %s. Add it there to allow it.",
		project.Address, shown(location.URL), quoted(project.Repositories)))
}

// Destination checks where an application goes: a cluster by name and by server,
// and a namespace in it. An empty namespace is of no cluster's: then each object is
// asked about by itself.
func Destination(project *lang.Project, cluster, server, namespace string) []plan.Problem {
	if project == nil || len(project.Destinations) == 0 {
		return nil
	}
	allowed := false
	for _, d := range project.Destinations {
		clusters, err := compileClusters(d.Clusters)
		if err != nil {
			return invalid(project, "destination.clusters", err)
		}
		namespaces, err := compile(d.Namespaces)
		if err != nil {
			return invalid(project, "destination.namespaces", err)
		}
		inCluster, pattern := clusters.ask(cluster, server)
		if inCluster == denied {
			return problem(project, "Destination not allowed", fmt.Sprintf(
				"%s denies the cluster %q: destination.clusters has %q.", project.Address, cluster, pattern))
		}
		if inCluster != permitted {
			continue
		}
		inNamespace, pattern := namespaces.ask(namespace)
		if namespace == "" {
			inNamespace = permitted
		}
		if inNamespace == denied {
			return problem(project, "Destination not allowed", fmt.Sprintf(
				"%s denies the namespace %q in the cluster %q: destination.namespaces has %q.", project.Address, namespace, cluster, pattern))
		}
		allowed = allowed || inNamespace == permitted
	}
	if allowed {
		return nil
	}
	where := fmt.Sprintf("the cluster %q", cluster)
	if namespace != "" {
		where = fmt.Sprintf("the namespace %q in the cluster %q", namespace, cluster)
	}
	return problem(project, "Destination not allowed", fmt.Sprintf(
		"%s does not allow %s; its destinations are %s. Add a destination block to it to allow it.",
		project.Address, where, destinations(project.Destinations)))
}

// Object checks one object of an application: its kind, its name, and for a
// namespaced one its namespace. cluster is the name of the destination's.
func Object(project *lang.Project, id object.ID, namespaced bool, cluster string) []plan.Problem {
	if project == nil {
		return nil
	}
	problems := kind(project, id, namespaced)
	if namespaced { // the cluster itself was asked about as the application's destination
		problems = append(problems, Destination(project, cluster, "", id.Namespace)...)
	}
	for i := range problems {
		problems[i].Object = &id
	}
	return problems
}

func kind(project *lang.Project, id object.ID, namespaced bool) []plan.Problem {
	rules, block, scope := project.NamespaceResources, "namespace_resources", "namespaced"
	if !namespaced {
		rules, block, scope = project.ClusterResources, "cluster_resources", "cluster-scoped"
	}
	for _, pattern := range rules.Deny {
		match, err := matchKind(pattern, id)
		if err != nil {
			return invalid(project, block+".deny", err)
		}
		if match {
			return problem(project, "Kind not allowed", fmt.Sprintf(
				"%s denies %s: %s.deny has %q.", project.Address, id, block, pattern))
		}
	}
	if rules.Allow == nil && namespaced {
		return nil
	}
	for _, pattern := range rules.Allow {
		match, err := matchKind(pattern, id)
		if err != nil {
			return invalid(project, block+".allow", err)
		}
		if match {
			return nil
		}
	}
	return problem(project, "Kind not allowed", fmt.Sprintf(
		"%s does not allow the %s object %s; its %s.allow is %s. Add %q there to allow it.",
		project.Address, scope, id, block, quoted(rules.Allow), kindPattern(id)))
}

func problem(project *lang.Project, summary, detail string) []plan.Problem {
	return []plan.Problem{{Address: project.Address, Summary: summary, Detail: detail}}
}

func invalid(project *lang.Project, argument string, err error) []plan.Problem {
	return problem(project, "Invalid pattern in project", fmt.Sprintf(
		"%s: %s: %s. Nothing is allowed until it is mended.", project.Address, argument, err))
}
