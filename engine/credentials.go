package engine

import (
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/source"
)

// use has the engine log in as a configuration says to what only files name: the
// charts that charts depend on.
func (e *Engine) use(config *lang.Config) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.credentials = nil
	for _, credentials := range config.Credentials {
		e.credentials = append(e.credentials, credentials.Credentials)
	}
}

// authorized is a location with how to log in to it.
func (e *Engine) authorized(location source.Location) source.Location {
	e.mu.Lock()
	defer e.mu.Unlock()
	location.Auth = source.Authorize(location, e.credentials)
	return location
}
