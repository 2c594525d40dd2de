// Package addr holds the addresses of what a configuration declares:
// application.payments["prod-eu/eu-1"], cluster.prod, generator.git.overlays,
// module.platform["a"].application.ingress.
//
// An address is an identity: it is comparable, prints as people write it, and
// Parse reads back what String prints. The package knows no configuration.
package addr

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// Address names one block, or with a key one instance of a block that has
// for_each. It is comparable and may be a map key. The zero value names nothing.
type Address struct {
	Module string // the module's own address: `module.a["k"].module.b`; empty in the root module
	Kind   string // the block's type: application, cluster, project, generator, ...
	Type   string // the type label of blocks that have one: generator.<Type>.<Name>
	Name   string // the name label
	Key    string // the instance's key, where HasKey
	HasKey bool
}

// typed are the kinds whose blocks have a type label before the name.
func typed(kind string) bool {
	switch kind {
	case "generator", "secret", "notifier":
		return true
	}
	return false
}

// keyed are the kinds whose blocks have no name but a key: health["group/Kind"].
func keyed(kind string) bool { return kind == "health" }

// Application returns the address of an application in the root module.
func Application(name string) Address { return Address{Kind: "application", Name: name} }

// Instance returns the address of one instance of a. The key is brought to
// Unicode's normal form C, as every string of the language is.
func (a Address) Instance(key string) Address {
	a.Key, a.HasKey = cty.NormalizeString(key), true
	return a
}

// Block returns the address without its key.
func (a Address) Block() Address {
	a.Key, a.HasKey = "", false
	return a
}

// remoteKind is the kind of the blocks that read what other configurations gave.
const remoteKind = "remote"

// Remote returns the address of what a remote block reads of another configuration, by
// its kind and name there.
func Remote(remote Address, kind, name string) Address {
	return Address{Module: remote.String(), Kind: kind}.Instance(name)
}

// InRemote reports whether the address is of a block of another configuration, which a
// remote block reads.
func (a Address) InRemote() bool { return strings.HasPrefix(a.Module, remoteKind+".") }

// IsZero reports whether the address names nothing.
func (a Address) IsZero() bool { return a == Address{} }

// String renders the address as people write it. An address of a kind without a
// name, which stands for all blocks of the kind, is the kind alone.
func (a Address) String() string {
	if a.IsZero() {
		return ""
	}
	var b strings.Builder
	if a.Module != "" {
		b.WriteString(a.Module)
		b.WriteByte('.')
	}
	b.WriteString(a.Kind)
	if a.InRemote() {
		b.WriteByte('s') // as they are referred to: remote.network.clusters["eu"]
	}
	if a.Type != "" {
		b.WriteByte('.')
		b.WriteString(a.Type)
	}
	if a.Name != "" {
		b.WriteByte('.')
		b.WriteString(a.Name)
	}
	if a.HasKey {
		b.WriteString(quotedIndex(a.Key))
	}
	return b.String()
}

// Compare orders addresses by module, kind, type, name and key; a block comes
// before its instances.
func (a Address) Compare(b Address) int {
	boolean := func(v bool) int {
		if v {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(a.Module, b.Module),
		cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(a.Type, b.Type),
		cmp.Compare(a.Name, b.Name),
		cmp.Compare(boolean(a.HasKey), boolean(b.HasKey)),
		cmp.Compare(a.Key, b.Key),
	)
}

// MarshalText renders the address for JSON, also as a map key.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText parses what MarshalText wrote.
func (a *Address) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*a = Address{}
		return nil
	}
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// FromTraversal reads an address at the start of a traversal and returns what
// follows it: attributes of the block, for the caller to make sense of.
func FromTraversal(traversal hcl.Traversal) (Address, hcl.Traversal, error) {
	var a Address
	steps := traversal
	next := func() (string, bool) {
		if len(steps) == 0 {
			return "", false
		}
		switch step := steps[0].(type) {
		case hcl.TraverseRoot:
			steps = steps[1:]
			return step.Name, true
		case hcl.TraverseAttr:
			steps = steps[1:]
			return step.Name, true
		default:
			return "", false
		}
	}
	for {
		kind, ok := next()
		if !ok {
			return a, steps, fmt.Errorf("expected the kind of a block")
		}
		a.Kind, a.Type = kind, ""
		if typed(kind) {
			if a.Type, ok = next(); !ok {
				return a, steps, fmt.Errorf("expected a type after %s", kind)
			}
		}
		if a.Name = ""; !keyed(kind) {
			if a.Name, ok = next(); !ok {
				return a, steps, fmt.Errorf("expected a name after %s", kind)
			}
		}
		a.Key, a.HasKey = "", false
		if len(steps) > 0 {
			if index, ok := steps[0].(hcl.TraverseIndex); ok {
				key, err := convert.Convert(index.Key, cty.String)
				if err != nil || key.IsNull() || !key.IsKnown() {
					return a, steps, fmt.Errorf("the key of %s must be a string", a)
				}
				a.Key, a.HasKey = key.AsString(), true
				steps = steps[1:]
			}
		}
		if keyed(kind) && !a.HasKey {
			return a, steps, fmt.Errorf("expected a key in brackets after %s", kind)
		}
		if kind == remoteKind && a.Module == "" {
			if inner, rest, ok := inRemote(a, steps); ok {
				return inner, rest, nil
			}
		}
		if kind != "module" || len(steps) == 0 {
			return a, steps, nil
		}
		module := a
		a = Address{Module: module.String()}
	}
}

// inRemote reads which cluster of a remote block is meant, where one is.
func inRemote(remote Address, steps hcl.Traversal) (Address, hcl.Traversal, bool) {
	if len(steps) < 2 {
		return Address{}, nil, false
	}
	if of, ok := steps[0].(hcl.TraverseAttr); !ok || of.Name != "clusters" {
		return Address{}, nil, false
	}
	switch name := steps[1].(type) {
	case hcl.TraverseAttr:
		return Remote(remote, "cluster", name.Name), steps[2:], true
	case hcl.TraverseIndex:
		key, err := convert.Convert(name.Key, cty.String)
		if err != nil || key.IsNull() || !key.IsKnown() {
			return Address{}, nil, false
		}
		return Remote(remote, "cluster", key.AsString()), steps[2:], true
	}
	return Address{}, nil, false
}
