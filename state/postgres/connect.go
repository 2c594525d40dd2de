package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gantrycd/gantry/plan/object"
)

const (
	connectTimeout = 10 * time.Second // where the URL says none
	// statementTimeout is how long the server works on one statement, and lockTimeout how
	// long it waits for a row that another writes.
	statementTimeout = 60 * time.Second
	lockTimeout      = 20 * time.Second
	// connections are as many as a store opens where the URL does not say: writers of
	// different keys share the flush of the server's log, so a few more pay.
	connections = 8
)

// session is what every connection is told first. What was answered must be on disk,
// also where the server's default is not to wait for that.
var session = fmt.Sprintf("SET synchronous_commit = on; SET statement_timeout = %d; SET lock_timeout = %d; SET idle_in_transaction_session_timeout = %d",
	statementTimeout.Milliseconds(), lockTimeout.Milliseconds(), statementTimeout.Milliseconds())

// parse reads a connection string. Its errors show nothing of it, since where it is
// malformed a password can be anywhere.
func parse(url object.Sensitive) (*pgxpool.Config, error) {
	text := url.Reveal()
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, errors.New("the url of the PostgreSQL backend cannot be read: expected postgres://user:password@host:port/database, " +
			"with what else is to be said (sslmode, connect_timeout, ...) as its query; special characters of the password are percent-encoded")
	}
	to := &config.ConnConfig.Config
	if strings.Contains(to.Database, "@") || strings.Contains(to.Host, "@") {
		return nil, errors.New("the url of the PostgreSQL backend cannot be read: it has an @ behind the user and password; " +
			"special characters of the password are percent-encoded, such as %2F for a slash")
	}
	if to.ConnectTimeout == 0 {
		to.ConnectTimeout = connectTimeout
		to.DialFunc = (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext
	}
	if to.RuntimeParams["application_name"] == "" {
		to.RuntimeParams["application_name"] = "gantry"
	}
	if !strings.Contains(text, "pool_max_conns") {
		config.MaxConns = connections
	}
	config.AfterConnect = func(ctx context.Context, connection *pgx.Conn) error {
		_, err := connection.PgConn().Exec(ctx, session).ReadAll()
		return err
	}
	return config, nil
}

// inClear warns of connections on which others could read along, or be taken for the
// server: the password and the state go over them.
func inClear(config *pgconn.Config) []string {
	warn := func(host string, secured *tls.Config) string {
		if secured != nil || isLocal(host) || config.Password == "" {
			return ""
		}
		return fmt.Sprintf("The connection to PostgreSQL at %s is, or may be, not encrypted: whoever is on the way can read the state and learn about the password. Set sslmode=verify-full in the url.", host)
	}
	var warnings []string
	add := func(text string) {
		if text != "" && (len(warnings) == 0 || warnings[len(warnings)-1] != text) {
			warnings = append(warnings, text)
		}
	}
	add(warn(config.Host, config.TLSConfig))
	for _, other := range config.Fallbacks {
		add(warn(other.Host, other.TLSConfig))
	}
	return warnings
}

// isLocal reports whether a host is this machine: a socket's directory, or loopback.
func isLocal(host string) bool {
	if host == "" || strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
