package kubernetes

import (
	"context"
	"encoding/json"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	discovery "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// parallelDiscovery bounds the requests of discovery without aggregation.
const parallelDiscovery = 8

// readGroupsOneByOne discovers from a server, or through a proxy, that does not
// aggregate: root was answered by a list of versions (of /api) or of groups (of
// /apis), and each version has a document of its own.
func (c *cluster) readGroupsOneByOne(ctx context.Context, root string, answer response, built *catalog) ([]discovery.APIGroupDiscovery, error) {
	groups, err := legacyGroups(root, answer.body)
	if err != nil {
		return nil, c.notKubernetes(answer, err)
	}
	var (
		mu        sync.Mutex // of built.broken
		group     errgroup.Group
		documents = make([][]metav1.APIResourceList, len(groups))
	)
	group.SetLimit(parallelDiscovery)
	for i, g := range groups {
		documents[i] = make([]metav1.APIResourceList, len(g.Versions))
		for j, version := range g.Versions {
			group.Go(func() error {
				path := root + "/" + version.GroupVersion
				err := c.getJSON(ctx, request{verb: verbDiscovery, path: path}, &documents[i][j])
				if err != nil && ctx.Err() == nil {
					mu.Lock()
					defer mu.Unlock()
					built.broken[version.GroupVersion] = err.Error()
					return nil
				}
				return err
			})
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	out := make([]discovery.APIGroupDiscovery, len(groups))
	for i, g := range groups {
		out[i].Name = g.Name
		for j, version := range g.Versions {
			out[i].Versions = append(out[i].Versions, discovery.APIVersionDiscovery{
				Version:   version.Version,
				Resources: legacyResources(documents[i][j]),
			})
		}
	}
	return out, nil
}

// legacyGroups reads the groups of /apis, or the one group of /api, with the
// preferred version first.
func legacyGroups(root string, body []byte) ([]metav1.APIGroup, error) {
	if root == "/api" {
		var versions metav1.APIVersions
		if err := json.Unmarshal(body, &versions); err != nil {
			return nil, err
		}
		core := metav1.APIGroup{}
		for _, version := range versions.Versions {
			core.Versions = append(core.Versions, metav1.GroupVersionForDiscovery{GroupVersion: version, Version: version})
		}
		return []metav1.APIGroup{core}, nil
	}
	var list metav1.APIGroupList
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, err
	}
	for _, group := range list.Groups {
		for i, version := range group.Versions {
			if i > 0 && version == group.PreferredVersion {
				copy(group.Versions[1:i+1], group.Versions[:i])
				group.Versions[0] = version
			}
		}
	}
	return list.Groups, nil
}

// legacyResources converts a version's document; subresources are left out.
func legacyResources(list metav1.APIResourceList) []discovery.APIResourceDiscovery {
	var out []discovery.APIResourceDiscovery
	for _, resource := range list.APIResources {
		if strings.Contains(resource.Name, "/") {
			continue
		}
		scope := discovery.ScopeCluster
		if resource.Namespaced {
			scope = discovery.ScopeNamespace
		}
		out = append(out, discovery.APIResourceDiscovery{
			Resource:     resource.Name,
			ResponseKind: &metav1.GroupVersionKind{Kind: resource.Kind},
			Scope:        scope,
			Verbs:        resource.Verbs,
		})
	}
	return out
}
