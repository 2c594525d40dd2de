package risk

import (
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/riskcode"
)

// images tells of images that a change brings and that no digest pins.
func (a *assessment) images(item *Item) {
	if item.After == nil {
		return
	}
	before := map[string]string{}
	for _, c := range containers(item.Before) {
		before[c.path] = str(c.Object, "image")
	}
	var latest, tagged, unpinned []string
	var latestPaths, taggedPaths []string
	for _, c := range containers(item.After) {
		image := str(c.Object, "image")
		was := before[c.path]
		if image == "" || image == was || strings.Contains(image, "@") {
			continue
		}
		repository, tag := splitImage(image)
		switch {
		case tag == "" || tag == "latest":
			latest = append(latest, image)
			latestPaths = append(latestPaths, c.path+".image")
		case item.Before != nil:
			tagged = append(tagged, image)
			taggedPaths = append(taggedPaths, c.path+".image")
			if pinned, _, ok := strings.Cut(was, "@"); ok {
				if name, _ := splitImage(pinned); name == repository {
					unpinned = append(unpinned, fmt.Sprintf("Container %s had a digest before.", str(c.Object, "name")))
				}
			}
		}
	}
	if len(latest) > 0 {
		a.add(riskcode.ImageLatest, plan.Medium, item, latestPaths, fmt.Sprintf(
			"%s: what that is can be another image whenever a pod starts, and on every node. Name a version or, better, a digest.", words(unique(latest))))
	}
	if len(tagged) > 0 {
		severity := plan.Low
		if len(unpinned) > 0 {
			severity = plan.Medium
		}
		a.add(riskcode.ImageUnpinned, severity, item, taggedPaths, fmt.Sprintf(
			"The image changes to %s, without a digest: whoever may push to its repository decides what runs.", words(unique(tagged))), sentences(unpinned))
	}
}

// splitImage parts an image without a digest into its repository and its tag.
func splitImage(image string) (repository, tag string) {
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		return image[:i], image[i+1:]
	}
	return image, ""
}

// unique returns the strings in their order, each once.
func unique(all []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, s := range all {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
