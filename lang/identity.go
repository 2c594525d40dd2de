package lang

import (
	"crypto/x509"
	"net"
	"net/url"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/crypto/ssh"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/identity"
)

// identityAudience is what tokens must be made for where the configuration does not say.
const identityAudience = "gantry"

func identityBlock() *schema.Block {
	return &schema.Block{
		Type: "identity",
		Doc:  "Who may vouch for who runs a command. Without it nobody does, and roles give everybody no more than the default role's rights. It is read from the configuration that stands where the command runs, never from a plan.",
		Blocks: []schema.Nested{
			{Block: &schema.Block{
				Type: "oidc",
				Doc:  "An OpenID Connect issuer: of a CI system, or the one that people log in to with `gantry login`.",
				Arguments: []schema.Argument{
					{Name: "issuer", Type: schema.String, Required: true, Doc: "Its URL, letter by letter as in the claim `iss` of its tokens. It has https, but on this machine."},
					{Name: "audience", Type: schema.String, Default: "`client_id`, or `\"" + identityAudience + "\"`", Doc: "What tokens must be made for: their claim `aud`."},
					{Name: "client_id", Type: schema.String, Default: "the audience", Doc: "What `gantry login` is registered as at the issuer: a public client, without a secret."},
					{Name: "scopes", Type: schema.Strings, Default: "those of `profile`, `email`, `groups` and `offline_access` that it has", Doc: "What `gantry login` asks for, besides `openid`."},
					{Name: "name_claim", Type: schema.String, Default: "`preferred_username`, `email` or `sub`, whichever is there first", Doc: "The claim with the name for people, or the path to it with dots: `user.name`. Roles do not look at it."},
					{Name: "groups_claim", Type: schema.String, Default: "groups", Doc: "The claim with the groups, or the path to it with dots: `realm_access.roles`. A text is one group."},
					{Name: "required_claims", Type: schema.StringMap, Doc: "Values that claims must have, letter by letter: `{ repository_owner = \"example\" }`. An issuer that many share, such as GitHub's, vouches for all who use it."},
					{Name: "ca_certificate", Type: schema.String, Default: "the system's", Doc: "The authorities that the issuer's certificate must come from, in PEM."},
				},
			}},
			{Block: &schema.Block{
				Type: "kubernetes",
				Doc:  "A cluster that vouches for its service accounts: it is asked to review their tokens.",
				Arguments: []schema.Argument{
					{Name: "cluster", Type: schema.Reference("cluster"), Required: true, Doc: "The cluster."},
					{Name: "audience", Type: schema.String, Default: `"` + identityAudience + `"`, Doc: "What tokens must be made for: that of a projected volume, or of `kubectl create token --audience`."},
				},
			}},
			{Block: &schema.Block{
				Type: "ssh",
				Doc:  "An SSH key, and who has it. They prove it with the key, or the agent that holds it.",
				Arguments: []schema.Argument{
					{Name: "key", Type: schema.String, Required: true, Doc: "The public key, as in `authorized_keys`: `ssh-ed25519 AAAA…`."},
					{Name: "name", Type: schema.String, Required: true, Doc: "Who has the key. It is the subject that roles name."},
					{Name: "groups", Type: schema.Strings, Doc: "The groups that they are in."},
				},
			}},
		},
	}
}

func decodeIdentity(in *eval.Instance, v *schema.Values) identity.Trust {
	var trust identity.Trust
	if v == nil {
		return trust
	}
	for _, b := range v.Blocks("oidc") {
		trust.Issuers = append(trust.Issuers, decodeIssuer(in, b))
	}
	for _, b := range v.Blocks("kubernetes") {
		if cluster, ok := decodeReviewer(in, b); ok {
			trust.Clusters = append(trust.Clusters, cluster)
		}
	}
	seen := map[string]string{} // names by the key as it goes over the wire
	for _, b := range v.Blocks("ssh") {
		trust.Keys = append(trust.Keys, decodeSSHKey(in, b, seen))
	}
	if len(v.Blocks("oidc"))+len(v.Blocks("kubernetes"))+len(v.Blocks("ssh")) == 0 {
		in.Errorf(v.Range, "Missing required argument", "Nobody may vouch for anybody. Add a block oidc, kubernetes or ssh.")
	}
	for i, one := range trust.Issuers {
		for _, other := range trust.Issuers[:i] {
			if one.URL != "" && one.URL == other.URL && one.Audience == other.Audience {
				in.Errorf(v.Blocks("oidc")[i].Range, "Duplicate issuer", "The issuer %s is there twice with the audience %q, so that it cannot be told which of the blocks counts. Remove one of them.", one.URL, one.Audience)
			}
		}
	}
	return trust
}

