package lang

import (
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/source"
)

func repositoryKind() *eval.Kind {
	return &eval.Kind{
		Block: &schema.Block{
			Type:   "repository",
			Labels: []string{"name"},
			Doc:    "A git, Helm or OCI repository, or a directory, that sources are read from. Elsewhere it is `repository.NAME`, with the attributes `name`, `url` and `revision`.",
			Example: `repository "config" {
  url      = "https://github.com/example/config"
  revision = "main"

  auth {
    token = var.git_token
  }
}

repository "ingress_charts" {
  url = "https://kubernetes.github.io/ingress-nginx"
}`,
			Arguments: append([]schema.Argument{
				forEachArgument(),
				dependsOnArgument(),
				{Name: "url", Type: schema.String, Required: true, Doc: "Where it is: an `https`, `ssh`, `git` or `file` URL or `user@host:path` for git, an `https` URL for Helm, `oci://host/path` for a registry, or the path of a directory."},
				{Name: "type", Type: schema.String, Default: "guessed from the url, and from whether a source asks for a chart", OneOf: []string{"git", "helm", "oci", "directory"}, Doc: "How it is read."},
				{Name: "revision", Type: schema.String, Default: "the default branch, or the newest version", Doc: "What sources read unless they say otherwise: a branch, tag or commit, or a range of versions such as `1.4.*`."},
			}, trustArguments()...),
			Blocks: []schema.Nested{
				{Max: 1, Block: repositoryAuthBlock()},
				{Max: 1, Block: verifyBlock()},
			},
		},
		Root:    "repository",
		Grouped: true,
		Decode:  decodeRepository,
	}
}

func decodeRepository(_ *eval.Evaluation, in *eval.Instance) eval.Decoded {
	v := in.Values
	repository := &Repository{
		Address: in.Address, Name: in.Name(), Range: v.Range, guessed: !v.Has("type"),
		Location: source.Location{Type: source.Type(v.String("type")), URL: v.String("url"), Revision: v.String("revision")},
	}
	if repository.guessed {
		repository.Location.Type = guessType(repository.Location.URL, false)
	}
	if repository.guessed || v.IsKnown("type") {
		checkURL(in, v, repository.Location.Type)
	}
	if repository.Location.Type == source.Directory && v.IsKnown("url") {
		repository.Location.URL = directoryOf(in, v, repository.Location.URL)
		if v.Has("revision") {
			in.ErrorAt(v, "revision", "Conflicting arguments", "A directory has no revisions.")
		}
	}
	repository.Location.Auth = decodeAuth(in, v)
	repository.Verify = decodeVerify(in, v.One("verify"), repository)
	attributes := map[string]cty.Value{
		"name":     cty.StringVal(repository.Name),
		"url":      attributeOf(v, "url", cty.String),
		"revision": attributeOf(v, "revision", cty.String),
	}
	return eval.Decoded{
		Value: value.Block(value.Reference{Address: in.Address, Target: repository}, attributes),
		Made:  repository,
	}
}
