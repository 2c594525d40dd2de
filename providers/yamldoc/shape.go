package yamldoc

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Shape turns what a parser, a template or an evaluator gave into the shape of
// object.Object: maps with string keys, lists, strings, booleans, int64,
// float64 and nil. A float that is a whole number becomes an int64, as it does
// on its way to an API server. It copies maps and lists.
func Shape(value any) (any, error) { return shape(value, 0) }

func shape(value any, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("nested more than %d deep", MaxDepth)
	}
	switch v := value.(type) {
	case nil, string, bool, int64:
		return v, nil
	case int:
		return int64(v), nil
	case uint64:
		if v > math.MaxInt64 {
			return nil, fmt.Errorf("integer %d does not fit 64 bits with a sign; write it as a string", v)
		}
		return int64(v), nil
	case float64:
		return shapeFloat(v)
	case json.Number:
		return shapeNumber(v)
	case []any:
		return shapeList(v, depth)
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			shaped, err := shape(item, depth+1)
			if err != nil {
				return nil, err
			}
			out[key] = shaped
		}
		return out, nil
	case map[any]any:
		return shapeMap(v, depth)
	default:
		return nil, fmt.Errorf("value of type %T, which JSON has not", value)
	}
}

func shapeList(list []any, depth int) (any, error) {
	out := make([]any, len(list))
	for i, item := range list {
		shaped, err := shape(item, depth+1)
		if err != nil {
			return nil, err
		}
		out[i] = shaped
	}
	return out, nil
}

func shapeMap(m map[any]any, depth int) (any, error) {
	out := make(map[string]any, len(m))
	for key, item := range m {
		name, err := keyName(key)
		if err != nil {
			return nil, err
		}
		if _, twice := out[name]; twice {
			return nil, fmt.Errorf("key %q already set in map", name)
		}
		shaped, err := shape(item, depth+1)
		if err != nil {
			return nil, err
		}
		out[name] = shaped
	}
	return out, nil
}

// keyName is the string that a key becomes, as it does for kubectl.
func keyName(key any) (string, error) {
	switch k := key.(type) {
	case string:
		return k, nil
	case bool:
		return strconv.FormatBool(k), nil
	case int:
		return strconv.Itoa(k), nil
	case int64:
		return strconv.FormatInt(k, 10), nil
	case uint64:
		return strconv.FormatUint(k, 10), nil
	case float64:
		return strconv.FormatFloat(k, 'g', -1, 64), nil
	case nil:
		return "", errors.New("a key is empty")
	default:
		return "", fmt.Errorf("a key is a %T, expected a string", key)
	}
}

func shapeFloat(f float64) (any, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, errors.New("not a finite number, which JSON has not")
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<63 {
		return int64(f), nil
	}
	return f, nil
}

func shapeNumber(n json.Number) (any, error) {
	if integerText.MatchString(n.String()) {
		i, err := strconv.ParseInt(n.String(), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("integer %s does not fit 64 bits; write it as a string", n)
		}
		return i, nil
	}
	f, err := n.Float64()
	if err != nil {
		return nil, fmt.Errorf("number %s does not fit 64 bits", n)
	}
	return shapeFloat(f)
}
