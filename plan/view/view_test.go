package view_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/view"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// shows are the ways in which each example is shown; the name is the golden's end.
func shows() map[string]func(io.Writer, *plan.Plan) error {
	text := func(o view.Options) func(io.Writer, *plan.Plan) error {
		return func(w io.Writer, p *plan.Plan) error { return view.Text(w, p, o) }
	}
	return map[string]func(io.Writer, *plan.Plan) error{
		".txt":         text(view.Options{}),
		".verbose.txt": text(view.Options{Verbose: true, ShowUnchanged: true, Width: 200, Context: 1}),
		".errors.txt":  text(view.Options{Errors: true}),
		".color.txt":   text(view.Options{Color: true}),
		".summary.txt": text(view.Options{Summary: true}),
		".full.txt":    text(view.Options{Full: true}),
		".json":        view.JSON,
		".md":          func(w io.Writer, p *plan.Plan) error { return view.Markdown(w, p, 0) },
	}
}

func TestGoldens(t *testing.T) {
	for name, p := range examples() {
		for end, show := range shows() {
			var got bytes.Buffer
			if err := show(&got, p); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name+end)
			if *update {
				if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				continue
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("%s differs; -update rewrites it (-want +got):\n%s", path, diff)
			}
		}
	}
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		t.Fatal(err)
	}
	if want := len(examples()) * len(shows()); len(files) != want {
		t.Errorf("%d goldens, want %d: some are of no example", len(files), want)
	}
}

func TestThePlanInTheDocsIsReal(t *testing.T) {
	doc, err := os.ReadFile("../../docs/plans.md")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := view.Text(&got, examples()["docs"], view.Options{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), "```text\n"+got.String()+"```\n") {
		t.Errorf("docs/plans.md does not show this plan as it is:\n%s", &got)
	}
}

// TestNothingReachesTheTerminal looks for anything in any view that a terminal
// acts on, but for our own colours, and for values of Secrets.
func TestNothingReachesTheTerminal(t *testing.T) {
	ours := regexp.MustCompile("\x1b\\[[0-9;]+m")
	for end, show := range shows() {
		var got bytes.Buffer
		if err := show(&got, examples()["hostile"]); err != nil {
			t.Fatal(err)
		}
		text := ours.ReplaceAllString(got.String(), "")
		if end != ".color.txt" {
			text = got.String()
		}
		if !utf8.ValidString(text) {
			t.Errorf("%s: not UTF-8", end)
		}
		if strings.Contains(text, "TOPSECRET") || strings.Contains(text, "hunter2") {
			t.Errorf("%s shows a secret:\n%s", end, text)
		}
		for _, r := range text {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%s: %U in it", end, r)
			}
		}
	}
}

func TestColourIsOnlyWhereAskedFor(t *testing.T) {
	strip := regexp.MustCompile("\x1b\\[[0-9;]+m")
	for name, p := range examples() {
		var plain, colored bytes.Buffer
		if err := errors.Join(view.Text(&plain, p, view.Options{}), view.Text(&colored, p, view.Options{Color: true})); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(plain.String(), "\x1b") {
			t.Errorf("%s: colour without being asked for", name)
		}
		if !strings.Contains(colored.String(), "\x1b[") {
			t.Errorf("%s: no colour", name)
		}
		// Spaces at the end of a line may be inside of a colour.
		ends := regexp.MustCompile(` +\n`)
		if diff := cmp.Diff(plain.String(), ends.ReplaceAllString(strip.ReplaceAllString(colored.String(), ""), "\n")); diff != "" {
			t.Errorf("%s: colours change the text:\n%s", name, diff)
		}
	}
}

func TestViewsDoNotChangeThePlan(t *testing.T) {
	for name, p := range examples() {
		for end, show := range shows() {
			if err := show(io.Discard, p); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(examples()[name], p); diff != "" {
				t.Fatalf("%s%s changed the plan:\n%s", name, end, diff)
			}
		}
	}
}

func TestWriteErrorsAreReturned(t *testing.T) {
	for end, show := range shows() {
		if err := show(full{}, examples()["update"]); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%s: %v, want the writer's error", end, err)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// TestJSONIsAsDocumented compares the members of the JSON with those that the
// documentation lists.
func TestJSONIsAsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/plan-json.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, match := range regexp.MustCompile("(?m)^\\| `([a-zA-Z.\\[\\]]+)` \\|").FindAllStringSubmatch(string(doc), -1) {
		listed[match[1]] = true
	}
	found := map[string]bool{}
	for _, p := range examples() {
		var out bytes.Buffer
		if err := view.JSON(&out, p); err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal(out.Bytes(), &value); err != nil {
			t.Fatal(err)
		}
		members("", value, found)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(listed)), slices.Sorted(maps.Keys(found))); diff != "" {
		t.Errorf("docs/plan-json.md and the JSON differ (-docs +JSON):\n%s", diff)
	}
	if !strings.Contains(string(doc), `"`+view.JSONVersion+`"`) {
		t.Errorf("docs/plan-json.md does not mention version %s", view.JSONVersion)
	}
}

// members collects the paths of a JSON value's members, but for those below
// members that hold anything.
func members(path string, value any, into map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			at := strings.TrimPrefix(path+"."+key, ".")
			into[at] = true
			switch key {
			case "body", "before", "after", "labels", "counts":
			default:
				members(at, item, into)
			}
		}
	case []any:
		for _, item := range v {
			members(path+"[]", item, into)
		}
	}
}

func TestSummary(t *testing.T) {
	for name, want := range map[string]string{
		"create":  "Plan: 5 to create, 1 to run in 2 applications on 2 clusters.",
		"nothing": "Nothing to do: 2 objects are as desired in 1 application on 1 cluster.",
		"empty":   "Nothing to do: there are no applications.",
		"failed":  "Nothing was planned.",
		"delete":  "Plan: 1 to update, 1 to replace, 2 to prune, 1 to orphan, 1 to forget in 2 applications on 1 cluster.",
	} {
		if got := view.Summary(examples()[name]); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
