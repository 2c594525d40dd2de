package generate

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// PullRequest is a pull request, as items are made of it.
type PullRequest struct {
	Number               int64
	Title, Author        string
	Branch, Head, Target string
	Labels               []string
}

// PullRequests returns an item for each pull request, whose key is the number. The attributes
// are those of Argo CD's generator. slug makes the name of a branch one that objects may have.
func PullRequests(pulls []PullRequest, slug func(string) string) []Item {
	items := make([]Item, 0, len(pulls))
	for _, p := range pulls {
		number := strconv.FormatInt(p.Number, 10)
		items = append(items, Item{
			Key: number, Origin: "pull request " + number,
			Value: cty.ObjectVal(map[string]cty.Value{
				"number": cty.StringVal(number), "title": cty.StringVal(p.Title), "author": cty.StringVal(p.Author),
				"branch": cty.StringVal(p.Branch), "branch_slug": cty.StringVal(slug(p.Branch)),
				"target_branch": cty.StringVal(p.Target), "target_branch_slug": cty.StringVal(slug(p.Target)),
				"head_sha": cty.StringVal(p.Head), "head_short_sha": cty.StringVal(first(p.Head, 8)), "head_short_sha_7": cty.StringVal(first(p.Head, 7)),
				"labels": texts(p.Labels),
			}),
		})
	}
	return items
}

// Repository is a branch of a repository, as items are made of it.
type Repository struct {
	ID           string
	Name         string // owner/name
	URL          string
	Branch, Head string
	Labels       []string
}

// Repositories returns an item for each branch of a repository. The key is the repository's
// name without its owner, and with branches the branch after it. The attributes are those of
// Argo CD's generator. slug makes the name of a branch one that objects may have.
func Repositories(repositories []Repository, owner string, branches bool, slug func(string) string) []Item {
	items := make([]Item, 0, len(repositories))
	for _, r := range repositories {
		organization, name := r.Name, r.Name
		if cut := strings.LastIndex(r.Name, "/"); cut >= 0 {
			organization, name = r.Name[:cut], r.Name[cut+1:]
		}
		key := name
		if len(organization) > len(owner) && strings.EqualFold(organization[:len(owner)+1], owner+"/") { // a group in the group
			key = organization[len(owner)+1:] + "/" + name
		}
		if branches {
			key += "/" + r.Branch
		}
		items = append(items, Item{
			Key: key, Origin: fmt.Sprintf("branch %s of %s", r.Branch, r.Name),
			Value: cty.ObjectVal(map[string]cty.Value{
				"organization": cty.StringVal(organization), "repository": cty.StringVal(name), "repository_id": cty.StringVal(r.ID),
				"url": cty.StringVal(r.URL), "branch": cty.StringVal(r.Branch), "branch_slug": cty.StringVal(slug(r.Branch)),
				"sha": cty.StringVal(r.Head), "short_sha": cty.StringVal(first(r.Head, 8)), "short_sha_7": cty.StringVal(first(r.Head, 7)),
				"labels": texts(r.Labels),
			}),
		})
	}
	return items
}

// first is the beginning of a text.
func first(text string, length int) string { return text[:min(len(text), length)] }

func texts(all []string) cty.Value {
	if len(all) == 0 {
		return cty.ListValEmpty(cty.String)
	}
	values := make([]cty.Value, len(all))
	for i, text := range all {
		values[i] = cty.StringVal(text)
	}
	return cty.ListVal(values)
}
