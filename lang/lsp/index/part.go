package index

import (
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/syntax"
)

// part is one item of a file, and what is in it.
type part struct {
	syntax.Item
	declarations []Declaration
	references   []Reference
}

// parseParts reads a file in native syntax: of the parts that it had before, those that
// changed.
func (f *File) parseParts(vocabulary *Vocabulary, before *File) {
	items, diags := syntax.Split(f.Lines.Bytes, f.Path)
	if diags.HasErrors() {
		f.HCL, f.Diags = &hcl.File{Body: hcl.EmptyBody(), Bytes: f.Lines.Bytes}, diags
		return
	}
	f.parts = make(map[string]part, len(items))
	for i, item := range items {
		read, known := before.part(item)
		if !known {
			read = f.parsePart(item, vocabulary)
		}
		items[i], f.parts[string(item.Text)] = read.Item, read
		f.Declarations = append(f.Declarations, read.declarations...)
		f.References = append(f.References, read.references...)
	}
	f.HCL, f.Diags = syntax.Join(f.Lines.Bytes, f.Path, items)
}

func (f *File) parsePart(item syntax.Item, vocabulary *Vocabulary) part {
	r := &reader{file: f, vocabulary: vocabulary}
	item = item.Parse(f.Path)
	if KindOf(f.Path) == Values {
		r.values(item.Body)
	} else {
		r.native(item.Body)
	}
	return part{Item: item, declarations: r.declarations, references: r.references}
}

// part returns an item of another version of the file, if it was the same in this one.
func (f *File) part(item syntax.Item) (part, bool) {
	if f == nil {
		return part{}, false
	}
	p, ok := f.parts[string(item.Text)]
	if !ok || p.Start != item.Start && len(p.Diags) > 0 { // of what is broken, not all has a place
		return part{}, false
	}
	by := item.Start.Byte - p.Start.Byte
	p.Item = p.Moved(f.Path, item.Start)
	p.Text = item.Text // so that no earlier version is kept
	p.declarations, p.references = slices.Clone(p.declarations), slices.Clone(p.references)
	for i := range p.declarations {
		d := &p.declarations[i]
		d.Name, d.Header, d.Whole = d.Name.moved(by), d.Header.moved(by), d.Whole.moved(by)
	}
	for i := range p.references {
		r := &p.references[i]
		r.Name, r.Whole = r.Name.moved(by), r.Whole.moved(by)
	}
	return p, true
}

func (s Span) moved(by int) Span { return Span{s.Start + by, s.End + by} }
