package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gantrycd/gantry/state"
)

// Get implements state.Store.
func (s *Store) Get(ctx context.Context, key string) (value []byte, version string, err error) {
	if err := check(ctx, key); err != nil {
		return nil, "", err
	}
	err = s.read(ctx, func(connection *pgxpool.Conn) error {
		return connection.QueryRow(ctx, s.sql.get, key).Scan(&value, &version)
	})
	if isNone(err) {
		return nil, "", fmt.Errorf("%s: %w", key, state.ErrNotFound)
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading %s from PostgreSQL: %w", key, err)
	}
	return value, version, nil
}

// List implements state.Store.
func (s *Store) List(ctx context.Context, prefix string) (keys []string, err error) {
	return rows(ctx, s, prefix, s.sql.listAll, s.sql.list, pgx.RowTo[string])
}

// GetAll implements state.BulkReader. All values are of one moment.
func (s *Store) GetAll(ctx context.Context, prefix string) ([]state.Item, error) {
	return rows(ctx, s, prefix, s.sql.loadAll, s.sql.load, func(row pgx.CollectableRow) (item state.Item, err error) {
		err = row.Scan(&item.Key, &item.Value, &item.Version)
		return item, err
	})
}

// rows returns what one query gives of all keys, or another of those below a prefix.
func rows[T any](ctx context.Context, s *Store, prefix, all, below string, scan pgx.RowToFunc[T]) (found []T, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := state.CheckPrefix(prefix); err != nil {
		return nil, err
	}
	sql, args := below, []any{prefix}
	if prefix == "" {
		sql, args = all, nil
	}
	err = s.read(ctx, func(connection *pgxpool.Conn) error {
		rows, err := connection.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, scan)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the state in PostgreSQL: %w", err)
	}
	return found, nil
}

// read does what may be repeated until the server answers.
func (s *Store) read(ctx context.Context, ask func(*pgxpool.Conn) error) error {
	var made tries
	for {
		how, err := s.attempt(ctx, ask)
		switch {
		case how == answered:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case how == refused || !s.again(ctx, &made):
			return explain(err)
		}
	}
}

// attempt does something on a connection, once.
func (s *Store) attempt(ctx context.Context, do func(*pgxpool.Conn) error) (outcome, error) {
	connection, err := s.pool.Acquire(ctx)
	if err != nil {
		return judgeConnecting(err), err
	}
	defer connection.Release()
	if err = do(connection); err != nil && !isNone(err) {
		return judge(err), err
	}
	s.answered.Store(true)
	return answered, err
}
