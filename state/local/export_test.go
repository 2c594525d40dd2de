package local

import "time"

// SetPatience has a store wait for other processes for so long.
func (s *Store) SetPatience(patience time.Duration) { s.locks.patience = patience }
