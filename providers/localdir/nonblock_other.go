//go:build !unix

package localdir

const nonBlocking = 0
