package home

import (
	"fmt"
	"regexp"
)

// MaxName is the longest name of a cluster, in bytes: it becomes part of
// certificate and context names.
const MaxName = 40

// CheckName returns why name cannot name a cluster, or nil.
func CheckName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("the name of a cluster must not be empty")
	case len(name) > MaxName:
		return fmt.Errorf("the cluster name %q is %d bytes long, at most %d are allowed", name, len(name), MaxName)
	case !regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`).MatchString(name):
		return fmt.Errorf("the cluster name %q is not valid: use lower-case letters, digits and dashes, with a letter or digit first and last", name)
	}
	return nil
}
