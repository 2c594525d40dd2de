// Package lockfile reads, edits and writes .gantry.lock.hcl: which version, commit
// or digest each module, chart and repository came to that a configuration asks
// for in words, such as "^1.2".
//
// It decides nothing: what is recorded, kept and refused is engine/sourcelock's
// part. Comments that people write into the file are kept, and the same entries
// give the same bytes whatever order they were recorded in, so that two branches
// that add different entries merge.
package lockfile

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Name is the file's name, beside the root module's files.
const Name = ".gantry.lock.hcl"

// Kind is what a lock is of: the type of the block.
type Kind string

// The kinds of lock.
const (
	Chart      Kind = "chart"      // a chart of a Helm repository
	Module     Kind = "module"     // a git repository or OCI artifact that modules are in
	Repository Kind = "repository" // a git repository or OCI artifact that objects are in
)

// Key is the identity of a lock: what was asked for. It is comparable.
type Key struct {
	Kind      Kind
	URL       string
	Chart     string // the chart's name, for Chart only
	Requested string // a range, tag or branch, as it was asked for; "" is the default
}

// normal is the key as it will be read again: HCL normalises what is in quotes.
func (k Key) normal() Key {
	return Key{
		Kind: k.Kind, URL: cty.NormalizeString(k.URL),
		Chart: cty.NormalizeString(k.Chart), Requested: cty.NormalizeString(k.Requested),
	}
}

// labels are the labels of the key's block.
func (k Key) labels() []string {
	if k.Kind == Chart {
		return []string{k.URL, k.Chart, k.Requested}
	}
	return []string{k.URL, k.Requested}
}

// String is the header of the key's block, without the brace.
func (k Key) String() string {
	block := hclwrite.NewBlock(string(k.Kind), k.labels())
	text, _, _ := strings.Cut(string(hclwrite.Format(block.BuildTokens(nil).Bytes())), " {\n")
	return text
}

// Compare orders keys by kind, URL, chart and what was asked for.
func (k Key) Compare(other Key) int {
	return cmp.Or(
		cmp.Compare(k.Kind, other.Kind), cmp.Compare(k.URL, other.URL),
		cmp.Compare(k.Chart, other.Chart), cmp.Compare(k.Requested, other.Requested))
}

// Entry is one lock: a Key, and what it came to. It is comparable.
type Entry struct {
	Key
	// Version is the name of what does not move: a tag, or the version of a chart or
	// artifact. Empty for a branch, and for a tag that moves by its nature.
	Version string
	// Revision is the commit, for git.
	Revision string
	// Digest is "sha256:…" of a chart's archive or of an artifact's manifest.
	Digest string
}

// String says what the entry came to: "v1.4.2 (4c0ffee…)".
func (e Entry) String() string {
	content := e.Revision + e.Digest
	if short := strings.TrimPrefix(content, "sha256:"); len(short) > 12 {
		content = strings.TrimSuffix(content, short) + short[:12] + "…"
	}
	switch {
	case e.Version == "":
		return content
	case content == "":
		return e.Version
	}
	return e.Version + " (" + content + ")"
}

// attributes are the entry's arguments, in the order in which they are written.
func (e Entry) attributes() [][2]string {
	return [][2]string{{"version", e.Version}, {"revision", e.Revision}, {"digest", e.Digest}}
}

// File is a lock file's content. It is not safe for concurrent use. Its zero value
// is a file that is not there yet.
type File struct {
	// LockBranches says that branches that repositories track are recorded, too.
	LockBranches bool

	preface string   // the text before the first block
	blocks  []*block // as they were in the file
	tail    string   // the comments after the last block
}

// block is one entry, and its text.
type block struct {
	entry   Entry
	at      hcl.Range
	lead    string // the comments before it
	text    string // its own; "" where it must be written anew
	changed bool   // text has an entry that is no longer current
}

// Clone returns a copy that can be changed on its own.
func (f *File) Clone() *File {
	clone := *f
	clone.blocks = make([]*block, len(f.blocks))
	for i, b := range f.blocks {
		copied := *b
		clone.blocks[i] = &copied
	}
	return &clone
}

// Entries returns all entries, sorted.
func (f *File) Entries() []Entry {
	entries := make([]Entry, len(f.blocks))
	for i, b := range f.blocks {
		entries[i] = b.entry
	}
	slices.SortFunc(entries, func(a, b Entry) int { return a.Compare(b.Key) })
	return entries
}

// Get returns an entry.
func (f *File) Get(key Key) (Entry, bool) {
	if i := f.find(key); i >= 0 {
		return f.blocks[i].entry, true
	}
	return Entry{}, false
}

// Range is where an entry is in the file that was read.
func (f *File) Range(key Key) *hcl.Range {
	if i := f.find(key); i >= 0 && f.blocks[i].at != (hcl.Range{}) {
		return &f.blocks[i].at
	}
	return nil
}

