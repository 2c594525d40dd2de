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
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
export CGO_ENABLED=0 GOWORK=off LC_ALL=C

say() { printf '%s\n' "$*" >&2; }
fail() { say "gantry-cluster: $*"; exit 1; }

command -v go >/dev/null || fail "Go is needed to build it, and there is no \"go\" on the PATH. See https://go.dev/doc/install"
if command -v sha256sum >/dev/null; then sha256() { sha256sum "$@"; }; else sha256() { shasum -a 256 "$@"; }; fi

cache=${GANTRY_CACHE:-${XDG_CACHE_HOME:-${HOME:?no HOME, so set GANTRY_CACHE}/.cache}/gantry}/cluster
goversion=$(go env GOVERSION GOOS GOARCH | tr '\n' ' ')
hash=$(
  {
    echo "$goversion"
    find . -type f \( -name '*.go' ! -name '*_test.go' -o -name '*.yaml' -o -name go.mod -o -name go.sum -o -name build.sh \) |
      sort | while read -r file; do sha256 "$file"; done
  } | sha256 | cut -c1-32
)
folder=$cache/$hash
binary=$folder/gantry-cluster

finish() {
  touch "$folder"
  find "$cache" -mindepth 1 -maxdepth 1 -type d -mtime +14 -exec rm -rf {} + 2>/dev/null || true
  printf '%s\n' "$binary"
  exit 0
}

[ -x "$binary" ] && finish

mkdir -p "$folder"
if command -v flock >/dev/null; then
  exec 9>"$folder/lock"
  if ! flock --nonblock 9; then
    say "gantry-cluster: another build is under way, waiting for it"
    flock 9
  fi
  [ -x "$binary" ] && finish
fi

# Without DWARF, which -s -w would drop anyway, the compiler has less to do.
flags=(-trimpath -gcflags=all=-dwarf=false)
temporary=$(mktemp -d "$folder/build.XXXXXX")
build=
cleanup() {
  if [ -n "$build" ]; then kill "$build" 2>/dev/null || true; fi
  rm -rf "$temporary"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if [ ! -d "$(go env GOMODCACHE)/cache/download/k8s.io/kubernetes/@v" ]; then
  say "gantry-cluster: downloading the sources of Kubernetes (about 150 MB)"
fi
go mod download 2>"$temporary/log" || { cat "$temporary/log" >&2; fail "the modules could not be downloaded"; }

# The servers report the version of the Kubernetes module that they are built from.
read -r version date < <(go list -m -f '{{.Version}} {{if .Time}}{{.Time.Format "2006-01-02T15:04:05Z07:00"}}{{else}}1970-01-01T00:00:00Z{{end}}' k8s.io/kubernetes)
IFS=. read -r major minor _ <<<"${version#v}"
ldflags="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  ldflags+=" -X $package.gitMajor=$major -X $package.gitMinor=$minor -X $package.gitVersion=$version"
  ldflags+=" -X $package.gitCommit=$version -X $package.gitTreeState=clean -X $package.buildDate=$date"
done

total=$(go list "${flags[@]}" -deps -f '{{if .Stale}}x{{end}}' . | grep -c x || true)
if [ "$total" -gt 500 ]; then
  say "gantry-cluster: building Kubernetes $version, $total packages. The first build takes several minutes"
  say "gantry-cluster: (about 10 on two cores); later ones take seconds."
fi

go build "${flags[@]}" -ldflags "$ldflags" -v -o "$temporary/gantry-cluster" . 2>"$temporary/log" 9>&- &
build=$!
started=$SECONDS
shown=$SECONDS
while kill -0 "$build" 2>/dev/null; do
  sleep 1
  [ "$total" -gt 20 ] || continue
  done=$(grep -cE '^[^ #]+$' "$temporary/log" || true)
  if [ "$done" -lt "$total" ]; then what="$done of $total packages compiled"; else what="linking"; fi
  if [ -t 2 ]; then
    printf '\rgantry-cluster: %s, %d s \033[K' "$what" $((SECONDS - started)) >&2
  elif [ $((SECONDS - shown)) -ge 20 ]; then
    shown=$SECONDS
    say "gantry-cluster: $what, $((SECONDS - started)) s"
  fi
done
if [ -t 2 ]; then printf '\r\033[K' >&2; fi
status=0
wait "$build" || status=$?
build=
if [ "$status" -ne 0 ]; then
  grep -vE '^[^ #:]+$' "$temporary/log" >&2 || true
  fail "the build has failed"
fi
mv "$temporary/gantry-cluster" "$binary"
say "gantry-cluster: built in $((SECONDS - started)) s"
finish
