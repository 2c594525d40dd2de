package argocd

import (
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
)

// The names that Argo CD has for the cluster that it runs in itself.
const (
	inClusterServer = "https://kubernetes.default.svc"
	inClusterName   = "in-cluster"
)

// cluster is a cluster that a Secret declares, or that a destination names.
type cluster struct {
	name, server string // as Argo CD has them
	label        string
	block        *draft.Block
}

// clusters are all of them.
type clusters struct {
	im       *importer
	byServer map[string]*cluster
	byName   map[string]*cluster
	order    []*cluster
}

func newClusters(im *importer) *clusters {
	return &clusters{im: im, byServer: map[string]*cluster{}, byName: map[string]*cluster{}}
}

func normalServer(server string) string {
	server = strings.TrimSuffix(strings.TrimSpace(server), "/")
	if server == "https://kubernetes.default" || server == inClusterServer+".cluster.local" || server == inClusterServer+":443" {
		return inClusterServer
	}
	return server
}

// add makes a cluster and its block.
func (cs *clusters) add(name, server string) *cluster {
	c := &cluster{name: name, server: normalServer(server)}
	if c.server == inClusterServer && name == "" {
		c.name = inClusterName
	}
	base := c.name
	if base == "" {
		base = serverName(server)
	}
	if cs.im.exact.clusters {
		c.label = cs.im.exactLabel("cluster", base)
	} else {
		c.label = cs.im.label("cluster", base)
	}
	c.block = &draft.Block{Type: "cluster", Labels: []string{c.label}}
	if c.server != "" {
		cs.byServer[c.server] = c
	}
	if c.name != "" {
		cs.byName[c.name] = c
	}
	cs.order = append(cs.order, c)
	return c
}

// atServer returns the cluster at an address, and makes one where no Secret does.
func (cs *clusters) atServer(o *object, n *manifest.Node) *cluster {
	server := normalServer(n.Text())
	if c := cs.byServer[server]; c != nil {
		return c
	}
	if server == inClusterServer {
		return cs.inCluster(inClusterName)
	}
	c := cs.add("", server)
	c.block.Set("server", draft.String(server), draft.None())
	o.finding(ToDo, n, "No Secret among the files says how to log in to %s: add an auth block to cluster.%s, or reach it with kubeconfig and context.", server, c.label)
	return c
}

// inCluster returns the cluster that Argo CD runs in.
func (cs *clusters) inCluster(name string) *cluster {
	if c := cs.byServer[inClusterServer]; c != nil {
		return c
	}
	c := cs.add(name, inClusterServer)
	c.block.Comment(`Where Argo CD runs. Outside a pod of it, say context = "..." instead.`)
	c.block.Set("in_cluster", draft.Raw("true"), draft.None())
	return c
}

// named returns the cluster with a name, and makes one where no Secret does.
func (cs *clusters) named(o *object, n *manifest.Node) *cluster {
	name := n.Text()
	if c := cs.byName[name]; c != nil {
		return c
	}
	if name == inClusterName {
		return cs.inCluster(name)
	}
	c := cs.add(name, "")
	c.block.Set("context", draft.String(name), draft.None())
	o.finding(ToDo, n, "No Secret among the files says where the cluster %q is: cluster.%s takes a context of that name from the kubeconfig. Correct it if there is none.", name, c.label)
	return c
}

func (c *cluster) reference() string { return "cluster." + c.label }

func (cs *clusters) write() {
	for _, c := range cs.order {
		cs.im.add(clustersFile, c.block)
	}
}
