//go:build !linux

package supervisor

import "syscall"

// dieWithParent does nothing where the kernel does not offer it; there the leash
// alone ends children.
func dieWithParent(*syscall.SysProcAttr) {}
