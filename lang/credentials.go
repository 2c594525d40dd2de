package lang

import (
	"net/url"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/source"
)

// Credentials are how to log in to every repository below a prefix.
type Credentials struct {
	Address addr.Address
	source.Credentials
	Range hcl.Range // of the prefix
}

func credentialsKind() *eval.Kind {
	return &eval.Kind{
		Block: &schema.Block{
			Type:   "credentials",
			Labels: []string{"name"},
			Doc:    "How to log in to all repositories whose URLs begin with a prefix: those of `repository` blocks that say nothing of it themselves, and what sources, generators, modules and charts name by URL. Of several prefixes the longest counts. Scheme, host and port must be the same, and the names in the path are compared whole: what is below `https://git.example.com/team/` is not below `https://git.example.com/tea`.",
			Example: `credentials "team" {
  url_prefix = "https://git.example.com/team/"

  auth {
    token = secret.environment.git
  }
}`,
			Arguments: append([]schema.Argument{
				forEachArgument(),
				dependsOnArgument(),
				{Name: "url_prefix", Type: schema.String, Required: true, Doc: "How the URLs begin: `https://git.example.com/team/`, `git@git.example.com:team/`, `oci://registry.example.com/charts/`."},
			}, trustArguments()...),
			Blocks: []schema.Nested{{Min: 1, Max: 1, Block: repositoryAuthBlock()}},
		},
		Root:     "credentials",
		RootOnly: true,
		Grouped:  true,
		Shared:   true,
		Decode:   decodeCredentials,
	}
}

func decodeCredentials(_ *eval.Evaluation, in *eval.Instance) eval.Decoded {
	v := in.Values
	credentials := &Credentials{Address: in.Address, Range: v.RangeOf("url_prefix")}
	credentials.Auth = decodeAuth(in, v)
	if v.IsKnown("url_prefix") {
		prefix, err := source.ParsePrefix(v.String("url_prefix"))
		u, parseErr := url.Parse(v.String("url_prefix"))
		switch {
		case parseErr == nil && u.User != nil && u.Scheme != "ssh", parseErr == nil && hasPassword(u):
			in.ErrorAt(v, "url_prefix", eval.CredentialsInURL, "A prefix is shown in messages, so that it cannot hold a password or token. Put it into the auth block.")
		case err != nil:
			in.ErrorAt(v, "url_prefix", "Invalid URL", "The prefix cannot be used: %s.", err)
		}
		credentials.Prefix = prefix
	}
	if auth := v.One("auth"); auth != nil && auth.Known() && !credentials.Auth.LogsIn() {
		in.Errorf(auth.Range, "Empty auth block", "It says nothing of how to log in. Set token, username and password, ssh_key, or client_certificate and client_key.")
	}
	return eval.Decoded{
		Value: value.Block(value.Reference{Address: in.Address, Target: credentials}, map[string]cty.Value{}),
		Made:  credentials,
	}
}

func hasPassword(u *url.URL) bool {
	_, has := u.User.Password()
	return has
}

// authorize gives a location that generators read how to log in, as credentials say.
// It is false where they cannot be told.
func authorize(in *eval.Instance, location *source.Location) bool {
	group, told := in.All("credentials")
	if !told {
		return false
	}
	var all []source.Credentials
	for _, v := range group.AsValueMap() {
		if ref, ok := value.ReferenceOf(v); ok {
			all = append(all, ref.Target.(*Credentials).Credentials)
		}
	}
	auth, err := source.Authorize(*location, all)
	location.Auth = auth
	return err == nil
}
