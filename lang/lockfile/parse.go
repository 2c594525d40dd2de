package lockfile

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/syntax"
)

// lockBranches is the argument beside the blocks.
const lockBranches = "lock_branches"

var (
	commit = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	digest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// Parse reads a lock file's text. The file is nil where anything is wrong with it:
// half a lock file would let through what it should hold.
func Parse(src []byte, filename string) (*File, hcl.Diagnostics) {
	parsed, diags := syntax.Parse(src, filename)
	if diags.HasErrors() {
		if conflict := conflictMark(src, filename); conflict != nil {
			diags = hcl.Diagnostics{conflict}
		}
		return nil, diags
	}
	body, ok := parsed.Body.(*hclsyntax.Body)
	if !ok {
		return nil, hcl.Diagnostics{damaged(hcl.Range{Filename: filename, Start: hcl.InitialPos, End: hcl.InitialPos}, "The lock file must be HCL in native syntax.")}
	}
	r := &reader{src: src, file: &File{}}
	r.read(body)
	if r.diags.HasErrors() {
		return nil, r.diags
	}
	return r.file, nil
}

// conflictMark says that a merge was left unfinished, where it was.
func conflictMark(src []byte, filename string) *hcl.Diagnostic {
	at := bytes.Index(append([]byte("\n"), src...), []byte("\n<<<<<<< "))
	if at < 0 {
		return nil
	}
	pos := hcl.Pos{Line: 1 + bytes.Count(src[:at], []byte("\n")), Column: 1, Byte: at}
	end := pos
	end.Byte, end.Column = at+len("<<<<<<<"), 1+len("<<<<<<<")
	return &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: "Merge conflict in the lock file",
		Detail:  "The file has the marks of a merge that is not finished. Keep the blocks of both sides; of two with the same labels keep one, or remove both and run \"gantry init\".",
		Subject: &hcl.Range{Filename: filename, Start: pos, End: end},
	}
}

// reader reads one file.
type reader struct {
	src   []byte
	file  *File
	diags hcl.Diagnostics
}

func damaged(at hcl.Range, format string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Invalid lock file", Detail: fmt.Sprintf(format, args...), Subject: &at}
}

func (r *reader) errorf(at hcl.Range, format string, args ...any) {
	r.diags = append(r.diags, damaged(at, format, args...))
}

func (r *reader) read(body *hclsyntax.Body) {
	blocks := slices.Clone(body.Blocks)
	slices.SortFunc(blocks, func(a, b *hclsyntax.Block) int { return a.TypeRange.Start.Byte - b.TypeRange.Start.Byte })
	for _, name := range schema.SortedKeys(body.Attributes) {
		attribute := body.Attributes[name]
		switch {
		case name != lockBranches:
			r.errorf(attribute.NameRange, "There is no argument %q here.%s", name, didYouMean(name, []string{lockBranches}))
		case len(blocks) > 0 && blocks[0].TypeRange.Start.Byte < attribute.NameRange.Start.Byte:
			r.errorf(attribute.NameRange, "The argument %q must come before the blocks.", name)
		default:
			v, diags := attribute.Expr.Value(nil)
			if diags.HasErrors() || v.IsNull() || v.Type() != cty.Bool || !v.IsKnown() {
				r.errorf(attribute.Expr.Range(), "The argument %q must be true or false.", name)
				continue
			}
			r.file.LockBranches = v.True()
		}
	}
	start := 0
	for i, found := range blocks {
		entry := r.entry(found)
		if r.diags.HasErrors() {
			continue
		}
		lead := string(r.src[start:found.TypeRange.Start.Byte])
		if i == 0 {
			r.file.preface, lead = splitPreface(lead)
		}
		end := found.CloseBraceRange.End.Byte
		if n := bytes.IndexByte(r.src[end:], '\n'); n >= 0 { // with the comment on its last line
			end += n + 1
		} else {
			end = len(r.src)
		}
		text := string(r.src[found.TypeRange.Start.Byte:end])
		r.file.blocks = append(r.file.blocks, &block{entry: entry, at: found.DefRange(), lead: unixLines(lead), text: unixLines(text)})
		start = end
	}
	rest := unixLines(string(r.src[start:]))
	if len(blocks) == 0 {
		r.file.preface = rest
	} else {
		r.file.tail = rest
	}
}

// unixLines ends lines as the file is written, with no spaces before their ends;
// what is blank is nothing. No value can hold the end of a line.
func unixLines(text string) string {
	if strings.TrimSpace(text) == "" {
		return ""
	}
	lines := strings.Split(strings.ReplaceAll(text, "\r", ""), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t")
	}
	return strings.Join(lines, "\n")
}

