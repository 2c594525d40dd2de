//go:build unix

package localdir

import "syscall"

// nonBlocking keeps a named pipe that took a file's place from stopping us.
const nonBlocking = syscall.O_NONBLOCK
