package argocd

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
)

// secretText returns a value of a Secret, decoded, without reading it.
func secretText(root *manifest.Node, key string) string {
	if n := root.Find("stringData", key); n != nil {
		return n.Peek()
	}
	text := strings.Join(strings.Fields(root.Find("data", key).Peek()), "")
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return ""
	}
	return string(decoded)
}

// secretNode returns where a value of a Secret is.
func secretNode(root *manifest.Node, key string) *manifest.Node {
	if n := root.Find("stringData", key); n != nil {
		return n
	}
	return root.Find("data", key)
}

// take returns a value of a Secret and counts it as read.
func (o *object) take(key string) string {
	secretNode(o.root, key).Use()
	return secretText(o.root, key)
}

// variable declares a variable, whose value people give, and returns how it is
// referred to.
func (im *importer) variable(name, description string, sensitive bool) string {
	if !im.variables[name] {
		im.variables[name] = true
		block := &draft.Block{Type: "variable", Labels: []string{name}}
		block.Set("type", draft.Raw("string"), draft.None())
		block.Set("description", draft.String(description), draft.None())
		if sensitive {
			block.Set("sensitive", draft.Raw("true"), draft.None())
		}
		im.add(variablesFile, block)
	}
	return "var." + name
}

// credential sets an argument to a variable, in the place of a credential that a
// Secret holds.
func (o *object) credential(auth *draft.Block, argument, label, key string) {
	if secretText(o.root, key) == "" {
		secretNode(o.root, key).Use()
		return
	}
	secretNode(o.root, key).Use()
	namespace := o.root.Find("metadata", "namespace").Peek()
	auth.Set(argument, draft.Raw(o.im.kept(label+"_"+argument, namespace, o.name, key)), draft.None())
	o.finding(Differs, o.root.Find("metadata", "name"), "Its credentials are not copied: they are read from this Secret, where Argo CD runs, when they are used. Keep it when Argo CD goes, or move it.")
}

// kept declares a credential that stays in a Secret, and returns how it is
// referred to.
func (im *importer) kept(label, namespace, name, key string) string {
	if namespace == "" {
		namespace = "argocd"
	}
	id := strings.Join([]string{namespace, name, key}, "/")
	if reference, ok := im.secrets[id]; ok {
		return reference
	}
	label = im.label("secret", label)
	block := &draft.Block{Type: "secret", Labels: []string{"kubernetes", label}}
	block.Set("cluster", draft.Raw(im.clusters.inCluster(inClusterName).reference()), draft.None())
	block.Set("namespace", draft.String(namespace), draft.None())
	block.Set("name", draft.String(name), draft.None())
	block.Set("key", draft.String(key), draft.None())
	im.add(secretsFile, block)
	im.secrets[id] = "secret.kubernetes." + label
	return im.secrets[id]
}

func (o *object) secretHeader() {
	meta, _ := o.header()
	o.root.Get("type").Text()
	meta.Get("labels").Get("argocd.argoproj.io/secret-type").Text()
}

// repositorySecret turns a declared repository, or credentials for what is below a
// URL, into a block.
func (im *importer) repositorySecret(o *object) {
	o.secretHeader()
	url := o.take("url")
	if url == "" {
		o.finding(NotRead, o.root, "The Secret has no url.")
		o.root.Use()
		return
	}
	var block *draft.Block
	label := ""
	oci := o.take("enableOCI") == "true" || o.take("type") == "oci"
	if oci && !strings.Contains(url, "://") {
		url = "oci://" + url
	}
	if o.kind == credentialsSecret {
		label = im.label("credentials", repositoryName(url))
		block = &draft.Block{Type: "credentials", Labels: []string{label}}
		block.Set("url_prefix", draft.String(withoutUser(url)), draft.None())
		im.add(repositoriesFile, block)
	} else {
		r := im.repos.need(secretText(o.root, "url"))
		if r.block != nil {
			o.finding(LeftOut, o.root, "Another Secret declares that repository already; for writing there is no repository.")
			o.root.Use()
			return
		}
		label = im.repos.name(r, o.take("name"))
		r.helm = secretText(o.root, "type") == "helm" && !oci
		block = &draft.Block{Type: "repository", Labels: []string{label}}
		r.block = block
		block.Set("url", draft.String(withoutUser(url)), draft.None())
		if oci && r.reads == nil {
			o.finding(Differs, secretNode(o.root, "url"), "In a registry every chart is a repository of its own. Credentials for all of them are those of a block credentials with the url_prefix %q.", url)
		}
	}
	o.main = block
	defer block.Order("url", "url_prefix", "type", "revision", "insecure")
	if o.take("insecure") == "true" || o.take("insecureIgnoreHostKey") == "true" || o.take("insecureOCIForceHttp") == "true" {
		block.Set("insecure", draft.Raw("true"), draft.None())
	}
	auth := &draft.Block{Type: "auth"}
	for _, part := range [][2]string{
		{"username", "username"},
		{"password", "password"},
		{"token", "bearerToken"},
		{"ssh_key", "sshPrivateKey"},
		{"client_certificate", "tlsClientCertData"},
		{"client_key", "tlsClientCertKey"},
	} {
		if part[0] == "token" && auth.Has("password") {
			continue
		}
		o.credential(auth, part[0], label, part[1])
	}
	if !auth.Empty() {
		block.Add(auth)
	}
	o.take("name")
	o.take("type")
	im.imported["Repository"]++
	o.describeRest(map[string]string{
		"project":               "Repositories belong to no project: projects list the repositories that they allow.",
		"forceHttpBasicAuth":    "Basic authentication is used where the server asks for it.",
		"enableLfs":             "Git LFS is not supported.",
		"proxy":                 "Proxies are taken from the environment: HTTPS_PROXY.",
		"noProxy":               "Proxies are taken from the environment: NO_PROXY.",
		"gcpServiceAccountKey":  "Google's accounts are not supported. Use a token.",
		"depth":                 "How much of a repository is fetched cannot be set.",
		"githubAppID":           "GitHub Apps are not supported. Use a token.",
		"githubAppPrivateKey":   "GitHub Apps are not supported. Use a token.",
		"githubAppInstallation": "GitHub Apps are not supported. Use a token.",
	})
}