func (f *File) find(key Key) int {
	key = key.normal()
	return slices.IndexFunc(f.blocks, func(b *block) bool { return b.entry.Key == key })
}

// Set records an entry, in the place of the one with its key.
func (f *File) Set(entry Entry) {
	entry.Key, entry.Version = entry.normal(), cty.NormalizeString(entry.Version)
	i := f.find(entry.Key)
	switch {
	case i < 0:
		f.blocks = append(f.blocks, &block{entry: entry})
	case f.blocks[i].entry != entry:
		f.blocks[i].entry, f.blocks[i].changed = entry, true
	}
}

// Delete removes an entry, and the comment right above it.
func (f *File) Delete(key Key) {
	i := f.find(key)
	if i < 0 {
		return
	}
	if loose, _ := splitLead(f.blocks[i].lead); loose != "" { // a comment about what follows
		if i+1 < len(f.blocks) {
			f.blocks[i+1].lead = loose + "\n\n" + f.blocks[i+1].lead
		} else {
			f.tail = loose + "\n\n" + f.tail
		}
	}
	f.blocks = slices.Delete(f.blocks, i, i+1)
}

// splitLead parts the comments before a block: those with an empty line behind
// them, and those right above the block.
func splitLead(lead string) (loose, attached string) {
	lead = strings.Trim(lead, "\n")
	if at := strings.LastIndex(lead, "\n\n"); at >= 0 {
		return strings.Trim(lead[:at], "\n"), lead[at+2:]
	}
	return "", lead
}

// header is how a new file begins.
const header = `# Maintained by "gantry init"; commit it. It says which version, commit or digest
# each module, chart and repository of this configuration came to.
`

// Bytes returns the file's text: entries sorted, comments kept, formatted.
func (f *File) Bytes() []byte {
	var out strings.Builder
	out.WriteString(f.prefaceText())
	sorted := slices.Clone(f.blocks)
	slices.SortStableFunc(sorted, func(a, b *block) int { return a.entry.Compare(b.entry.Key) })
	for _, b := range sorted {
		paragraph(&out, strings.Trim(b.lead, "\n"), b.current())
	}
	paragraph(&out, "", strings.Trim(f.tail, "\n"))
	return hclwrite.Format([]byte(out.String()))
}

// paragraph writes a text after an empty line, with what belongs right above it.
func paragraph(out *strings.Builder, lead, text string) {
	if text == "" {
		return
	}
	if out.Len() > 0 {
		out.WriteString("\n")
	}
	if lead != "" {
		out.WriteString(lead + "\n")
	}
	out.WriteString(text + "\n")
}

// prefaceText is what comes before the blocks, with what LockBranches says.
func (f *File) prefaceText() string {
	preface := f.preface
	if preface == "" && !f.parsed() {
		preface = header
	}
	written, diags := hclwrite.ParseConfig([]byte(preface), Name, hcl.InitialPos)
	if diags.HasErrors() { // it was parsed before, as part of the file
		panic("the beginning of a lock file cannot be read: this is a bug in gantry: " + diags.Error())
	}
	body := written.Body()
	switch has := body.GetAttribute(lockBranches) != nil; {
	case f.LockBranches && !has:
		if len(body.BuildTokens(nil).Bytes()) > 0 {
			body.AppendNewline()
		}
		body.SetAttributeValue(lockBranches, cty.True)
	case !f.LockBranches && has:
		body.RemoveAttribute(lockBranches)
	}
	text := strings.Trim(string(written.Bytes()), "\n")
	if text == "" {
		return ""
	}
	return text + "\n"
}

// parsed reports whether anything of the file was read.
func (f *File) parsed() bool {
	return f.preface != "" || f.tail != "" || slices.ContainsFunc(f.blocks, func(b *block) bool { return b.text != "" })
}

// current is the text of a block with its entry.
func (b *block) current() string {
	if b.text != "" && !b.changed {
		return strings.Trim(b.text, "\n")
	}
	written := hclwrite.NewEmptyFile()
	if b.text != "" {
		var diags hcl.Diagnostics
		if written, diags = hclwrite.ParseConfig([]byte(b.text), Name, hcl.InitialPos); diags.HasErrors() {
			panic("a block of a lock file cannot be read: this is a bug in gantry: " + diags.Error())
		}
	} else {
		written.Body().AppendNewBlock(string(b.entry.Kind), b.entry.labels())
	}
	body := written.Body().Blocks()[0].Body()
	for _, attribute := range b.entry.attributes() {
		if attribute[1] == "" {
			body.RemoveAttribute(attribute[0])
		} else {
			body.SetAttributeValue(attribute[0], cty.StringVal(attribute[1]))
		}
	}
	return strings.Trim(string(written.Bytes()), "\n")
}
