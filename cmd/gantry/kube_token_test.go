package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"sigs.k8s.io/yaml"
)

// token asks the cluster for a token of the namespace's service account, for an audience or
// with none for the API server, as "kubectl create token" does.
func (k *kube) token(ctx context.Context, kubeconfig, account, audience string) (string, error) {
	client, server, err := clientOf(kubeconfig)
	if err != nil {
		return "", err
	}
	defer client.CloseIdleConnections()
	spec := map[string]any{} // for the API server itself
	if audience != "" {
		spec["audiences"] = []string{audience}
	}
	body, err := json.Marshal(map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec})
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("%s/api/v1/namespaces/%s/serviceaccounts/%s/token", server, k.namespace, account), bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	var made struct{ Status struct{ Token string } }
	if err := json.Unmarshal(text, &made); err != nil || made.Status.Token == "" {
		return "", fmt.Errorf("no token: %s: %s", response.Status, text)
	}
	return made.Status.Token, nil
}

// clientOf speaks to the only cluster of a kubeconfig, as its only user.
func clientOf(kubeconfig string) (*http.Client, string, error) {
	text, err := os.ReadFile(kubeconfig)
	if err != nil {
		return nil, "", err
	}
	var config struct {
		Clusters []struct {
			Cluster struct {
				Server    string `json:"server"`
				Authority []byte `json:"certificate-authority-data"`
			} `json:"cluster"`
		} `json:"clusters"`
		Users []struct {
			User struct {
				Certificate []byte `json:"client-certificate-data"`
				Key         []byte `json:"client-key-data"`
			} `json:"user"`
		} `json:"users"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		return nil, "", err
	}
	if len(config.Clusters) != 1 || len(config.Users) != 1 {
		return nil, "", errors.New("the kubeconfig is not of one cluster and one user")
	}
	cluster, user := config.Clusters[0].Cluster, config.Users[0].User
	pair, err := tls.X509KeyPair(user.Certificate, user.Key)
	if err != nil {
		return nil, "", err
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(cluster.Authority)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: authorities}}}, cluster.Server, nil
}
