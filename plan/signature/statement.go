package signature

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// StatementType is the payload type of statements that are signed by themselves.
const StatementType = "application/vnd.gantry.statement+json"

// ParseKeys is LoadKeys of text.
func ParseKeys(text []byte) (*Keys, error) {
	found, err := parseKeys(text)
	if err != nil {
		return nil, err
	}
	return &Keys{trusted: found}, nil
}

// Add has the keys of others be trusted, too.
func (k *Keys) Add(others *Keys) { k.trusted = append(k.trusted, others.trusted...) }

// IDs lists the keys' ids, in their order.
func (k *Keys) IDs() []string {
	ids := make([]string, len(k.trusted))
	for i, key := range k.trusted {
		ids[i] = key.id
	}
	return ids
}

// SignStatement returns a DSSE envelope of a statement with the signers' signatures.
func SignStatement(statement []byte, signers []*Signer) ([]byte, error) {
	envelope := &dsse.Envelope{PayloadType: StatementType, Payload: base64.StdEncoding.EncodeToString(statement)}
	if err := Sign(envelope, statement, signers); err != nil {
		return nil, err
	}
	return json.Marshal(envelope)
}

// VerifyStatement returns who signed a statement, of trusted keys: the envelope must hold
// exactly the statement. Errors are those of Verify.
func (k *Keys) VerifyStatement(envelope, statement []byte, now time.Time) ([]Verified, error) {
	read := &dsse.Envelope{}
	if err := json.Unmarshal(envelope, read); err != nil {
		return nil, fmt.Errorf("%w: the envelope cannot be read", ErrWrong)
	}
	if read.PayloadType != StatementType || read.Payload != base64.StdEncoding.EncodeToString(statement) {
		return nil, fmt.Errorf("%w: what was signed is another statement", ErrWrong)
	}
	return k.Verify(read, statement, now)
}
