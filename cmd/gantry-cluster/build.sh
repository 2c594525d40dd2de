#!/usr/bin/env bash
# Builds gantry-cluster, unless this state of it has been built before, and prints
# the path of the binary as its only line on standard output. Everything else it
# has to say goes to standard error.
#
# Binaries are kept in ${GANTRY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gantry}/cluster,
# in a folder for each hash of go.mod, go.sum, the sources, this script and the
# version of Go. Those not asked for in two weeks are removed.
#
# It needs Go and no C compiler.
#
# Everything is in functions, so that bash has read the whole file before it
# starts: a checkout may change it while it runs.
set -euo pipefail

say() { printf 'gantry-cluster: %s\n' "$*" >&2; }

fail() {
  say "$@"
  exit 1
}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

# state prints the hash of everything that the binary is made from.
state() {
  {
    go env GOVERSION GOOS GOARCH CGO_ENABLED
    find . -type f \( -name '*.go' ! -name '*_test.go' -o -name '*.yaml' -o -name 'go.*' -o -name build.sh \) |
      sort | while read -r file; do sha256 "$file"; done
  } | sha256 | cut -c1-32
}

# download fetches the modules.
download() {
  if [ ! -d "$(go env GOMODCACHE)/cache/download/k8s.io/kubernetes/@v" ]; then
    say "downloading the sources of Kubernetes, about 150 MB"
  fi
  if ! go mod download 2>"$temporary/log"; then
    cat "$temporary/log" >&2
    fail "the modules could not be downloaded"
  fi
}

# linker_flags prints the flags that make the servers report the version of the
# Kubernetes module that they are built from.
linker_flags() {
  local version date major minor package
  read -r version date < <(go list -m -f '{{.Version}}{{with .Time}} {{.Format "2006-01-02T15:04:05Z07:00"}}{{end}}' k8s.io/kubernetes)
  IFS=. read -r major minor _ <<<"${version#v}"
  printf '%s' "-s -w"
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    printf ' -X %s.%s' \
      "$package" "gitMajor=$major" "$package" "gitMinor=$minor" "$package" "gitVersion=$version" \
      "$package" "gitCommit=$version" "$package" "gitTreeState=clean" \
      "$package" "buildDate=${date:-1970-01-01T00:00:00Z}"
  done
}

# follow shows how far the build is until it ends: in one line of a terminal, or
# every 20 seconds in a line of its own.
follow() {
  local total="$1" compiled what shown=$SECONDS
  while kill -0 "$build" 2>/dev/null; do
    sleep 1
    [ "$total" -gt 20 ] || continue
    compiled=$(grep -cE '^[^ #:]+$' "$temporary/log" || true)
    what="$compiled of $total packages compiled"
    [ "$compiled" -lt "$total" ] || what="linking"
    if [ -t 2 ]; then
      printf '\rgantry-cluster: %s, %d s\033[K' "$what" $((SECONDS - started)) >&2
    elif [ $((SECONDS - shown)) -ge 20 ]; then
      shown=$SECONDS
      say "$what, $((SECONDS - started)) s"
    fi
  done
  if [ -t 2 ]; then printf '\r\033[K' >&2; fi
}

# compile builds the binary into the temporary folder. Without debugging
# information, which -s drops anyway, the compiler has less to do.
compile() {
  local total status=0 flags=(-tags gantry_servers -trimpath -gcflags=all=-dwarf=false)
  total=$(go list "${flags[@]}" -deps -f '{{if .Stale}}x{{end}}' . | grep -c x || true)
  if [ "$total" -gt 500 ]; then
    say "building Kubernetes, $total packages. The first build takes minutes, about ten on two"
    say "cores; later ones take seconds."
  fi
  go build -buildvcs=false "${flags[@]}" -ldflags "$(linker_flags)" -v -o "$temporary/gantry-cluster" . 2>"$temporary/log" 9>&- &
  build=$!
  follow "$total"
  wait "$build" || status=$?
  build=
  if [ "$status" -ne 0 ]; then
    grep -vE '^[^ #:]+$' "$temporary/log" >&2 || true
    fail "the build has failed"
  fi
}

# finish prints where the binary is and ends.
finish() {
  touch "$folder"
  find "$cache" -mindepth 1 -maxdepth 1 -type d -mtime +14 -exec rm -rf {} + 2>/dev/null || true
  printf '%s\n' "$binary"
  exit 0
}

# cleanup leaves nothing of a build that is over.
cleanup() {
  if [ -n "$build" ]; then kill "$build" 2>/dev/null || true; fi
  if [ -n "$temporary" ]; then rm -rf "$temporary"; fi
}

main() {
  cd "$(dirname "${BASH_SOURCE[0]}")"
  export GOWORK=off CGO_ENABLED=0 LC_ALL=C
  command -v go >/dev/null || fail "Go is needed to build it, and there is no \"go\" on the PATH. See https://go.dev/doc/install"

  local hash
  cache=${GANTRY_CACHE:-${XDG_CACHE_HOME:-${HOME:?is not set, set it or GANTRY_CACHE}/.cache}/gantry}/cluster
  hash=$(state)
  folder=$cache/$hash
  binary=$folder/gantry-cluster
  [ ! -x "$binary" ] || finish

  mkdir -p "$folder"
  if command -v flock >/dev/null; then
    exec 9>"$folder/lock"
    if ! flock --nonblock 9; then
      say "another build is under way, waiting for it"
      flock 9
    fi
    [ ! -x "$binary" ] || finish
    rm -rf "$folder"/build.* # of a build that was killed
  fi

  build=
  temporary=$(mktemp -d "$folder/build.XXXXXX")
  started=$SECONDS
  trap cleanup EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  download
  compile
  if [ "$(state)" != "$hash" ]; then
    say "its sources have changed during the build, building it again"
    cleanup
    exec ./build.sh
  fi
  mv "$temporary/gantry-cluster" "$binary"
  say "built in $((SECONDS - started)) s"
  finish
}

main
