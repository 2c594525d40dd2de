package policy

import (
	"sync"

	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/plan/object"
)

// passed is what a policy was content with: the parts that it looks at of objects, which are
// the same in many. That is told by their bytes, and what looks at much is asked each time.
type passed struct {
	parts *late.Parts
	mu    sync.RWMutex
	keys  map[string]struct{}
}

// How much is remembered of a policy.
const (
	mostPassed = 512
	mostOfKey  = 256 // bytes
)

// passedOf is nil for what depends on more than the object.
func passedOf(violated late.Expression) *passed {
	if !violated.OfObjectAlone() {
		return nil
	}
	return &passed{parts: late.PartsOf(violated), keys: map[string]struct{}{}}
}

// key tells objects apart that the policy could tell apart; ok is false where it is not kept.
func (p *passed) key(o object.Object) (key string, ok bool) {
	if p == nil || o == nil {
		return "", false
	}
	var room [mostOfKey]byte
	text, ok := p.parts.AppendKey(room[:0], o, mostOfKey)
	if !ok {
		return "", false
	}
	return string(text), true
}

func (p *passed) knows(key string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	_, known := p.keys[key]
	return known
}

func (p *passed) add(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.keys) < mostPassed {
		p.keys[key] = struct{}{}
	}
}
