#!/usr/bin/env bash
# The demo: from nothing to two clusters, a plan, its apply, drift and destroy,
# with the real programs. It needs Go, git and bash, and leaves nothing behind.
#
#   demo.sh        walk through all of it          (make demo)
#   demo.sh up     only set it up, and leave it    (make demo-up)
#   demo.sh down   end what up left                (make demo-down)
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
source "$root/examples/quickstart/demo-lib.sh"

walk() {
  work="$(mktemp -d "${TMPDIR:-/tmp}/gantry-demo.XXXXXX")"
  trap 'clean_up' EXIT
  trap 'exit 130' INT TERM

  title "Gantry: plan and apply for Kubernetes"
  say "You will see a shop of three services delivered to two clusters, staging and
production, both real Kubernetes control planes on this machine. Everything
you see is done by the programs built from this checkout."
  in_background build
  make_repository

  title "1. What is to run, in files"
  say "This repository has a Kustomize app per folder, a Helm chart, and a few lines
of HCL. The ones that matter say: every app below apps/, on every cluster, with
the overlay of the cluster's environment."
  show_command sed -n "'/^generator/,\$p'" applications.gantry.hcl
  sed -n '/^generator/,$p' applications.gantry.hcl
  pause
  gantry_built
  in_background cluster
  say "Nothing of what follows needs a cluster yet. Is it right, and what refers to what?"
  run gantry validate
  run gantry graph --format text
  say "A plan without a cluster: everything is rendered, and nothing is known of what
is there. It cannot be applied, but it can be reviewed."
  run gantry plan --offline --target 'application.cache["staging"]'

  title "2. Two clusters"
  start_clusters --with-parent

  title "3. Plan, then apply"
  say "Now the real thing: what would be created, where, in which order. The plan is
written to a file, and that file is what gets applied: no source is read again."
  run gantry plan --out first.gantryplan
  run gantry apply first.gantryplan
  say "All healthy. Planning again finds nothing to do:"
  run gantry plan

  title "4. A change, by commit"
  say "A new image for the web service in production."
  run sed -i.bak 's/newTag: v1.4.0/newTag: v1.5.0/' apps/web/overlays/production/kustomization.yaml
  rm -f apps/web/overlays/production/*.bak
  run git commit --quiet --all --message 'web: v1.5.0 in production'
  run gantry plan --out second.gantryplan
  run gantry apply second.gantryplan

  title "5. A change behind our back"
  say "Someone sets another image right on the production cluster."
  tamper
  say "The plan tells drift from a change of ours, and who made it, and when:"
  run gantry plan --out third.gantryplan
  say "Applying puts back what the repository says."
  run gantry apply third.gantryplan

  title "6. Destroy"
  say "Only what Gantry's record says it made is deleted, dependents first."
  run gantry destroy --auto-approve

  title "That was it"
  say "The clusters end now, and nothing stays behind. Where to go from here:

  make demo-up             the same clusters and repository, to play with
  docs/first-hour.md       the same at your own pace, explained
  docs/architecture.md     how it works, with the code open
  examples/                one folder per concept"
}

up() {
  work="$(demo_folder)"
  if [[ -d "$work" ]]; then
    fail "the demo is up already: see $work, or end it with make demo-down"
  fi
  mkdir -p "$work"
  trap 'clean_up' EXIT
  trap 'exit 130' INT TERM
  in_background build
  make_repository
  gantry_built
  in_background cluster
  start_clusters
  trap - EXIT INT TERM
  say "Both clusters are up and empty. To look around:

  export PATH=\"$root/bin:\$PATH\"
  cd $work/shop
  gantry plan
  gantry apply

  kubectl --kubeconfig $work/staging.kubeconfig get pods -A

End it with make demo-down."
}

down() {
  work="$(demo_folder)"
  if [[ ! -d "$work" ]]; then
    say "The demo is not up."
    return
  fi
  clean_up
  say "The clusters have ended and $work is gone."
}

case "${1:-}" in
"") walk ;;
up) up ;;
down) down ;;
*) fail "usage: demo.sh [up|down]" ;;
esac
