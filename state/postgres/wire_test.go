package postgres_test

import (
	"bytes"
	"net"
	"strings"
	"sync"
	"testing"
)

// wire is between a store and its server, and cuts the connection of a statement.
type wire struct {
	address string

	mu     sync.Mutex
	holds  string // what the statement has in it; empty is none
	times  int    // how often it is cut
	before bool   // before the server has it; else when its answer is there
	then   func() // called before the cut
	silent bool   // in place of being cut, the answer never comes
	open   []net.Conn
}

// through starts a wire to a server and returns it with a URL that leads through it.
func through(t *testing.T, server, url string) (*wire, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{address: server}
	var all sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		w.mu.Lock()
		for _, connection := range w.open {
			_ = connection.Close()
		}
		w.mu.Unlock()
		all.Wait()
	})
	all.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			w.mu.Lock()
			w.open = append(w.open, client)
			w.mu.Unlock()
			all.Go(func() { w.carry(client) })
		}
	})
	return w, strings.Replace(url, server, listener.Addr().String(), 1)
}

// cut has the next statements with a word in them go wrong.
func (w *wire) cut(word string, times int, before bool, then func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holds, w.times, w.before, w.then, w.silent = word, times, before, then, false
}

// silence has the answer to the next statement with a word in it not come.
func (w *wire) silence(word string) {
	w.cut(word, 1, false, nil)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silent = true
}

// left is how many cuts are still to come.
func (w *wire) left() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.times
}

// meets reports whether what a client sends is to go wrong, and how.
func (w *wire) meets(sent []byte) (cut, before, silent bool, then func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.times == 0 || !bytes.Contains(sent, []byte(w.holds)) {
		return false, false, false, nil
	}
	w.times--
	return true, w.before, w.silent, w.then
}

func (w *wire) carry(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", w.address)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	lost, acted := make(chan bool, 1), make(chan bool)
	var answers sync.WaitGroup
	answers.Go(func() {
		buffer := make([]byte, 64<<10)
		for {
			n, err := server.Read(buffer)
			if err != nil {
				_ = client.Close()
				return
			}
			select {
			case <-lost:
				close(acted)
				return
			default:
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	})
	defer answers.Wait()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			_ = server.Close()
			return
		}
		cut, before, silent, then := w.meets(buffer[:n])
		if cut && !before {
			lost <- true
			_, _ = server.Write(buffer[:n])
			<-acted
		}
		if cut {
			if then != nil {
				then()
			}
			if silent {
				continue
			}
			_ = client.Close()
			_ = server.Close()
			return
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}
