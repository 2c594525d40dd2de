package govern

import (
	"crypto/x509"
	"net/url"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
)

// Forge is where pull requests for the configuration are. What it does not say, the CI
// system's environment does.
type Forge struct {
	Type       string // of ForgeTypes
	URL        string // empty for the public service
	Repository string // owner/name
	Username   string
	Token      Credential
	App        *ForgeApp // that asks in place of a token; nil for none
	CAData     string    // PEM
	// Branch is the branch that changes go to, where there is no forge (NoForge); empty is the
	// default branch.
	Branch string
	Range  hcl.Range
}

// NoForge is the type of a block that says that there is no forge: reviews are in git.
const NoForge = "git"

// ForgeApp is an app of GitHub.
type ForgeApp = eval.ForgeApp

// ForgeTypes are the types of forges.
func ForgeTypes() []string {
	return []string{"github", "gitlab", "gitea", "forgejo", "bitbucket", "bitbucket_data_center"}
}

// ForgeNeedsURL reports whether there is no public service of a type, so that its URL must be
// said.
func ForgeNeedsURL(name string) bool {
	return name == "gitea" || name == "forgejo" || name == "bitbucket_data_center"
}

// ForgeArguments are what says where a forge is, and what logs in: all arguments but which
// repository is meant.
func ForgeArguments() []schema.Argument {
	return []schema.Argument{
		{Name: "url", Type: schema.String, Default: "the public service's", Doc: "The URL of the forge, or of its API: `\"https://git.example.com\"`. Gitea, Forgejo and Bitbucket Data Center need it."},
		{Name: "token", Type: schema.Credential, Sensitive: true, Doc: "The token that logs in."},
		{Name: "username", Type: schema.String, Doc: "Whose the token is, where the forge wants that beside it: Bitbucket's API tokens do."},
		{Name: "ca_certificate", Type: schema.String, Default: "the system's", Doc: "The authorities that the forge's certificate must come from, in PEM."},
	}
}

// ForgeBlocks declares the forge blocks, one for each type.
func ForgeBlocks() []schema.Nested {
	docs := map[string]string{
		"github": "Pull requests are at GitHub.", "gitlab": "Merge requests are at GitLab.", "gitea": "Pull requests are at a Gitea.",
		"forgejo": "Pull requests are at a Forgejo.", "bitbucket": "Pull requests are at Bitbucket Cloud.",
		"bitbucket_data_center": "Pull requests are at a Bitbucket Data Center.",
	}
	var out []schema.Nested
	for _, name := range ForgeTypes() {
		arguments := append([]schema.Argument{
			{Name: "repository", Type: schema.String, Default: "the CI job's", Doc: "The repository of the configuration, as `owner/name`."},
		}, ForgeArguments()...)
		block := &schema.Block{Type: "forge", Labels: []string{name}, Doc: docs[name], Arguments: arguments}
		if name == "github" {
			block.Blocks = ForgeAppBlocks("for this repository alone", "the repository's")
		}
		out = append(out, schema.Nested{Max: 1, Block: block})
	}
	return append(out, schema.Nested{Max: 1, Block: &schema.Block{
		Type: "forge", Labels: []string{NoForge},
		Doc: "There is no forge: reviews are tags of the repository, given with `gantry approve` and signed with the SSH keys of the identity block. A change is a commit that is not in the branch yet; it is merged as it is, or by a merge commit.",
		Arguments: []schema.Argument{
			{Name: "branch", Type: schema.String, Default: "the default branch", Doc: "The branch that changes go to."},
		},
	}})
}

// ForgeAppBlocks declare the app of a forge; counts says for what its token is, and whose which
// installation is meant.
func ForgeAppBlocks(counts, whose string) []schema.Nested {
	return []schema.Nested{{Max: 1, Block: &schema.Block{
		Type: "app",
		Doc:  "Log in as a GitHub App, in place of a token: with its private key a token is made that counts for an hour, and " + counts + ".",
		Arguments: []schema.Argument{
			{Name: "id", Type: schema.String, Required: true, Doc: "The app's ID, or its client ID."},
			{Name: "installation", Type: schema.String, Default: whose, Doc: "The ID of the installation."},
			{Name: "private_key", Type: schema.Credential, Required: true, Sensitive: true, Doc: "A private key of the app, in PEM."},
		},
	}}}
}

