package state

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gantrycd/gantry/plan/published"
)

const publishedKey = "published"

// publication is what others can read of an installation.
type publication struct {
	FormatVersion int                `json:"formatVersion"`
	Lineage       string             `json:"lineage"` // of the installation
	UpdatedAt     time.Time          `json:"updatedAt"`
	Document      published.Document `json:"document"`
}

func (p *publication) format() int { return p.FormatVersion }

// Published returns what the configuration gave to others when it was last applied;
// nil where it gave nothing yet.
func (r *Records) Published(ctx context.Context) (*published.Document, error) {
	found, _, err := r.publication(ctx)
	if err != nil || found == nil {
		return nil, err
	}
	return &found.Document, nil
}

// PutPublished records what the configuration gives to others, in place of what it
// gave.
func (r *Records) PutPublished(ctx context.Context, document *published.Document) error {
	if err := document.Check(); err != nil {
		return fmt.Errorf("recording what is published: %w", err)
	}
	return swap(ctx, r.clock, func() error {
		_, version, err := r.publication(ctx)
		if err != nil {
			return err
		}
		text, err := encode(&publication{FormatVersion: FormatVersion, Lineage: r.lineage, UpdatedAt: stamp(r.clock.Now()), Document: *document})
		if err != nil {
			return err
		}
		_, err = r.store.Put(ctx, publishedKey, text, version)
		return err
	})
}

// DeletePublished has the configuration give nothing to others any more.
func (r *Records) DeletePublished(ctx context.Context) error { return r.remove(ctx, publishedKey) }

// publication reads what others can read; nil and "" where that is nothing.
func (r *Records) publication(ctx context.Context) (*publication, string, error) {
	value, version, err := r.store.Get(ctx, publishedKey)
	if errors.Is(err, ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	found := &publication{}
	if err := decode(publishedKey, value, found); err != nil {
		return nil, "", err
	}
	if found.Lineage != r.lineage {
		return nil, "", &BrokenError{Key: publishedKey, Reason: fmt.Sprintf("its lineage %q is another installation's; this one's is %s", found.Lineage, r.lineage)}
	}
	if err := found.Document.Check(); err != nil {
		return nil, "", &BrokenError{Key: publishedKey, Reason: err.Error()}
	}
	return found, version, nil
}
