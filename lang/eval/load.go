// Package eval is the language without its vocabulary: it loads the files of a
// module, finds what every expression refers to, orders the blocks and evaluates
// them, each instance once.
//
// Which blocks there are and what they come to is in a table of Kinds that the
// caller gives; variables, locals and modules are the language's own. It knows
// nothing of deliveries but that applications wait for each other. Only lang and the
// tools of the language import it.
package eval

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/syntax"
)

// Extensions of the files that make up a module.
const (
	nativeSuffix = ".gantry.hcl"
	jsonSuffix   = ".gantry.json"
)

// LoadOptions are what loading needs besides the directory.
type LoadOptions struct {
	// FS is the module's directory; nil is the one on disk. Paths cannot leave it.
	FS fs.FS
	// Version is gantry's own, which required_version is held against; empty meets
	// every requirement.
	Version string
	// Kinds are the blocks that there may be at the top level.
	Kinds []*Kind
	// Parse reads a file of configuration; nil is syntax.Parse. Who loads a module
	// again and again has the files that are still the same parsed already. What it
	// returns is not changed.
	Parse func(src []byte, filename string) (*hcl.File, hcl.Diagnostics)
}

// Module is a directory of configuration, parsed and with its references
// resolved. It may be evaluated several times, one at a time.
type Module struct {
	dir     string
	version string
	fs      *recorder
	read    map[string][sha256.Size]byte // of the files of configuration
	kinds   map[string]*Kind
	parse   func(src []byte, filename string) (*hcl.File, hcl.Diagnostics)
	files   map[string]*hcl.File
	sources map[string]bool // the files, of files, that are configuration

	blocks     []*block // sorted by address; then the groups
	index      map[addr.Address]*block
	groups     map[string]*block // all blocks of a kind
	order      []*block          // what is needed first
	suggesting int               // how often something near was looked for

	missing bool // parts of the files could not be read as blocks
}

// Load reads the configuration in a directory: all *.gantry.hcl and *.gantry.json
// files as one. It reports what can be told without evaluating anything. The module
// is never nil; what is sound of it can be evaluated whatever else is broken.
func Load(dir string, options LoadOptions) (*Module, hcl.Diagnostics) {
	m := &Module{
		dir: dir, version: options.Version, kinds: map[string]*Kind{}, files: map[string]*hcl.File{}, sources: map[string]bool{},
		index: map[addr.Address]*block{}, groups: map[string]*block{},
	}
	for _, k := range options.Kinds {
		m.kinds[k.Type] = k
	}
	if m.parse = options.Parse; m.parse == nil {
		m.parse = syntax.Parse
	}
	files := options.FS
	if files == nil {
		root, err := os.OpenRoot(dir)
		if err != nil {
			m.fs = newRecorder(emptyFS{})
			return m, m.unreadable(dir, err)
		}
		files = root.FS()
	}
	m.fs = newRecorder(files)
	names, err := moduleFiles(files)
	if err != nil {
		return m, m.unreadable(dir, err)
	}
	var diags hcl.Diagnostics
	if len(names) == 0 {
		m.missing = true
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "No configuration files",
			Detail:   fmt.Sprintf("There is no *%s or *%s file in %s. Change to the directory of the configuration, or name it with -C.", nativeSuffix, jsonSuffix, displayDir(dir)),
		})
	}
	for _, name := range names {
		diags = append(diags, m.loadFile(name)...)
	}
	m.addLibraries()
	slices.SortStableFunc(m.blocks, func(a, b *block) int { return a.address.Compare(b.address) })
	m.addGroups()
	diags = append(diags, m.resolve()...)
	diags = append(diags, m.sortBlocks()...)
	if !diags.HasErrors() {
		diags = append(diags, m.unused()...)
	}
	m.read = m.fs.digests()
	return m, Tidy(diags)
}

// Files returns the files of the module and those of variables, for showing
// diagnostics.
func (m *Module) Files() map[string]*hcl.File { return m.files }

// Read returns the digests of the files that loading and the last evaluation have
// read, by name.
func (m *Module) Read() map[string][sha256.Size]byte { return m.fs.digests() }

// Dir returns the module's directory, as Load was given it.
func (m *Module) Dir() string { return m.dir }

func (m *Module) unreadable(name string, err error) hcl.Diagnostics {
	m.missing = true
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return hcl.Diagnostics{{
		Severity: hcl.DiagError,
		Summary:  "Cannot read configuration",
		Detail:   fmt.Sprintf("%s cannot be read: %s.", displayDir(name), err),
	}}
}

func displayDir(dir string) string {
	if dir == "" || dir == "." {
		return "this directory"
	}
	return dir
}

func moduleFiles(files fs.FS) ([]string, error) {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		name := entry.Name()
		if !entry.IsDir() && !strings.HasPrefix(name, ".") && (strings.HasSuffix(name, nativeSuffix) || strings.HasSuffix(name, jsonSuffix)) {
			names = append(names, name)
		}
	}
	return names, nil
}

// loadFile reads one file's blocks.
func (m *Module) loadFile(name string) hcl.Diagnostics {
	filename := filepath.Join(m.dir, name)
	src, err := readBounded(m.fs, name)
	if err != nil {
		return m.unreadable(filename, err)
	}
	file, diags := m.parse(src, filename)
	m.files[filename], m.sources[filename] = file, true
	broken := diags.HasErrors()
	schema := &hcl.BodySchema{}
	for _, k := range m.kinds {
		schema.Blocks = append(schema.Blocks, hcl.BlockHeaderSchema{Type: k.Type, LabelNames: k.Labels})
	}
	content, more := file.Body.Content(schema)
	if content == nil {
		content = &hcl.BodyContent{}
	}
	for _, diag := range more {
		if diag.Summary == "Unsupported block type" && !strings.Contains(diag.Detail, "Did you mean") {
			diag.Detail += " At the top level there may be the blocks " + m.kindList() + "."
		}
	}
	m.missing = m.missing || broken || more.HasErrors()
	diags = append(diags, more...)
	for _, found := range content.Blocks {
		added, more := m.declare(m.kinds[found.Type], found)
		diags = append(diags, more...)
		for _, b := range added {
			b.broken, b.skip = b.broken || broken, broken
		}
	}
	return diags
}

// readBounded reads a file, but of one that is too large only so much that this
// can be seen.
func readBounded(files fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(files, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a file")
	}
	if info.Size() > syntax.MaxSize {
		return make([]byte, syntax.MaxSize+1), nil
	}
	return fs.ReadFile(files, name)
}

// emptyFS has no files.
type emptyFS struct{}

func (emptyFS) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}
