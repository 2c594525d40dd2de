package local

import (
	"context"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"time"
)

// stripes is how many locks there are: keys share them by hash, so that writes
// of different keys seldom wait for each other.
const stripes = 64

// locks are the store's locks. Each is a channel, which keeps this Store's
// goroutines apart, and a locked file, which keeps processes apart.
type locks struct {
	dir   string
	slots [stripes]chan struct{}
}

// lock is one held lock.
type lock struct {
	name string // of the stripe
	slot chan struct{}
	file *os.File
}

func newLocks(dir string) locks {
	l := locks{dir: dir}
	for i := range l.slots {
		l.slots[i] = make(chan struct{}, 1)
	}
	return l
}

// patience is how long another process is waited for that holds a lock: it does so for
// the moment of a write, unless it was stopped in the middle of it, which nobody can tell
// from here. Its lock cannot be taken from it, for it would finish its write when it goes on.
const patience = 30 * time.Second

// acquire waits for the lock of a key until the context ends, or for patience.
func (l *locks) acquire(ctx context.Context, key string) (*lock, error) {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(key))
	stripe := hash.Sum32() % stripes
	held := &lock{name: fmt.Sprintf("%02x", stripe), slot: l.slots[stripe]}
	select {
	case held.slot <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := l.lockFile(ctx, held); err != nil {
		<-held.slot
		return nil, err
	}
	return held, nil
}

func (l *locks) lockFile(ctx context.Context, held *lock) error {
	if err := makeDir(l.dir); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(l.dir, held.name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	const longest = 20 * time.Millisecond
	began := time.Now()
	for pause := time.Millisecond; ; pause = min(2*pause, longest) {
		locked, err := tryLock(file)
		if err != nil {
			_ = file.Close()
			return fmt.Errorf("%s: %w", file.Name(), err)
		}
		if locked {
			held.file = file
			return nil
		}
		if time.Since(began) > patience {
			_ = file.Close()
			return fmt.Errorf("another process has held %s for %s: it is stopped in the middle of a write, or its disk does not answer. Let it go on (kill -CONT), or end it", file.Name(), patience)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			_ = file.Close()
			return ctx.Err()
		}
	}
}

// release gives the lock back; closing the file unlocks it.
func (h *lock) release() {
	_ = h.file.Close()
	<-h.slot
}
