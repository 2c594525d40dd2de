package lang

import (
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
)

// maxSecretTimeout bounds how long a plan may wait for a program that prints a
// credential.
const maxSecretTimeout = 10 * time.Minute

// secretKind is the kind of all secrets.
func secretKind() *eval.Kind {
	k := &eval.Kind{Block: &schema.Block{Type: "secret", Labels: []string{"type", "name"}}, Root: "secret", RootOnly: true, Types: map[string]*eval.Kind{}}
	for _, typed := range []*eval.Kind{kubernetesSecret(), fileSecret(), environmentSecret(), commandSecret()} {
		k.Types[typed.Labels[0]] = typed
	}
	return k
}

// secretType declares a type of secret; locate says where one is.
func secretType(typeName, doc, example string, arguments []schema.Argument, locate func(*eval.Instance, *target.Secret)) *eval.Kind {
	return &eval.Kind{
		Block: &schema.Block{
			Type: "secret", Labels: []string{typeName, "name"}, Example: example,
			Doc: doc + " It is read at the moment that it is used, and may be written only where credentials go: in an `auth` block, and where a token is asked for. It is not evaluated: it is no value that expressions could use, it is in no plan and in no state. One line break at its end is no part of it. " +
				"Elsewhere it is `secret." + typeName + ".NAME`.",
			Arguments: append([]schema.Argument{forEachArgument(), dependsOnArgument()}, arguments...),
		},
		Root: "secret", RootOnly: true,
		Decode: func(_ *eval.Evaluation, in *eval.Instance) eval.Decoded {
			secret := &target.Secret{Address: in.Address}
			locate(in, secret)
			if !in.Values.Known() {
				return eval.Decoded{Value: cty.DynamicVal}
			}
			return eval.Decoded{Value: value.Block(value.Reference{Address: in.Address, Target: secret}, map[string]cty.Value{}), Made: secret}
		},
	}
}

func kubernetesSecret() *eval.Kind {
	return secretType("kubernetes", "A credential in a Secret of a cluster.", `secret "kubernetes" "git" {
  cluster   = cluster.management
  namespace = "gantry"
  name      = "git"
  key       = "token"
}`, []schema.Argument{
		{Name: "cluster", Type: schema.Reference("cluster"), Required: true, Doc: "The cluster that the Secret is in."},
		{Name: "namespace", Type: schema.DNSLabel, Required: true, Doc: "Its namespace."},
		{Name: "name", Type: schema.String, Required: true, Doc: "Its name."},
		{Name: "key", Type: schema.String, Required: true, Doc: "The key in its data."},
	}, func(in *eval.Instance, secret *target.Secret) {
		secret.Kubernetes = &target.KubernetesSecret{Namespace: in.Values.String("namespace"), Name: in.Values.String("name"), Key: in.Values.String("key")}
		notEmpty(in, "name", "key")
		if ref, ok := in.Values.Reference("cluster"); ok {
			cluster := ref.Target.(*Cluster)
			if cluster.Withheld {
				in.ErrorAt(in.Values, "cluster", withheldSummary, "%s", cluster.withheldDetail())
			}
			secret.Kubernetes.Cluster = cluster.Name
			secret.Kubernetes.Connection, secret.Kubernetes.Credentials = cluster.Connection, cluster.Credentials
		}
	})
}

func fileSecret() *eval.Kind {
	return secretType("file", "A credential in a file of the machine that gantry runs on.", `secret "file" "token" {
  path = "/run/secrets/git-token"
}`, []schema.Argument{
		{Name: "path", Type: schema.String, Required: true, Doc: "The file, relative to the configuration's directory; `~/` is the user's own."},
	}, func(in *eval.Instance, secret *target.Secret) {
		secret.File = &target.FileSecret{Path: in.Values.String("path")}
		notEmpty(in, "path")
	})
}

func environmentSecret() *eval.Kind {
	return secretType("environment", "A credential in a variable of the environment that gantry runs in.", `secret "environment" "token" {
  variable = "GIT_TOKEN"
}`, []schema.Argument{
		{Name: "variable", Type: schema.String, Required: true, Doc: "The variable's name."},
	}, func(in *eval.Instance, secret *target.Secret) {
		secret.Environment = &target.EnvironmentSecret{Variable: in.Values.String("variable")}
		notEmpty(in, "variable")
	})
}

func commandSecret() *eval.Kind {
	return secretType("command", "A credential that a program prints. The program is run without a shell, in the configuration's directory, with gantry's environment.", `secret "command" "token" {
  command = "vault"
  args    = ["kv", "get", "-field=token", "kv/git"]
  timeout = "10s"
}`, []schema.Argument{
		{Name: "command", Type: schema.String, Required: true, Doc: "The program; one beside the configuration is `./name`."},
		{Name: "args", Type: schema.Strings, Doc: "Its arguments."},
		{Name: "env", Type: schema.StringMap, Doc: "Environment variables to set for it."},
		{Name: "timeout", Type: schema.Duration, Default: `"30s"`, Doc: "How long it may take, up to ten minutes."},
	}, func(in *eval.Instance, secret *target.Secret) {
		v := in.Values
		secret.Command = &target.CommandSecret{Command: v.String("command"), Args: v.Strings("args"), Env: v.StringMap("env"), Timeout: v.Duration("timeout", 30*time.Second)}
		notEmpty(in, "command")
		if v.IsKnown("timeout") && (secret.Command.Timeout <= 0 || secret.Command.Timeout > maxSecretTimeout) {
			in.ErrorAt(v, "timeout", "Unsuitable value", "The timeout must be more than 0 and up to %s, but is %s.", maxSecretTimeout, secret.Command.Timeout)
		}
	})
}

// notEmpty holds that string arguments which were set say something.
func notEmpty(in *eval.Instance, names ...string) {
	for _, name := range names {
		if in.Values.IsKnown(name) && in.Values.String(name) == "" {
			in.ErrorAt(in.Values, name, "Unsuitable value", "The argument %q must not be empty.", name)
		}
	}
}

// secretOf returns the secret that an argument for a credential names, nil where it
// holds a value or is not set.
func secretOf(v *schema.Values, name string) *target.Secret {
	if ref, ok := v.Reference(name); ok {
		return ref.Target.(*target.Secret)
	}
	return nil
}

// credentialOf returns the value of an argument for a credential, empty where it
// names a secret or is not set.
func credentialOf(v *schema.Values, name string) object.Sensitive {
	if _, ok := v.Reference(name); ok {
		return ""
	}
	return v.Secret(name)
}
