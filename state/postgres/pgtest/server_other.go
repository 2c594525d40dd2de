//go:build !linux

package pgtest

import "testing"

// Server is a PostgreSQL server.
type Server struct{}

// Start skips the test.
func Start(t testing.TB) *Server {
	t.Helper()
	_ = programs(t)
	t.Skip("no PostgreSQL: the tests start one on Linux only")
	return nil
}

// Address returns where the server listens.
func (s *Server) Address() string { return "" }

// Kill ends the server.
func (s *Server) Kill(testing.TB) {}

// Restart starts the server again.
func (s *Server) Restart(testing.TB) {}
