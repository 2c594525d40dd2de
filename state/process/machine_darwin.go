package process

import "syscall"

// machine identifies a start of this machine.
func machine() string {
	session, err := syscall.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return session
}
