package lang

import (
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/target"
)

func decryptionBlock() *schema.Block {
	return &schema.Block{
		Type: "decryption",
		Doc: "The keys that open what SOPS has encrypted in its sources: value files, manifests, and files that secrets are made of. They are read where such a file is, and the file is decrypted in memory. " +
			"The values are sensitive: they may end up in Secrets alone. Without the block, the keys are those of `SOPS_AGE_KEY` and `SOPS_AGE_KEY_FILE` in the environment.",
		Arguments: []schema.Argument{
			{Name: "age", Type: schema.References("secret"), Doc: "Secrets that hold age identities (lines that begin with `AGE-SECRET-KEY-1`), or an SSH private key."},
			{Name: "pgp", Type: schema.References("secret"), Doc: "Secrets that hold private keys of PGP without a passphrase, as `gpg --export-secret-keys --armor` writes them."},
		},
	}
}

// decodeDecryption returns the keys for encrypted files; nil where none are named.
func decodeDecryption(in *eval.Instance) *target.Decryption {
	v := in.Values.One("decryption")
	if v == nil {
		return nil
	}
	out := &target.Decryption{}
	for name, to := range map[string]*[]*target.Secret{"age": &out.Age, "pgp": &out.PGP} {
		for _, ref := range v.References(name) {
			*to = append(*to, ref.Target.(*target.Secret))
		}
	}
	if !v.Has("age") && !v.Has("pgp") {
		in.Errorf(v.Range, "Missing required argument", "It is not said which keys open encrypted files. Set age or pgp.")
	}
	return out
}
