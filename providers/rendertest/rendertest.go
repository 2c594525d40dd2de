// Package rendertest holds what the tests of all renderers share: the suite that
// every renderer passes, and the comparison with the commands of Helm and
// Kustomize on other people's configurations.
//
// Only tests import it.
package rendertest
