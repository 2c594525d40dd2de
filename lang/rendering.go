package lang

import (
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/source"
)

func filterArguments() []schema.Argument {
	return []schema.Argument{
		{Name: "recurse", Type: schema.Bool, Default: "false", Doc: "Whether files of directories below are read, too."},
		{Name: "include", Type: schema.String, Default: "all", Doc: "A pattern of the files to read, below the path: `*.yaml`, `{a,b}/*`."},
		{Name: "exclude", Type: schema.String, Default: "none", Doc: "A pattern of files not to read, even if they are included."},
	}
}

func manifestsBlock(blockType, doc string) *schema.Block {
	return &schema.Block{Type: blockType, Doc: doc, Arguments: filterArguments()}
}

func decodeManifests(in *eval.Instance, v *schema.Values) *source.Manifests {
	checkGlobs(in, v)
	return &source.Manifests{Recurse: v.Bool("recurse", false), Include: v.String("include"), Exclude: v.String("exclude")}
}

func checkGlobs(in *eval.Instance, v *schema.Values) {
	for _, name := range []string{"include", "exclude"} {
		if v.IsKnown(name) && !doublestar.ValidatePattern(v.String(name)) {
			in.ErrorAt(v, name, "Invalid pattern", "The pattern %q is not valid: a bracket or brace is not closed.", v.String(name))
		}
	}
}

func helmBlock() *schema.Block {
	return &schema.Block{
		Type: "helm",
		Doc:  "Says that it is a Helm chart. Later ones win: the chart's own values, `value_files` in order, `values`, `file_parameters`, `parameters`.",
		Arguments: []schema.Argument{
			{Name: "release_name", Type: schema.DNSLabel, Default: "the application's name", Doc: "The name of the release."},
			{Name: "namespace", Type: schema.DNSLabel, Default: "the destination's", Doc: "The namespace of the release."},
			{Name: "values", Type: schema.Object, Sensitive: true, Doc: "Values, as HCL. They may be sensitive."},
			{Name: "value_files", Type: schema.Strings, Doc: "Files of values, below the path, or `$REF/path` in another source; patterns, too."},
			{Name: "ignore_missing_value_files", Type: schema.Bool, Default: "false", Doc: "Whether a file that is not there is passed over."},
			{Name: "parameters", Type: schema.StringMap, Doc: "Single values by their path, as of `helm --set`: `{ \"image.tag\" = \"v2\" }`."},
			{Name: "string_parameters", Type: schema.StringMap, Doc: "The same, but always strings, as of `helm --set-string`."},
			{Name: "file_parameters", Type: schema.StringMap, Doc: "The same, with the content of a file, as of `helm --set-file`."},
			{Name: "kube_version", Type: schema.String, Default: "the cluster's", Doc: "The version of Kubernetes that the chart is told."},
			{Name: "api_versions", Type: schema.Strings, Doc: "API versions that the chart is told of beside those of the cluster."},
			{Name: "skip_crds", Type: schema.Bool, Default: "false", Doc: "Whether the chart's folder crds is left out."},
			{Name: "skip_tests", Type: schema.Bool, Default: "false", Doc: "Whether test hooks are left out."},
			{Name: "skip_schema_validation", Type: schema.Bool, Default: "false", Doc: "Whether values are not held against the chart's values.schema.json."},
		},
	}
}

func decodeHelm(in *eval.Instance, v *schema.Values, s *Source) *source.HelmOptions {
	helm := &source.HelmOptions{
		ReleaseName: v.String("release_name"), Namespace: v.String("namespace"),
		ValueFiles: v.Strings("value_files"), IgnoreMissingValueFiles: v.Bool("ignore_missing_value_files", false),
		KubeVersion: v.String("kube_version"), APIVersions: v.Strings("api_versions"),
		SkipCRDs: v.Bool("skip_crds", false), SkipTests: v.Bool("skip_tests", false), SkipSchemaValidation: v.Bool("skip_schema_validation", false),
	}
	helm.Parameters = append(parameters(v, "parameters", false), parameters(v, "string_parameters", true)...)
	helm.FileParameters = parameters(v, "file_parameters", false)
	strs, plain := v.StringMap("string_parameters"), v.StringMap("parameters")
	for _, name := range schema.SortedKeys(strs) {
		if _, ok := plain[name]; ok {
			in.ErrorAt(v, "string_parameters", "Conflicting arguments", "The parameter %q is in parameters and in string_parameters. Remove one of them.", name)
		}
	}
	if v.IsKnown("values") {
		argument, _ := v.Get("values")
		plain, sensitive, err := value.ToJSON(argument.Value)
		if err != nil {
			in.ErrorAt(v, "values", "Invalid Helm values", "The values cannot be written as JSON: %s.", describe(err, sensitive))
			return helm
		}
		helm.Values, _ = plain.(map[string]any)
		for _, pointer := range sensitive {
			s.SensitivePaths = append(s.SensitivePaths, "/helm/values"+pointer)
		}
	}
	return helm
}

