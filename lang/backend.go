package lang

import (
	"net/url"
	"slices"
	"strings"

	"filippo.io/age"
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/schema"
)

// UnknownBackend is the type of a Config's backend where the gantry block, or the
// files it may be in, could not be read: state must not be looked for anywhere.
const UnknownBackend = "unknown"

// Encryption says how state and plans are encrypted at rest: to recipients, or with
// a key.
type Encryption struct {
	Recipients []string          // of age
	Key        govern.Credential // zero where there are recipients
	Previous   []govern.Credential
	Range      hcl.Range
}

// supportedBackends are the types that this version can keep state in.
func supportedBackends() []string { return []string{"local"} }

// backendBlocks are the types of backend blocks. The first says how many there may
// be.
func backendBlocks() []schema.Nested {
	secret := func(name string, required bool, doc string) schema.Argument {
		return schema.Argument{Name: name, Type: schema.Credential, Required: required, Sensitive: true, Doc: doc}
	}
	types := []struct {
		name, doc string
		arguments []schema.Argument
	}{
		{"local", "Keeps state in a directory on this machine.", []schema.Argument{
			{Name: "path", Type: schema.String, Default: `".gantry"`, Doc: "The directory, relative to the configuration's."},
		}},
		{"kubernetes", "Keeps state in Secrets of a cluster.", []schema.Argument{
			{Name: "namespace", Type: schema.DNSLabel, Default: `"gantry"`, Doc: "The namespace of the Secrets."},
			{Name: "name", Type: schema.DNSLabel, Default: `"default"`, Doc: "What this configuration's state is called, where several share the namespace."},
			{Name: "context", Type: schema.String, Doc: "The context in the kubeconfig."},
			{Name: "kubeconfig", Type: schema.String, Default: "the user's own", Doc: "The kubeconfig file."},
			{Name: "in_cluster", Type: schema.Bool, Default: "false", Doc: "Whether gantry runs in a pod of the cluster."},
		}},
		{"postgres", "Keeps state in a PostgreSQL database.", []schema.Argument{
			secret("url", true, "The database: `postgres://user:password@host/database`."),
			{Name: "schema", Type: schema.String, Default: `"gantry"`, Doc: "The schema of the tables."},
		}},
		{"s3", "Keeps state in a bucket of S3, or of a server that speaks its protocol and has conditional writes.", []schema.Argument{
			{Name: "bucket", Type: schema.String, Required: true, Doc: "The bucket."},
			{Name: "prefix", Type: schema.String, Default: `"gantry"`, Doc: "What the names of the objects begin with."},
			{Name: "region", Type: schema.String, Default: "the environment's", Doc: "The region."},
			{Name: "endpoint", Type: schema.String, Default: "that of AWS", Doc: "The server's URL."},
			{Name: "path_style", Type: schema.Bool, Default: "false", Doc: "Whether the bucket is in the path of requests, and not in the host's name."},
			{Name: "profile", Type: schema.String, Default: "the environment's", Doc: "The profile in the shared configuration files."},
			secret("access_key", false, "The id of an access key; without one, credentials come from the environment."),
			secret("secret_key", false, "The access key's secret."),
		}},
		{"http", "Keeps state at a server that speaks Terraform's HTTP protocol, such as GitLab.", []schema.Argument{
			{Name: "address", Type: schema.String, Required: true, Doc: "The URL of the state."},
			{Name: "lock_address", Type: schema.String, Default: "the address with `/lock`", Doc: "The URL of its lock."},
			{Name: "username", Type: schema.String, Doc: "Who logs in."},
			secret("password", false, "The user's password or token."),
			{Name: "ca_certificate", Type: schema.String, Default: "the system's", Doc: "The authorities that the server's certificate must come from, in PEM."},
		}},
	}
	var out []schema.Nested
	for _, t := range types {
		doc := t.doc
		if !slices.Contains(supportedBackends(), t.name) {
			doc += " It is not supported in this version yet: a configuration that names it is an error."
		}
		out = append(out, schema.Nested{Max: 1, Block: &schema.Block{Type: "backend", Labels: []string{t.name}, Doc: doc, Arguments: t.arguments}})
	}
	return out
}