// withoutUser removes what may be a credential from a URL; for git's ssh the user
// is none.
func withoutUser(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || scheme == "ssh" {
		return text
	}
	host, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndex(host, "@"); at >= 0 {
		host = host[at+1:]
	}
	if path != "" {
		host += "/" + path
	}
	return scheme + "://" + host
}

// describeRest reports the values of a Secret that were not read: by their names,
// never by what they are.
func (o *object) describeRest(why map[string]string) {
	for _, part := range []string{"data", "stringData"} {
		for _, field := range o.root.Get(part).Fields() {
			if len(field.Unused()) == 0 {
				continue
			}
			text := why[field.Key()]
			if text == "" {
				text = "This has no counterpart."
			}
			o.leave(field, "%s", text)
		}
	}
}

// clusterConfig is what Argo CD keeps of how to reach a cluster.
type clusterConfig struct {
	Username    string `json:"username"`
	Password    string `json:"password"`
	BearerToken string `json:"bearerToken"`
	ProxyURL    string `json:"proxyUrl"`
	TLS         struct {
		Insecure   bool   `json:"insecure"`
		ServerName string `json:"serverName"`
		CAData     string `json:"caData"`
		CertData   string `json:"certData"`
		KeyData    string `json:"keyData"`
	} `json:"tlsClientConfig"`
	AWS *struct {
		ClusterName string `json:"clusterName"`
		RoleARN     string `json:"roleARN"`
		Profile     string `json:"profile"`
	} `json:"awsAuthConfig"`
	Exec *struct {
		Command     string            `json:"command"`
		Args        []string          `json:"args"`
		Env         map[string]string `json:"env"`
		APIVersion  string            `json:"apiVersion"`
		InstallHint string            `json:"installHint"`
	} `json:"execProviderConfig"`
}

// clusterSecret turns a declared cluster into a block.
func (im *importer) clusterSecret(o *object) {
	o.secretHeader()
	w := &writer{object: o}
	name, server := o.take("name"), o.take("server")
	if server == "" {
		o.finding(NotRead, o.root, "The Secret has no server.")
		o.root.Use()
		return
	}
	if name == "" {
		name = serverName(server)
	}
	if other := im.clusters.byServer[normalServer(server)]; other != nil {
		o.finding(NotRead, o.root, "Another Secret declares a cluster at that server: cluster.%s. Only the first is imported.", other.label)
		o.root.Use()
		return
	}
	if other := im.clusters.byName[name]; other != nil {
		o.finding(Differs, secretNode(o.root, "name"), "Another cluster is called %q, too; Argo CD cannot find either by its name.", name)
	}
	c := im.clusters.add(name, server)
	o.main = c.block
	im.imported["Cluster"]++
	var config clusterConfig
	if text := o.take("config"); text != "" {
		if err := json.Unmarshal([]byte(text), &config); err != nil {
			o.finding(LeftOut, secretNode(o.root, "config"), "The config is not the JSON that Argo CD expects. How to log in is left out.")
		}
	}
	if c.server == inClusterServer {
		c.block.Set("in_cluster", draft.Raw("true"), draft.None())
	} else {
		c.block.Set("server", draft.String(withoutUser(c.server)), draft.None())
		o.connection(c, config)
	}
	o.clusterLabels(w, c.block)
	o.describeRest(map[string]string{
		"namespaces":       "A cluster is reached as a whole. What may be done where is up to its own RBAC.",
		"clusterResources": "A cluster is reached as a whole. What may be done where is up to its own RBAC.",
		"project":          "Clusters belong to no project: projects list the clusters that they allow.",
		"shard":            "There are no shards.",
	})
}