func parameters(v *schema.Values, name string, forceString bool) []source.HelmParameter {
	given := v.StringMap(name)
	var out []source.HelmParameter
	for _, key := range schema.SortedKeys(given) {
		out = append(out, source.HelmParameter{Name: key, Value: given[key], ForceString: forceString})
	}
	return out
}

func kustomizeBlock() *schema.Block {
	return &schema.Block{
		Type: "kustomize",
		Doc:  "Says that it is a kustomization, and what is changed on top of it.",
		Arguments: []schema.Argument{
			{Name: "name_prefix", Type: schema.String, Doc: "What is put before the names of all objects."},
			{Name: "name_suffix", Type: schema.String, Doc: "What is put after the names of all objects."},
			{Name: "namespace", Type: schema.DNSLabel, Doc: "The namespace of all objects."},
			{Name: "images", Type: schema.Strings, Doc: "Images to use instead: `name:tag`, `name@digest`, `name=other:tag`."},
			{Name: "labels", Type: schema.StringMap, Doc: "Labels for all objects, and their selectors."},
			{Name: "label_without_selector", Type: schema.Bool, Default: "false", Doc: "Whether selectors do not get the labels."},
			{Name: "label_include_templates", Type: schema.Bool, Default: "false", Doc: "Whether pod templates get the labels where selectors do not."},
			{Name: "annotations", Type: schema.StringMap, Doc: "Annotations for all objects."},
			{Name: "replicas", Type: schema.IntegerMap, Doc: "How many replicas the workloads with a name have."},
			{Name: "components", Type: schema.Strings, Doc: "Components to add, relative to the path."},
		},
		Blocks: []schema.Nested{{Block: &schema.Block{
			Type: "patches",
			Doc:  "A strategic merge or JSON 6902 patch; there may be several.",
			Arguments: []schema.Argument{
				{Name: "patch", Type: schema.String, Doc: "The patch itself, as YAML or JSON; or set `path`."},
				{Name: "path", Type: schema.String, Doc: "The file that holds it, relative to the source's path."},
				{Name: "options", Type: schema.BoolMap, Doc: "`allowNameChange`, `allowKindChange`."},
			},
			Blocks: []schema.Nested{{Max: 1, Block: &schema.Block{
				Type: "target",
				Doc:  "What it is applied to; names are anchored regular expressions.",
				Arguments: []schema.Argument{
					{Name: "group", Type: schema.String, Doc: "The API group."},
					{Name: "version", Type: schema.String, Doc: "The API version."},
					{Name: "kind", Type: schema.String, Doc: "The kind."},
					{Name: "name", Type: schema.String, Doc: "The name."},
					{Name: "namespace", Type: schema.String, Doc: "The namespace."},
					{Name: "label_selector", Type: schema.String, Doc: "A selector of labels."},
					{Name: "annotation_selector", Type: schema.String, Doc: "A selector of annotations."},
				},
			}}},
		}}},
	}
}

