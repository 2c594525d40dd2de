package lang

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// maxGeneratorFile bounds the size of a file that a generator reads.
const maxGeneratorFile = 1 << 20

func gitGenerator() *eval.Kind {
	pattern := func(what string) *schema.Block {
		return &schema.Block{
			Doc: "Patterns of " + what + " to give or, with `exclude`, not to give. What is excluded is not given, whatever the order.",
			Arguments: []schema.Argument{
				{Name: "path", Type: schema.String, Required: true, Doc: "A pattern of paths from the repository's root: `*` stands for a part of a name, `**` for any number of directories, `{a,b}` for either."},
				{Name: "exclude", Type: schema.Bool, Default: "false", Doc: "Whether what matches is left out."},
			},
		}
	}
	directories, files := pattern("directories"), pattern("files")
	directories.Type, files.Type = "directories", "files"
	return generatorType("git",
		"Gives directories of a repository, or files that hold YAML or JSON. The key is the path. An item of a directory has `path.path`, `path.basename` and `path.segments`; that of a file has what the file holds, and `path` of its directory, with `path.filename`. A file that holds a list gives an item for each element. Directories whose name begins with a dot are passed over.",
		`generator "git" "overlays" {
  repository = repository.config

  directories {
    path = "apps/*/overlays/*"
  }
  directories {
    path    = "apps/*/overlays/legacy"
    exclude = true
  }
}`,
		[]schema.Argument{
			{Name: "repository", Type: schema.Reference("repository"), Doc: "The repository; or set `url`."},
			{Name: "url", Type: schema.String, Doc: "The URL of a git repository, or the path of a directory."},
			{Name: "revision", Type: schema.String, Default: "the repository's", Doc: "A branch, tag, commit or range of versions."},
		},
		[]schema.Nested{{Block: directories}, {Block: files}}, generateGit)
}

func generateGit(e *eval.Evaluation, in *eval.Instance) ([]item, bool) {
	directories, files := in.Values.Blocks("directories"), in.Values.Blocks("files")
	switch {
	case len(directories) == 0 && len(files) == 0:
		in.Errorf(in.Values.Range, "Missing block", "A generator \"git\" needs a directories or a files block, which says what to give.")
	case len(directories) > 0 && len(files) > 0:
		in.Errorf(files[0].Range, "Conflicting blocks", "A generator \"git\" gives directories or files, not both. Make two generators of it.")
	case !in.Values.Has("repository") && !in.Values.Has("url"):
		in.Errorf(in.Values.Range, "Missing required argument", "The generator needs the argument \"repository\", or \"url\".")
	}
	include, exclude := patterns(in, append(slices.Clone(directories), files...))
	location, _, ok := locate(in, in.Values, "")
	if !ok || in.Failed || !in.Values.Known() {
		return nil, false
	}
	if e.Offline() {
		in.Deferred = true
		return nil, false
	}
	tree, err := e.Read(location)
	if err != nil {
		argument := "repository"
		if in.Values.Has("url") {
			argument = "url"
		}
		in.ErrorAt(in.Values, argument, "Cannot read source", "What the generator gives cannot be told: %s.", err)
		return nil, false
	}
	paths, err := match(tree, include, exclude, len(files) > 0)
	if err != nil {
		in.Errorf(in.Values.Range, "Cannot read source", "What the generator gives cannot be told: %s.", err)
		return nil, false
	}
	if len(files) > 0 {
		return fileItems(in, tree, paths)
	}
	items := make([]item, len(paths))
	for i, p := range paths {
		items[i] = item{key: p, value: cty.ObjectVal(map[string]cty.Value{"path": pathValue(p, "")}), origin: p}
	}
	return items, true
}

// patterns reads the blocks that say what to give.
func patterns(in *eval.Instance, blocks []*schema.Values) (include, exclude []string) {
	for _, block := range blocks {
		if !block.IsKnown("path") {
			continue
		}
		pattern := block.String("path")
		if problem := checkPattern(pattern); problem != "" {
			in.ErrorAt(block, "path", "Invalid pattern", "The pattern %q %s.", pattern, problem)
			continue
		}
		if block.Bool("exclude", false) {
			exclude = append(exclude, pattern)
		} else {
			include = append(include, pattern)
		}
	}
	return include, exclude
}

