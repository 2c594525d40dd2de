package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/gantrycd/gantry/engine/against"
	"github.com/gantrycd/gantry/providers/git"
)

// change is the pull request that a command runs for, as far as is known.
type change struct {
	pull       int64 // 0: not known
	head, base string
	branch     string // that it is to be merged into
	run        string // where the run can be looked at
}

// changeOfJob is what the CI system says of it. What a job of a pull request has checked out
// may be a merge that is nobody's commit, so that the head is what the system says it is.
func (c *cli) changeOfJob() (change, error) {
	first := func(names ...string) string {
		for _, name := range names {
			if value := c.getenv(name); value != "" {
				return value
			}
		}
		return ""
	}
	out := change{}
	number := ""
	switch {
	case c.getenv("GITHUB_ACTIONS") == "true", c.getenv("GITEA_ACTIONS") == "true", c.getenv("FORGEJO_ACTIONS") == "true":
		if at := c.getenv("GITHUB_RUN_ID"); at != "" && c.getenv("GITHUB_SERVER_URL") != "" {
			out.run = c.getenv("GITHUB_SERVER_URL") + "/" + c.getenv("GITHUB_REPOSITORY") + "/actions/runs/" + at
		}
		out.head, out.branch = c.getenv("GITHUB_SHA"), c.getenv("GITHUB_BASE_REF")
		return c.changeOfEvent(out)
	case c.getenv("GITLAB_CI") == "true":
		number = c.getenv("CI_MERGE_REQUEST_IID")
		out = change{
			head: first("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "CI_COMMIT_SHA"), base: first("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "CI_MERGE_REQUEST_DIFF_BASE_SHA"),
			branch: c.getenv("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"), run: c.getenv("CI_JOB_URL"),
		}
	case c.getenv("BITBUCKET_BUILD_NUMBER") != "":
		number = c.getenv("BITBUCKET_PR_ID")
		out = change{head: c.getenv("BITBUCKET_COMMIT"), base: c.getenv("BITBUCKET_PR_DESTINATION_COMMIT"), branch: c.getenv("BITBUCKET_PR_DESTINATION_BRANCH")}
	case c.getenv("ATLANTIS_TERRAFORM_VERSION") != "" && c.getenv("PULL_NUM") != "":
		number = c.getenv("PULL_NUM")
		out = change{head: c.getenv("HEAD_COMMIT"), branch: c.getenv("BASE_BRANCH_NAME"), run: c.getenv("PULL_URL")}
	case c.getenv("JENKINS_URL") != "":
		number = c.getenv("CHANGE_ID")
		out = change{head: c.getenv("GIT_COMMIT"), branch: c.getenv("CHANGE_TARGET"), run: c.getenv("BUILD_URL")}
	}
	if number == "" {
		return out, nil
	}
	pull, err := strconv.ParseInt(number, 10, 64)
	if err != nil || pull < 1 {
		return out, fmt.Errorf("the CI system says that the pull request is %.40q, which is no number", number)
	}
	out.pull = pull
	return out, nil
}

// mostOfEvent is how large the file of an event may be.
const mostOfEvent = 32 << 20

// changeOfEvent reads what a workflow was started by.
func (c *cli) changeOfEvent(known change) (change, error) {
	path := c.getenv("GITHUB_EVENT_PATH")
	if path == "" {
		return known, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return known, fmt.Errorf("the event of the workflow: %w", err)
	}
	defer func() { _ = file.Close() }()
	var event struct {
		Pull *struct {
			Number int64 `json:"number"`
			Head   struct {
				SHA string `json:"sha"`
			} `json:"head"`
			Base struct {
				SHA string `json:"sha"`
				Ref string `json:"ref"`
			} `json:"base"`
		} `json:"pull_request"`
	}
	if err := json.NewDecoder(io.LimitReader(file, mostOfEvent)).Decode(&event); err != nil {
		return known, fmt.Errorf("the event of the workflow, %s: %w", path, err)
	}
	if event.Pull != nil {
		known.pull, known.head, known.base, known.branch = event.Pull.Number, event.Pull.Head.SHA, event.Pull.Base.SHA, event.Pull.Base.Ref
	}
	return known, nil
}

// checkedOut is where the configuration is in its repository, and what is checked out there. Both
// are empty where it is in none.
func (c *cli) checkedOut() (root, below, head string) {
	dir, err := c.directory()
	if err != nil {
		return "", "", ""
	}
	repository, err := against.OpenRepository(dir)
	if err != nil {
		return "", "", ""
	}
	root, below = repository.Root(), repository.Below()
	history, err := git.OpenHistory(root)
	if err != nil {
		return root, below, ""
	}
	defer func() { _ = history.Close() }()
	if head, err = history.Head(); err != nil {
		return root, below, ""
	}
	return root, below, head
}
