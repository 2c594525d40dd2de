package supervisor

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/home"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/kubeconfig"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/pki"
)

// configFiles are the servers' configuration files that are the same in every
// cluster.
//
//go:embed config/*.yaml
var configFiles embed.FS

// writeFiles writes what the servers read: certificates, kubeconfigs and their
// configuration. There are three authorities: for the cluster and its users, for
// etcd, so that no certificate that the cluster signs opens the store, and for
// the proxy in front of aggregated API servers.
func writeFiles(dir home.Dir, server string, now time.Time) error {
	w := &writer{dir: dir, cluster: dir.Name(), server: server}
	cluster := w.authority("ca", "gantry-cluster-"+dir.Name(), now)
	etcd := w.authority("etcd-ca", "gantry-cluster-"+dir.Name()+"-etcd", now)
	proxy := w.authority("proxy-ca", "gantry-cluster-"+dir.Name()+"-proxy", now)
	if w.err != nil {
		return w.err
	}

	w.pair("etcd", func() (pki.Pair, error) { return etcd.Server("etcd", "127.0.0.1", "localhost") })
	w.pair("etcd-client", func() (pki.Pair, error) { return etcd.Client("kube-apiserver") })
	w.pair("proxy-client", func() (pki.Pair, error) { return proxy.Client("front-proxy-client") })
	w.pair("apiserver", func() (pki.Pair, error) {
		return cluster.Server("kube-apiserver", "127.0.0.1", serviceAddress, "localhost", "kubernetes",
			"kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
	})
	w.tokenKeys()

	w.kubeconfig(cluster, dir.Kubeconfig(), "admin", "gantry-cluster-admin", "system:masters")
	w.kubeconfig(cluster, dir.Path("config", "controller-manager.kubeconfig"), "controller-manager", "system:kube-controller-manager")
	w.kubeconfig(cluster, dir.Path("config", "scheduler.kubeconfig"), "scheduler", "system:kube-scheduler")
	w.kubeconfig(cluster, dir.Path("config", "kwok.kubeconfig"), "kwok", kwokUser)
	w.configs()
	return w.err
}

// writer writes files until the first error, which it keeps.
type writer struct {
	dir     home.Dir
	cluster string
	server  string
	err     error
}

func (w *writer) authority(name, commonName string, now time.Time) *pki.Authority {
	if w.err != nil {
		return nil
	}
	a, err := pki.NewAuthority(commonName, now)
	if err != nil {
		w.err = err
		return nil
	}
	w.pair(name, func() (pki.Pair, error) { return a.Pair, nil })
	return a
}

func (w *writer) pair(name string, issue func() (pki.Pair, error)) {
	if w.err != nil {
		return
	}
	p, err := issue()
	if err != nil {
		w.err = err
		return
	}
	w.write(p.Cert, "pki", name+".crt")
	w.write(p.Key, "pki", name+".key")
}

func (w *writer) tokenKeys() {
	if w.err != nil {
		return
	}
	private, public, err := pki.TokenKeys()
	if err != nil {
		w.err = err
		return
	}
	w.write(private, "pki", "tokens.key")
	w.write(public, "pki", "tokens.pub")
}

func (w *writer) kubeconfig(ca *pki.Authority, file, name, user string, groups ...string) {
	if w.err != nil {
		return
	}
	client, err := ca.Client(user, groups...)
	if err != nil {
		w.err = err
		return
	}
	data, err := kubeconfig.Render(w.cluster, w.server, name, ca.Cert, client)
	if err != nil {
		w.err = err
		return
	}
	w.err = home.WriteFile(file, data)
}

func (w *writer) configs() {
	entries, err := fs.ReadDir(configFiles, "config")
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("read the configuration files in this binary: %w", err)
	}
	for _, e := range entries {
		data, err := configFiles.ReadFile(path.Join("config", e.Name()))
		if err != nil && w.err == nil {
			w.err = fmt.Errorf("read the configuration file %s in this binary: %w", e.Name(), err)
		}
		w.write(data, "config", e.Name())
	}
}

func (w *writer) write(data []byte, elements ...string) {
	if w.err == nil {
		w.err = w.dir.Write(data, elements...)
	}
}
