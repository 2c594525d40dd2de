package lang

import (
	"slices"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/generate"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/source"
)

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
	k := generatorType("git",
		"Gives directories of a repository, or files that hold YAML or JSON. The key is the path. An item of a directory has `path.path`, `path.basename`, `path.basename_normalized` (a DNS name made of it, as Argo CD makes it) and `path.segments`; that of a file has what the file holds, and `path` of its directory, with `path.filename` and `path.filename_normalized`. A file that holds a list gives an item for each element, whose key is the path, `#` and the element's own key. What is hidden (a name in the path begins with a dot) is passed over.",
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
	k.Implicit = []string{"credentials"}
	return k
}

func generateGit(e *eval.Evaluation, in *eval.Instance) (generated, bool) {
	directories, files := in.Values.Blocks("directories"), in.Values.Blocks("files")
	switch {
	case len(directories) == 0 && len(files) == 0:
		in.Errorf(in.Values.Range, "Missing block", "A generator \"git\" needs a directories or a files block, which says what to give.")
	case len(directories) > 0 && len(files) > 0:
		in.Errorf(files[0].Range, "Conflicting blocks", "A generator \"git\" gives directories or files, not both. Make two generators of it.")
	case !in.Values.Has("repository") && !in.Values.Has("url"):
		in.Errorf(in.Values.Range, "Missing required argument", "The generator needs the argument \"repository\", or \"url\".")
	}
	chosen := patterns(in, append(slices.Clone(directories), files...))
	location, _, ok := locate(in, in.Values, "")
	if !ok || in.Failed || !in.Values.Known() {
		return generated{}, false
	}
	if e.Offline() {
		in.Deferred = true
		return generated{}, false
	}
	if !authorize(in, &location) {
		return generated{}, false
	}
	tree, pin, err := e.ReadPinned(location)
	if err != nil {
		argument := "repository"
		if in.Values.Has("url") {
			argument = "url"
		}
		in.ErrorAt(in.Values, argument, "Cannot read source", "What the generator gives cannot be told: %s.", err)
		return generated{}, false
	}
	made := generated{reads: []source.Pin{pin}}
	paths, err := chosen.Match(tree, len(files) > 0)
	if err != nil {
		in.Errorf(in.Values.Range, "Cannot read source", "What the generator gives cannot be told: %s.", err)
		return generated{}, false
	}
	if len(files) == 0 {
		made.items = generate.Directories(paths)
		return made, true
	}
	made.items, err = generate.Files(tree, paths)
	return made, !report(in, err, "Invalid generator file")
}

// patterns reads the blocks that say what to give.
func patterns(in *eval.Instance, blocks []*schema.Values) generate.Patterns {
	var chosen generate.Patterns
	for _, block := range blocks {
		if !block.IsKnown("path") {
			continue
		}
		pattern := block.String("path")
		if problem := generate.CheckPattern(pattern); problem != "" {
			in.ErrorAt(block, "path", "Invalid pattern", "The pattern %q %s.", pattern, problem)
			continue
		}
		if block.Bool("exclude", false) {
			chosen.Exclude = append(chosen.Exclude, pattern)
		} else {
			chosen.Include = append(chosen.Include, pattern)
		}
	}
	return chosen
}
