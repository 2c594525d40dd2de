package kubernetes

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
)

const defaultExecAPIVersion = "client.authentication.k8s.io/v1"

// Connect returns the cluster at a connection, without reaching it. It returns
// an ErrNotFound (wrapped) where the kubeconfig or its context is not there.
func (c *Clusters) Connect(name string, connection target.Connection, credentials target.Credentials) (providers.Cluster, error) {
	config, err := c.restConfig(connection, credentials)
	if err != nil {
		return nil, fmt.Errorf("cluster %q: %w", name, err)
	}
	cluster, err := newCluster(name, config, c.options, c.pause)
	if err != nil {
		return nil, fmt.Errorf("cluster %q: %w", name, err)
	}
	return cluster, nil
}

// Config returns what client-go dials a cluster with, for who speaks to it in another way
// than by a providers.Cluster: a store of state. It reaches nothing.
func (c *Clusters) Config(connection target.Connection, credentials target.Credentials) (*rest.Config, error) {
	return c.restConfig(connection, credentials)
}

// restConfig turns a connection into what client-go dials with.
func (c *Clusters) restConfig(connection target.Connection, credentials target.Credentials) (*rest.Config, error) {
	config, err := c.baseConfig(connection, credentials)
	if err != nil {
		return nil, err
	}
	if err := overrideTLS(config, connection); err != nil {
		return nil, err
	}
	if connection.ProxyURL != "" {
		proxy, err := parseProxy(connection.ProxyURL)
		if err != nil {
			return nil, err
		}
		config.Proxy = http.ProxyURL(proxy)
	}
	if connection.Impersonate != "" {
		config.Impersonate = rest.ImpersonationConfig{UserName: connection.Impersonate}
	}
	if connection.As != nil {
		if err := actAs(config, connection.As); err != nil {
			return nil, err
		}
	}
	config.UserAgent = "gantry/" + c.options.Version
	return config, nil
}

func (c *Clusters) baseConfig(connection target.Connection, credentials target.Credentials) (*rest.Config, error) {
	if !connection.InCluster && connection.Server != "" {
		return c.serverConfig(connection, credentials)
	}
	if !credentials.IsZero() {
		return nil, errors.New("a token, client certificate or password is for a cluster given by its server; a kubeconfig and the in-cluster connection have their own")
	}
	if connection.Exec != nil {
		return nil, errors.New("a credential program is for a cluster given by its server; a kubeconfig and the in-cluster connection have their own")
	}
	if connection.InCluster {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("this process does not run in a pod of a cluster: %w", err)
		}
		return config, nil
	}
	return c.kubeconfig(connection.Kubeconfig, connection.Context)
}

// serverConfig is the config of a cluster given by its address.
func (c *Clusters) serverConfig(connection target.Connection, credentials target.Credentials) (*rest.Config, error) {
	server, err := parseServer(connection.Server)
	if err != nil {
		return nil, err
	}
	if err := checkCredentials(credentials, connection.Exec); err != nil {
		return nil, err
	}
	authenticates := connection.Exec != nil || !credentials.IsZero()
	if server.Scheme == "http" && authenticates && !isLoopback(server.Hostname()) {
		return nil, fmt.Errorf("server %q: credentials are not sent in clear; use https", connection.Server)
	}
	config := &rest.Config{
		Host:        connection.Server,
		BearerToken: credentials.Token.Reveal(),
		Username:    credentials.Username,
		Password:    credentials.Password.Reveal(),
		TLSClientConfig: rest.TLSClientConfig{
			CertData: []byte(credentials.ClientCert.Reveal()),
			KeyData:  []byte(credentials.ClientKey.Reveal()),
		},
	}
	if connection.Exec != nil {
		config.ExecProvider = c.execConfig(*connection.Exec)
	}
	return config, nil
}

// execConfig is client-go's form of a credential program. It is never asked to
// talk to the user: several clusters are reached at once, and often nobody is
// there.
func (c *Clusters) execConfig(program target.Exec) *clientcmdapi.ExecConfig {
	config := &clientcmdapi.ExecConfig{
		Command:         program.Command,
		Args:            program.Args,
		APIVersion:      program.APIVersion,
		InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
	}
	if config.APIVersion == "" {
		config.APIVersion = defaultExecAPIVersion
	}
	if strings.ContainsFunc(program.Command, func(r rune) bool { return r < 0x80 && os.IsPathSeparator(uint8(r)) }) {
		config.Command = c.path(program.Command)
		if absolute, err := filepath.Abs(config.Command); err == nil {
			config.Command = absolute
		}
	}
	for name, value := range program.Env {
		config.Env = append(config.Env, clientcmdapi.ExecEnvVar{Name: name, Value: value})
	}
	slices.SortFunc(config.Env, func(a, b clientcmdapi.ExecEnvVar) int { return strings.Compare(a.Name, b.Name) })
	return config
}

// overrideTLS applies what a connection says of TLS over what it got from a
// kubeconfig or a pod.
func overrideTLS(config *rest.Config, connection target.Connection) error {
	if connection.CAData != "" && connection.Insecure {
		return errors.New("a CA certificate and insecure exclude each other: one verifies the server's certificate, the other does not")
	}
	if connection.CAData != "" {
		if !x509.NewCertPool().AppendCertsFromPEM([]byte(connection.CAData)) {
			return errors.New("the CA certificate is no PEM certificate")
		}
		config.CAData, config.CAFile, config.Insecure = []byte(connection.CAData), "", false
	}
	if connection.Insecure {
		config.Insecure, config.CAData, config.CAFile = true, nil, ""
	}
	if connection.TLSServerName != "" {
		config.ServerName = connection.TLSServerName
	}
	return nil
}

// checkCredentials refuses credentials that are incomplete or more than one.
func checkCredentials(credentials target.Credentials, program *target.Exec) error {
	if (credentials.ClientCert == "") != (credentials.ClientKey == "") {
		return errors.New("a client certificate needs its key, and a key its certificate")
	}
	if (credentials.Username == "") != (credentials.Password == "") {
		return errors.New("a username needs its password, and a password its username")
	}
	var given []string
	if credentials.Token != "" {
		given = append(given, "a token")
	}
	if credentials.Username != "" {
		given = append(given, "a username and password")
	}
	if program != nil {
		if program.Command == "" {
			return errors.New("the credential program has no command")
		}
		given = append(given, "a credential program")
	}
	if len(given) > 1 {
		return fmt.Errorf("%s are given; a request carries only one of them", strings.Join(given, " and "))
	}
	return nil
}

// parseServer parses the address of a server. Its errors do not repeat an
// address that holds a password.
func parseServer(address string) (*url.URL, error) {
	server, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the server is no URL; expected https://host:port")
	}
	switch {
	case server.User != nil:
		return nil, fmt.Errorf("server %q: a server's address holds no credentials", server.Redacted())
	case server.Scheme != "https" && server.Scheme != "http", server.Host == "":
		return nil, fmt.Errorf("server %q: expected https://host:port", address)
	case server.RawQuery != "" || server.Fragment != "":
		return nil, fmt.Errorf("server %q: expected no query and no fragment", address)
	}
	return server, nil
}

func parseProxy(address string) (*url.URL, error) {
	proxy, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the proxy is no URL; expected http, https or socks5 ://host:port")
	}
	switch proxy.Scheme {
	case "http", "https", "socks5":
	default:
		return nil, fmt.Errorf("proxy %q: expected a scheme of http, https or socks5", proxy.Redacted())
	}
	if proxy.Host == "" {
		return nil, fmt.Errorf("proxy %q: expected a host", proxy.Redacted())
	}
	return proxy, nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
