package s3

import (
	"context"
	"time"
)

// NameOf is name, for tests.
func NameOf(key string) (string, bool) { return name(key) }

// KeyOf is keyOf, for tests.
func KeyOf(object string) (string, bool) { return keyOf(object) }

// SweepAt sweeps the objects below a prefix as if it were another time, and returns how
// many objects of deleted keys there were.
func (s *Store) SweepAt(ctx context.Context, now time.Time) (int, error) {
	page, err := s.page(ctx, "", nil)
	if err != nil {
		return 0, err
	}
	var found []remains
	for _, one := range page.Contents {
		if old, ok := s.remainsOf(one); ok {
			found = append(found, old)
		}
	}
	s.sweep(ctx, found, now)
	return len(found), nil
}
