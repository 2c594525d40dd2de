package state

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
)

const generatorPrefix = "generators"

// generated is what a generator gave when what is made of it was last applied.
type generated struct {
	FormatVersion int          `json:"formatVersion"`
	Address       addr.Address `json:"address"`
	Lineage       string       `json:"lineage"` // of the installation
	Keys          []string     `json:"keys"`    // of its items, sorted
	UpdatedAt     time.Time    `json:"updatedAt"`
}

func (g *generated) format() int { return g.FormatVersion }

// GeneratorKey returns the key of what a generator gave.
func GeneratorKey(address addr.Address) string {
	return generatorPrefix + "/" + EscapeSegment(address.String())
}

// Generators returns the keys of the items that generators gave when they were last
// recorded, sorted.
func (r *Records) Generators(ctx context.Context) (map[addr.Address][]string, error) {
	keys, err := r.store.List(ctx, generatorPrefix)
	if err != nil {
		return nil, err
	}
	out := make(map[addr.Address][]string, len(keys))
	for _, key := range keys {
		address, err := parseAddressKey(generatorPrefix, "generator", key)
		if err != nil {
			return nil, &BrokenError{Key: key, Reason: err.Error()}
		}
		found, _, err := r.generator(ctx, address)
		if err != nil {
			return nil, err
		}
		if found != nil { // else it went since it was listed
			out[address] = found.Keys
		}
	}
	return out, nil
}

// PutGenerator records the keys of a generator's items, which must be sorted.
func (r *Records) PutGenerator(ctx context.Context, address addr.Address, keys []string) error {
	return swap(ctx, r.clock, func() error {
		_, version, err := r.generator(ctx, address)
		if err != nil {
			return err
		}
		made := &generated{FormatVersion: FormatVersion, Address: address, Lineage: r.lineage, Keys: keys, UpdatedAt: stamp(r.clock.Now())}
		if made.Keys == nil {
			made.Keys = []string{}
		}
		text, err := encode(made)
		if err != nil {
			return err
		}
		_, err = r.store.Put(ctx, GeneratorKey(address), text, version)
		return err
	})
}

// DeleteGenerator forgets what a generator gave, if anything is known of it.
func (r *Records) DeleteGenerator(ctx context.Context, address addr.Address) error {
	return r.remove(ctx, GeneratorKey(address))
}

// generator reads what is known of a generator; nil and "" where nothing is.
func (r *Records) generator(ctx context.Context, address addr.Address) (*generated, string, error) {
	key := GeneratorKey(address)
	value, version, err := r.store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	found := &generated{}
	if err := decode(key, value, found); err != nil {
		return nil, "", err
	}
	switch {
	case found.Address != address:
		return nil, "", &BrokenError{Key: key, Reason: fmt.Sprintf("it is of %s", found.Address)}
	case found.Lineage != r.lineage:
		return nil, "", &BrokenError{Key: key, Reason: fmt.Sprintf("its lineage %q is another installation's; this one's is %s", found.Lineage, r.lineage)}
	case !slices.IsSorted(found.Keys):
		return nil, "", &BrokenError{Key: key, Reason: "its keys are not in order"}
	}
	return found, version, nil
}
