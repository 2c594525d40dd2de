package kubernetes

import (
	"fmt"
	"net/url"

	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/gantrycd/gantry/providers"
)

// versionPath is where a group and version is served.
func versionPath(group, version string) string {
	if group == "" {
		return "/api/" + url.PathEscape(version)
	}
	return "/apis/" + url.PathEscape(group) + "/" + url.PathEscape(version)
}

// collectionPath is where the objects of a kind are: of a namespace, or of all
// where namespace is empty.
func collectionPath(resource providers.Resource, namespace string) (string, error) {
	if resource.Plural == "" || resource.GVK.Version == "" {
		return "", fmt.Errorf("%s: how it is served is not known. This is a bug in gantry", resource.GVK)
	}
	out := versionPath(resource.GVK.Group, resource.GVK.Version)
	if resource.Namespaced && namespace != "" {
		if err := checkSegment(resource, "namespace", namespace); err != nil {
			return "", err
		}
		out += "/namespaces/" + url.PathEscape(namespace)
	}
	return out + "/" + url.PathEscape(resource.Plural), nil
}

// objectPath is where one object is.
func objectPath(resource providers.Resource, namespace, name string) (string, error) {
	if err := checkNamespace(resource, namespace); err != nil {
		return "", err
	}
	collection, err := collectionPath(resource, namespace)
	if err != nil {
		return "", err
	}
	if name == "" {
		return "", refused(resource, "metadata.name", "a name is required")
	}
	if err := checkSegment(resource, "name", name); err != nil {
		return "", err
	}
	return collection + "/" + url.PathEscape(name), nil
}

func checkNamespace(resource providers.Resource, namespace string) error {
	if resource.Namespaced && namespace == "" {
		return refused(resource, "metadata.namespace", "a namespace is required")
	}
	return nil
}

// checkSegment refuses names that would lead to another path: to a subresource
// for instance.
func checkSegment(resource providers.Resource, field, value string) error {
	if problems := content.IsPathSegmentName(value); len(problems) > 0 {
		return refused(resource, "metadata."+field, fmt.Sprintf("%s %q: %s", field, value, problems[0]))
	}
	return nil
}

// refused is the error of an object that is not worth sending.
func refused(resource providers.Resource, field, message string) error {
	return &providers.InvalidError{
		Message: fmt.Sprintf("%s: %s", resource.GVK, message),
		Causes:  []providers.Cause{{Field: field, Reason: "FieldValueInvalid", Message: message}},
	}
}