// splitPreface parts what comes before the first block into what is the file's and
// what is the block's.
func splitPreface(text string) (preface, lead string) {
	text = unixLines(text)
	loose, attached := splitLead(text)
	switch {
	case strings.HasPrefix(attached, header[:len("# Maintained by")]), strings.HasSuffix(text, "\n\n"):
		return text, ""
	case strings.Contains(attached, lockBranches): // perhaps as an argument
		return text, ""
	}
	return loose, attached
}

// entry reads a block.
func (r *reader) entry(found *hclsyntax.Block) Entry {
	kind := Kind(found.Type)
	labels := []string{"the URL", "what was asked for"}
	switch kind {
	case Chart:
		labels = []string{"the URL", "the chart", "what was asked for"}
	case Module, Repository:
	default:
		kinds := []string{string(Chart), string(Module), string(Repository)}
		r.errorf(found.TypeRange, "There are no blocks %q here, but %s.%s", found.Type, schema.List(kinds, "and"), didYouMean(found.Type, kinds))
		return Entry{}
	}
	if len(found.Labels) != len(labels) {
		r.errorf(found.DefRange(), "A block %q has %d labels: %s.", found.Type, len(labels), schema.List(labels, "and"))
		return Entry{}
	}
	key := Key{Kind: kind, URL: found.Labels[0], Requested: found.Labels[len(labels)-1]}
	if kind == Chart {
		key.Chart = found.Labels[1]
	}
	for i, label := range found.Labels {
		if strings.ContainsFunc(label, unicode.IsControl) {
			r.errorf(found.LabelRanges[i], "The label holds control characters.")
		}
	}
	if key.URL == "" {
		r.errorf(found.LabelRanges[0], "The URL is empty.")
	}
	if first := r.file.Range(key); first != nil {
		r.errorf(found.DefRange(), "There is a block with these labels already, at line %d. Remove one of them.", first.Start.Line)
	}
	for _, nested := range found.Body.Blocks {
		r.errorf(nested.TypeRange, "There are no blocks within a block %q.", found.Type)
	}
	return r.arguments(found, Entry{Key: key})
}

// arguments reads what an entry came to.
func (r *reader) arguments(found *hclsyntax.Block, entry Entry) Entry {
	into := map[string]*string{"version": &entry.Version, "revision": &entry.Revision, "digest": &entry.Digest}
	form := map[string]*regexp.Regexp{"revision": commit, "digest": digest}
	expected := map[string]string{"revision": "a commit, 40 or 64 hexadecimal digits", "digest": "\"sha256:\" and 64 hexadecimal digits"}
	for _, name := range schema.SortedKeys(found.Body.Attributes) {
		attribute := found.Body.Attributes[name]
		to := into[name]
		if to == nil {
			known := schema.SortedKeys(into)
			r.errorf(attribute.NameRange, "There is no argument %q here, but %s.%s", name, schema.List(known, "and"), didYouMean(name, known))
			continue
		}
		v, diags := attribute.Expr.Value(nil)
		if diags.HasErrors() || v.IsNull() || v.Type() != cty.String || !v.IsKnown() || v.AsString() == "" || strings.ContainsFunc(v.AsString(), unicode.IsControl) {
			r.errorf(attribute.Expr.Range(), "The argument %q must be a string that is not empty.", name)
			continue
		}
		if *to = v.AsString(); form[name] != nil && !form[name].MatchString(*to) {
			r.errorf(attribute.Expr.Range(), "The argument %q must be %s.", name, expected[name])
		}
	}
	switch {
	case r.diags.HasErrors():
	case entry.Revision == "" && entry.Digest == "":
		r.errorf(found.DefRange(), "The block says neither a revision nor a digest, so it holds nothing. Remove it and run \"gantry init\".")
	case entry.Revision != "" && entry.Digest != "":
		r.errorf(found.DefRange(), "The block says a revision, as of git, and a digest, as of a chart or artifact. Remove it and run \"gantry init\".")
	case entry.Kind == Chart && (entry.Version == "" || entry.Digest == ""):
		r.errorf(found.DefRange(), "A block \"chart\" needs a version and a digest. Remove it and run \"gantry init\".")
	}
	return entry
}

func didYouMean(given string, words []string) string {
	if suggestion := schema.Suggest(given, words); suggestion != "" {
		return fmt.Sprintf(" Did you mean %q?", suggestion)
	}
	return ""
}
