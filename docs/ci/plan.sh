#!/usr/bin/env bash
# Plans a pull request in any CI system: gantry must be on the PATH. With a token it comments;
# PULL is the pull request's number, and may be left away where the commit is the head of one.
set -euo pipefail
arguments=(--offline)
if [ -n "${GANTRY_FORGE_TOKEN:-}" ]; then
  arguments=(--comment)
  if [ -n "${PULL:-}" ]; then arguments+=(--pull "$PULL"); fi
fi
gantry --chdir "${DIRECTORY:-.}" plan --no-input "${arguments[@]}"
