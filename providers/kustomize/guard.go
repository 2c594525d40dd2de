package kustomize

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/filetree"
	"github.com/gantrycd/gantry/providers/yamldoc"
)

// errSchema is the refusal of a kustomization with a schema of its own: Kustomize
// keeps schemas in one place for the whole process, so such a rendering has to
// be alone.
var errSchema = errors.New("brings its own OpenAPI schema")

// guard looks at every file before Kustomize does, and refuses what would
// reach beyond the tree: Kustomize itself clones git repositories, reads URLs
// and runs programs as soon as a kustomization says so.
type guard struct {
	tree         fs.FS
	allowSchemas bool
}

// check refuses a file by its content.
func (g *guard) check(name string, data []byte) error {
	if err := yamldoc.CheckAliases(data); err != nil {
		return &providers.RenderError{File: name, Err: err}
	}
	if !slices.Contains(konfig.RecognizedKustomizationFileNames(), path.Base(name)) {
		return nil
	}
	var k types.Kustomization
	if err := k.Unmarshal(data); err != nil {
		return kustomizationError(name, data, err)
	}
	if len(k.OpenAPI) > 0 && !g.allowSchemas {
		return &providers.RenderError{File: name, Err: errSchema}
	}
	k.FixKustomization()
	if err := g.checkFields(path.Dir(name), &k); err != nil {
		return &providers.RenderError{File: name, Err: err}
	}
	return nil
}

func (g *guard) checkFields(dir string, k *types.Kustomization) error {
	if len(k.HelmCharts) > 0 {
		return fmt.Errorf("helmCharts: %w: Kustomize would run the helm program; make the chart a source of its own", providers.ErrUnsupported)
	}
	for field, paths := range references(k) {
		for _, p := range paths {
			if isRemote(p) {
				return fmt.Errorf("%s: %q is remote: %w: rendering reads no network; copy it into the source", field, p, providers.ErrUnsupported)
			}
		}
	}
	for _, plugins := range []struct {
		field   string
		entries []string
	}{{"generators", k.Generators}, {"transformers", k.Transformers}, {"validators", k.Validators}} {
		for _, entry := range plugins.entries {
			if err := g.checkPlugin(dir, entry); err != nil {
				return fmt.Errorf("%s: %w", plugins.field, err)
			}
		}
	}
	return nil
}

// references are all the places of a kustomization that name files, by field.
func references(k *types.Kustomization) map[string][]string {
	refs := map[string][]string{
		"resources":      k.Resources,
		"components":     k.Components,
		"crds":           k.Crds,
		"configurations": k.Configurations,
		"openapi":        {k.OpenAPI["path"]},
	}
	//nolint:staticcheck // deprecated, and still in the kustomizations of users
	for _, p := range slices.Concat(k.Patches, k.PatchesJson6902) {
		refs["patches"] = append(refs["patches"], p.Path)
	}
	//nolint:staticcheck // deprecated, and still in the kustomizations of users
	for _, p := range k.PatchesStrategicMerge {
		if !strings.Contains(string(p), "\n") {
			refs["patchesStrategicMerge"] = append(refs["patchesStrategicMerge"], string(p))
		}
	}
	for _, r := range k.Replacements {
		refs["replacements"] = append(refs["replacements"], r.Path)
	}
	for _, m := range k.ConfigMapGenerator {
		refs["configMapGenerator"] = append(refs["configMapGenerator"], sources(m.KvPairSources)...)
	}
	for _, s := range k.SecretGenerator {
		refs["secretGenerator"] = append(refs["secretGenerator"], sources(s.KvPairSources)...)
	}
	return refs
}

// sources are the files of a generator; "key=path" names a path.
func sources(s types.KvPairSources) []string {
	paths := slices.Concat(s.EnvSources, []string{s.EnvSource})
	for _, file := range s.FileSources {
		if _, after, ok := strings.Cut(file, "="); ok {
			paths = append(paths, after)
		}
		paths = append(paths, file)
	}
	return paths
}

// checkPlugin takes a generator, transformer or validator that is built in and
// written out, in the kustomization or in a file, and none that could be another
// program, or whose configuration is itself made by a kustomization.
func (g *guard) checkPlugin(dir, entry string) error {
	text, name := []byte(entry), "the inline configuration"
	if !strings.Contains(entry, "\n") {
		if isRemote(entry) {
			return fmt.Errorf("%q is remote: %w: rendering reads no network", entry, providers.ErrUnsupported)
		}
		file, err := filetree.Join(dir, entry)
		if err != nil {
			return err
		}
		if info, err := filetree.Stat(g.tree, file); err != nil {
			return err
		} else if info.IsDir() {
			return fmt.Errorf("%q is a folder: %w: name the files", entry, providers.ErrUnsupported)
		}
		if text, err = filetree.ReadFile(g.tree, file); err != nil {
			return err
		}
		name = entry
	}
	items, err := yamldoc.YAML(name, text, yamldoc.Options{LastDuplicateWins: true})
	if err != nil {
		return err
	}
	for _, item := range items {
		if item.Object.APIVersion() != konfig.BuiltinPluginApiVersion {
			return fmt.Errorf("%s: %s is a plugin: %w: only those built into Kustomize run here", name, item.Object.Kind(), providers.ErrUnsupported)
		}
		if strings.HasPrefix(item.Object.Kind(), "Helm") {
			return fmt.Errorf("%s: %s: %w: Kustomize would run the helm program", name, item.Object.Kind(), providers.ErrUnsupported)
		}
		if remote := findRemote(map[string]any(item.Object), false); remote != "" {
			return fmt.Errorf("%s: %q is remote: %w: rendering reads no network", name, remote, providers.ErrUnsupported)
		}
	}
	return nil
}

// findRemote returns a string of a plugin's configuration that Kustomize would
// take for a remote file.
func findRemote(value any, isPath bool) string {
	switch v := value.(type) {
	case string:
		_, after, _ := strings.Cut(v, "=")
		if isPath && (isRemote(v) || isRemote(after)) {
			return v
		}
	case []any:
		for _, item := range v {
			if remote := findRemote(item, isPath); remote != "" {
				return remote
			}
		}
	case map[string]any:
		for key, item := range v {
			if remote := findRemote(item, isPath || slices.Contains(pathFields, strings.ToLower(key))); remote != "" {
				return remote
			}
		}
	}
	return ""
}

// pathFields are the fields of the built-in plugins that name files.
var pathFields = []string{"path", "paths", "files", "env", "envs", "targetfilepath"}

var scpStyle = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*@`)

// isRemote reports whether Kustomize would take a path for a URL or a git
// repository: at least everything that it does.
func isRemote(name string) bool {
	lower := strings.ToLower(name)
	if u, err := url.Parse(name); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		return true
	}
	for _, prefix := range []string{"git::", "github.com/", "github.com:", "ssh:", "http:", "https:", "file:", "git:"} {
		if strings.HasPrefix(lower, prefix) {
			return true
		}
	}
	return scpStyle.MatchString(name) && strings.ContainsAny(name, ":/")
}

// kustomizationError places the error of a kustomization that cannot be read.
func kustomizationError(name string, data []byte, err error) error {
	if _, yamlErr := yamldoc.Decode(bytes.TrimSpace(data)); yamlErr != nil {
		return yamldoc.At(name, yamlErr)
	}
	text := strings.TrimPrefix(err.Error(), "invalid Kustomization: ")
	return &providers.RenderError{File: name, Err: errors.New(strings.TrimPrefix(text, "json: "))}
}
