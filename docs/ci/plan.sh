#!/usr/bin/env bash
# Plans a pull request in any CI system: gantry must be on the PATH. One of the repository itself is
# planned with the planner's identity: KUBECONFIG, and the forge's token in GANTRY_FORGE_TOKEN. PULL
# is its number, and may be left away where the commit is the head of one.
#
# With STRANGER=true, or without a token, what is checked out is planned with nothing of the machine,
# for the clusters as snapshot.sh has published them. Run this file from the protected branch, and
# never as a stranger's commit has it.
set -euo pipefail
arguments=(--comment)
if [ -n "${PULL:-}" ]; then arguments+=(--pull "$PULL"); fi
if [ "${STRANGER:-false}" = true ] || [ -z "${GANTRY_FORGE_TOKEN:-}" ]; then
  arguments=(--untrusted HEAD)
  snapshot="$(mktemp)"
  trap 'rm -f "$snapshot"' EXIT
  if git fetch --quiet --depth 1 origin "refs/heads/${SNAPSHOT_BRANCH:-gantry-snapshot}"; then
    git show FETCH_HEAD:clusters.gantrysnapshot > "$snapshot"
    arguments+=(--snapshot "$snapshot")
  fi
fi
gantry --chdir "${DIRECTORY:-.}" plan --no-input "${arguments[@]}"
