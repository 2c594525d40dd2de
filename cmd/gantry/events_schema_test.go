package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/story"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/typeschema"
)

const (
	eventsSchema = "../../docs/events.schema.json"
	reportSchema = "../../docs/apply-report.schema.json"
)

// storySchemas make schemas of what the engine's types come to.
func storySchemas() *typeschema.Schemas {
	return typeschema.New(map[reflect.Type]map[string]any{
		reflect.TypeFor[engine.Seconds]():   {"type": "number"},
		reflect.TypeFor[engine.EventKind](): typeschema.Enum(engine.EventKinds()),
		reflect.TypeFor[plan.Phase](): typeschema.Enum([]plan.Phase{
			plan.PhasePreSync, plan.PhaseSync, plan.PhasePostSync, plan.PhaseSyncFail, plan.PhasePreDelete, plan.PhasePostDelete,
		}),
		reflect.TypeFor[story.Outcome](): typeschema.Enum([]story.Outcome{story.Succeeded, story.Partial, story.Nothing, story.Cancelled}),
	})
}

// schemaOfEvents is the schema of a line of the stream.
func schemaOfEvents() []byte {
	s := storySchemas()
	one := []any{s.Structure(reflect.TypeFor[engine.Event]())}
	for kind, of := range map[string]reflect.Type{
		"begin": reflect.TypeFor[beginEvent](), "plan": reflect.TypeFor[planEvent](), "apply": reflect.TypeFor[applyEvent](),
		"result": reflect.TypeFor[resultEvent](), "diagnostic": reflect.TypeFor[diagnosticEvent](), "stats": reflect.TypeFor[statsEvent](),
		"lost": reflect.TypeFor[lostEvent](), "end": reflect.TypeFor[endEvent](),
	} {
		schema := s.Structure(of)
		schema["properties"].(map[string]any)["event"] = map[string]any{"const": kind}
		one = append(one, schema)
	}
	sortByText(one)
	return s.Document(map[string]any{"oneOf": one}, fmt.Sprintf("https://gantry.dev/schemas/events.v%d.json", eventsFormat), "A line of what --events writes")
}

func schemaOfReport() []byte {
	s := storySchemas()
	return s.Document(s.Structure(reflect.TypeFor[story.Report]()), fmt.Sprintf("https://gantry.dev/schemas/apply-report.v%d.json", story.ReportFormat), "What came of an apply, as --report FILE.json writes it")
}

// sortByText sorts schemas, so that the same types make the same file.
func sortByText(list []any) {
	text := func(v any) string {
		out, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return string(out)
	}
	for i := range list {
		for j := i; j > 0 && text(list[j]) < text(list[j-1]); j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
}

// TestTheSchemasAreOfTheTypes: what is documented is what is written.
func TestTheSchemasAreOfTheTypes(t *testing.T) {
	for file, want := range map[string][]byte{eventsSchema: schemaOfEvents(), reportSchema: schemaOfReport()} {
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, want) {
			t.Errorf("%s is not of the types: run this test with -update, and see what docs/events.md promises", file)
		}
	}
}

// TestEventKindsAreListed: none is missing in engine.EventKinds.
func TestEventKindsAreListed(t *testing.T) {
	source, err := os.ReadFile("../../engine/event.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(source), " EventKind = \""); n != len(engine.EventKinds()) {
		t.Errorf("%d kinds are declared, and %d listed", n, len(engine.EventKinds()))
	}
}

// validCommand holds a file of lines of JSON, or one of JSON, to a schema of docs.
func validCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: valid SCHEMA FILE")
	}
	schema, err := compiledSchema(filepath.Join("..", "..", "docs", args[0]))
	ts.Check(err)
	text := ts.ReadFile(args[1])
	parts := []string{text}
	if filepath.Ext(args[1]) == ".ndjson" {
		parts = strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	}
	for i, part := range parts {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(part))
		ts.Check(err)
		if err := schema.Validate(value); err != nil {
			ts.Fatalf("line %d: %s\n%v", i+1, part, err)
		}
	}
	if filepath.Ext(args[1]) == ".ndjson" {
		ts.Check(inOrder(parts))
	}
}

func compiledSchema(file string) (*jsonschema.Schema, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("schema.json", value); err != nil {
		return nil, err
	}
	return compiler.Compile("schema.json")
}

// inOrder holds a stream to its promises: it begins with begin, ends with end, and no
// event is older than the one before; nothing is told of an application after its end.
func inOrder(lines []string) error {
	over, last := map[string]bool{}, time.Time{}
	for i, line := range lines {
		var e struct {
			Event       string    `json:"event"`
			At          time.Time `json:"at"`
			Application string    `json:"application"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			return err
		}
		switch {
		case (i == 0) != (e.Event == "begin"), (i == len(lines)-1) != (e.Event == "end"):
			return fmt.Errorf("line %d of %d is %s", i+1, len(lines), line)
		case e.At.Before(last):
			return fmt.Errorf("line %d is older than the one before: %s", i+1, line)
		case over[e.Application]:
			return fmt.Errorf("line %d: %s was over", i+1, line)
		case e.Event == "finished", e.Event == "skipped":
			over[e.Application] = true
		}
		last = e.At
	}
	return nil
}
