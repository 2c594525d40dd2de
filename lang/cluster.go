package lang

import (
	"net"
	"net/url"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/target"
)

func clusterKind() *eval.Kind {
	return &eval.Kind{
		Block: &schema.Block{
			Type:   "cluster",
			Labels: []string{"name"},
			Doc: "A Kubernetes API to read and write. It is reached as the pod's own cluster (`in_cluster`), at an address (`server`), or as a context of a kubeconfig (`kubeconfig`, `context`); one of the three must be said. " +
				"Elsewhere it is `cluster.NAME`, with the attributes `name`, `server`, `labels` and `annotations`; `cluster` alone is all clusters by name.",
			Example: `cluster "production" {
  server         = "https://production.example.com"
  ca_certificate = file("production-ca.pem")

  auth {
    exec {
      command = "aws"
      args    = ["eks", "get-token", "--cluster-name", "production"]
    }
  }

  labels      = { environment = "production", region = "eu" }
  annotations = { image-tag = "v2.4.1" }
}

cluster "staging" {
  kubeconfig = "~/.kube/config"
  context    = "staging"
  labels     = { environment = "staging" }
}`,
			Arguments: []schema.Argument{
				forEachArgument(),
				dependsOnArgument(),
				{Name: "in_cluster", Type: schema.Bool, Default: "false", Doc: "Whether it is the cluster that gantry itself runs in, with the service account of its pod."},
				{Name: "server", Type: schema.String, Doc: "The API's URL: `https://host:port`."},
				{Name: "kubeconfig", Type: schema.String, Default: "the usual one", Doc: "The path of a kubeconfig, relative to the configuration's directory."},
				{Name: "context", Type: schema.String, Default: "the current context", Doc: "A context of the kubeconfig."},
				{Name: "ca_certificate", Type: schema.String, Default: "the system's", Doc: "The authorities that the server's certificate must come from, in PEM."},
				{Name: "tls_server_name", Type: schema.String, Default: "the server's host", Doc: "The name that the server's certificate must have."},
				{Name: "insecure", Type: schema.Bool, Default: "false", Doc: "Whether to take any certificate. Whoever is in between can read and change everything."},
				{Name: "proxy_url", Type: schema.String, Doc: "A proxy to go through: an `http`, `https` or `socks5` URL."},
				{Name: "impersonate", Type: schema.String, Doc: "A user to act as, who must be allowed what the configuration does."},
				{Name: "labels", Type: schema.StringMap, Doc: "Labels to select clusters by in generators."},
				{Name: "annotations", Type: schema.StringMap, Doc: "More about the cluster, for use in expressions."},
			},
			Blocks: []schema.Nested{{Block: clusterAuthBlock(), Max: 1}},
		},
		Root:     "cluster",
		RootOnly: true,
		Grouped:  true,
		Decode:   decodeCluster,
	}
}

func clusterAuthBlock() *schema.Block {
	return &schema.Block{
		Type: "auth",
		Doc:  "How to log in to `server`: with a token, a client certificate, a user name and password, or a program that gives one of these.",
		Arguments: []schema.Argument{
			{Name: "token", Type: schema.Credential, Sensitive: true, Doc: "A bearer token."},
			{Name: "client_certificate", Type: schema.Credential, Sensitive: true, Doc: "A certificate in PEM."},
			{Name: "client_key", Type: schema.Credential, Sensitive: true, Doc: "The certificate's key in PEM."},
			{Name: "username", Type: schema.Credential, Sensitive: true, Doc: "A user name."},
			{Name: "password", Type: schema.Credential, Sensitive: true, Doc: "The user's password."},
		},
		Blocks: []schema.Nested{{Max: 1, Block: &schema.Block{
			Type: "exec",
			Doc:  "A client-go credential plugin: a program that prints an ExecCredential.",
			Arguments: []schema.Argument{
				{Name: "command", Type: schema.String, Required: true, Doc: "The program."},
				{Name: "args", Type: schema.Strings, Doc: "Its arguments."},
				{Name: "env", Type: schema.StringMap, Doc: "Environment variables to set for it."},
				{Name: "api_version", Type: schema.String, Default: `"client.authentication.k8s.io/v1"`, OneOf: []string{"client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"}, Doc: "The version of the ExecCredential that it prints."},
			},
		}}},
	}
}

