package identity

import (
	"crypto/rsa"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// minRSA is how many bits an RSA key must have at least.
const minRSA = 2048

// CheckKey refuses SSH keys that are too weak, or of a kind that is not verified here:
// hardware keys need a touch and flags that only OpenSSH checks.
func CheckKey(key ssh.PublicKey) error {
	switch key.Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521:
		return nil
	case ssh.KeyAlgoRSA:
		crypto, ok := key.(ssh.CryptoPublicKey)
		if !ok {
			break
		}
		if public, ok := crypto.CryptoPublicKey().(*rsa.PublicKey); ok && public.N.BitLen() < minRSA {
			return fmt.Errorf("its RSA key has %d bits, and must have at least %d", public.N.BitLen(), minRSA)
		}
		return nil
	}
	return fmt.Errorf("SSH keys of type %s are not taken: use ssh-ed25519, ecdsa or ssh-rsa", key.Type())
}
