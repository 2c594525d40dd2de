package lang

import "github.com/gantrycd/gantry/lang/modulesource"

// ModuleReader reads the sources of modules that are no local paths.
type ModuleReader = modulesource.Reader

// ModuleSource is where a module that is no local path comes from.
type ModuleSource = modulesource.Source

// ParseModuleSource understands the arguments source and version of a module
// block; see modulesource.Parse.
func ParseModuleSource(text, version string) (ModuleSource, bool, error) {
	return modulesource.Parse(text, version)
}
