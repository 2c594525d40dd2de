package ports

import (
	"context"
	"net"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReserveManyAtOnce(t *testing.T) {
	const clusters, each = 40, 3
	reservations := make([]*Reservation, clusters)
	var all sync.WaitGroup
	for i := range reservations {
		all.Go(func() {
			r, err := Reserve(each)
			if err != nil {
				t.Error(err)
				return
			}
			reservations[i] = r
		})
	}
	all.Wait()
	seen := map[int]bool{}
	for _, r := range reservations {
		if r == nil {
			continue
		}
		defer r.Close()
		for _, p := range r.Ports {
			if seen[p] {
				t.Errorf("port %d was reserved twice", p)
			}
			seen[p] = true
		}
	}
	if len(seen) != clusters*each {
		t.Errorf("%d ports were reserved, want %d", len(seen), clusters*each)
	}
}

// TestServerTakesReservedPort checks that the server for which a port is reserved
// can listen on it, is reached there, and that nobody else can have it.
func TestServerTakesReservedPort(t *testing.T) {
	r, err := Reserve(1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(r.Ports[0]))

	if l, err := net.Listen("tcp", address); err == nil {
		_ = l.Close()
		t.Fatal("somebody who does not share ports can listen on a reserved one")
	}

	share := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failure error
		err := c.Control(func(fd uintptr) {
			failure = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		})
		if err != nil {
			return err
		}
		return failure
	}}
	l, err := share.Listen(context.Background(), "tcp", address)
	if err != nil {
		t.Fatalf("the server cannot listen: %v", err)
	}
	defer l.Close()
	accepted := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			err = c.Close()
		}
		accepted <- err
	}()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatalf("the server is not reached: %v", err)
	}
	defer c.Close()
	if err := <-accepted; err != nil {
		t.Fatal(err)
	}
}
