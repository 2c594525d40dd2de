// Package archtest holds the repository to its own rules: which package may
// import which, where a library may be used, that every package says what it is
// for, and that documentation leads somewhere.
//
// It has no code beyond its tests and is imported by nothing.
package archtest
