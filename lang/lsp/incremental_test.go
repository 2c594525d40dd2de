package lsp_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/lang/lsp/lsptest"
	"github.com/gantrycd/gantry/lang/schema"
)

// typed are things that people put into files, sound and not.
var typed = []string{
	"\n", "x", "\"", "{", "}", "[", "# é\n", "/*", "*/", "local.", "${", "1", "<<EOT\n", "EOT\n", "  replicas = 3\n", "\U0001f600",
	"locals {\n  extra = local.env\n}\n", "variable \"unused\" {}\n", "project \"payments\" {}\n", "nothing {\n}\n",
	"application \"new\" {\n  source {\n    url  = \"https://git.example.com/x\"\n    path = local.extra.name\n  }\n  destination {\n    cluster = cluster.prod\n  }\n}\n",
}

// TestEditedIsAsOpened: whatever is edited, the server that has seen every edit says
// what one says that is started and gets the files as they are then.
func TestEditedIsAsOpened(t *testing.T) {
	const steps, seeds = 25, 6
	sound := 0
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(uint64(seed), 1))
			files := estate()
			e := start(t, files)
			var paths []string
			for _, name := range schema.SortedKeys(files) {
				if strings.HasSuffix(name, ".gantry.hcl") && !strings.Contains(name, "/") {
					paths = append(paths, e.open(name))
				}
			}
			for range steps {
				path := paths[random.IntN(len(paths))]
				e.edit(random, path, files[strings.TrimPrefix(path, e.dir+"/")])
				e.Diagnostics(path)
				if e.compare(random, paths) {
					sound++
				}
				if t.Failed() {
					return
				}
			}
		})
	}
	if sound < seeds {
		t.Errorf("of %d modules, %d were sound", seeds*steps, sound)
	}
}

// edit does what an author might do next.
func (e *editor) edit(random *rand.Rand, path, original string) {
	text := e.Text(path)
	at := func() lsptest.Position { return e.at(path, random.IntN(len(utf16.Encode([]rune(text)))+1)) }
	switch random.IntN(6) {
	case 0, 1:
		e.SetText(path, original)
	case 2: // a line, or a letter, at the start of a line
		position := at()
		position.Character = 0
		e.Change(path, lsptest.Edit{Range: lsptest.Range{Start: position, End: position}, NewText: typed[random.IntN(len(typed))]})
	case 3:
		position := at()
		e.Change(path, lsptest.Edit{Range: lsptest.Range{Start: position, End: position}, NewText: typed[random.IntN(len(typed))]})
	case 4: // some lines go
		from := at()
		from.Character = 0
		e.Change(path, lsptest.Edit{Range: lsptest.Range{Start: from, End: lsptest.Position{Line: from.Line + random.IntN(4)}}})
	case 5: // the first block comes last
		first, rest, _ := strings.Cut(text, "\n}\n")
		e.SetText(path, rest+first+"\n}\n")
	}
}

// at returns the position of a UTF-16 unit.
func (e *editor) at(path string, units int) lsptest.Position {
	var p lsptest.Position
	for i, unit := range utf16.Encode([]rune(e.Text(path))) {
		if i == units {
			break
		}
		if p.Character++; unit == '\n' {
			p = lsptest.Position{Line: p.Line + 1}
		}
	}
	return p
}

// compare compares the server with a new one, and reports whether the module is sound.
func (e *editor) compare(random *rand.Rand, paths []string) bool {
	e.t.Helper()
	fresh := connect(e.t)
	fresh.Initialize(everything, e.dir)
	for _, path := range paths {
		fresh.Open(path, e.Text(path))
	}
	fresh.Diagnostics(paths[len(paths)-1]) // of the analysis that has seen all
	sound := true
	for _, path := range paths {
		want := fresh.Diagnostics(path)
		e.WaitDiagnostics(path, func(p lsptest.Published) bool {
			return reflect.DeepEqual(slices.Clip(p.Diagnostics), slices.Clip(want))
		})
		sound = sound && len(want) == 0
	}
	for range 3 {
		path := paths[random.IntN(len(paths))]
		if !sound {
			break // of what is half typed, the old server knows what was there
		}
		place := lsptest.At(path, e.at(path, random.IntN(len(e.Text(path))+1)))
		var got, want any
		e.Must("textDocument/completion", place, &got)
		fresh.Must("textDocument/completion", place, &want)
		if diff := cmp.Diff(want, got); diff != "" {
			e.t.Errorf("at %v in\n%s\ncompletion is another (-new server +old):\n%s", place["position"], e.Text(path), diff)
		}
	}
	return sound
}
