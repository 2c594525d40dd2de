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
	f.parts = make(map[string]*part, len(items))
	whole, parts := string(f.Lines.Bytes), make([]*part, len(items))
	textOf := func(item syntax.Item) string { return whole[item.Start.Byte : item.Start.Byte+len(item.Text)] }
	syntax.Each(len(items), func(i int) {
		if parts[i] = before.part(textOf(items[i]), items[i].Start); parts[i] == nil {
			parts[i] = f.parsePart(items[i], vocabulary)
		}
		parts[i].Text = items[i].Text // so that no earlier version is kept
		items[i] = parts[i].Item
	})
	for i, p := range parts {
		f.parts[textOf(items[i])] = p
	}
	f.collect(parts)
	f.HCL, f.Diags = syntax.Join(f.Lines.Bytes, f.Path, items)
}

// collect puts together what is in the parts.
func (f *File) collect(parts []*part) {
	declarations, references := 0, 0
	for _, p := range parts {
		declarations, references = declarations+len(p.declarations), references+len(p.references)
	}
	f.Declarations, f.References = make([]Declaration, 0, declarations), make([]Reference, 0, references)
	for _, p := range parts {
		f.Declarations, f.References = append(f.Declarations, p.declarations...), append(f.References, p.references...)
	}
}

func (f *File) parsePart(item syntax.Item, vocabulary *Vocabulary) *part {
	r := &reader{file: f, vocabulary: vocabulary}
	item = item.Parse(f.Path)
	if KindOf(f.Path) == Values {
		r.values(item.Body)
	} else {
		r.native(item.Body)
	}
	return &part{Item: item, declarations: r.declarations, references: r.references}
}

// part returns what a text is at a place, if the file had it before; else nil.
func (f *File) part(text string, start hcl.Pos) *part {
	if f == nil {
		return nil
	}
	was := f.parts[text]
	if was == nil || was.Start != start && len(was.Diags) > 0 { // of what is broken, not all has a place
		return nil
	}
	by := start.Byte - was.Start.Byte
	now := &part{Item: was.Moved(f.Path, start), declarations: was.declarations, references: was.references}
	if by == 0 {
		return now
	}
	now.declarations, now.references = slices.Clone(was.declarations), slices.Clone(was.references)
	for i := range now.declarations {
		d := &now.declarations[i]
		d.Name, d.Header, d.Whole = d.Name.moved(by), d.Header.moved(by), d.Whole.moved(by)
	}
	for i := range now.references {
		r := &now.references[i]
		r.Name, r.Whole = r.Name.moved(by), r.Whole.moved(by)
	}
	return now
}

func (s Span) moved(by int) Span { return Span{s.Start + by, s.End + by} }