func checkPattern(pattern string) string {
	switch {
	case pattern == "":
		return "is empty"
	case strings.HasPrefix(pattern, "/"):
		return "must not begin with \"/\": paths are relative to the repository's root"
	case strings.HasSuffix(pattern, "/"):
		return "must not end with \"/\""
	case path.Clean(pattern) != pattern || strings.HasPrefix(pattern, ".."):
		return "must not have \"..\", \".\" or empty parts"
	case !doublestar.ValidatePattern(pattern):
		return "is not valid: a bracket or brace is not closed"
	}
	return ""
}

// match returns the files or directories that match, sorted.
func match(tree fs.FS, include, exclude []string, files bool) ([]string, error) {
	found := map[string]bool{}
	for _, pattern := range include {
		matches, err := doublestar.Glob(tree, pattern, doublestar.WithFailOnIOErrors())
		if err != nil {
			return nil, fmt.Errorf("the pattern %q cannot be looked up: %w", pattern, err)
		}
		for _, p := range matches {
			if found[p] || p == "." || hidden(p) || excluded(exclude, p) {
				continue
			}
			info, err := fs.Stat(tree, p)
			if err != nil {
				return nil, err
			}
			if files && info.Mode().IsRegular() || !files && info.IsDir() {
				found[p] = true
			}
		}
	}
	return schema.SortedKeys(found), nil
}

func excluded(patterns []string, p string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		matched, err := doublestar.Match(pattern, p)
		return err == nil && matched
	})
}

func hidden(p string) bool {
	return strings.HasPrefix(p, ".") || strings.Contains(p, "/.")
}

// pathValue describes a directory, and a file in it where there is one.
func pathValue(directory, filename string) cty.Value {
	var segments []cty.Value
	for _, segment := range strings.Split(directory, "/") {
		segments = append(segments, cty.StringVal(segment))
	}
	attributes := map[string]cty.Value{
		"path":     cty.StringVal(directory),
		"basename": cty.StringVal(path.Base(directory)),
		"segments": cty.ListVal(segments),
	}
	if filename != "" {
		attributes["filename"] = cty.StringVal(filename)
	}
	return cty.ObjectVal(attributes)
}

// fileItems reads the items of files.
func fileItems(in *eval.Instance, tree fs.FS, paths []string) ([]item, bool) {
	var items []item
	for _, p := range paths {
		more, err := readItems(tree, p)
		if err != nil {
			in.Errorf(in.Values.Range, "Invalid generator file", "The file %s cannot be used: %s.", p, err)
			continue
		}
		items = append(items, more...)
	}
	return items, !in.Failed
}

func readItems(tree fs.FS, p string) ([]item, error) {
	info, err := fs.Stat(tree, p)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxGeneratorFile {
		return nil, fmt.Errorf("it has %d bytes; a file for a generator may have up to %d", info.Size(), maxGeneratorFile)
	}
	text, err := fs.ReadFile(tree, p)
	if err != nil {
		return nil, err
	}
	documents, err := value.FromYAML(text)
	switch {
	case err != nil:
		return nil, err
	case len(documents) > 1:
		return nil, fmt.Errorf("it holds %d YAML documents; put them into a list", len(documents))
	case len(documents) == 0:
		documents = []cty.Value{cty.EmptyObjectVal}
	}
	if !documents[0].Type().IsTupleType() {
		made, err := fileItem(p, documents[0])
		return []item{{key: p, value: made, origin: p}}, err
	}
	var items []item
	for i, element := range documents[0].AsValueSlice() {
		made, err := fileItem(p, element)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		key, err := elementKey(element)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		items = append(items, item{key: p + "#" + key, value: made, origin: fmt.Sprintf("element %d of %s", i, p)})
	}
	return items, nil
}

// fileItem adds the path to what a file holds.
func fileItem(p string, content cty.Value) (cty.Value, error) {
	if content.IsNull() || !content.Type().IsObjectType() {
		return content, fmt.Errorf("it must hold a mapping, but holds %s", value.Kind(content))
	}
	if content.Type().HasAttribute("path") {
		return content, errors.New("it has a key \"path\", which would hide where the file is; rename it")
	}
	attributes := content.AsValueMap()
	if attributes == nil {
		attributes = map[string]cty.Value{}
	}
	attributes["path"] = pathValue(path.Dir(p), path.Base(p))
	return cty.ObjectVal(attributes), nil
}
