// Package postgres is a state store in a PostgreSQL database: one table in a schema of
// its own, that it makes where it is missing.
//
// A key is a row. A write is one statement that takes the row only at the version that it
// was read at, and every write gives the row a version that the client made up, so that
// the row itself tells whose write it was when the answer to it is lost. What was written
// is on the server's disk when the write returns, whatever the server's default is.
//
// The package decides nothing about what is kept. It is imported by whoever opens stores.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// DefaultSchema is the schema of a store that names none.
const DefaultSchema = "gantry"

// Options are where a store is.
type Options struct {
	// URL is a connection string as libpq has them: postgres://user:password@host/database,
	// with sslmode and what else there is in its query, or key=value pairs. What it does not
	// say comes from the environment: PGHOST, PGPASSWORD, PGSSLROOTCERT and so on.
	URL    object.Sensitive
	Schema string // of the table; DefaultSchema where empty
}

// Store is a state.Store in a database. It is safe for concurrent use.
type Store struct {
	pool     *pgxpool.Pool
	schema   string
	sql      statements
	warnings []string
	pause    func(ctx context.Context, d time.Duration) error
	answered atomic.Bool // the server has been reached before: it is waited for
}

var (
	_ state.Store      = (*Store)(nil)
	_ state.BulkReader = (*Store)(nil)
)

// New opens the store in a database, and makes its schema and table where they are
// missing. The connections are there until Close.
func New(ctx context.Context, options Options) (*Store, error) {
	config, err := parse(options.URL)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL: %w", err)
	}
	s := &Store{pool: pool, schema: options.Schema, warnings: inClear(&config.ConnConfig.Config), pause: pause}
	if s.schema == "" {
		s.schema = DefaultSchema
	}
	s.sql = newStatements(s.schema)
	if err := s.migrate(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("opening the state in PostgreSQL: %w", err)
	}
	return s, nil
}

// closing is how long Close waits for servers that say nothing any more. The connections
// to them are given up some seconds later, by themselves.
const closing = 2 * time.Second

// Close closes the connections. Nothing may be asked of the store afterwards.
func (s *Store) Close() error {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.pool.Close()
	}()
	late := time.NewTimer(closing)
	defer late.Stop()
	select {
	case <-closed:
	case <-late.C:
	}
	return nil
}

// Warnings are what whoever opened the store should be told of how it is reached.
func (s *Store) Warnings() []string { return s.warnings }

// statements are what is sent, with the table's name in it.
type statements struct {
	get, version, list, listAll, load, loadAll, create, swap, remove string
}

func newStatements(schema string) statements {
	table := pgx.Identifier{schema, "state"}.Sanitize()
	// A prefix's keys are those from "prefix/" up to "prefix0": '0' is the byte behind '/'.
	const below = " WHERE key >= $1 || '/' AND key < $1 || '0'"
	return statements{
		get:     "SELECT value, version::text FROM " + table + " WHERE key = $1",
		version: "SELECT version::text FROM " + table + " WHERE key = $1",
		list:    "SELECT key FROM " + table + below + " ORDER BY key",
		listAll: "SELECT key FROM " + table + " ORDER BY key",
		load:    "SELECT key, value, version::text FROM " + table + below + " ORDER BY key",
		loadAll: "SELECT key, value, version::text FROM " + table + " ORDER BY key",
		create:  "INSERT INTO " + table + " (key, value, version) VALUES ($1, $2, $3::text::uuid) ON CONFLICT (key) DO NOTHING",
		swap:    "UPDATE " + table + " SET value = $2, version = $3::text::uuid, updated_at = now() WHERE key = $1 AND version::text = $4",
		remove:  "DELETE FROM " + table + " WHERE key = $1 AND version::text = $2",
	}
}

func check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return state.CheckKey(key)
}

// pause waits, or returns why the context ended first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// isNone reports whether a query that asks for one row found none.
func isNone(err error) bool { return errors.Is(err, pgx.ErrNoRows) }
