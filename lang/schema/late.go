package schema

// Late is an expression that is kept as written and evaluated case by case, when
// the values of some names are known that are not yet when the configuration is
// evaluated. name is what the reference calls it.
func Late(name string, later ...string) Type {
	return Type{Name: name, article: article(name), Raw: true, Later: later}
}
