package lang

import (
	"fmt"

	"github.com/Masterminds/semver/v3"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/function"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/schema"
)

func gantryKind() *eval.Kind {
	return &eval.Kind{
		Block: &schema.Block{
			Type: "gantry",
			Doc:  "Settings of the tool itself. A configuration has at most one such block.",
			Example: `gantry {
  required_version = ">= 0.1"

  backend "local" {
    path = ".gantry"
  }

  forge "github" {
    repository = "example/deploy"
  }

  protection {
    branches = ["main"]

    approvals {
      count      = 2
      groups     = ["example:sre"]
      not_author = true
    }
    max_destroyed = 20
  }
}`,
			Arguments: []schema.Argument{
				{Name: "required_version", Type: schema.String, Doc: "The versions of gantry that may use this configuration: a constraint such as `>= 0.1, < 2` or `~> 1.4`."},
			},
			Blocks: append(append(backendBlocks(), govern.ForgeBlocks()...),
				schema.Nested{Max: 1, Block: encryptionBlock()},
				schema.Nested{Max: 1, Block: identityBlock()},
				schema.Nested{Max: 1, Block: govern.ProtectionBlock()},
			),
		},
		Single:   true,
		RootOnly: true,
		Decode:   decodeGantry,
	}
}

func decodeGantry(e *eval.Evaluation, in *eval.Instance) eval.Decoded {
	settings := Settings{RequiredVersion: in.Values.String("required_version"), Backend: Backend{Type: "local"}, Range: in.Values.Range}
	if in.Values.Has("required_version") && settings.RequiredVersion != "" {
		checkVersion(in, settings.RequiredVersion, e.Version())
	}
	if backend := in.Values.One("backend"); backend != nil {
		settings.Backend = decodeBackend(in, backend)
	}
	settings.Encryption = decodeEncryption(in, in.Values.One("encryption"))
	settings.Identity = decodeIdentity(in, in.Values.One("identity"))
	settings.Forge = govern.DecodeForge(in, in.Values.Blocks("forge"))
	settings.Protection = govern.DecodeProtection(in, in.Values.One("protection"))
	return eval.Decoded{Value: cty.EmptyObjectVal, Made: settings}
}

// checkVersion holds a constraint against the version of gantry. A version that
// is still in the making counts as the one that it will be.
func checkVersion(in *eval.Instance, text, version string) {
	constraint, err := function.Constraint(text)
	if err != nil {
		in.ErrorAt(in.Values, "required_version", "Invalid version constraint", "%q is no version constraint. Write one such as \">= 0.1, < 2\" or \"~> 1.4\".", text)
		return
	}
	running, err := semver.NewVersion(version)
	if err != nil {
		return // a build without a version
	}
	release := semver.New(running.Major(), running.Minor(), running.Patch(), "", "")
	if !constraint.Check(release) {
		in.ErrorAt(in.Values, "required_version", "Unsupported version of gantry", "%s", fmt.Sprintf("This configuration needs gantry %s, and this is %s. Use a version that fits, or change required_version after reading the changelog.", text, version))
	}
}
