package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/postgres"
	"github.com/gantrycd/gantry/state/postgres/pgtest"
)

// TestNoPasswordInErrors: whatever is wrong with a URL, its password is not shown.
func TestNoPasswordInErrors(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"postgres://user:hunter2@127.0.0.1:1/db",                          // nobody there
		"postgres://user:hunter2@127.0.0.1:port/db",                       // no port
		"postgres://user:hunter2@127.0.0.1/db?sslmode=maybe",              // no mode
		"postgres://user:12/hunter2@127.0.0.1/db",                         // a slash in the password
		"postgres://user:x@hunter2/@127.0.0.1/db",                         // an @ and a slash
		"postgres://user:hunter2#x@127.0.0.1/db",                          // the beginning of a fragment
		"postgres://user:hunter2%zz@127.0.0.1/db",                         // no escape
		"host=127.0.0.1 port=x password=hunter2",                          // the other form
		"host=127.0.0.1 password='hunter2",                                // an open quote
		"postgres:/user:hunter2@127.0.0.1/db",                             // one slash
		"mysql://user:hunter2@127.0.0.1/db",                               // another database
		"postgres://user:hunter2@127.0.0.1:1/db?sslrootcert=/nonexistent", // no such file
		"hunter2",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		store, err := postgres.New(ctx, postgres.Options{URL: object.Sensitive(url)})
		cancel()
		if err == nil {
			_ = store.Close()
			t.Errorf("%s was opened", url)
			continue
		}
		if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, "hunter2") {
			t.Errorf("the password is in the error of %s: %s", url, text)
		}
		if ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: took too long", url)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"postgres://u:p@db.example.com/x":                              true, // prefer falls back to clear text
		"postgres://u:p@db.example.com/x?sslmode=disable":              true,
		"postgres://u:p@db.example.com/x?sslmode=allow":                true,
		"postgres://u:p@db.example.com/x?sslmode=require":              false,
		"postgres://u:p@db.example.com/x?sslmode=verify-full":          false,
		"postgres://u@db.example.com/x?sslmode=disable":                false,
		"postgres://u:p@localhost/x":                                   false,
		"postgres://u:p@127.0.0.9/x?sslmode=disable":                   false,
		"postgres://u:p@[::1]/x?sslmode=disable":                       false,
		"host=/run/postgresql user=u password=p":                       false,
		"postgres://u:p@localhost,db.example.com/x?sslmode=disable":    true,
		"postgres://u:p@192.0.2.1,192.0.2.2/x?sslmode=verify-full":     false,
		"host=db.example.com user=u password=p sslmode=disable":        true,
		"postgres://db.example.com/x?user=u&password=p&sslmode=prefer": true,
	} {
		warnings, err := postgres.WarningsOf(object.Sensitive(url))
		if err != nil || (len(warnings) > 0) != want {
			t.Errorf("%s: %q, %v, want a warning: %t", url, warnings, err, want)
		}
		for _, text := range warnings {
			if !strings.Contains(text, "db.example.com") || strings.Contains(text, ":p@") {
				t.Errorf("%s: %s", url, text)
			}
		}
	}
}

// testOpening is about schemas that are there, are not, may not be made, or are newer.
func testOpening(t *testing.T, server *pgtest.Server) {
	t.Parallel()
	where := options(server)
	ctx := t.Context()

	// Many at once make it once.
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			store, err := postgres.New(ctx, where)
			if err == nil {
				_, err = store.List(ctx, "")
				err = errors.Join(err, store.Close())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	store := open(t, where)

	// What was answered is on disk, whatever the database says.
	if err := store.Do(ctx, "ALTER DATABASE postgres SET synchronous_commit = off"); err != nil {
		t.Fatal(err)
	}
	fresh := open(t, where)
	if is, err := fresh.Ask(ctx, "SELECT current_setting('synchronous_commit')"); err != nil || is != "on" {
		t.Errorf("synchronous_commit is %q, %v", is, err)
	}

	// Who owns the schema makes the tables; who may not is told what is missing; and others
	// share what is there. The statements are those of the documentation.
	as := func(user, password, schema string) postgres.Options {
		return postgres.Options{URL: object.Sensitive("postgres://" + user + ":" + password + "@" + server.Address() + "/postgres"), Schema: schema}
	}
	own, share := documented(t)
	if err := store.Do(ctx, own); err != nil {
		t.Fatal(err)
	}
	owner := open(t, as("deployer", "change-me", "shop"))
	version, err := owner.Put(ctx, "key", []byte("value"), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.New(ctx, as("deployer", "change-me", "other")); err == nil || !strings.Contains(err.Error(), "permission denied") || !strings.Contains(err.Error(), `"other"`) {
		t.Errorf("a schema that may not be made: %v", err)
	}
	if err := store.Do(ctx, share); err != nil {
		t.Fatal(err)
	}
	helper := open(t, as("helper", "change-me-too", "shop"))
	if version, err = helper.Put(ctx, "key", []byte("other"), version); err != nil {
		t.Error(err)
	}
	if err := helper.Delete(ctx, "key", version); err != nil {
		t.Error(err)
	}
	began := time.Now()
	if _, err := postgres.New(ctx, as("helper", "hunter2", "shop")); err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "password authentication failed") {
		t.Errorf("a wrong password: %v", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("a wrong password was tried for %s", took)
	}

	if err := store.Do(ctx, fmt.Sprintf("UPDATE %q.form SET version = 99", where.Schema)); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.New(ctx, where); !errors.Is(err, state.ErrNewer) {
		t.Errorf("a newer schema: %v", err)
	}
}

// documented returns the statements that the documentation shows: those that make a role
// that owns a schema, and one that shares it.
func documented(t *testing.T) (own, share string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/backends.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```sql\n")
	if len(blocks) != 3 {
		t.Fatalf("the documentation has %d blocks of SQL, want 2", len(blocks)-1)
	}
	own, _, _ = strings.Cut(blocks[1], "```")
	share, _, _ = strings.Cut(blocks[2], "```")
	return own, share
}

// testLockedRow: a row that another transaction holds is waited for, and the write ends
// with the context.
func testLockedRow(t *testing.T, server *pgtest.Server) {
	t.Parallel()
	store := open(t, options(server))
	ctx := t.Context()
	version, err := store.Put(ctx, "key", []byte("one"), "")
	if err != nil {
		t.Fatal(err)
	}
	release, err := store.Hold(ctx, "key")
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	if _, err := store.Put(short, "key", []byte("two"), version); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Put of a row that is held: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	value, at, err := store.Get(ctx, "key")
	if err != nil || string(value) != "one" && string(value) != "two" {
		t.Fatalf("%q, %v", value, err)
	}
	if _, err := store.Put(ctx, "key", []byte("three"), at); err != nil && !errors.Is(err, state.ErrConflict) {
		t.Error(err)
	}
}
