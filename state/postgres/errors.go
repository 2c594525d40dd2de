package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// SQLSTATEs that are told apart.
const (
	undefinedTable  = "42P01"
	undefinedSchema = "3F000"
	queryCanceled   = "57014"
	cannotConnect   = "57P03" // the server starts or stops
	crashShutdown   = "57P02"
	adminShutdown   = "57P01"
	tooMany         = "53300"
	lockTaken       = "55P03"
)

// outcome is what became of a statement.
type outcome int

const (
	answered outcome = iota
	refused          // nothing happened, and nothing would if it were sent again
	nothing          // nothing happened, but it may if it is sent again
	open             // nobody knows
)

// judgeConnecting tells whether to try again to get a connection.
func judgeConnecting(err error) outcome {
	var told *pgconn.PgError
	if errors.As(err, &told) && told.Code != cannotConnect && told.Code != crashShutdown && told.Code != adminShutdown && told.Code != tooMany {
		return refused // the password, the database
	}
	return nothing
}

// judge tells the outcome of a statement that ended with an error.
func judge(err error) outcome {
	var told *pgconn.PgError
	switch isTold := errors.As(err, &told); {
	case pgconn.SafeToRetry(err):
		return nothing
	case !isTold:
		return open
	case told.Severity == "FATAL", told.Severity == "PANIC", told.SeverityUnlocalized == "FATAL", told.SeverityUnlocalized == "PANIC":
		// The server ended the connection. It may have done so while a commit that had taken
		// place waited for a replica.
		return open
	case strings.HasPrefix(told.Code, "40"), told.Code == lockTaken: // serialization, deadlock
		return nothing
	}
	return refused
}

const (
	firstBackoff = 50 * time.Millisecond
	maxBackoff   = 2 * time.Second
	// fewAttempts are for a server that was never reached, and patience is for one that was:
	// it restarts, or another takes its place.
	fewAttempts = 4
	patience    = 60 * time.Second
)

// tries are the attempts at one statement.
type tries struct {
	attempt int
	since   time.Time
}

// again waits before the next attempt, and reports whether there is to be one.
func (s *Store) again(ctx context.Context, made *tries) bool {
	if made.attempt == 0 {
		made.since = time.Now()
	}
	made.attempt++
	if s.answered.Load() {
		if time.Since(made.since) >= patience {
			return false
		}
	} else if made.attempt >= fewAttempts {
		return false
	}
	wait := min(firstBackoff<<min(made.attempt-1, 8), maxBackoff)
	return s.pause(ctx, wait+rand.N(wait/2)) == nil
}

// explain adds what to do about errors that users meet.
func explain(err error) error {
	var told *pgconn.PgError
	if errors.As(err, &told) && (told.Code == queryCanceled || told.Code == lockTaken) {
		return fmt.Errorf("the server took too long, see whether another holds locks on the table: %w", err)
	}
	return err
}
