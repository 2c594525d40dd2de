// Package commitsig says who signed a commit or an annotated tag of git: with an OpenPGP
// key, or with an SSH key as "git commit -S" does with gpg.format = ssh.
//
// Signatures are checked over the bytes of the object as git keeps it. It reads no
// repository, no keyring and no configuration of git: whose signatures count is what it is
// given. Which commit must be signed, and what becomes of one that is not, is for others to
// say. Every package may import it.
package commitsig

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/sshsig"
)

// Namespace is what git makes SSH signatures for.
const Namespace = "git"

var (
	// ErrUnsigned means that there is no signature.
	ErrUnsigned = errors.New("it is not signed")
	// ErrUntrusted means that the signature is of a key that does not count, or not any more.
	ErrUntrusted = errors.New("its signature does not count")
	// ErrWrong means that a signature which claims to be of a key that counts is not.
	ErrWrong = errors.New("its signature is wrong: it is not of this content")
)

// Keys are those whose signatures count.
type Keys struct {
	ssh []sshsig.Key
	pgp []pgpKey
}

// Parse reads keys: of SSH as public keys or lines of allowed_signers, of OpenPGP as public
// keys in their text form. An element may hold several. Errors hold nothing of a key.
func Parse(trust source.Trust) (*Keys, error) {
	keys := &Keys{}
	for i, text := range trust.SSHKeys {
		if err := CheckSSH(text); err != nil {
			return nil, fmt.Errorf("SSH key %d: %w", i, err)
		}
		found, err := sshsig.Parse(Namespace, text)
		if err != nil {
			return nil, fmt.Errorf("SSH key %d: %w", i, err)
		}
		keys.ssh = append(keys.ssh, found...)
	}
	for i, text := range trust.GPGKeys {
		found, err := parsePGP(text)
		if err != nil {
			return nil, fmt.Errorf("OpenPGP key %d: %w", i, err)
		}
		keys.pgp = append(keys.pgp, found...)
	}
	return keys, nil
}

// CheckSSH says what is wrong with an element of SSH keys: it holds none that is for git,
// or a line that is none.
func CheckSSH(text string) error {
	if strings.Contains(text, "PRIVATE KEY-----") {
		return errors.New("it is a private key, and who verifies needs the public key only: the .pub file")
	}
	found, err := sshsig.Parse(Namespace, text)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("it holds no key that is for the namespace %q", Namespace)
	}
	return err
}

// CheckPGP says what is wrong with an element of OpenPGP keys.
func CheckPGP(text string) error {
	_, err := parsePGP(text)
	return err
}

// IDs are the keys as source.Signature.Key has them, sorted.
func (k *Keys) IDs() []string {
	var out []string
	for i := range k.ssh {
		out = append(out, k.ssh[i].ID)
	}
	for _, key := range k.pgp {
		out = append(out, key.id)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Verify returns the key that signed an object. A key counts that was valid when the object
// says that it was made, and still is: who has a key that has ended may write any date.
// Errors are ErrUnsigned, ErrUntrusted and ErrWrong.
func (k *Keys) Verify(object *Signed, now time.Time) (source.Signature, error) {
	begins := func(armor string) bool { return bytes.HasPrefix(object.signature, []byte(armor)) }
	switch {
	case len(bytes.TrimSpace(object.signature)) == 0:
		return source.Signature{}, ErrUnsigned
	case begins("-----BEGIN SSH SIGNATURE-----"):
		return k.verifySSH(object, now)
	case begins("-----BEGIN PGP SIGNATURE-----"), begins("-----BEGIN PGP MESSAGE-----"):
		return k.verifyPGP(object, now)
	case begins("-----BEGIN SIGNED MESSAGE-----"):
		return source.Signature{}, fmt.Errorf("%w: it is by an X.509 certificate, and SSH and OpenPGP keys can be checked", ErrUntrusted)
	}
	return source.Signature{}, fmt.Errorf("%w: it is of no kind that can be checked", ErrUntrusted)
}

func (k *Keys) verifySSH(object *Signed, now time.Time) (source.Signature, error) {
	none := source.Signature{}
	signature, err := sshsig.Unarmor(object.signature)
	if err != nil {
		return none, fmt.Errorf("%w: it is %w", ErrUntrusted, err)
	}
	id, err := sshsig.Signer(signature)
	if err != nil {
		return none, fmt.Errorf("%w: it is %w", ErrUntrusted, err)
	}
	var refused string
	for i := range k.ssh {
		key := &k.ssh[i]
		if key.ID != id {
			continue
		}
		if err := key.Verify(object.payload, signature); err != nil {
			return none, fmt.Errorf("%w (key %s: %w)", ErrWrong, id, err)
		}
		why := key.Refuses(object.At)
		if why == "" {
			why = key.Refuses(now)
		}
		if why == "" {
			return source.Signature{Key: id, Name: key.Name}, nil
		}
		refused = why
	}
	if refused != "" {
		return none, fmt.Errorf("%w: the key %s %s", ErrUntrusted, id, refused)
	}
	return none, k.unknown(id)
}

// unknown says that a signature is of a key that is not among them.
func (k *Keys) unknown(id string) error {
	return fmt.Errorf("%w: it is of the key %s, and those that count are %s", ErrUntrusted, id, strings.Join(k.IDs(), ", "))
}
