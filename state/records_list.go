package state

import (
	"context"
	"errors"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Versioned is a record with the version to give to Put and Delete.
type Versioned struct {
	*Record
	Version string
}

// listParallelism is how many records are asked for at once where the store gives them
// one by one.
const listParallelism = 16

// List returns all records, sorted by address. Where some cannot be read it
// returns the others, and an error that names each.
func (r *Records) List(ctx context.Context) ([]Versioned, error) {
	read, errs, err := r.readAll(ctx)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// Without an error and without a record, it went since it was listed.
	records := slices.DeleteFunc(read, func(v Versioned) bool { return v.Record == nil })
	slices.SortFunc(records, func(a, b Versioned) int { return a.Address.Compare(b.Address) })
	return records, errors.Join(errs...)
}

// readAll reads all records, and for each that it cannot read says why in its place.
func (r *Records) readAll(ctx context.Context) ([]Versioned, []error, error) {
	if store, ok := r.store.(BulkReader); ok {
		items, err := store.GetAll(ctx, recordPrefix)
		var broken *BrokenError
		if err == nil {
			read, errs := r.decodeAll(items)
			return read, errs, nil
		}
		if !errors.As(err, &broken) {
			return nil, nil, err
		}
		// One by one, the others can be read.
	}
	keys, err := r.store.List(ctx, recordPrefix)
	if err != nil {
		return nil, nil, err
	}
	read, errs := each(len(keys), listParallelism, func(i int) (Versioned, error) {
		address, err := ParseRecordKey(keys[i])
		if err != nil {
			return Versioned{}, &BrokenError{Key: keys[i], Reason: err.Error()}
		}
		record, version, err := r.Get(ctx, address)
		return Versioned{record, version}, err
	})
	return read, errs, nil
}

// decodeAll decodes what was read at once, as many at a time as there are processors.
func (r *Records) decodeAll(items []Item) ([]Versioned, []error) {
	return each(len(items), runtime.GOMAXPROCS(0), func(i int) (Versioned, error) {
		item := items[i]
		items[i].Value = nil // it is not needed any more
		address, err := ParseRecordKey(item.Key)
		if err != nil {
			return Versioned{}, &BrokenError{Key: item.Key, Reason: err.Error()}
		}
		record, err := r.read(address, item.Value)
		return Versioned{record, item.Version}, err
	})
}

// each does something for each of count, some at once.
func each(count, parallel int, do func(i int) (Versioned, error)) ([]Versioned, []error) {
	read, errs := make([]Versioned, count), make([]error, count)
	var workers errgroup.Group
	workers.SetLimit(parallel)
	for i := range count {
		workers.Go(func() error {
			read[i], errs[i] = do(i)
			return nil
		})
	}
	_ = workers.Wait() // each error is in errs
	return read, errs
}
