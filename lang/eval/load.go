// Package eval is the language without its vocabulary: it loads the files of a
// module and of those that it calls, finds what every expression refers to, orders
// the blocks and evaluates them, each instance once.
//
// Which blocks there are and what they come to is in a table of Kinds that the
// caller gives; variables, locals, outputs, functions and modules are the language's
// own. It knows nothing of deliveries but that applications wait for each other. Only
// lang and the tools of the language import it.
package eval

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/modulesource"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/syntax"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/source"
)

// Extensions of the files that make up a module.
const (
	nativeSuffix = ".gantry.hcl"
	jsonSuffix   = ".gantry.json"
)

// LoadOptions are what loading needs besides the directory.
type LoadOptions struct {
	// FS is the root module's directory; nil is the one on disk. Paths cannot leave it.
	FS fs.FS
	// OpenDir opens the directory of a module that is called by a local path; nil
	// opens those on disk or, with FS, those below it.
	OpenDir func(dir string) (fs.FS, error)
	// Modules reads the modules that are called by other sources; without it, such a
	// call is an error.
	Modules modulesource.Reader
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

// Module is a configuration: the root module and all that it calls, parsed and
// with their references resolved. It may be evaluated several times, one at a time.
type Module struct {
	options LoadOptions
	kinds   map[string]*Kind
	parse   func(src []byte, filename string) (*hcl.File, hcl.Diagnostics)
	files   map[string]*hcl.File
	parsed  map[string]parsedFile // the files, of files, that are configuration
	pins    []source.Pin          // of the modules that were read

	root       *unit
	units      []*unit  // callers first
	blocks     []*block // of all units, sorted by address; then the groups
	order      []*block // what is needed first
	suggesting int      // how often something near was looked for

	missing bool // parts of the root module's files could not be read as blocks
}

// Load reads the configuration in a directory: all *.gantry.hcl and *.gantry.json
// files as one, and the modules that they call. It reports what can be told without
// evaluating anything. The module is never nil; what is sound of it can be evaluated
// whatever else is broken.
func Load(ctx context.Context, dir string, options LoadOptions) (*Module, hcl.Diagnostics) {
	m := &Module{options: options, kinds: map[string]*Kind{}, files: map[string]*hcl.File{}, parsed: map[string]parsedFile{}}
	for _, k := range options.Kinds {
		m.kinds[k.Type] = k
	}
	m.root = m.newUnit(nil, nil)
	m.root.dir = dir
	if m.parse = options.Parse; m.parse == nil {
		m.parse = syntax.Parse
	}
	files := options.FS
	if files == nil {
		root, err := os.OpenRoot(dir)
		if err != nil {
			m.missing = true
			return m, hcl.Diagnostics{unreadable(dir, err)}
		}
		files = root.FS()
	}
	m.root.fs = newRecorder(files)
	diags := m.loadUnit(ctx, m.root)
	slices.SortStableFunc(m.blocks, func(a, b *block) int { return a.address.Compare(b.address) })
	m.addGroups()
	diags = append(diags, m.resolve()...)
	diags = append(diags, m.sortBlocks()...)
	if !diags.HasErrors() {
		diags = append(diags, m.unused()...)
	}
	for _, u := range m.units {
		u.read = u.fs.digests()
	}
	return m, Tidy(diags)
}

// Files returns the files of the configuration and those of variables, for showing
// diagnostics.
func (m *Module) Files() map[string]*hcl.File { return m.files }

// Read returns the digests of the files that loading and the last evaluation have
// read, by name.
func (m *Module) Read() map[string][sha256.Size]byte {
	read := map[string][sha256.Size]byte{}
	for _, u := range m.units {
		for name, digest := range u.fs.digests() {
			read[u.inKey(name)] = digest
		}
	}
	return read
}

// Dir returns the root module's directory, as Load was given it.
func (m *Module) Dir() string { return m.root.dir }

func unreadable(name string, err error) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Cannot read configuration",
		Detail:   fmt.Sprintf("%s cannot be read: %s.", displayDir(name), value.FileFault(err)),
	}
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

// loadUnit reads the files of one module, and the modules that it calls.
func (m *Module) loadUnit(ctx context.Context, u *unit) hcl.Diagnostics {
	names, err := moduleFiles(u.fs)
	if err != nil {
		u.incomplete(m)
		return hcl.Diagnostics{u.at(unreadable(u.dir, err))}
	}
	if len(names) == 0 {
		u.incomplete(m)
		hint := "Change to the directory of the configuration, or name it with -C."
		if u.call != nil {
			hint = "Correct the source of the module block."
		}
		return hcl.Diagnostics{u.at(&hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "No configuration files",
			Detail:   fmt.Sprintf("There is no *%s or *%s file in %s. %s", nativeSuffix, jsonSuffix, displayDir(u.dir), hint),
		})}
	}
	var diags hcl.Diagnostics
	for _, name := range names {
		diags = append(diags, m.loadFile(u, name)...)
	}
	m.addLibraries(u)
	diags = append(diags, m.defineFunctions(u)...)
	for _, b := range slices.Clone(u.blocks) {
		if b.kind.Type == moduleType && !b.skip {
			diags = append(diags, m.loadCall(ctx, u, b)...)
		}
	}
	return diags
}

// loadFile reads one file's blocks.
func (m *Module) loadFile(u *unit, name string) hcl.Diagnostics {
	filename := filepath.Join(u.dir, name)
	file, diags := m.parseFile(u, filename, name)
	if file == nil {
		u.incomplete(m)
		return diags
	}
	broken := diags.HasErrors()
	topLevel := &hcl.BodySchema{}
	for _, k := range m.kinds {
		topLevel.Blocks = append(topLevel.Blocks, hcl.BlockHeaderSchema{Type: k.Type, LabelNames: k.Labels})
	}
	content, more := file.Body.Content(topLevel)
	if content == nil {
		content = &hcl.BodyContent{}
	}
	for _, diag := range more {
		name := schema.Unexpected(diag)
		if name == "" || strings.Contains(diag.Detail, "Did you mean") {
			continue
		}
		if near := schema.Suggest(name, schema.SortedKeys(m.kinds)); near != "" {
			diag.Detail += fmt.Sprintf(" Did you mean %q?", near)
		} else {
			diag.Detail += " At the top level there may be the blocks " + m.kindList() + "."
		}
	}
	if broken || more.HasErrors() {
		u.incomplete(m)
	}
	diags = append(diags, more...)
	for i, read := range m.readBlocks(content.Blocks) {
		found := content.Blocks[i]
		added, more := m.declare(u, m.kinds[found.Type], found, read)
		diags = append(diags, more...)
		for _, b := range added {
			b.broken, b.skip = b.broken || broken, broken
		}
	}
	return diags
}

// parseFile parses a file, once for all calls of its module. The file is nil where it
// cannot be read.
func (m *Module) parseFile(u *unit, filename, name string) (*hcl.File, hcl.Diagnostics) {
	if known, ok := m.parsed[filename]; ok {
		return known.file, known.diags
	}
	src, err := readBounded(u.fs, name)
	if err != nil {
		return nil, hcl.Diagnostics{u.at(unreadable(filename, err))}
	}
	file, diags := m.parse(src, filename)
	m.files[filename], m.parsed[filename] = file, parsedFile{file: file, diags: diags}
	return file, diags
}

// parsedFile is a file of configuration, and what is wrong with its syntax.
type parsedFile struct {
	file  *hcl.File
	diags hcl.Diagnostics
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
