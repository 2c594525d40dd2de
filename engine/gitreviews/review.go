package gitreviews

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gantrycd/gantry/plan/commitsig"
	"github.com/gantrycd/gantry/plan/signature"
	"github.com/gantrycd/gantry/providers"
)

// statement is what a reviewer signs.
type statement struct {
	// Kind keeps it from being taken for another statement of the same key.
	Kind    string                  `json:"kind"`
	Head    string                  `json:"head"`
	Base    string                  `json:"base"`
	Verdict providers.ReviewVerdict `json:"verdict"`
	At      time.Time               `json:"at"`
}

const kind = "gantry review v1"

// folder is where the tags of reviews are, below refs/tags.
const folder = "gantry/reviews/"

// ErrNoReviewer is that a key is none that the configuration lists.
var ErrNoReviewer = errors.New("the key is none of those that the identity block of the protected branch lists")

// Put signs a review of a commit, and gives it to the origin. It returns the reviewer's name.
// With providers.Dismissed what they said of it before is deleted, too.
func (f *Forge) Put(ctx context.Context, head string, verdict providers.ReviewVerdict, signer *signature.Signer) (string, error) {
	name, known := f.names[signer.KeyID()]
	if !known {
		return "", fmt.Errorf("%s: %w", signer.KeyID(), ErrNoReviewer)
	}
	before, err := f.reviews(ctx, head)
	if err != nil {
		return "", err
	}
	said, err := json.Marshal(statement{Kind: kind, Head: head, Base: f.base, Verdict: verdict, At: f.now().UTC()})
	if err != nil {
		return "", err
	}
	envelope, err := signature.SignStatement(said, []*signature.Signer{signer})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(envelope)
	if err := f.clone.PushTag(ctx, folder+head+"/"+hex.EncodeToString(sum[:12]), head, string(envelope)); err != nil {
		return "", err
	}
	if verdict != providers.Dismissed {
		return name, nil
	}
	for _, one := range before {
		if strings.EqualFold(one.Login, name) && one.Verdict != providers.Dismissed {
			if err := f.clone.DeleteRef(ctx, one.ref, one.id); err != nil {
				return "", fmt.Errorf("what was said before is taken back, and its tag is still there: %w", err)
			}
		}
	}
	return name, nil
}

// Reviews implements providers.Forge. What is not signed by a reviewer, or is of another
// commit than the one it is filed under, is no review.
func (f *Forge) Reviews(ctx context.Context, number int64) ([]providers.Review, error) {
	head, err := f.clone.Resolve(ctx, fmt.Sprintf("%0*x", digits, number))
	if err != nil {
		return nil, err
	}
	found, err := f.reviews(ctx, head)
	if err != nil {
		return nil, err
	}
	out := make([]providers.Review, len(found))
	for i, one := range found {
		out[i] = one.Review
	}
	return out, nil
}

// filed is a review, and the tag that carries it.
type filed struct {
	providers.Review
	ref, id string
}

func (f *Forge) reviews(ctx context.Context, head string) ([]filed, error) {
	refs, err := f.clone.Refs(ctx, "refs/tags/"+folder+head+"/*")
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(refs))
	if err := f.clone.Fetch(ctx, slices.DeleteFunc(slices.Clone(names), func(ref string) bool { return f.clone.Has(ctx, refs[ref]) })...); err != nil {
		return nil, err
	}
	var out []filed
	for _, ref := range names {
		if review, ok := f.read(ctx, ref, refs[ref], head); ok {
			out = append(out, filed{Review: review, ref: ref, id: refs[ref]})
		}
	}
	slices.SortStableFunc(out, func(a, b filed) int { return a.At.Compare(b.At) })
	return out, nil
}

// read reads the review that a tag carries; false where it carries none that counts.
func (f *Forge) read(ctx context.Context, ref, id, head string) (providers.Review, bool) {
	none := providers.Review{}
	raw, err := f.clone.Object(ctx, "tag", id)
	if err != nil {
		return none, false
	}
	tag, err := commitsig.ParseTag(raw)
	if err != nil || tag.Object != head || tag.Type != "commit" || "refs/tags/"+tag.Name != ref {
		return none, false
	}
	_, message, _ := strings.Cut(string(raw), "\n\n")
	var envelope struct{ Payload string } // all else of it is VerifyStatement's
	if json.Unmarshal([]byte(message), &envelope) != nil {
		return none, false
	}
	said, err := base64.StdEncoding.DecodeString(envelope.Payload)
	if err != nil {
		return none, false
	}
	by, err := f.keys.VerifyStatement([]byte(message), said, f.now())
	if err != nil || len(by) != 1 {
		return none, false
	}
	var s statement
	if json.Unmarshal(said, &s) != nil || s.Kind != kind || s.Head != head || s.Base != f.base {
		return none, false
	}
	switch s.Verdict {
	case providers.Approved, providers.ChangesRequested, providers.Dismissed, providers.Commented:
		return providers.Review{Login: f.names[by[0].KeyID], Verdict: s.Verdict, Commit: head, At: s.At}, true
	}
	return none, false
}
