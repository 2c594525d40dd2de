package lang

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/crypto/ssh"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
)

// Verify says who must have signed what is read of a git repository.
type Verify struct {
	SSHKeys []string // lines as in an authorized_keys or allowed_signers file
	GPGKeys []string // public keys in their text form
	Range   hcl.Range
}

func verifyBlock() *schema.Block {
	return &schema.Block{
		Type: "verify",
		Doc:  "Says that the commit or tag that is read must be signed, with one of these keys.",
		Arguments: []schema.Argument{
			{Name: "ssh_keys", Type: schema.Strings, Doc: "SSH public keys: `ssh-ed25519 AAAA…`. An element may have several, each on a line of its own, as files of keys have."},
			{Name: "gpg_keys", Type: schema.Strings, Doc: "OpenPGP public keys, as `gpg --export --armor` prints them."},
		},
	}
}

// pgpHeader begins an OpenPGP public key in its text form.
const pgpHeader = "-----BEGIN PGP PUBLIC KEY BLOCK-----"

func decodeVerify(in *eval.Instance, v *schema.Values) *Verify {
	if v == nil {
		return nil
	}
	verify := &Verify{GPGKeys: v.Strings("gpg_keys"), Range: v.Range}
	if !v.Has("ssh_keys") && !v.Has("gpg_keys") {
		in.Errorf(v.Range, "Missing required argument", "It is not said whose signatures are good. Set ssh_keys or gpg_keys.")
	}
	for _, name := range []string{"ssh_keys", "gpg_keys"} {
		if v.IsKnown(name) && len(v.Strings(name)) == 0 {
			in.ErrorAt(v, name, "Unsuitable value", "The argument %q is empty, so that no signature would be good. Name a key, or remove the verify block.", name)
		}
	}
	for i, element := range v.Strings("ssh_keys") {
		keys := keyLines(element)
		if len(keys) == 0 {
			in.ErrorAt(v, "ssh_keys", "Invalid public key", "Element %d holds no key.", i)
		}
		for _, line := range keys {
			if _, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line)); err != nil {
				in.ErrorAt(v, "ssh_keys", "Invalid public key", "Element %d holds a line that is no SSH public key: %s. One is like \"ssh-ed25519 AAAA… name\".", i, shorten(line))
				continue
			}
			verify.SSHKeys = append(verify.SSHKeys, line)
		}
	}
	for i, element := range verify.GPGKeys {
		if !strings.Contains(element, pgpHeader) {
			in.ErrorAt(v, "gpg_keys", "Invalid public key", "Element %d is no OpenPGP public key in its text form, which begins with %s.", i, pgpHeader)
		}
	}
	return verify
}

// keyLines returns the lines of a file of keys that hold one.
func keyLines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}

// shorten returns the beginning of a line: what was taken for a public key may be
// a private one.
func shorten(line string) string {
	const most = 20
	if runes := []rune(line); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return line
}
