package kustomize

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
)

// keep, as a new name, tag or digest, keeps the kustomization's own.
const keep = "*"

// mergeImages sets images as "kustomize edit set image" does: an image replaces
// the one of its name, and the list is sorted by name.
func mergeImages(images []types.Image, args []string) ([]types.Image, error) {
	byName := map[string]types.Image{}
	for _, image := range images {
		byName[image.Name] = image
	}
	for _, arg := range args {
		image, err := parseImage(arg)
		if err != nil {
			return nil, err
		}
		old := byName[image.Name]
		image.NewName = kept(image.NewName, old.NewName)
		image.NewTag = kept(image.NewTag, old.NewTag)
		image.Digest = kept(image.Digest, old.Digest)
		byName[image.Name] = image
	}
	merged := make([]types.Image, 0, len(byName))
	for _, image := range byName {
		merged = append(merged, image)
	}
	slices.SortFunc(merged, func(a, b types.Image) int { return cmp.Compare(a.Name, b.Name) })
	return merged, nil
}

func kept(value, old string) string {
	if value == keep {
		return old
	}
	return value
}

// parseImage reads name=new:tag@digest, name=new, name:tag or name@digest.
func parseImage(arg string) (types.Image, error) {
	name, replacement, renamed := strings.Cut(arg, "=")
	if !renamed {
		replacement = arg
	}
	newName, tag, digest := splitImage(replacement)
	if newName == "" || renamed && name == "" || !renamed && tag == "" && digest == "" {
		return types.Image{}, fmt.Errorf("image %q: expected name:tag, name@digest or name=new:tag", arg)
	}
	if !renamed {
		return types.Image{Name: newName, NewTag: tag, Digest: digest}, nil
	}
	return types.Image{Name: name, NewName: newName, NewTag: tag, Digest: digest}, nil
}

// splitImage cuts an image into name, tag and digest; a registry's port is no tag.
func splitImage(image string) (name, tag, digest string) {
	name, digest, _ = strings.Cut(image, "@")
	if i := strings.LastIndex(name, ":"); i > strings.LastIndex(name, "/") {
		name, tag = name[:i], name[i+1:]
	}
	return name, tag, digest
}
