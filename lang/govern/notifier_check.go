package govern

import (
	"net/mail"
	"net/url"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
)

// needBoth holds that two arguments are set together.
func needBoth(in *eval.Instance, v *schema.Values, a, b string) {
	if v.Has(b) {
		a, b = b, a
	}
	if v.Has(a) && !v.Has(b) {
		in.Errorf(v.RangeOf(a), "Missing required argument", "The argument %q needs %q beside it.", a, b)
	}
}

func checkEmail(in *eval.Instance) {
	v := in.Values
	needBoth(in, v, "username", "password")
	if v.IsKnown("from") {
		if _, err := mail.ParseAddress(v.String("from")); err != nil {
			in.ErrorAt(v, "from", "Invalid address", "%q is no address of e-mail, such as \"gantry@example.com\".", v.String("from"))
		}
	}
	if port := v.Int("port", 587); port < 1 || port > 65535 {
		in.ErrorAt(v, "port", "Unsuitable value", "The argument \"port\" must be from 1 to 65535, but is %d.", port)
	}
	if v.String("tls") == "none" && v.Has("password") {
		in.ErrorAt(v, "tls", "Conflicting arguments", "Without encryption everyone in between could read the password. Remove one of tls = \"none\" and password.")
	}
}

func checkWebhook(in *eval.Instance) {
	v := in.Values
	needBoth(in, v, "username", "password")
	if v.Has("token") && v.Has("password") {
		in.Errorf(v.RangeOf("token"), "Conflicting arguments", "There is one way to log in, but both password and token are set. Remove one of them.")
	}
	if target := credentialOf(v, "url"); v.IsKnown("url") && target.Secret == nil {
		// The URL may hold a token, so that nothing of it is shown.
		u, err := url.Parse(target.Value.Reveal())
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			in.Errorf(v.RangeOf("url"), "Invalid URL", "The argument \"url\" must be an https URL, such as \"https://service.example.com/hook\".")
		}
	}
}

func checkGitHub(in *eval.Instance) {
	v := in.Values
	switch {
	case v.Has("token") && v.Has("private_key"):
		in.Errorf(v.RangeOf("token"), "Conflicting arguments", "There is one way to log in, but both private_key and token are set. Remove one of them.")
	case !v.Has("token") && !v.Has("private_key"):
		in.Errorf(v.Range, "Missing required argument", "It is not said how to log in. Set token, or app_id, installation_id and private_key.")
	}
	needBoth(in, v, "app_id", "private_key")
	needBoth(in, v, "installation_id", "private_key")
}
