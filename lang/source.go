package lang

import (
	"path"
	"strings"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/source"
)

func sourceBlock() *schema.Block {
	return &schema.Block{
		Type: "source",
		Doc: "Where objects come from; there may be several. It is a repository or a URL with a `path` or a `chart` in it, a directory beside the configuration (`path` alone), or `objects` written right here. " +
			"What is there is told by its files: Chart.yaml is a Helm chart, kustomization.yaml a kustomization, *.jsonnet Jsonnet, and else it is a directory of YAML and JSON; one of the nested blocks says so, and how.",
		Arguments: []schema.Argument{
			{Name: "repository", Type: schema.Reference("repository"), Doc: "A repository."},
			{Name: "url", Type: schema.String, Doc: "The URL of a repository, or the path of a directory."},
			{Name: "revision", Type: schema.String, Default: "the repository's", Doc: "A branch, tag or commit, or a range of versions such as `1.4.*`."},
			{Name: "path", Type: schema.String, Default: "the root", Doc: "The directory in the repository. Without repository and url, a directory below the configuration's."},
			{Name: "chart", Type: schema.String, Doc: "The chart's name in a Helm repository."},
			{Name: "ref", Type: schema.String, Doc: "A name by which Helm value files of other sources are in this one: `$REF/path`. With `ref` and neither `path` nor `chart`, nothing is rendered of the source itself."},
			{Name: "objects", Type: schema.Objects, Sensitive: true, Doc: "Objects of Kubernetes, as HCL. In the data of Secrets, values may be sensitive."},
		},
		Blocks: []schema.Nested{
			{Max: 1, Block: manifestsBlock("manifests", "Says that it is a directory of YAML and JSON files.")},
			{Max: 1, Block: manifestsBlock("directory", "The same as `manifests`, by Argo CD's name.")},
			{Max: 1, Block: helmBlock()},
			{Max: 1, Block: kustomizeBlock()},
			{Max: 1, Block: jsonnetBlock()},
		},
	}
}

func decodeSources(in *eval.Instance) []Source {
	var out []Source
	refs := map[string]bool{}
	for _, v := range in.Values.Blocks("source") {
		decoded := decodeSource(in, v)
		if ref := decoded.Ref; ref != "" {
			if refs[ref] {
				in.ErrorAt(v, "ref", "Duplicate ref", "Another source of the application has the ref %q, too.", ref)
			}
			refs[ref] = true
		}
		out = append(out, decoded)
	}
	for i, v := range in.Values.Blocks("source") {
		checkValueFiles(in, v, out[i], refs)
	}
	return out
}

func decodeSource(in *eval.Instance, v *schema.Values) Source {
	s := Source{Range: v.Range}
	s.Ref = v.String("ref")
	if v.Has("ref") && v.IsKnown("ref") && !validRef(s.Ref) {
		in.ErrorAt(v, "ref", "Invalid name", "A ref must consist of letters, digits, \"_\" and \"-\", but is %q.", s.Ref)
	}
	if v.Has("objects") {
		decodeObjects(in, v, &s)
		return s
	}
	location, repository, ok := locate(in, v, v.String("chart"))
	s.Location, s.Repository = location, repository
	s.Path = cleanPath(in, v)
	switch {
	case ok:
	case v.Has("repository") || v.Has("url"):
	case v.Has("path"):
		s.Location = source.Location{Type: source.Directory, URL: "."}
		for _, name := range []string{"revision", "chart"} {
			if v.Has(name) {
				in.ErrorAt(v, name, "Conflicting arguments", "The argument %q needs a repository or a url; a path alone is a directory beside the configuration.", name)
			}
		}
	default:
		in.Errorf(v.Range, "Source without a location", "It is not said where objects come from. Set repository or url, path for a directory beside the configuration, or objects.")
	}
	if v.IsKnown("chart") && ok {
		checkChart(in, v, location)
	}
	decodeRendering(in, v, &s)
	return s
}

