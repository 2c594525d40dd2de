package local

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// stripes is how many locks there are: keys share them by hash, so that writes
// of different keys seldom wait for each other.
const stripes = 64

// patience is how long another process is waited for that holds a lock. It does so for the
// moment of a rename, unless it was stopped in the middle of it or its disk does not answer.
const patience = 10 * time.Second

// locks are the store's locks. Each is a channel, which keeps this Store's
// goroutines apart, and a locked file, which keeps processes apart.
//
// Where a holder does not let go, the file is replaced by another that is locked already, so
// that there is a holder again at any moment. That one, or the next if it dies, first calls
// off what is under way under the old lock: as long as that is to be done, there is
// something in the file. A lock counts while its file is the one that has the name.
type locks struct {
	dir      string
	patience time.Duration
	slots    [stripes]chan struct{}
}

// lock is one held lock.
type lock struct {
	slot chan struct{}
	file *os.File
}

func newLocks(dir string) locks {
	l := locks{dir: dir, patience: patience}
	for i := range l.slots {
		l.slots[i] = make(chan struct{}, 1)
	}
	return l
}

func stripeNumber(key string) uint32 {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(key)) // a hash never fails
	return hash.Sum32() % stripes
}

// stripeOf is the name of a key's lock.
func stripeOf(key string) string { return fmt.Sprintf("%02x", stripeNumber(key)) }

// acquire waits for a lock until the context ends, or until another process has had it for
// too long, and takes it over then. callOff removes what others have under way under it.
func (l *locks) acquire(ctx context.Context, key string, callOff func() error) (*lock, error) {
	held := &lock{slot: l.slots[stripeNumber(key)]}
	select {
	case held.slot <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	var err error
	if held.file, err = l.lockFile(ctx, filepath.Join(l.dir, stripeOf(key))); err == nil {
		if err = settle(held.file, callOff); err != nil {
			_ = held.file.Close()
		}
	}
	if err != nil {
		<-held.slot
		return nil, err
	}
	return held, nil
}

// lockFile returns the file of a name, locked.
func (l *locks) lockFile(ctx context.Context, path string) (*os.File, error) {
	if err := makeDir(l.dir); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	const longest = 20 * time.Millisecond
	began := time.Now()
	for pause := time.Millisecond; ; pause = min(2*pause, longest) {
		locked, err := tryLock(file)
		if err != nil {
			_ = file.Close()
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if current, err := isCurrent(file, path); err != nil || !current {
			_ = file.Close()
			if err != nil {
				return nil, err
			}
			if file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
				return nil, err
			}
			began = time.Now() // there is another holder
			continue
		}
		if locked {
			return file, nil
		}
		if time.Since(began) > l.patience {
			_ = file.Close()
			return l.takeOver(path)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			_ = file.Close()
			return nil, ctx.Err()
		}
	}
}

// isCurrent reports whether an open file is the one that has a name.
func isCurrent(file *os.File, path string) (bool, error) {
	mine, err := file.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(mine, there), err
}

// takeOver puts a file in the place of one whose holder does not let go. Where two do it at
// once, the second calls off what the first does.
func (l *locks) takeOver(path string) (_ *os.File, err error) {
	file, err := os.CreateTemp(l.dir, ".new-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("another process has held %s for %s: it is stopped in the middle of a write, or its disk does not answer. Let it go on (kill -CONT), or end it: %w",
				path, l.patience, errors.Join(err, file.Close(), os.Remove(file.Name())))
		}
	}()
	if _, err := file.WriteString("what is under way is to be called off\n"); err != nil {
		return nil, err
	}
	locked, err := tryLock(file)
	if err != nil {
		return nil, err
	}
	if !locked {
		return nil, errors.New("the new lock file is locked already")
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return nil, err
	}
	return file, nil
}

// settle does what is to be done first under a lock that was taken over.
func settle(file *os.File, callOff func() error) error {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	if err := callOff(); err != nil {
		return err
	}
	return file.Truncate(0)
}

// release gives the lock back; closing the file unlocks it.
func (h *lock) release() {
	_ = h.file.Close()
	<-h.slot
}
