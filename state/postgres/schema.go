package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gantrycd/gantry/state"
)

// migrations bring the schema from each form to the next, beginning with none. %s is the
// schema's name. Those that a released gantry has run are never changed.
func migrations() []string {
	return []string{
		`CREATE TABLE %[1]s.state (
			key        text COLLATE "C" PRIMARY KEY,
			value      bytea NOT NULL,
			version    uuid NOT NULL,
			updated_at timestamptz NOT NULL DEFAULT now()
		);
		CREATE TABLE %[1]s.form (version integer NOT NULL);
		INSERT INTO %[1]s.form VALUES (0)`,
	}
}

// migrate brings the schema to the form that this gantry works with, under a lock that
// keeps others from doing the same.
func (s *Store) migrate(ctx context.Context) error {
	want := len(migrations())
	var form int
	err := s.read(ctx, func(connection *pgxpool.Conn) (err error) {
		form, err = s.form(ctx, connection)
		return err
	})
	if err != nil {
		return err
	}
	if form < want {
		// It looks anew at what is there, so it may be repeated.
		err := s.read(ctx, func(connection *pgxpool.Conn) error {
			return pgx.BeginFunc(ctx, connection, func(tx pgx.Tx) (err error) {
				form, err = s.upgrade(ctx, tx)
				return err
			})
		})
		if err != nil {
			return fmt.Errorf("making the schema %q: %w", s.schema, err)
		}
	}
	if form > want {
		return fmt.Errorf("%w: the schema %q has form %d, and this one knows up to %d; use the newer gantry", state.ErrNewer, s.schema, form, want)
	}
	return nil
}

// upgrade does what is missing, in one transaction, and returns the form that there is
// then.
func (s *Store) upgrade(ctx context.Context, tx pgx.Tx) (int, error) {
	name := sha256.Sum256([]byte("gantry schema " + s.schema))
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(binary.BigEndian.Uint64(name[:8]))); err != nil {
		return 0, err
	}
	// To make a schema that is there takes the right to make it, even with IF NOT EXISTS.
	var there bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1)", s.schema).Scan(&there); err != nil {
		return 0, err
	}
	schema := pgx.Identifier{s.schema}.Sanitize()
	if !there {
		if _, err := tx.Exec(ctx, "CREATE SCHEMA "+schema); err != nil {
			return 0, err
		}
	}
	form := 0
	if there {
		var made bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = 'form')", s.schema).Scan(&made); err != nil {
			return 0, err
		}
		if made {
			var err error
			if form, err = s.form(ctx, tx); err != nil {
				return 0, err
			}
		}
	}
	all := migrations()
	if form >= len(all) {
		return form, nil
	}
	for _, migration := range all[form:] {
		if _, err := tx.Conn().PgConn().Exec(ctx, fmt.Sprintf(migration, schema)).ReadAll(); err != nil {
			return 0, err
		}
	}
	_, err := tx.Exec(ctx, "UPDATE "+schema+".form SET version = $1", len(all))
	return len(all), err
}

// queryer is a connection or a transaction.
type queryer interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// form returns the form of the schema; 0 where there is none.
func (s *Store) form(ctx context.Context, from queryer) (form int, err error) {
	err = from.QueryRow(ctx, "SELECT version FROM "+pgx.Identifier{s.schema, "form"}.Sanitize()).Scan(&form)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && (refused.Code == undefinedTable || refused.Code == undefinedSchema) {
		return 0, nil
	}
	return form, err
}
