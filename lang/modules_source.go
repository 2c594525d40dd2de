package lang

import (
	"context"
	"io/fs"
	"sync"

	"github.com/gantrycd/gantry/lang/modulesource"
	"github.com/gantrycd/gantry/plan/source"
)

// ModuleReader reads the sources of modules that are no local paths.
type ModuleReader = modulesource.Reader

// ModuleSource is where a module that is no local path comes from.
type ModuleSource = modulesource.Source

// ParseModuleSource understands the arguments source and version of a module
// block; see modulesource.Parse.
func ParseModuleSource(text, version string) (ModuleSource, bool, error) {
	return modulesource.Parse(text, version)
}

// ModulesWithCredentials is a reader of modules that logs in as the credentials
// blocks of a root module say. Modules are read before anything is evaluated, so
// that these blocks are evaluated by themselves, with the values of variables, when
// the first module is read: what they say that depends on a module is not known. A
// module below a prefix whose credentials are not known is not read, so that it is
// not read with others.
func ModulesWithCredentials(reader ModuleReader, dir string, options LoadOptions, args VarArgs) ModuleReader {
	options.Modules = nil
	return &authorizedModules{reader: reader, credentials: sync.OnceValue(func() []source.Credentials {
		module, _ := Load(dir, options) // whoever loads it with its modules reports what is wrong
		variables, _ := ReadVariables(module, args)
		config, _ := module.Evaluate(context.Background(), EvalOptions{Variables: variables})
		return config.Logins
	})}
}

type authorizedModules struct {
	reader      ModuleReader
	credentials func() []source.Credentials
}

// ReadModule reads a module.
func (m *authorizedModules) ReadModule(ctx context.Context, from ModuleSource) (fs.FS, source.Pin, error) {
	auth, err := source.Authorize(from.Location, m.credentials())
	if err != nil {
		return nil, source.Pin{}, err
	}
	from.Location.Auth = auth
	return m.reader.ReadModule(ctx, from)
}
