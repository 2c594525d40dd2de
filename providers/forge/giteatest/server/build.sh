#!/usr/bin/env bash
# Builds Gitea, the forge that tests run against, unless it has been built before, and
# prints the path of the binary as its only line on standard output.
#
# Binaries are kept in ${GANTRY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gantry}/gitea, in a
# folder for each hash of go.mod, go.sum, this script and the version of Go; beside the
# binary is `static`, the templates, texts and files that it serves. It needs Go and a C
# compiler (for SQLite), and takes minutes the first time, six on two cores.
set -euo pipefail

main() {
  cd "$(dirname "${BASH_SOURCE[0]}")"
  export GOWORK=off GOFLAGS=-mod=readonly CGO_ENABLED=1 LC_ALL=C
  local cache hash folder binary temporary source
  cache=${GANTRY_CACHE:-${XDG_CACHE_HOME:-${HOME:?is not set, set it or GANTRY_CACHE}/.cache}/gantry}/gitea
  hash=$({ go env GOVERSION GOOS GOARCH; cat go.mod go.sum build.sh; } | git hash-object --stdin)
  folder=$cache/$hash
  binary=$folder/gitea
  if [ ! -x "$binary" ]; then
    mkdir -p "$folder"
    if command -v flock >/dev/null; then
      exec 9>"$folder/lock"
      flock 9
    fi
    if [ ! -x "$binary" ]; then
      temporary=$(mktemp -d "$folder/build.XXXXXX")
      # shellcheck disable=SC2064
      trap "rm -rf '$temporary'" EXIT
      go build -trimpath -buildvcs=false -tags 'sqlite sqlite_unlock_notify' -ldflags '-s -w' -gcflags=all=-dwarf=false \
        -o "$temporary/gitea" code.gitea.io/gitea 9>&- >&2
      source=$(go list -m -f '{{.Dir}}' code.gitea.io/gitea)
      mkdir -p "$folder/static"
      cp -R "$source/public" "$source/templates" "$source/options" "$folder/static/"
      chmod -R u+w "$folder/static"
      mv "$temporary/gitea" "$binary"
    fi
  fi
  printf '%s\n' "$binary"
}

main
