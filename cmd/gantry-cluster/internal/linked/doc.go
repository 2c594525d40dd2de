// Package linked holds the servers of a cluster as functions of this binary.
//
// They are linked only with the build tag gantry_servers, which build.sh sets.
// Without it everything else compiles and is vetted, linted and tested in seconds,
// not in the minutes that all of Kubernetes takes. Only main imports this package.
package linked
