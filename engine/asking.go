package engine

import (
	"context"
	"fmt"

	"github.com/gantrycd/gantry/engine/forges"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
)

// ReadPulls asks a forge for a generator.
func (r reader) ReadPulls(ctx context.Context, place eval.ForgePlace) ([]eval.Pull, error) {
	var pulls []eval.Pull
	err := r.askForge(ctx, place, func(opened providers.ForgePlace) error {
		forge, err := r.engine.options.Forges.Repository(opened)
		if err == nil {
			pulls, err = forges.Pulls(ctx, forge)
		}
		return err
	})
	return pulls, err
}

// ReadRepositories asks a forge for a generator.
func (r reader) ReadRepositories(ctx context.Context, place eval.ForgePlace, query eval.RepositoryQuery) ([]eval.RepositoryBranch, error) {
	var found []eval.RepositoryBranch
	err := r.askForge(ctx, place, func(opened providers.ForgePlace) error {
		owner, err := r.engine.options.Forges.Owner(opened)
		if err == nil {
			found, err = forges.Repositories(ctx, owner, query)
		}
		return err
	})
	return found, err
}

// askForge reads what logs in, and tells of what is asked.
func (r reader) askForge(ctx context.Context, place eval.ForgePlace, ask func(providers.ForgePlace) error) error {
	if r.engine.options.Forges == nil {
		return fmt.Errorf("%w: asking forges is not built in", providers.ErrUnsupported)
	}
	opened := providers.ForgePlace{Type: place.Type, URL: place.URL, Name: place.Name, Username: place.Username, CAData: place.CAData}
	var err error
	if opened.Token, err = r.login(ctx, place.Token, "the token"); err != nil {
		return err
	}
	if app := place.App; app != nil {
		opened.App = &providers.ForgeApp{ID: app.ID, Installation: app.Installation}
		if opened.App.Key, err = r.login(ctx, app.Key, "the private key of the app"); err != nil {
			return err
		}
	}
	subject := place.Type + " " + place.Name
	r.engine.emit(Event{Kind: EventOpening, Subject: subject})
	if err := ask(opened); err != nil {
		return err
	}
	r.engine.emit(Event{Kind: EventOpened, Subject: subject})
	return nil
}

// login reads what logs in, which may be nothing; what names it in errors.
func (r reader) login(ctx context.Context, from target.Credential, what string) (object.Sensitive, error) {
	secrets := r.engine.options.Secrets
	switch {
	case from.Secret == nil:
		return from.Value, nil
	case secrets == nil:
		return "", fmt.Errorf("no secrets can be read here, which %s is in", what)
	}
	read, err := secrets.Read(ctx, from.Secret)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	return read, nil
}