func decodeBackend(in *eval.Instance, v *schema.Values) Backend {
	backend := Backend{Type: v.Block.Labels[0], Arguments: map[string]string{}, Range: v.Range}
	switch backend.Type {
	case "local":
		if v.Has("path") {
			backend.Arguments["path"] = v.String("path")
		}
	case "kubernetes":
		if v.Bool("in_cluster", false) && (v.Has("context") || v.Has("kubeconfig")) {
			in.ErrorAt(v, "in_cluster", "Conflicting arguments", "A cluster is reached in one way, but in_cluster is set beside context or kubeconfig. Remove one of them.")
		}
	case "s3":
		needBoth(in, v, "access_key", "secret_key")
		checkBackendURL(in, v, "endpoint")
	case "http":
		needBoth(in, v, "username", "password")
		checkBackendURL(in, v, "address")
		checkBackendURL(in, v, "lock_address")
	}
	if !slices.Contains(supportedBackends(), backend.Type) {
		in.Errorf(v.Range, "Unsupported backend", "State cannot be kept in a backend of type %q in this version of gantry, only in %s. Nothing is planned or applied, for that would be with the wrong state. Use a backend \"local\", and mind that it is on one machine.", backend.Type, schema.List(supportedBackends(), "or"))
	}
	return backend
}

func checkBackendURL(in *eval.Instance, v *schema.Values, name string) {
	if !v.IsKnown(name) {
		return
	}
	u, err := url.Parse(v.String(name))
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		in.ErrorAt(v, name, "Invalid URL", "The argument %q must be an https URL, such as \"https://state.example.com/web\".", name)
	case u.User != nil:
		in.ErrorAt(v, name, eval.CredentialsInURL, "The URL is kept in plans, so that it cannot hold a password. Use the arguments for credentials.")
	}
}

func encryptionBlock() *schema.Block {
	return &schema.Block{
		Type: "encryption",
		Doc:  "Encrypts state and plans at rest: to recipients of age, or with a key.",
		Arguments: []schema.Argument{
			{Name: "recipients", Type: schema.Strings, Doc: "Who can read them: public keys of age, `age1…`."},
			{Name: "key", Type: schema.Credential, Sensitive: true, Doc: "A key for AES-256-GCM: a secret of 32 bytes, in base64."},
		},
		Blocks: []schema.Nested{{Block: &schema.Block{
			Type: "previous",
			Doc:  "A key that older state and plans are still encrypted with.",
			Arguments: []schema.Argument{
				{Name: "key", Type: schema.Credential, Required: true, Sensitive: true, Doc: "The key."},
			},
		}}},
	}
}

func decodeEncryption(in *eval.Instance, v *schema.Values) *Encryption {
	if v == nil {
		return nil
	}
	encryption := &Encryption{Recipients: v.Strings("recipients"), Key: govern.Credential{Value: credentialOf(v, "key"), Secret: secretOf(v, "key")}, Range: v.Range}
	switch {
	case v.Has("recipients") && v.Has("key"):
		in.Errorf(v.RangeOf("key"), "Conflicting arguments", "State is encrypted in one way, but both recipients and key are set. Remove one of them.")
	case !v.Has("recipients") && !v.Has("key"):
		in.Errorf(v.Range, "Missing required argument", "It is not said how to encrypt. Set recipients or key.")
	case v.IsKnown("recipients") && len(encryption.Recipients) == 0:
		in.ErrorAt(v, "recipients", "Unsuitable value", "The argument \"recipients\" is an empty list. Nobody could read the state.")
	}
	for _, recipient := range encryption.Recipients {
		if _, err := age.ParseRecipients(strings.NewReader(recipient)); err != nil {
			in.ErrorAt(v, "recipients", "Invalid recipient", "%q is no public key of age, which is like \"age1ql3z…\".", shorten(recipient))
		}
	}
	for _, b := range v.Blocks("previous") {
		encryption.Previous = append(encryption.Previous, govern.Credential{Value: credentialOf(b, "key"), Secret: secretOf(b, "key")})
	}
	return encryption
}
