package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gantrycd/gantry/state"
)

// Put implements state.Store.
func (s *Store) Put(ctx context.Context, key string, value []byte, version string) (string, error) {
	if err := check(ctx, key); err != nil {
		return "", err
	}
	made, err := uuid.NewRandom()
	if err != nil {
		return "", fmt.Errorf("making a version: %w", err)
	}
	if value == nil {
		value = []byte{} // nil is NULL
	}
	next := made.String()
	sql, args := s.sql.swap, []any{key, value, next, version}
	if version == "" {
		sql, args = s.sql.create, args[:3]
	}
	written, lost, err := s.write(ctx, sql, args...)
	if err != nil {
		return "", fmt.Errorf("writing %s to PostgreSQL: %w", key, err)
	}
	switch {
	case written:
		return next, nil
	case lost == nil:
		return "", fmt.Errorf("%s: %w", key, state.ErrConflict)
	}
	// The answer to an earlier attempt was lost: it may be what this one has met.
	found, err := s.version(ctx, key)
	if err == nil && found == next {
		return next, nil
	}
	if err == nil || errors.Is(err, state.ErrNotFound) {
		err = lost // another wrote it since
	}
	return "", fmt.Errorf("%s: %w: %w", key, state.ErrUnknown, err)
}

// Delete implements state.Store. Where the answer to a deletion was lost, and the key is
// gone, it counts as this one's.
func (s *Store) Delete(ctx context.Context, key, version string) error {
	if err := check(ctx, key); err != nil {
		return err
	}
	removed, lost, err := s.write(ctx, s.sql.remove, key, version)
	if err != nil {
		return fmt.Errorf("deleting %s in PostgreSQL: %w", key, err)
	}
	if removed {
		return nil
	}
	_, err = s.version(ctx, key)
	switch {
	case errors.Is(err, state.ErrNotFound) && lost != nil:
		return nil
	case err != nil && lost == nil:
		return err
	case lost == nil:
		return fmt.Errorf("%s: %w", key, state.ErrConflict)
	}
	if err == nil {
		err = lost // another wrote it since
	}
	return fmt.Errorf("%s: %w: %w", key, state.ErrUnknown, err)
}

// write sends a statement that takes a row at one version only, until it is answered:
// so it takes place once, however often it is sent. It reports whether the statement took
// the row; where an answer was lost before, also why. An error that is ErrUnknown says
// that it may have.
func (s *Store) write(ctx context.Context, sql string, args ...any) (taken bool, lost, err error) {
	var made tries
	for {
		how, err := s.attempt(ctx, func(connection *pgxpool.Conn) error {
			tag, err := connection.Exec(ctx, sql, args...)
			taken = tag.RowsAffected() == 1
			return err
		})
		switch how {
		case answered:
			return taken, lost, nil
		case open:
			lost = err
		case nothing, refused:
		}
		if how != refused && ctx.Err() == nil && s.again(ctx, &made) {
			continue
		}
		if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
			err = fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		if lost != nil {
			return false, nil, fmt.Errorf("%w: %w", state.ErrUnknown, explain(err))
		}
		return false, nil, explain(err)
	}
}

// version returns the version of a key.
func (s *Store) version(ctx context.Context, key string) (version string, err error) {
	err = s.read(ctx, func(connection *pgxpool.Conn) error {
		return connection.QueryRow(ctx, s.sql.version, key).Scan(&version)
	})
	if isNone(err) {
		return "", fmt.Errorf("%s: %w", key, state.ErrNotFound)
	}
	return version, err
}
