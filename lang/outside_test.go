package lang_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/object"
)

// CallPlugin answers by the host that is asked: good ones tell what they were asked.
func (r fakeReader) CallPlugin(_ context.Context, call lang.PluginCall) ([]byte, error) {
	host, _, _ := strings.Cut(strings.TrimPrefix(call.URL, "https://"), ".")
	switch host {
	case "unreachable":
		return nil, errors.New("no answer within 30s")
	case "text":
		return []byte("hello"), nil
	case "empty":
		return []byte(`{"output": {"parameters": []}}`), nil
	case "nameless":
		return []byte(`{"output": {"parameters": [{"name": "a"}]}}`), nil
	case "twice":
		return []byte(`{"output": {"parameters": [{"key": "a", "n": 1}, {"key": "a", "n": 2}]}}`), nil
	}
	asked, err := json.Marshal(string(call.Body))
	return fmt.Appendf(nil, `{"output": {"parameters": [{"key": "b", "name": "two", "token": %q, "timeout": %q, "asked": %s, "at": %q}, {"key": "a", "name": "one", "deep": {"n": 9007199254740993}}]}}`,
		call.Auth.Token.Reveal(), call.Timeout, asked, call.URL), err
}

// ReadResources gives PlacementDecisions by their names.
func (r fakeReader) ReadResources(_ context.Context, query lang.ResourceQuery) ([]object.Object, error) {
	made := func(name string, status any) object.Object {
		return object.Object{"apiVersion": query.APIVersion, "kind": query.Kind, "metadata": map[string]any{"name": name, "namespace": "gantry"}, "status": status}
	}
	decisions := func(clusters ...string) map[string]any {
		list := []any{}
		for _, cluster := range clusters {
			list = append(list, map[string]any{"clusterName": cluster, "score": int64(7)})
		}
		return map[string]any{"decisions": list, "others": list}
	}
	switch query.Name {
	case "missing":
		return nil, fmt.Errorf("cluster %q: %s %s/%s: not found", query.Cluster, query.Kind, query.Namespace, query.Name)
	case "undecided":
		return []object.Object{made("undecided", map[string]any{})}, nil
	case "unknown":
		return []object.Object{made("unknown", decisions("prod", "elsewhere"))}, nil
	case "":
		switch query.LabelSelector {
		case "none=here":
			return nil, nil
		case "twice=yes":
			return []object.Object{made("first", decisions("prod")), made("second", decisions("prod"))}, nil
		}
		return []object.Object{made("first", decisions("b")), made("second", decisions("a"))}, nil
	}
	return []object.Object{made(query.Name, decisions("a"))}, nil
}
