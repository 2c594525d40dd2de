// Package overhead measures what locking, journal and history add to an apply: the same
// plan is applied with a state that takes no time and with one in each backend, one after
// the other in one run, so that both meet the machine as it is. It has nothing but the
// benchmark, which `make bench` runs; nothing imports it.
package overhead
