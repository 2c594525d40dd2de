package eval

import (
	"crypto/sha256"
	"path"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/modulesource"
)

// unit is a module as one block calls it, or the root module: its files' blocks,
// before anything is known of instances.
type unit struct {
	parent  *unit
	call    *block // the module block in the parent; nil for the root module
	address string // of its blocks: module.a.module.b; empty for the root module
	id      int

	dir    string               // as messages and file names show it
	path   string               // from the root module's directory, with slashes; empty for the root module
	remote *modulesource.Source // where it comes from, if not from the root module's disk
	fs     *recorder
	read   map[string][sha256.Size]byte // of the files of configuration

	blocks          []*block
	index           map[addr.Address]*block      // by addresses without the module
	groups          map[string]*block            // all blocks of a kind
	children        map[string]*unit             // by the name of the module block
	functions       map[string]function.Function // of its function blocks: fn::name
	userFunctions   []*userFunction
	depth           int  // of the calls of functions that are under way
	brokenFunctions bool // some of its function blocks have errors
	partial         bool // parts of its files could not be read as blocks
}

func (m *Module) newUnit(parent *unit, call *block) *unit {
	u := &unit{
		parent: parent, call: call, id: len(m.units), fs: newRecorder(emptyFS{}),
		index: map[addr.Address]*block{}, groups: map[string]*block{}, children: map[string]*unit{}, functions: map[string]function.Function{},
	}
	if parent != nil {
		u.address = call.address.String()
		parent.children[call.address.Name] = u
	}
	m.units = append(m.units, u)
	return u
}

// incomplete records that parts of the module could not be read, so that blocks
// which are not there may still be declared.
func (u *unit) incomplete(m *Module) {
	u.partial = true
	if u.call == nil {
		m.missing = true
	}
}

// at gives a diagnostic about the module as a whole the place where it is called.
func (u *unit) at(diag *hcl.Diagnostic) *hcl.Diagnostic {
	if u.call != nil && diag.Subject == nil {
		diag.Subject = u.call.header.Ptr()
	}
	return diag
}

// inKey returns the name of one of the module's files among those of the whole
// configuration.
func (u *unit) inKey(name string) string {
	if u.remote != nil {
		return u.dir + "/" + name
	}
	return path.Join(u.path, name)
}

// find returns the block with an address, which is without a module, in the unit.
func (u *unit) find(a addr.Address) *block {
	a.Module = ""
	return u.index[a.Block()]
}

// within reports whether the unit is another or is called by it, directly or not.
func (u *unit) within(other *unit) bool {
	for at := u; at != nil; at = at.parent {
		if at == other {
			return true
		}
	}
	return false
}
