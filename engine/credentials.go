package engine

import (
	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/source"
)

// use has the engine log in as a configuration says to what only files name, the
// charts that charts depend on, demand the signatures that its repositories demand, and
// redact what it names.
func (e *Engine) use(config *lang.Config) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.config = config
	e.credentials, e.redactions, e.roles = config.Logins, redactionsOf(config), access.Roles(config)
	e.verified = verifiedOf(config)
	e.differ = e.differ.Redacting(e.redactions.paths)
}

// authorized is a location with how to log in to it. It is an error where that
// cannot be told.
func (e *Engine) authorized(location source.Location) (source.Location, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	auth, err := source.Authorize(location, e.credentials)
	location.Auth = auth
	return location, err
}
