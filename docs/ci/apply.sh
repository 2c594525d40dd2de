#!/usr/bin/env bash
# Applies what was merged, in any CI system, one run at a time: on the protected branch, with the
# applier's identity, which no job of a pull request can use: KUBECONFIG, and the forge's token in
# GANTRY_FORGE_TOKEN. The clone needs the whole history. gantry must be on the PATH.
set -euo pipefail
gantry --chdir "${DIRECTORY:-.}" apply --no-input --auto-approve --require-approved