func decodeCluster(_ *eval.Evaluation, in *eval.Instance) eval.Decoded {
	v := in.Values
	cluster := &Cluster{
		Address: in.Address,
		Name:    in.Name(),
		Connection: target.Connection{
			InCluster: v.Bool("in_cluster", false), Server: v.String("server"), CAData: v.String("ca_certificate"),
			TLSServerName: v.String("tls_server_name"), Insecure: v.Bool("insecure", false), ProxyURL: v.String("proxy_url"),
			Kubeconfig: v.String("kubeconfig"), Context: v.String("context"), Impersonate: v.String("impersonate"),
		},
		Labels: v.StringMap("labels"), Annotations: v.StringMap("annotations"), Range: v.Range,
	}
	checkConnection(in, cluster.Connection)
	if auth := v.One("auth"); auth != nil {
		decodeClusterAuth(in, auth, cluster)
	}
	attributes := map[string]cty.Value{
		"name":        cty.StringVal(cluster.Name),
		"server":      attributeOf(v, "server", cty.String),
		"labels":      labelsOf(v, "labels"),
		"annotations": labelsOf(v, "annotations"),
	}
	return eval.Decoded{
		Value: value.Block(value.Reference{Address: in.Address, Target: cluster}, attributes),
		Made:  cluster,
	}
}

// checkConnection holds that there is one way to reach a cluster, and that it is
// said: falling back to whatever the machine has at hand has broken the wrong
// clusters.
func checkConnection(in *eval.Instance, c target.Connection) {
	v := in.Values
	var ways []string
	if c.InCluster {
		ways = append(ways, "in_cluster")
	}
	if v.Has("server") {
		ways = append(ways, "server")
	}
	if v.Has("kubeconfig") {
		ways = append(ways, "kubeconfig")
	} else if v.Has("context") {
		ways = append(ways, "context")
	}
	switch {
	case len(ways) == 0:
		in.Errorf(v.Range, "Cluster without a connection", "It is not said how to reach %s. Set server, kubeconfig and context, or in_cluster = true. There is no default, so that nothing is ever applied to a cluster that happens to be at hand.", in.Address)
	case len(ways) > 1:
		in.ErrorAt(v, ways[1], "Conflicting arguments", "A cluster is reached in one way, but both %s and %s are set. Remove one of them.", ways[0], ways[1])
	}
	if v.Has("server") {
		if v.IsKnown("server") {
			checkServer(in, c.Server)
		}
	} else {
		for _, name := range []string{"ca_certificate", "tls_server_name", "insecure", "proxy_url"} {
			if v.Has(name) && len(ways) == 1 {
				in.ErrorAt(v, name, "Conflicting arguments", "The argument %q goes with server; with %s this comes from there.", name, ways[0])
			}
		}
	}
	if c.Insecure && c.CAData != "" {
		in.ErrorAt(v, "insecure", "Conflicting arguments", "With insecure no certificate is checked, so that ca_certificate has no effect. Remove one of them.")
	}
	if c.ProxyURL != "" {
		proxy, err := url.Parse(c.ProxyURL)
		if err != nil || !slices.Contains([]string{"http", "https", "socks5"}, proxy.Scheme) || proxy.Host == "" {
			in.ErrorAt(v, "proxy_url", "Invalid URL", "The proxy must be an http, https or socks5 URL, such as \"http://proxy.example.com:3128\".")
		} else if proxy.User != nil {
			in.ErrorAt(v, "proxy_url", eval.CredentialsInURL, "The URL of the proxy is kept in plans and state, so that it cannot hold a password.")
		}
	}
}

