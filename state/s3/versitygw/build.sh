#!/usr/bin/env bash
# Builds versitygw, the S3 server that tests run against, unless it has been built
# before, and prints the path of the binary as its only line on standard output.
#
# Binaries are kept in ${GANTRY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gantry}/versitygw,
# in a folder for each hash of go.mod, go.sum and the version of Go. It needs Go and no
# C compiler, and takes one to two minutes the first time.
set -euo pipefail

main() {
  cd "$(dirname "${BASH_SOURCE[0]}")"
  export GOWORK=off GOFLAGS=-mod=readonly CGO_ENABLED=0 LC_ALL=C
  local cache hash folder binary temporary
  cache=${GANTRY_CACHE:-${XDG_CACHE_HOME:-${HOME:?is not set, set it or GANTRY_CACHE}/.cache}/gantry}/versitygw
  hash=$({ go env GOVERSION GOOS GOARCH; cat go.mod go.sum build.sh; } | git hash-object --stdin)
  folder=$cache/$hash
  binary=$folder/versitygw
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
      go build -trimpath -buildvcs=false -ldflags '-s -w' -gcflags=all=-dwarf=false -o "$temporary/versitygw" \
        github.com/versity/versitygw/cmd/versitygw 9>&- >&2
      mv "$temporary/versitygw" "$binary"
    fi
  fi
  printf '%s\n' "$binary"
}

main
