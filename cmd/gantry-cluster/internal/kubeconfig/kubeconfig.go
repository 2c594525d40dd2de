// Package kubeconfig writes the files with which programs reach a cluster.
package kubeconfig

import (
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/pki"
)

// Context returns the name of the context, and of the cluster in it, that the
// kubeconfig of the named cluster has.
func Context(cluster string) string { return "gantry-" + cluster }

// Render returns a kubeconfig with everything in it: the server, the authority
// that its certificate is verified with, and the client certificate of a user.
func Render(cluster, server, user string, authority []byte, client pki.Pair) ([]byte, error) {
	name := Context(cluster)
	userName := name + "-" + user
	config := api.NewConfig()
	config.Clusters[name] = &api.Cluster{Server: server, CertificateAuthorityData: authority}
	config.AuthInfos[userName] = &api.AuthInfo{ClientCertificateData: client.Cert, ClientKeyData: client.Key}
	config.Contexts[name] = &api.Context{Cluster: name, AuthInfo: userName}
	config.CurrentContext = name
	data, err := clientcmd.Write(*config)
	if err != nil {
		return nil, fmt.Errorf("write the kubeconfig of %s: %w", user, err)
	}
	return data, nil
}
