package sigstore_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/gantrycd/gantry/plan/signature/sigstore"
)

const (
	signer = "https://git.example.com/payments/deploy/.github/workflows/plan.yml@refs/heads/main"
	issuer = "https://token.actions.example.com"
)

// authority is a whole sigstore of the test's own: authorities, logs, timestamps.
func authority(t *testing.T) *ca.VirtualSigstore {
	t.Helper()
	made, err := ca.NewVirtualSigstore()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// trustedRoot writes what an authority says of itself; certificate logs only if asked.
func trustedRoot(t *testing.T, of *ca.VirtualSigstore, ctLogs bool) string {
	t.Helper()
	rekor, ct := of.RekorLogs(), of.CTLogs()
	for _, logs := range []map[string]*root.TransparencyLog{rekor, ct} {
		for id, log := range logs {
			raw, err := hex.DecodeString(id)
			if err != nil {
				t.Fatal(err)
			}
			log.ID = raw
		}
	}
	if !ctLogs {
		ct = nil
	}
	trusted, err := root.NewTrustedRoot(root.TrustedRootMediaType01, of.FulcioCertificateAuthorities(), ct, of.TimestampingAuthorities(), rekor)
	if err != nil {
		t.Fatal(err)
	}
	text, err := trusted.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "trusted_root.json", text)
}

func write(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// bundled writes a bundle as cosign would: with the certificate, the log's entry, and
// a timestamp. edit may spoil it.
func bundled(t *testing.T, of *ca.VirtualSigstore, entity *ca.TestEntity, edit func(*protobundle.Bundle)) string {
	t.Helper()
	made := &protobundle.Bundle{MediaType: "application/vnd.dev.sigstore.bundle+json;version=0.1", VerificationMaterial: &protobundle.VerificationMaterial{}}
	content, err := entity.VerificationContent()
	if err != nil {
		t.Fatal(err)
	}
	made.VerificationMaterial.Content = &protobundle.VerificationMaterial_X509CertificateChain{X509CertificateChain: &protocommon.X509CertificateChain{
		Certificates: []*protocommon.X509Certificate{{RawBytes: content.Certificate().Raw}},
	}}
	entries, err := entity.TlogEntries()
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		made.VerificationMaterial.TlogEntries = append(made.VerificationMaterial.TlogEntries, promised(t, of, entry.TransparencyLogEntry()))
	}
	stamps, err := entity.Timestamps()
	if err != nil {
		t.Fatal(err)
	}
	made.VerificationMaterial.TimestampVerificationData = &protobundle.TimestampVerificationData{}
	for _, stamp := range stamps {
		made.VerificationMaterial.TimestampVerificationData.Rfc3161Timestamps = append(
			made.VerificationMaterial.TimestampVerificationData.Rfc3161Timestamps, &protocommon.RFC3161SignedTimestamp{SignedTimestamp: stamp})
	}
	signed, err := entity.SignatureContent()
	if err != nil {
		t.Fatal(err)
	}
	if envelope, ok := signed.(*bundle.Envelope); ok {
		payload, err := envelope.DecodeB64Payload()
		if err != nil {
			t.Fatal(err)
		}
		made.Content = &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
			Payload: payload, PayloadType: envelope.PayloadType, Signatures: []*protodsse.Signature{{Sig: signed.Signature()}},
		}}
	} else {
		message := signed.MessageSignatureContent()
		made.Content = &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
			MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: message.Digest()}, Signature: signed.Signature(),
		}}
	}
	if edit != nil {
		edit(made)
	}
	text, err := protojson.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "bundle.json", text)
}

// promised completes a log's entry with its kind and the log's promise to have it.
func promised(t *testing.T, of *ca.VirtualSigstore, entry *protorekor.TransparencyLogEntry) *protorekor.TransparencyLogEntry {
	t.Helper()
	var kind struct{ Kind, APIVersion string }
	if err := json.Unmarshal(entry.CanonicalizedBody, &kind); err != nil {
		t.Fatal(err)
	}
	entry.KindVersion = &protorekor.KindVersion{Kind: kind.Kind, Version: kind.APIVersion}
	id, err := of.RekorLogID()
	if err != nil {
		t.Fatal(err)
	}
	promise, err := of.RekorSignPayload(tlog.RekorPayload{
		Body: base64.StdEncoding.EncodeToString(entry.CanonicalizedBody), IntegratedTime: entry.IntegratedTime, LogIndex: entry.LogIndex, LogID: id,
	})
	if err != nil {
		t.Fatal(err)
	}
	entry.InclusionPromise = &protorekor.InclusionPromise{SignedEntryTimestamp: promise}
	return entry
}