func (o *object) clusterLabels(w *writer, block *draft.Block) {
	meta := o.root.Get("metadata")
	for _, argument := range []string{"labels", "annotations"} {
		var items []draft.Item
		for _, entry := range meta.Get(argument).Fields() {
			if entry.Key() == "argocd.argoproj.io/secret-type" && !o.im.selectsSecretType || slices.Contains(runtimeAnnotations, entry.Key()) || entry.Key() == "managed-by" {
				entry.Text()
				continue
			}
			items = append(items, draft.Item{Key: entry.Key(), Value: w.strings(entry), Comments: entry.Take()})
		}
		if len(items) > 0 {
			block.Set(argument, draft.Object(items...), meta.Get(argument).Take())
		}
	}
}

// connection says how to reach and to log in to a cluster.
func (o *object) connection(c *cluster, config clusterConfig) {
	block := c.block
	at := secretNode(o.root, "config")
	if ca, err := base64.StdEncoding.DecodeString(config.TLS.CAData); err == nil && len(ca) > 0 {
		block.Set("ca_certificate", draft.String(string(ca)), draft.None())
	}
	if config.TLS.ServerName != "" {
		block.Set("tls_server_name", draft.String(config.TLS.ServerName), draft.None())
	}
	if config.TLS.Insecure {
		block.Set("insecure", draft.Raw("true"), draft.None())
	}
	if config.ProxyURL != "" {
		block.Set("proxy_url", draft.String(withoutUser(config.ProxyURL)), draft.None())
	}
	auth := &draft.Block{Type: "auth"}
	secret := func(argument, value string) {
		if value == "" {
			return
		}
		reference := o.im.variable(strings.ReplaceAll(c.label, "-", "_")+"_"+argument, "The "+strings.ReplaceAll(argument, "_", " ")+" that the Secret "+o.name+" holds in its config.", true)
		auth.Set(argument, draft.Raw(reference), draft.None())
		o.finding(ToDo, at, "The credential is not copied: give %s its value, such as with GANTRY_VAR_%s.", reference, strings.TrimPrefix(reference, "var."))
	}
	switch {
	case config.AWS != nil:
		args := []string{"eks", "get-token", "--cluster-name", config.AWS.ClusterName}
		if config.AWS.RoleARN != "" {
			args = append(args, "--role-arn", config.AWS.RoleARN)
		}
		if config.AWS.Profile != "" {
			args = append(args, "--profile", config.AWS.Profile)
		}
		exec := auth.Child("exec")
		exec.Set("command", draft.String("aws"), draft.None())
		exec.Set("args", draft.Strings(args...), draft.None())
		o.finding(Differs, at, "Tokens come from the program aws, which must be where Gantry runs.")
	case config.Exec != nil:
		o.exec(auth, config, at)
	case config.BearerToken != "":
		secret("token", config.BearerToken)
	case config.TLS.CertData != "":
		secret("client_certificate", config.TLS.CertData)
		secret("client_key", config.TLS.KeyData)
	case config.Username != "":
		secret("username", config.Username)
		secret("password", config.Password)
	}
	if !auth.Empty() {
		block.Add(auth)
	}
}

// confidential tells by its name that a setting may be a credential.
var confidential = regexp.MustCompile(`(?i)secret|token|passw|credential|apikey|api_key|api-key|private|access_key|access-key|session`)

func (o *object) exec(auth *draft.Block, config clusterConfig, at *manifest.Node) {
	exec := auth.Child("exec")
	exec.Set("command", draft.String(config.Exec.Command), draft.None())
	var args []string
	for i, arg := range config.Exec.Args {
		flag, value, joined := strings.Cut(arg, "=")
		hidden := joined && value != "" && confidential.MatchString(flag) ||
			i > 0 && strings.HasPrefix(config.Exec.Args[i-1], "-") && !strings.HasPrefix(arg, "-") && !strings.Contains(config.Exec.Args[i-1], "=") && confidential.MatchString(config.Exec.Args[i-1])
		if hidden {
			o.finding(ToDo, at, "An argument of %s may be a credential and is not copied. Where it stood, the arguments have TODO.", config.Exec.Command)
			arg = "TODO"
			if joined {
				arg = flag + "=TODO"
			}
		}
		args = append(args, arg)
	}
	if len(args) > 0 {
		exec.Set("args", draft.Strings(args...), draft.None())
	}
	var env []draft.Item
	for _, name := range sortedKeys(config.Exec.Env) {
		if confidential.MatchString(name) {
			o.finding(ToDo, at, "The environment variable %s of %s may be a credential and is not copied. Set it where Gantry runs.", name, config.Exec.Command)
			continue
		}
		env = append(env, draft.Item{Key: name, Value: draft.String(config.Exec.Env[name])})
	}
	if len(env) > 0 {
		exec.Set("env", draft.Object(env...), draft.None())
	}
	if strings.HasSuffix(config.Exec.APIVersion, "/v1beta1") {
		exec.Set("api_version", draft.String(config.Exec.APIVersion), draft.None())
	}
}
