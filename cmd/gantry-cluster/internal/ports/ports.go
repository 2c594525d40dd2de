// Package ports reserves free TCP ports on the loopback address.
//
// A reserved port is held by a socket that is bound but does not listen, with
// SO_REUSEPORT set: the server for which it is reserved can bind it too, if it
// sets SO_REUSEPORT and runs as the same user, and the kernel gives it to
// nobody who asks for any free port. So clusters that start at once never meet
// on a port, and no port is lost between choosing and using it.
package ports

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Reservation holds ports until it is closed.
type Reservation struct {
	// Ports has the ports in no particular order.
	Ports []int

	sockets []int
}

// Reserve takes n free ports on 127.0.0.1.
func Reserve(n int) (*Reservation, error) {
	r := &Reservation{}
	for range n {
		fd, port, err := bind()
		if err != nil {
			r.Close()
			return nil, fmt.Errorf("reserve a port on 127.0.0.1: %w", err)
		}
		r.sockets = append(r.sockets, fd)
		r.Ports = append(r.Ports, port)
	}
	return r, nil
}

// Close lets the ports go. Servers that have bound them keep them.
func (r *Reservation) Close() {
	for _, fd := range r.sockets {
		_ = unix.Close(fd) // nothing was written to it
	}
	r.sockets = nil
}

func bind() (fd, port int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return 0, 0, err
	}
	unix.CloseOnExec(fd)
	port, err = bindTo(fd)
	if err != nil {
		_ = unix.Close(fd) // the first error is the one to tell
		return 0, 0, err
	}
	return fd, port, nil
}

func bindTo(fd int) (int, error) {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return 0, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, err
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	inet, ok := name.(*unix.SockaddrInet4)
	if !ok {
		return 0, fmt.Errorf("unexpected socket address %T", name)
	}
	return inet.Port, nil
}