func TestBundlesAreVerifiedOffline(t *testing.T) {
	content := []byte("gantry-plan 2\n...")
	of, other := authority(t), authority(t)
	entity, err := of.Sign(signer, issuer, content)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	statement, err := json.Marshal(map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v1", "predicate": map[string]any{},
		"subject": []any{map[string]any{"name": "next.gantryplan", "digest": map[string]any{"sha256": hex.EncodeToString(sum[:])}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	attested, err := of.Attest(signer, issuer, statement)
	if err != nil {
		t.Fatal(err)
	}
	trusted := trustedRoot(t, of, false)
	good := sigstore.Policy{TrustedRoot: trusted, Issuer: issuer, Identity: signer}
	for name, path := range map[string]string{"signature": bundled(t, of, entity, nil), "attestation": bundled(t, of, attested, nil)} {
		found, err := sigstore.Verify(content, path, good)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if found.Identity != signer || found.Issuer != issuer || found.SignedAt.IsZero() {
			t.Errorf("%s: %+v", name, found)
		}
		pattern := good
		pattern.Identity, pattern.IdentityPattern = "", `https://git\.example\.com/payments/deploy/.*`
		if _, err := sigstore.Verify(content, path, pattern); err != nil {
			t.Errorf("%s, by a pattern: %v", name, err)
		}
		for i := range content {
			flipped := append([]byte{}, content...)
			flipped[i] ^= 1
			if _, err := sigstore.Verify(flipped, path, good); !errors.Is(err, sigstore.ErrUntrusted) {
				t.Fatalf("%s: byte %d flipped: %v, want ErrUntrusted", name, i, err)
			}
		}
	}
	for name, test := range map[string]struct {
		edit   func(*protobundle.Bundle)
		policy sigstore.Policy
	}{
		"another signer":        {nil, sigstore.Policy{TrustedRoot: trusted, Issuer: issuer, Identity: signer + "x"}},
		"another issuer":        {nil, sigstore.Policy{TrustedRoot: trusted, Issuer: issuer + "x", Identity: signer}},
		"part of a pattern":     {nil, sigstore.Policy{TrustedRoot: trusted, Issuer: issuer, IdentityPattern: "https://git"}},
		"another authority":     {nil, sigstore.Policy{TrustedRoot: trustedRoot(t, other, false), Issuer: issuer, Identity: signer}},
		"in no certificate log": {nil, sigstore.Policy{TrustedRoot: trustedRoot(t, of, true), Issuer: issuer, Identity: signer}},
		"in no log":             {func(b *protobundle.Bundle) { b.VerificationMaterial.TlogEntries = nil }, good},
		"log's promise": {func(b *protobundle.Bundle) {
			b.VerificationMaterial.TlogEntries[0].InclusionPromise.SignedEntryTimestamp[9] ^= 1
		}, good},
		"signature": {func(b *protobundle.Bundle) { b.GetMessageSignature().Signature[9] ^= 1 }, good},
		"certificate": {func(b *protobundle.Bundle) {
			raw := b.VerificationMaterial.GetX509CertificateChain().Certificates[0].RawBytes
			raw[len(raw)-1] ^= 1
		}, good},
	} {
		found, err := sigstore.Verify(content, bundled(t, of, entity, test.edit), test.policy)
		if found != nil || err == nil {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
}

func TestPoliciesTrustSomeoneInParticular(t *testing.T) {
	for want, policy := range map[string]sigstore.Policy{
		"trusted root": {Issuer: "a", Identity: "b"},
		"issuer":       {TrustedRoot: "a", Identity: "b"},
		"identity":     {TrustedRoot: "a", Issuer: "b"},
		"not both":     {TrustedRoot: "a", Issuer: "b", Identity: "c", IdentityPattern: "d"},
		"none.json":    {TrustedRoot: "none.json", Issuer: "b", Identity: "c"},
	} {
		if _, err := sigstore.Verify(nil, "bundle.json", policy); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", policy, err, want)
		}
	}
}