func checkServer(in *eval.Instance, server string) {
	u, err := url.Parse(server)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		in.ErrorAt(in.Values, "server", "Invalid URL", "The server must be an https URL, such as \"https://prod.example.com:6443\".")
	case u.User != nil:
		in.ErrorAt(in.Values, "server", eval.CredentialsInURL, "The server's URL is kept in plans and state, so that it cannot hold a password. Use an auth block.")
	case u.RawQuery != "" || u.Fragment != "":
		in.ErrorAt(in.Values, "server", "Invalid URL", "The server's URL can have neither a query nor a fragment.")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		in.ErrorAt(in.Values, "server", "Invalid URL", "The server must be an https URL: over http, everyone in between can read and change what is sent. Only this machine itself may be reached by http.")
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func decodeClusterAuth(in *eval.Instance, auth *schema.Values, cluster *Cluster) {
	cluster.Credentials = target.Credentials{
		Token: credentialOf(auth, "token"), ClientCert: credentialOf(auth, "client_certificate"), ClientKey: credentialOf(auth, "client_key"),
		Username: credentialOf(auth, "username").Reveal(), Password: credentialOf(auth, "password"),
		Secrets: target.Secrets{
			Token: secretOf(auth, "token"), ClientCert: secretOf(auth, "client_certificate"), ClientKey: secretOf(auth, "client_key"),
			Username: secretOf(auth, "username"), Password: secretOf(auth, "password"),
		},
	}
	var ways []string
	for _, name := range []string{"token", "client_certificate", "username"} {
		if auth.Has(name) {
			ways = append(ways, name)
		}
	}
	if exec := auth.One("exec"); exec != nil {
		ways = append(ways, "exec")
		cluster.Connection.Exec = &target.Exec{
			Command: exec.String("command"), Args: exec.Strings("args"), Env: exec.StringMap("env"), APIVersion: exec.String("api_version"),
		}
	}
	switch {
	case !in.Values.Has("server"):
		in.Errorf(auth.Range, "Conflicting arguments", "An auth block goes with server; otherwise the credentials come from the kubeconfig or the pod.")
	case len(ways) > 1:
		in.Errorf(auth.Range, "Conflicting arguments", "There is one way to log in, but both %s and %s are set. Remove one of them.", ways[0], ways[1])
	case len(ways) == 0 && !auth.Has("client_key") && !auth.Has("password"):
		in.Errorf(auth.Range, "Empty auth block", "It says nothing. Set token, client_certificate and client_key, or username and password, or add an exec block.")
	}
	needBoth(in, auth, "client_certificate", "client_key")
	needBoth(in, auth, "username", "password")
}

// needBoth holds that two arguments are set together.
func needBoth(in *eval.Instance, v *schema.Values, a, b string) {
	if v.Has(a) != v.Has(b) {
		if v.Has(b) {
			a, b = b, a
		}
		in.Errorf(v.RangeOf(a), "Missing required argument", "The argument %q needs %q beside it.", a, b)
	}
}

// attributeOf returns an argument as an attribute: null where it is not set.
func attributeOf(v *schema.Values, name string, ty cty.Type) cty.Value {
	argument, ok := v.Get(name)
	if !ok {
		return cty.NullVal(ty)
	}
	if argument.Type() == cty.DynamicPseudoType && !argument.IsKnown() {
		return cty.UnknownVal(ty)
	}
	return argument.Value
}

// labelsOf returns a map argument as an object, so that a name that is not in it
// is an error with a suggestion.
func labelsOf(v *schema.Values, name string) cty.Value {
	argument, ok := v.Get(name)
	if !ok {
		return cty.EmptyObjectVal
	}
	if unmarked, _ := argument.Unmark(); !unmarked.IsKnown() {
		return cty.DynamicVal
	}
	return cty.ObjectVal(argument.AsValueMap())
}
