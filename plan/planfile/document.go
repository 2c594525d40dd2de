package planfile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	kjson "sigs.k8s.io/json"

	"github.com/gantrycd/gantry/plan"
)

// PayloadType is what the envelope in a plan file says that it holds.
const PayloadType = "application/vnd.gantry.plan.v2+json"

// document is what is signed: the plan, which two runs on the same inputs make byte
// by byte the same, and beside it what is different every time.
type document struct {
	Meta   meta            `json:"meta"`
	Plan   json.RawMessage `json:"plan"` // canonical
	Sealed []sealed        `json:"sealed,omitempty"`
}

// meta is what a plan has of its own, whatever it was made from.
type meta struct {
	ID        string    `json:"id,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
	// PlanDigest is "sha256:…" of the document's Plan.
	PlanDigest string `json:"planDigest"`
}

// sealed is one value that is sealed: the credentials of a cluster (by its index), or
// the body of a change (by its application's and its own), those of a notifier.
type sealed struct {
	Cluster     *int   `json:"cluster,omitempty"`
	Application *int   `json:"application,omitempty"`
	Change      *int   `json:"change,omitempty"`
	Notifier    *int   `json:"notifier,omitempty"`
	Value       []byte `json:"value"`
}

// mark stands in the plan where the document's Sealed has a value.
func mark() []byte { return []byte{0} }

func isMark(value []byte) bool { return len(value) == 1 && value[0] == 0 }

// compose makes the document of a plan whose secrets are sealed, and its canonical form.
func compose(p *plan.Plan) (text []byte, digest string, err error) {
	rest, values := takeSealed(p)
	body, err := canonical(stable{Plan: rest})
	if err != nil {
		return nil, "", err
	}
	digest = digestOf(body)
	head, err := canonical(meta{ID: p.ID, CreatedAt: p.CreatedAt.UTC(), ExpiresAt: p.ExpiresAt.UTC(), PlanDigest: digest})
	if err != nil {
		return nil, "", err
	}
	tail := []byte("}")
	if len(values) > 0 {
		list, err := canonical(values)
		if err != nil {
			return nil, "", err
		}
		tail = slices.Concat([]byte(`,"sealed":`), list, tail)
	}
	return slices.Concat([]byte(`{"meta":`), head, []byte(`,"plan":`), body, tail), digest, nil
}

// stable is a plan without the members that the document has beside it.
type stable struct {
	*plan.Plan
	ID        *struct{} `json:"id,omitempty"`
	CreatedAt *struct{} `json:"createdAt,omitempty"`
	ExpiresAt *struct{} `json:"expiresAt,omitempty"`
}

// takeSealed returns a plan with marks in place of what is sealed in it, and that.
func takeSealed(p *plan.Plan) (*plan.Plan, []sealed) {
	out := *p
	var values []sealed
	out.Clusters = slices.Clone(p.Clusters)
	for i := range out.Clusters {
		if c := &out.Clusters[i]; c.Sealed != nil {
			values = append(values, sealed{Cluster: &i, Value: c.Sealed})
			c.Sealed = mark()
		}
	}
	if p.Notify != nil {
		notify := *p.Notify
		notify.Notifiers = slices.Clone(notify.Notifiers)
		for i := range notify.Notifiers {
			if n := &notify.Notifiers[i]; n.Sealed != nil {
				values = append(values, sealed{Notifier: &i, Value: n.Sealed})
				n.Sealed = mark()
			}
		}
		out.Notify = &notify
	}
	out.Applications = slices.Clone(p.Applications)
	for i := range out.Applications {
		a := &out.Applications[i]
		cloned := false
		for j := range a.Changes {
			if a.Changes[j].Sealed == nil {
				continue
			}
			if !cloned {
				a.Changes, cloned = slices.Clone(a.Changes), true
			}
			values = append(values, sealed{Application: &i, Change: &j, Value: a.Changes[j].Sealed})
			a.Changes[j].Sealed = mark()
		}
	}
	return &out, values
}

// parse reads a document. It holds the plan to its digest, and what is sealed to the
// marks in the plan: one for each, in order. Errors are ErrInvalid.
func parse(text []byte) (*plan.Plan, string, error) {
	var d document
	if err := unmarshal(text, &d); err != nil {
		return nil, "", err
	}
	if d.Meta.PlanDigest != digestOf(d.Plan) {
		return nil, "", invalid("its plan does not have the digest that it says (%s)", d.Meta.PlanDigest)
	}
	var in stable
	in.Plan = &plan.Plan{}
	if err := unmarshal(d.Plan, &in); err != nil {
		return nil, "", err
	}
	if in.ID != nil || in.CreatedAt != nil || in.ExpiresAt != nil {
		return nil, "", invalid("its id and times are in the plan, and not beside it")
	}
	p := in.Plan
	p.ID, p.CreatedAt, p.ExpiresAt = d.Meta.ID, d.Meta.CreatedAt, d.Meta.ExpiresAt
	if err := d.put(p); err != nil {
		return nil, "", invalid("what is sealed in it: %w", err)
	}
	return p, d.Meta.PlanDigest, nil
}

// put puts what is sealed back into the plan.
func (d *document) put(p *plan.Plan) error {
	rest := d.Sealed
	take := func(into *[]byte, is func(sealed) bool) error {
		switch {
		case *into == nil:
			return nil
		case !isMark(*into):
			return errors.New("a value is in the plan, and not beside it")
		case len(rest) == 0 || !is(rest[0]) || len(rest[0].Value) < 2:
			return errors.New("a value is missing, or out of order")
		}
		*into, rest = rest[0].Value, rest[1:]
		return nil
	}
	for i := range p.Clusters {
		err := take(&p.Clusters[i].Sealed, func(s sealed) bool {
			return at(s.Cluster, i) && s.Application == nil && s.Change == nil && s.Notifier == nil
		})
		if err != nil {
			return fmt.Errorf("cluster %q: %w", p.Clusters[i].Name, err)
		}
	}
	if p.Notify != nil {
		for i := range p.Notify.Notifiers {
			n := &p.Notify.Notifiers[i]
			err := take(&n.Sealed, func(s sealed) bool {
				return at(s.Notifier, i) && s.Cluster == nil && s.Application == nil && s.Change == nil
			})
			if err != nil {
				return fmt.Errorf("%s: %w", n.Address, err)
			}
		}
	}
	for i := range p.Applications {
		for j := range p.Applications[i].Changes {
			c := &p.Applications[i].Changes[j]
			err := take(&c.Sealed, func(s sealed) bool {
				return s.Cluster == nil && s.Notifier == nil && at(s.Application, i) && at(s.Change, j)
			})
			if err != nil {
				return fmt.Errorf("%s in %s: %w", c.ID, p.Applications[i].Address, err)
			}
		}
	}
	if len(rest) > 0 {
		return errors.New("there are values that nothing in the plan asks for")
	}
	return nil
}

func at(have *int, want int) bool { return have != nil && *have == want }

func unmarshal(text []byte, into any) error {
	strict, err := kjson.UnmarshalStrict(text, into)
	if err = errors.Join(append(strict, err)...); err != nil {
		return invalid("%w", err)
	}
	return nil
}

func digestOf(text []byte) string {
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}
