package lang

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/source"
)

// checkCredentials holds that no prefix has two credentials, and gives them to
// repositories and sources that have none of their own. Where those that a source
// needs cannot be told, its application cannot: it must not be read in another way,
// and has not vanished.
func (f *finisher) checkCredentials(m *eval.Module, scope *Scope, options EvalOptions) {
	f.config.Logins = append(f.logins(), unknownLogins(m, scope, f.config.Credentials)...)
	for _, repository := range f.config.Repositories {
		if auth, err := source.Authorize(repository.Location, f.config.Logins); err == nil {
			repository.Location.Auth = auth
		}
	}
	f.config.Applications = slices.DeleteFunc(f.config.Applications, func(application *Application) bool {
		if f.authorizeSources(application) || options.Reader == nil { // without one, nothing is read
			return false
		}
		if !options.Partial {
			f.config.Broken = append(f.config.Broken, Broken{Address: application.Address, Range: application.Range})
		} else if block := application.Address.Block(); !slices.Contains(f.config.Deferred, block) {
			f.config.Deferred = append(f.config.Deferred, block)
		}
		return true
	})
}

// authorizeSources gives the sources of an application how to log in to them. It is
// false where that cannot be told of one.
func (f *finisher) authorizeSources(application *Application) bool {
	told := true
	for i := range application.Sources {
		location := &application.Sources[i].Location
		auth, err := source.Authorize(*location, f.config.Logins)
		if err != nil {
			told = false
			continue
		}
		location.Auth = auth
	}
	return told
}

// logins returns the credentials by their prefixes. Of two for one prefix neither is
// known to be meant.
func (f *finisher) logins() []source.Credentials {
	first := map[string]int{}
	var all []source.Credentials
	for i, credentials := range f.config.Credentials {
		all = append(all, credentials.Credentials)
		key := credentials.Prefix.String()
		at, taken := first[key]
		if !taken {
			first[key] = i
			continue
		}
		all[at].Unknown, all[i].Unknown = true, true
		other := f.config.Credentials[at]
		f.diags = append(f.diags, &hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Duplicate credentials",
			Detail:   fmt.Sprintf("%s and %s (%s) are for the same prefix, so that it is not known which to use. Remove one of them, or make one of the prefixes longer.", credentials.Address, other.Address, other.Range),
			Subject:  credentials.Range.Ptr(),
		})
	}
	return all
}

// unknownLogins returns the credentials that are written and are not among those that
// are sound, because of errors or for want of the outside world, with their prefixes
// as far as they can be told all the same.
func unknownLogins(m *eval.Module, scope *Scope, sound []*Credentials) []source.Credentials {
	are := map[addr.Address]bool{}
	for _, credentials := range sound {
		are[credentials.Address] = true
	}
	files := m.Files()
	var unknown []source.Credentials
	for _, name := range schema.SortedKeys(files) {
		if files[name] == nil || files[name].Body == nil {
			continue
		}
		content, _, _ := files[name].Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "credentials", LabelNames: []string{"name"}}}})
		for _, block := range content.Blocks {
			address := addr.Address{Kind: "credentials", Name: block.Labels[0]}
			written, _, _ := block.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "for_each"}, {Name: "url_prefix"}}})
			forEach, several := written.Attributes["for_each"]
			if !several {
				if !are[address] {
					unknown = append(unknown, unknownLogin(written, scope, eval.Extra{}))
				}
				continue
			}
			elements, diags := scope.Evaluate(forEach.Expr, eval.Extra{})
			elements, _ = elements.Unmark()
			if diags.HasErrors() || !elements.IsKnown() || elements.IsNull() || !elements.CanIterateElements() {
				unknown = append(unknown, unknownLogin(written, scope, each(cty.DynamicVal, cty.DynamicVal)))
				continue
			}
			for it := elements.ElementIterator(); it.Next(); {
				key, v := it.Element()
				if elements.Type().IsSetType() {
					key = v
				}
				if key.Type() != cty.String || !key.IsKnown() || key.IsNull() || !are[address.Instance(key.AsString())] {
					unknown = append(unknown, unknownLogin(written, scope, each(key, v)))
				}
			}
		}
	}
	return unknown
}

func each(key, v cty.Value) eval.Extra {
	return eval.Extra{Variables: map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": key, "value": v})}}
}

// unknownLogin returns the credentials of a block that cannot be told: for its prefix,
// or for everything.
func unknownLogin(written *hcl.BodyContent, scope *Scope, extra eval.Extra) source.Credentials {
	login := source.Credentials{Unknown: true}
	attribute, ok := written.Attributes["url_prefix"]
	if !ok {
		return login
	}
	v, diags := scope.Evaluate(attribute.Expr, extra)
	if v, _ = v.Unmark(); diags.HasErrors() || !v.IsKnown() || v.IsNull() || v.Type() != cty.String {
		return login
	}
	if prefix, err := source.ParsePrefix(v.AsString()); err == nil {
		login.Prefix = prefix
	}
	return login
}
