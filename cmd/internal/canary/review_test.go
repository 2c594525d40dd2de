package canary

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// reviewed is what a configuration has where changes are reviewed without a forge, and an
// application in two places, of which one is given what the other has.
const reviewed = `
gantry {
  forge "git" {}
  identity {
    ssh {
      name = "planner"
      key  = file("planner.pub")
    }
    ssh {
      name   = "reviewer"
      key    = file("reviewer.pub")
      groups = ["reviewers"]
    }
  }
  protection {
    branches = ["main"]
    planners = ["ssh planner"]
    approvals {
      count  = 1
      groups = ["reviewers"]
    }
  }
}
variable "carried" {
  type      = string
  sensitive = true
}
locals {
  places = {
    staging    = { image = "web:v2" }
    production = { image = "web:v1" }
  }
}
application "carried" {
  for_each = local.places
  source {
    objects = [
      { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "%[1]s-${each.key}" }, data = each.value },
      { apiVersion = "v1", kind = "Secret", metadata = { name = "%[1]s-${each.key}" }, stringData = { v = var.carried, image = each.value.image } },
    ]
  }
  destination {
    cluster   = cluster.main
    namespace = var.namespace
  }
}
`

// review has a change with the second secret planned for its reviewers, approved, merged and
// applied, and what comes of it promoted. Where planning fails, it is as far as that goes.
func (r *run) review() {
	r.t.Helper()
	for _, key := range []string{"planner", "reviewer"} {
		file := filepath.Join(r.dir, key)
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", file).CombinedOutput(); err != nil {
			r.t.Fatalf("ssh-keygen: %v\n%s", err, out)
		}
		public, err := os.ReadFile(file + ".pub")
		r.check(err)
		r.write("config/"+key+".pub", string(public))
	}
	r.carries = true
	r.put(1)
	r.write("config/reviewed.gantry.hcl", fmt.Sprintf(reviewed, "carried-"+r.input.label()))
	r.git("init", "--quiet", "--bare", "--initial-branch", "main", "../origin.git")
	r.git("remote", "add", "origin", "../origin.git")
	r.git("add", "--all")
	r.git("commit", "--quiet", "--message", "reviews")
	r.git("push", "--quiet", "origin", "main")
	r.git("remote", "set-head", "origin", "main")
	_, _ = r.tried("apply", "--require-approved", "--auto-approve") // takes the rules; nothing is approved yet
	r.git("checkout", "--quiet", "-b", "topic")
	r.put(2)
	r.git("add", "--all")
	r.git("commit", "--quiet", "--allow-empty", "--message", "two")
	r.git("push", "--quiet", "origin", "topic")
	for _, more := range [][]string{{"--verbose"}, {"--json"}} {
		r.gantry(append([]string{"plan", "--record", "--identity-ssh-key", "../planner"}, more...)...)
	}
	r.git("checkout", "--quiet", "main")
	r.git("merge", "--quiet", "--no-ff", "--message", "merge", "topic")
	r.git("push", "--quiet", "origin", "main")
	r.approve("--request-changes")
	r.approve("--json")
	if !r.input.fails {
		r.gantry("apply", "--require-approved", "--auto-approve", "--verbose")
		r.promote("--dry-run")
		r.promote("--dry-run", "--json")
		_, _ = r.tried("promote", "application.carried", "--from", "staging", "--to", "production") // there is no forge to ask
	}
	r.look("what reviewers signed", r.signed())
	r.folder("origin.git/refs", "names in the repository")
}

// approve gives a review, which may be refused where the configuration has errors.
func (r *run) approve(args ...string) {
	r.t.Helper()
	args = append([]string{"approve", "--head", "topic", "--sign-key", "../reviewer"}, args...)
	if out, err := r.tried(args...); err != nil && !r.input.fails {
		r.t.Errorf("gantry %v: %v\n%s", args, err, out)
	}
}

// promote promotes the image, and nothing of the Secret.
func (r *run) promote(args ...string) {
	r.t.Helper()
	args = append([]string{"promote", "application.carried", "--from", "staging", "--to", "production"}, args...)
	if out, err := r.tried(args...); err != nil || !strings.Contains(out, "v2") {
		r.t.Errorf("gantry %v: %v\n%s", args, err, out)
	}
}

// signed is what the tags of the repository say.
func (r *run) signed() []byte {
	r.t.Helper()
	out, err := r.command("git", "-C", "../origin.git", "for-each-ref", "--format", "%(refname) %(contents)", "refs/tags").Output()
	r.check(err)
	if len(out) == 0 && !r.input.fails {
		r.t.Error("nobody has signed a review: the test shows nothing")
	}
	return out
}
