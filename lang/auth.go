package lang

import (
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/target"
)

// trustArguments say how far to trust the server of a repository.
func trustArguments() []schema.Argument {
	return []schema.Argument{
		{Name: "ca_certificate", Type: schema.String, Default: "the system's", Doc: "The authorities that the server's certificate must come from, in PEM."},
		{Name: "insecure", Type: schema.Bool, Default: "false", Doc: "Whether to take any certificate, and plain http for registries. Whoever is in between can change what is applied."},
	}
}

// repositoryAuthBlock says how to log in to a repository.
func repositoryAuthBlock() *schema.Block {
	return &schema.Block{
		Type: "auth",
		Doc:  "How to log in.",
		Arguments: []schema.Argument{
			{Name: "username", Type: schema.Credential, Sensitive: true, Doc: "A user name; with `token` the one that the server wants beside it."},
			{Name: "password", Type: schema.Credential, Sensitive: true, Doc: "The user's password."},
			{Name: "token", Type: schema.Credential, Sensitive: true, Doc: "A token for https."},
			{Name: "ssh_key", Type: schema.Credential, Sensitive: true, Doc: "A private key for ssh, in PEM."},
			{Name: "known_hosts", Type: schema.String, Default: "the user's own", Doc: "The keys of ssh servers: lines of a known_hosts file."},
			{Name: "client_certificate", Type: schema.Credential, Sensitive: true, Doc: "A certificate for https, in PEM."},
			{Name: "client_key", Type: schema.Credential, Sensitive: true, Doc: "The certificate's key, in PEM."},
		},
	}
}

// decodeAuth returns how to log in to a repository and how far to trust it, nil
// where nothing is said of either.
func decodeAuth(in *eval.Instance, v *schema.Values) *source.Auth {
	auth := source.Auth{CAData: v.String("ca_certificate"), Insecure: v.Bool("insecure", false)}
	if block := v.One("auth"); block != nil {
		auth.Username, auth.Password, auth.Token = credentialOf(block, "username").Reveal(), credentialOf(block, "password"), credentialOf(block, "token")
		auth.SSHKey, auth.KnownHosts = credentialOf(block, "ssh_key"), block.String("known_hosts")
		auth.ClientCert, auth.ClientKey = credentialOf(block, "client_certificate"), credentialOf(block, "client_key")
		auth.Secrets = target.Secrets{
			Username: secretOf(block, "username"), Password: secretOf(block, "password"), Token: secretOf(block, "token"),
			SSHKey: secretOf(block, "ssh_key"), ClientCert: secretOf(block, "client_certificate"), ClientKey: secretOf(block, "client_key"),
		}
		if block.Has("password") && block.Has("token") {
			in.Errorf(block.RangeOf("token"), "Conflicting arguments", "There is one way to log in, but both password and token are set. Remove one of them.")
		}
		if block.Has("password") {
			needBoth(in, block, "username", "password")
		}
		needBoth(in, block, "client_certificate", "client_key")
	}
	if auth == (source.Auth{}) {
		return nil
	}
	return &auth
}
