package commitsig

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/gantrycd/gantry/plan/source"
)

const (
	pgpPublic  = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
	pgpPrivate = "-----BEGIN PGP PRIVATE KEY BLOCK-----"
	minRSA     = 2048
)

// pgpKey is an OpenPGP key with its subkeys.
type pgpKey struct {
	id     string // the fingerprint of the primary key, in capitals
	name   string
	entity *openpgp.Entity
}

// parsePGP reads the keys of a text, which may have several blocks.
func parsePGP(text string) ([]pgpKey, error) {
	if strings.Contains(text, pgpPrivate) {
		return nil, errors.New("it is a private key, and who verifies needs the public key only: \"gpg --export --armor\" prints it")
	}
	blocks := strings.Split(text, pgpPublic)
	if bare := strings.Join(strings.Fields(blocks[0]), ""); len(blocks) == 1 && bare != "" && strings.Trim(strings.ToLower(strings.TrimPrefix(bare, "0x")), "0123456789abcdef") == "" {
		return nil, errors.New("it is the fingerprint or id of a key, and no keyring is read that would have the key: write what \"gpg --export --armor\" prints for it")
	}
	if len(blocks) == 1 {
		return nil, fmt.Errorf("it is no OpenPGP public key in its text form, which begins with %s", pgpPublic)
	}
	var out []pgpKey
	for _, block := range blocks[1:] {
		entities, err := openpgp.ReadArmoredKeyRing(strings.NewReader(pgpPublic + block))
		if err != nil {
			return nil, errors.New("its OpenPGP public key cannot be read")
		}
		for _, entity := range entities {
			if err := weak(entity.PrimaryKey); err != nil {
				return nil, err
			}
			key := pgpKey{id: fmt.Sprintf("%X", entity.PrimaryKey.Fingerprint), entity: entity}
			if identity := entity.PrimaryIdentity(); identity != nil {
				key.name = identity.Name
			}
			out = append(out, key)
		}
	}
	return out, nil
}

// weak says why a key is not strong enough to vouch for anything.
func weak(key *packet.PublicKey) error {
	switch key.PubKeyAlgo {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSASignOnly:
		if bits, err := key.BitLength(); err != nil || bits < minRSA {
			return fmt.Errorf("its RSA key has %d bits, and must have at least %d", bits, minRSA)
		}
	case packet.PubKeyAlgoECDSA, packet.PubKeyAlgoEdDSA, packet.PubKeyAlgoEd25519, packet.PubKeyAlgoEd448:
	default:
		return errors.New("OpenPGP keys that are neither RSA, ECDSA nor EdDSA are not taken")
	}
	return nil
}

// goodHash reports whether a digest stands for nothing but what it is of.
func goodHash(hash crypto.Hash) bool {
	switch hash {
	case crypto.SHA256, crypto.SHA384, crypto.SHA512, crypto.SHA3_256, crypto.SHA3_512:
		return true
	default:
		return false
	}
}

func (k *Keys) verifyPGP(object *Signed, now time.Time) (source.Signature, error) {
	none := source.Signature{}
	packets, sig, err := pgpSignature(object.signature)
	if err != nil {
		return none, fmt.Errorf("%w: it is an OpenPGP signature that %w", ErrUntrusted, err)
	}
	ring := make(openpgp.EntityList, len(k.pgp))
	for i, key := range k.pgp {
		ring[i] = key.entity
	}
	config := &packet.Config{Time: func() time.Time { return now }}
	_, signer, err := openpgp.VerifyDetachedSignature(ring, bytes.NewReader(object.payload), bytes.NewReader(packets), config)
	switch {
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		return none, k.unknown(pgpID(sig))
	case signer == nil:
		return none, fmt.Errorf("%w (key %s)", ErrWrong, pgpID(sig))
	}
	if err == nil {
		err = k.timely(signer, sig)
	}
	if err != nil {
		return none, fmt.Errorf("%w: the key %X: %w", ErrUntrusted, signer.PrimaryKey.Fingerprint, err)
	}
	for _, key := range k.pgp {
		if key.entity == signer {
			return source.Signature{Key: key.id, Name: key.name}, nil
		}
	}
	return none, k.unknown(pgpID(sig))
}

// timely checks the key that made a signature: that it is strong enough, and was there when
// the signature says that it was made.
func (k *Keys) timely(signer *openpgp.Entity, sig *packet.Signature) error {
	made := []*packet.PublicKey{signer.PrimaryKey}
	for i := range signer.Subkeys {
		if sig.IssuerKeyId != nil && signer.Subkeys[i].PublicKey.KeyId == *sig.IssuerKeyId {
			made = append(made, signer.Subkeys[i].PublicKey)
		}
	}
	for _, key := range made {
		if err := weak(key); err != nil {
			return err
		}
		if sig.CreationTime.Before(key.CreationTime) {
			return errors.New("the signature says that it is older than the key")
		}
	}
	return nil
}

// pgpSignature is the one signature of an armored text.
func pgpSignature(text []byte) ([]byte, *packet.Signature, error) {
	unreadable := errors.New("cannot be read")
	rest := bytes.NewReader(text)
	block, err := armor.Decode(rest)
	if err != nil {
		return nil, nil, unreadable
	}
	packets, err := io.ReadAll(block.Body)
	if err != nil {
		return nil, nil, unreadable
	}
	if bytes.Count(text, []byte("-----BEGIN")) != 1 || !bytes.HasSuffix(bytes.TrimSpace(text), []byte("-----")) {
		return nil, nil, errors.New("has something else behind it")
	}
	reader := packet.NewReader(bytes.NewReader(packets))
	first, err := reader.Next()
	if err != nil {
		return nil, nil, unreadable
	}
	sig, ok := first.(*packet.Signature)
	if !ok || sig.IssuerKeyId == nil {
		return nil, nil, unreadable
	}
	if _, err := reader.Next(); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("is several")
	}
	switch {
	case sig.SigType != packet.SigTypeBinary:
		return nil, nil, errors.New("is of another type than git makes")
	case !goodHash(sig.Hash):
		return nil, nil, fmt.Errorf("is over a digest by %s, which is too weak", sig.Hash)
	}
	return packets, sig, nil
}

// pgpID names the key that a signature says it was made with.
func pgpID(sig *packet.Signature) string {
	if len(sig.IssuerFingerprint) > 0 {
		return fmt.Sprintf("%X", sig.IssuerFingerprint)
	}
	return fmt.Sprintf("%016X", *sig.IssuerKeyId)
}