// DecodeForgeApp decodes the app of a forge, of which there is one at most and which takes the
// place of a token; nil for none.
func DecodeForgeApp(in *eval.Instance, v *schema.Values) *ForgeApp {
	app := v.One("app")
	if app == nil {
		return nil
	}
	if v.Has("token") {
		in.ErrorAt(v, "token", "Conflicting arguments", "The block \"app\" says what logs in, too. Remove the argument \"token\", or the block.")
	}
	for _, name := range []string{"id", "installation"} {
		if app.IsKnown(name) && !isAppID(app.String(name)) {
			in.ErrorAt(app, name, "Unsuitable value", "An ID has letters, digits and dots only, such as \"123456\".")
		}
	}
	return &ForgeApp{ID: app.String("id"), Installation: app.String("installation"), Key: credentialOf(app, "private_key")}
}

// DecodeForge decodes the forge block, of which there is one at most; none is nil.
func DecodeForge(in *eval.Instance, blocks []*schema.Values) *Forge {
	if len(blocks) == 0 {
		return nil
	}
	v := blocks[0]
	if v.Block.Labels[0] == NoForge {
		if branch := v.String("branch"); v.IsKnown("branch") && (branch == "" || strings.HasPrefix(branch, "-") || strings.ContainsAny(branch, " \t\r\n~^:?*[\\")) {
			in.ErrorAt(v, "branch", "Unsuitable value", "%q is no name of a branch.", branch)
		}
		return &Forge{Type: NoForge, Branch: v.String("branch"), Range: v.Range}
	}
	forge := &Forge{
		Type: v.Block.Labels[0], Repository: v.String("repository"), Username: v.String("username"),
		Token: credentialOf(v, "token"), CAData: v.String("ca_certificate"), Range: v.Range,
	}
	forge.URL = CheckForge(in, v)
	if forge.Type == "github" { // which alone has apps
		forge.App = DecodeForgeApp(in, v)
	}
	if v.IsKnown("repository") && !IsRepository(forge.Repository) {
		in.ErrorAt(v, "repository", "Unsuitable value", "The repository must be written as owner/name, such as \"example/deploy\", and not %q.", forge.Repository)
	}
	return forge
}

// isAppID reports whether a text can be the ID of an app or an installation.
func isAppID(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '.'
	})
}

// IsRepository reports whether a text is a repository's owner and name. An owner may have
// parts, as GitLab's groups do.
func IsRepository(text string) bool {
	parts := strings.Split(text, "/")
	for _, part := range parts {
		if part == "" || part == "." || part == ".." || strings.ContainsAny(part, " \t\r\n?#%\\:") {
			return false
		}
	}
	return len(parts) > 1
}

// CheckForge checks the arguments that ForgeArguments declares, and returns the URL.
func CheckForge(in *eval.Instance, v *schema.Values) string {
	if v.IsKnown("ca_certificate") && !x509.NewCertPool().AppendCertsFromPEM([]byte(v.String("ca_certificate"))) {
		in.ErrorAt(v, "ca_certificate", "Unsuitable value", "The argument \"ca_certificate\" has no certificate in PEM. It is the certificate itself, such as file(\"ca.pem\") gives.")
	}
	if !v.IsKnown("url") {
		return ""
	}
	text := v.String("url")
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		in.ErrorAt(v, "url", "Invalid URL", "It must be an https URL, such as \"https://git.example.com\".")
	case u.User != nil:
		in.ErrorAt(v, "url", eval.CredentialsInURL, "The URL is shown in messages, so that it cannot hold a password. Use the argument \"token\".")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		in.ErrorAt(v, "url", "Invalid URL", "The URL of a forge has neither a query nor a fragment. Remove what follows the path.")
	}
	return text
}
