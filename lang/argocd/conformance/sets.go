// Package conformance holds what Gantry does against recorded answers of Argo CD: it
// reads the cases, counts how they go set by set, and holds the counts to those that are
// written down in results.json.
//
// It knows no subject of a set: each is compared by the tests of the package that is
// about it. Only tests import it, and the command that gathers the counts.
package conformance

// ID names a set.
type ID string

// The sets.
const (
	Ordering      ID = "ordering"
	Simulation    ID = "simulation"
	Annotations   ID = "annotations"
	Differences   ID = "differences"
	Masking       ID = "masking"
	Retry         ID = "retry"
	Fields        ID = "fields"
	HealthBuiltIn ID = "health-built-in"
	HealthCustom  ID = "health-custom"
	Sources       ID = "sources"
	Destinations  ID = "destinations"
	Kinds         ID = "kinds"

	SourceNamespaces ID = "source-namespaces"
	ProjectSpecs     ID = "project-specs"

	Roles         ID = "roles"
	Windows       ID = "windows"
	WindowMatches ID = "window-matches"
	WindowSyntax  ID = "window-syntax"
	Schedules     ID = "schedules"
	Generators    ID = "generators"
	Names         ID = "names"
	Templates     ID = "templates"
)

// The areas that sets are of.
const (
	Sync     = "sync and health"
	Guards   = "projects, rights and windows"
	Language = "generators and templates"
)

// Set is one set of cases: its area, what it is about, which files of the data it is in,
// and the package, relative to the module's root, whose tests compare it.
type Set struct {
	ID      ID
	Area    string
	About   string
	Files   []string
	Package string
}

// Sets lists every set, in the order in which they are shown.
func Sets() []Set {
	return []Set{
		{Ordering, Sync, "order of a sync", []string{"sync/ordering_cases.jsonl"}, "engine/order"},
		{Annotations, Sync, "annotations of waves and hooks", []string{"sync/annotation_cases.jsonl"}, "engine/order"},
		{Simulation, Sync, "whole syncs, step by step", []string{"sync/sync_simulation_cases.jsonl"}, "engine"},
		{Differences, Sync, "what differs, and what is ignored", []string{"diff/diff_cases.jsonl"}, "engine/diff"},
		{Masking, Sync, "what is hidden of Secrets", []string{"diff/hide_secret_cases.jsonl"}, "plan/redact"},
		{Retry, Sync, "waits before retries", []string{"misc/retry_backoff_cases.jsonl"}, "engine/options"},
		{Fields, Sync, "images, parameters and variables", []string{"misc/field_parsing_cases.jsonl"}, "engine/options"},
		{HealthBuiltIn, Sync, "health of built-in kinds", []string{"health/cases.jsonl", "health/variations.jsonl"}, "engine/health"},
		{HealthCustom, Sync, "health of custom resources", []string{"health/cases.jsonl", "health/variations.jsonl"}, "engine/health"},
		{Sources, Guards, "repositories of projects", []string{"projects/source_cases.jsonl"}, "engine/guard"},
		{Destinations, Guards, "destinations of projects", []string{"projects/destination_cases.jsonl"}, "engine/guard"},
		{Kinds, Guards, "kinds of projects", []string{"projects/group_kind_cases.jsonl"}, "engine/guard"},
		{SourceNamespaces, Guards, "namespaces of Applications", []string{"projects/source_namespace_cases.jsonl"}, "lang/argocd"},
		{ProjectSpecs, Guards, "which projects are valid", []string{"projects/validate_project_cases.jsonl"}, "lang/argocd"},
		{Roles, Guards, "rights", []string{"rbac/oracle_cases.jsonl"}, "engine/access"},
		{Windows, Guards, "sync windows", []string{"syncwindows/can_sync_cases.jsonl"}, "engine/window"},
		{WindowMatches, Guards, "what sync windows are for", []string{"syncwindows/match_cases.jsonl"}, "lang/govern"},
		{WindowSyntax, Guards, "which sync windows are valid", []string{"syncwindows/validate_cases.jsonl"}, "engine/window"},
		{Schedules, Guards, "schedules of sync windows", []string{"syncwindows/can_sync_cases.jsonl"}, "lang/schedule"},
		{Generators, Language, "generators", []string{"generators/generator_cases.jsonl", "generators/fixtures.json"}, "lang/generate"},
		{Names, Language, "names that are made of texts", []string{"generators/fixtures.json"}, "lang/generate"},
		{Templates, Language, "templates", []string{"generators/render_cases.jsonl"}, "lang/argocd/template"},
	}
}
