package postgres

import (
	"context"

	"github.com/gantrycd/gantry/plan/object"
)

// Ask returns what a query gives on one of the store's connections.
func (s *Store) Ask(ctx context.Context, sql string) (answer string, err error) {
	err = s.pool.QueryRow(ctx, sql).Scan(&answer)
	return answer, err
}

// Do executes statements on one of the store's connections.
func (s *Store) Do(ctx context.Context, sql string) error {
	connection, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer connection.Release()
	_, err = connection.Conn().PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// WarningsOf are the warnings of a connection string.
func WarningsOf(url object.Sensitive) ([]string, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	return inClear(&config.ConnConfig.Config), nil
}

// Hold locks a key's row until what it returns is called.
func (s *Store) Hold(ctx context.Context, key string) (release func() error, err error) {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, s.sql.version+" FOR UPDATE", key); err != nil {
		return nil, err
	}
	return func() error { return tx.Rollback(context.WithoutCancel(ctx)) }, nil
}
