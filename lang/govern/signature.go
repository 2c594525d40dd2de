package govern

import (
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/commitsig"
)

// Signature says whose signatures commits of repositories must have.
type Signature struct {
	Repositories []string // globs of URLs; nil is all
	Strict       bool     // every commit since the last that was verified, not only the newest
	Since        []string // commits whose history is taken as it is, where Strict
	SSHKeys      []string
	GPGKeys      []string
	Range        hcl.Range
}

// KeyArguments declares the keys whose signatures are good; see DecodeKeys.
func KeyArguments() []schema.Argument {
	return []schema.Argument{
		{Name: "ssh_keys", Type: schema.Strings, Doc: "SSH public keys that are good: `ssh-ed25519 AAAA…`, or lines of `allowed_signers`. An element may have several, each on a line of its own, as files of keys have."},
		{Name: "gpg_keys", Type: schema.Strings, Doc: "OpenPGP public keys that are good, as `gpg --export --armor` prints them."},
	}
}

// DecodeKeys decodes what KeyArguments declares. It is an error where that is no key.
func DecodeKeys(in *eval.Instance, v *schema.Values) (ssh, gpg []string) {
	if !v.Has("ssh_keys") && !v.Has("gpg_keys") {
		in.Errorf(v.Range, "Missing required argument", "It is not said whose signatures are good. Set ssh_keys or gpg_keys.")
	}
	for _, list := range []struct {
		name  string
		check func(string) error
	}{{"ssh_keys", commitsig.CheckSSH}, {"gpg_keys", commitsig.CheckPGP}} {
		if v.IsKnown(list.name) && len(v.Strings(list.name)) == 0 {
			in.ErrorAt(v, list.name, "Unsuitable value", "The argument %q is empty, so that no signature would be good. Name a key, or remove the %s block.", list.name, v.Block.Type)
		}
		for i, element := range v.Strings(list.name) {
			if err := list.check(element); err != nil {
				in.ErrorAt(v, list.name, "Invalid public key", "Element %d: %s.", i, err)
			}
		}
	}
	return v.Strings("ssh_keys"), v.Strings("gpg_keys")
}

func signatureBlock() *schema.Block {
	return &schema.Block{
		Type: "signature",
		Doc:  "Whose signatures the commits must have that sources are read at. Where several are about a repository, each counts.",
		Arguments: append([]schema.Argument{
			{Name: "repositories", Type: schema.Strings, Default: "all", Doc: "Patterns of the repositories' URLs."},
			{Name: "mode", Type: schema.String, Default: `"head"`, OneOf: []string{"head", "strict"}, Doc: "Whether the commit or tag itself must be signed, or every commit since the last one that was verified and applied."},
			{Name: "since", Type: schema.Strings, Doc: "With `mode = \"strict\"`: commits whose history is taken as it is, by their full ids. Where nothing was applied yet, every commit of the history must be signed without it."},
		}, KeyArguments()...),
	}
}

func decodeSignature(in *eval.Instance, v *schema.Values) Signature {
	CheckPatterns(in, v, "repositories", true)
	checkNotEmpty(in, v, "repositories", "For all leave the argument out.")
	signature := Signature{
		Repositories: v.Strings("repositories"), Strict: v.String("mode") == "strict", Since: v.Strings("since"), Range: v.Range,
	}
	signature.SSHKeys, signature.GPGKeys = DecodeKeys(in, v)
	if v.Has("since") && v.IsKnown("mode") && !signature.Strict {
		in.ErrorAt(v, "since", "Conflicting arguments", "Only with mode = \"strict\" the history of a commit is looked at.")
	}
	for _, commit := range signature.Since {
		if len(commit) != 40 || strings.Trim(commit, "0123456789abcdef") != "" {
			in.ErrorAt(v, "since", "Invalid commit", "%q is no full id of a commit, which has 40 digits: \"git rev-parse REVISION\" prints it. Names move, and would let in what they lead to.", commit)
		}
	}
	return signature
}