func decodeKustomize(in *eval.Instance, v *schema.Values) *source.Kustomize {
	kustomize := &source.Kustomize{
		NamePrefix: v.String("name_prefix"), NameSuffix: v.String("name_suffix"), Namespace: v.String("namespace"),
		Images: v.Strings("images"), Labels: v.StringMap("labels"), LabelWithoutSelector: v.Bool("label_without_selector", false),
		LabelIncludeTemplates: v.Bool("label_include_templates", false), Annotations: v.StringMap("annotations"), Components: v.Strings("components"),
	}
	for _, image := range kustomize.Images {
		if strings.Trim(image, " \t\n") != image || strings.HasPrefix(image, "=") || strings.HasSuffix(image, "=") || !strings.ContainsAny(image, ":@=") {
			in.ErrorAt(v, "images", "Invalid image", "%q must have the form name:tag, name@digest or name=other:tag.", image)
		}
	}
	replicas := v.IntMap("replicas")
	for _, name := range schema.SortedKeys(replicas) {
		kustomize.Replicas = append(kustomize.Replicas, source.KustomizeReplica{Name: name, Count: replicas[name]})
	}
	for _, patch := range v.Blocks("patches") {
		if patch.Has("patch") == patch.Has("path") {
			in.Errorf(patch.Range, "Conflicting arguments", "A patch is written in the argument \"patch\", or is in the file \"path\": set one of the two.")
		}
		decoded := source.KustomizePatch{Patch: patch.String("patch"), Path: patch.String("path"), Options: patch.BoolMap("options")}
		for _, option := range schema.SortedKeys(decoded.Options) {
			if option != "allowNameChange" && option != "allowKindChange" {
				in.ErrorAt(patch, "options", "Unknown option", "There is no option %q of a patch; there are allowNameChange and allowKindChange.", option)
			}
		}
		if target := patch.One("target"); target != nil {
			decoded.Target = &source.KustomizeTarget{
				Group: target.String("group"), Version: target.String("version"), Kind: target.String("kind"), Name: target.String("name"),
				Namespace: target.String("namespace"), LabelSelector: target.String("label_selector"), AnnotationSelector: target.String("annotation_selector"),
			}
		}
		kustomize.Patches = append(kustomize.Patches, decoded)
	}
	return kustomize
}

func jsonnetBlock() *schema.Block {
	return &schema.Block{
		Type: "jsonnet",
		Doc:  "Says that it is a directory of Jsonnet files.",
		Arguments: append(filterArguments(),
			schema.Argument{Name: "external_variables", Type: schema.StringMap, Doc: "Strings for `std.extVar`."},
			schema.Argument{Name: "external_code", Type: schema.StringMap, Doc: "Jsonnet expressions for `std.extVar`."},
			schema.Argument{Name: "top_level_arguments", Type: schema.StringMap, Doc: "Strings for the arguments of a function that a file comes to."},
			schema.Argument{Name: "top_level_code", Type: schema.StringMap, Doc: "Jsonnet expressions for these arguments."},
			schema.Argument{Name: "libraries", Type: schema.Strings, Doc: "Directories to import from, relative to the repository's root."},
		),
	}
}

func decodeJsonnet(in *eval.Instance, v *schema.Values) *source.Jsonnet {
	checkGlobs(in, v)
	jsonnet := &source.Jsonnet{
		ExternalVariables: jsonnetVariables(in, v, "external_variables", "external_code"),
		TopLevelArguments: jsonnetVariables(in, v, "top_level_arguments", "top_level_code"),
		Recurse:           v.Bool("recurse", false), Include: v.String("include"), Exclude: v.String("exclude"),
	}
	for _, library := range v.Strings("libraries") {
		cleaned := path.Clean(library)
		if path.IsAbs(cleaned) || cleaned == ".." || strings.HasPrefix(cleaned, "../") {
			in.ErrorAt(v, "libraries", "Invalid path", "The path %q leads out of the repository; libraries are relative to its root.", library)
			continue
		}
		jsonnet.Libraries = append(jsonnet.Libraries, cleaned)
	}
	return jsonnet
}

func jsonnetVariables(in *eval.Instance, v *schema.Values, text, code string) []source.JsonnetVariable {
	strs, exprs := v.StringMap(text), v.StringMap(code)
	var out []source.JsonnetVariable
	for _, name := range schema.SortedKeys(strs) {
		out = append(out, source.JsonnetVariable{Name: name, Value: strs[name]})
	}
	for _, name := range schema.SortedKeys(exprs) {
		if _, ok := strs[name]; ok {
			in.ErrorAt(v, code, "Conflicting arguments", "%q is in %s and in %s. Remove one of them.", name, text, code)
		}
		out = append(out, source.JsonnetVariable{Name: name, Value: exprs[name], Code: true})
	}
	return out
}