func decodeIssuer(in *eval.Instance, v *schema.Values) identity.Issuer {
	issuer := identity.Issuer{
		URL: v.String("issuer"), Audience: v.String("audience"), ClientID: v.String("client_id"), Scopes: v.Strings("scopes"),
		NameClaim: v.String("name_claim"), GroupsClaim: v.String("groups_claim"),
		RequiredClaims: v.StringMap("required_claims"), CAData: v.String("ca_certificate"),
	}
	if issuer.Audience == "" && !v.Has("audience") {
		if issuer.Audience = issuer.ClientID; issuer.Audience == "" {
			issuer.Audience = identityAudience
		}
	}
	for _, name := range []string{"issuer", "audience", "client_id", "name_claim", "groups_claim"} {
		if v.IsKnown(name) && strings.TrimSpace(v.String(name)) == "" {
			in.ErrorAt(v, name, "Unsuitable value", "The argument %q is empty. Set it, or leave it out.", name)
		}
	}
	if v.IsKnown("issuer") && issuer.URL != "" {
		checkIssuer(in, v, issuer.URL)
	}
	if v.IsKnown("ca_certificate") && !x509.NewCertPool().AppendCertsFromPEM([]byte(issuer.CAData)) {
		in.ErrorAt(v, "ca_certificate", "Unsuitable value", "The argument \"ca_certificate\" has no certificate in PEM. It is the certificate itself, such as file(\"ca.pem\") gives.")
	}
	return issuer
}

// checkIssuer refuses URLs that no issuer may have: what comes over http could come from
// anybody in between.
func checkIssuer(in *eval.Instance, v *schema.Values, text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		in.ErrorAt(v, "issuer", "Invalid issuer", "The issuer is no URL. It is like \"https://login.example.com\", as in the claim \"iss\" of its tokens.")
	case u.User != nil:
		in.ErrorAt(v, "issuer", eval.CredentialsInURL, "The issuer's URL has a user name or password, which no issuer has. Remove it.")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		in.ErrorAt(v, "issuer", "Invalid issuer", "The issuer's URL has a query or fragment, which no issuer has. Remove what follows the path.")
	case u.Scheme == "http" && !onThisMachine(u.Hostname()):
		in.ErrorAt(v, "issuer", "Invalid issuer", "The issuer's URL has http, so that anybody in between could say who is who. Use https.")
	}
}

func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func decodeReviewer(in *eval.Instance, v *schema.Values) (identity.Cluster, bool) {
	out := identity.Cluster{Audience: v.String("audience")}
	if !v.Has("audience") {
		out.Audience = identityAudience
	} else if v.IsKnown("audience") && strings.TrimSpace(out.Audience) == "" {
		in.ErrorAt(v, "audience", "Unsuitable value", "The argument \"audience\" is empty, and tokens for any audience would count. Set it, or leave it out.")
	}
	ref, ok := v.Reference("cluster")
	if !ok {
		return out, false
	}
	cluster := ref.Target.(*Cluster)
	if cluster.Withheld {
		in.ErrorAt(v, "cluster", withheldSummary, "%s", cluster.withheldDetail())
	}
	out.Name, out.Connection, out.Credentials = cluster.Address.String(), cluster.Connection, cluster.Credentials
	return out, true
}

func decodeSSHKey(in *eval.Instance, v *schema.Values, seen map[string]string) identity.Key {
	key := identity.Key{PublicKey: v.String("key"), Name: v.String("name"), Groups: v.Strings("groups")}
	if v.IsKnown("name") && strings.TrimSpace(key.Name) == "" {
		in.ErrorAt(v, "name", "Unsuitable value", "The argument \"name\" is empty. Set it to who has the key.")
	}
	if !v.IsKnown("key") {
		return key
	}
	public, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(key.PublicKey))
	switch {
	case strings.Contains(key.PublicKey, "PRIVATE KEY"):
		in.Report(&hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Invalid SSH key", Subject: v.RangeOf("key").Ptr(), Extra: HideSource{},
			Detail: "This is a private key, and must not be in a configuration. Remove it, make a new one, and write the public key here, which begins with \"ssh-\" or \"ecdsa-\".",
		})
	case err != nil:
		in.ErrorAt(v, "key", "Invalid SSH key", "The argument \"key\" is no public key of SSH. It is one line, as in authorized_keys or a file .pub: \"ssh-ed25519 AAAA…\".")
	case len(options) > 0 || len(strings.TrimSpace(string(rest))) > 0:
		in.ErrorAt(v, "key", "Invalid SSH key", "There is more than one key, or options are before it. Write one key alone in one block, \"ssh-ed25519 AAAA…\".")
	case identity.CheckKey(public) != nil:
		in.ErrorAt(v, "key", "Invalid SSH key", "The key is not taken: %s.", identity.CheckKey(public))
	default:
		wire := string(public.Marshal())
		if name, ok := seen[wire]; ok {
			in.ErrorAt(v, "key", "Duplicate SSH key", "This key is that of %q, too, so that it cannot be told who has it. Remove one of the blocks.", name)
		}
		seen[wire] = key.Name
	}
	return key
}