func validRef(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}

// cleanPath returns the path in the repository; it cannot leave it.
func cleanPath(in *eval.Instance, v *schema.Values) string {
	if !v.IsKnown("path") {
		return ""
	}
	text := v.String("path")
	cleaned := path.Clean(text)
	switch {
	case text == "" || cleaned == ".":
		return ""
	case strings.Contains(text, "\\"):
		in.ErrorAt(v, "path", "Invalid path", "The parts of a path are separated by \"/\".")
	case path.IsAbs(cleaned):
		in.ErrorAt(v, "path", "Invalid path", "The path %q must be relative to the root of what it is in.", text)
	case cleaned == ".." || strings.HasPrefix(cleaned, "../"):
		hint := ""
		if !v.Has("repository") && !v.Has("url") {
			hint = " For a directory that is not below the configuration's, say url = \"..\" and the path in it."
		}
		in.ErrorAt(v, "path", "Invalid path", "The path %q leads out of what it is in.%s", text, hint)
	default:
		return cleaned
	}
	return ""
}

func checkChart(in *eval.Instance, v *schema.Values, location source.Location) {
	switch location.Type {
	case source.Helm:
		if v.Has("path") {
			in.ErrorAt(v, "path", "Conflicting arguments", "A chart of a Helm repository has no path. Remove path or chart.")
		}
	case source.OCI:
		in.ErrorAt(v, "chart", "Conflicting arguments", "In a registry a chart is named by its URL alone: put its name at the end of the url.")
	case source.Git, source.Directory, source.Inline, source.Plugin, source.Forge, source.Resource, source.Remote:
		in.ErrorAt(v, "chart", "Conflicting arguments", "The argument \"chart\" names a chart of a Helm repository, but this source is of type %s. For a chart in it, set path.", location.Type)
	}
}

// decodeRendering reads the nested block that says what the source is.
func decodeRendering(in *eval.Instance, v *schema.Values, s *Source) {
	var first *schema.Values
	for _, blockType := range []string{"manifests", "directory", "helm", "kustomize", "jsonnet"} {
		block := v.One(blockType)
		if block == nil {
			continue
		}
		if first != nil {
			in.Errorf(block.Range, "Conflicting blocks", "A source is of one kind, but both %s and %s are said. Remove one of the blocks, or make two sources of it.", first.Block.Type, blockType)
			return
		}
		first = block
		switch blockType {
		case "manifests", "directory":
			s.Manifests = decodeManifests(in, block)
		case "helm":
			s.Helm = decodeHelm(in, block, s)
		case "kustomize":
			s.Kustomize = decodeKustomize(in, block)
		case "jsonnet":
			s.Jsonnet = decodeJsonnet(in, block)
		}
	}
	if first != nil && s.Helm == nil && s.Chart != "" {
		in.Errorf(first.Range, "Conflicting blocks", "A chart is rendered by Helm, not by %s.", first.Block.Type)
	}
}

// checkValueFiles holds that "$ref" in the value files of a chart is the ref of a
// source.
func checkValueFiles(in *eval.Instance, v *schema.Values, s Source, refs map[string]bool) {
	if s.Helm == nil {
		return
	}
	for _, file := range s.Helm.ValueFiles {
		name, isRef := strings.CutPrefix(file, "$")
		name, _, _ = strings.Cut(name, "/")
		if !isRef || refs[name] {
			continue
		}
		var known []string
		for ref := range refs {
			known = append(known, ref)
		}
		detail := "No source of the application has the ref " + name + "."
		if suggestion := schema.Suggest(name, known); suggestion != "" {
			detail += " Did you mean $" + suggestion + "?"
		} else {
			detail += " Add a source with ref = \"" + name + "\"."
		}
		in.ErrorAt(v.One("helm"), "value_files", "Unknown ref", "%s", detail)
	}
}
