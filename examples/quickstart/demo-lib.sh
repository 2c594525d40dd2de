# What demo.sh is made of: talking, building, clusters. Sourced, not run. Uses
# $root, and $work once it is set.

job="" log="" # what is being built in the background

if [[ -t 1 && -z "${NO_COLOR:-}" && "${TERM:-dumb}" != dumb ]]; then
  bold=$'\e[1m' dim=$'\e[2m' cyan=$'\e[36m' reset=$'\e[0m'
else
  bold="" dim="" cyan="" reset=""
fi

title() { printf '\n%s%s%s\n\n' "$bold" "$1" "$reset"; }
say() { printf '%s\n\n' "$1"; }
fail() {
  printf 'demo: %s\n' "$1" >&2
  exit 1
}

# pause lets a reader keep up: a moment on a terminal, which Enter ends.
pause() {
  if [[ -t 0 && -t 1 ]]; then
    read -rs -t "${GANTRY_DEMO_PAUSE:-3}" || true
  fi
  printf '\n'
}

show_command() { printf '%s$ %s%s\n' "$cyan" "$*" "$reset"; }

# run shows a command as one would type it, then runs it.
run() {
  local word shown=()
  for word in "$@"; do
    if [[ "$word" =~ ^[A-Za-z0-9_./:=@-]+$ ]]; then shown+=("$word"); else shown+=("'$word'"); fi
  done
  show_command "${shown[@]}"
  "$@" || fail "the command above failed"
  pause
}

# wait_for PID TEXT shows how long something takes; it returns what the process did.
wait_for() {
  local pid="$1" text="$2" start=$SECONDS
  if [[ -t 1 ]]; then
    while kill -0 "$pid" 2>/dev/null; do
      printf '\r\e[K%s%s %ds%s' "$dim" "$text" $((SECONDS - start)) "$reset"
      sleep 1
    done
    printf '\r\e[K'
  else
    printf '%s\n' "$text"
  fi
  wait "$pid"
}

# in_background TARGET makes something while the story goes on; $job and $log are
# its process and what it prints.
in_background() {
  log="$(mktemp)"
  set -m # a process group of its own, to be ended whole
  nice make --no-print-directory -C "$root" "$1" >"$log" 2>&1 </dev/null &
  job=$!
  set +m
}

# finished TEXT waits for what was begun in the background.
finished() {
  wait_for "$job" "$1" || {
    cat "$log"
    job=""
    fail "it does not build, see above"
  }
  job=""
  rm -f "$log"
}

gantry_built() {
  finished "building gantry (a few minutes the first time, seconds from then on)"
  export PATH="$root/bin:$PATH"
}

# make_repository makes a git repository of the quickstart, and changes into it.
make_repository() {
  cp -R "$root/examples/quickstart" "$work/shop"
  cd "$work/shop"
  rm -rf .gantry ./*.gantryplan ./*.auto.vars.hcl demo.sh demo-lib.sh
  export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
  git init --quiet --initial-branch main
  git config user.name demo
  git config user.email demo@example.com
  git add --all
  git commit --quiet --message 'the shop'
  cat >demo.auto.vars.hcl <<VARIABLES
repository = "file://$work/shop"
kubeconfigs = {
  staging    = "$work/staging.kubeconfig"
  production = "$work/production.kubeconfig"
}
VARIABLES
}

# start_clusters takes flags for gantry-cluster up.
start_clusters() {
  local name
  finished "building a local Kubernetes (minutes the first time, seconds from then on)"
  say "Each is etcd, an API server, the controllers, a scheduler and simulated nodes."
  export GANTRY_CLUSTER_HOME="$work/clusters"
  for name in staging production; do
    run gantry-cluster up --name "$name" --kubeconfig "$work/$name.kubeconfig" "$@"
  done
}

# tamper sets an image on the production cluster as a person would: with kubectl,
# or where there is none, with the request that kubectl edit sends.
tamper() {
  local config="$work/production.kubeconfig" image=registry.example.com/shop/web:hotfix
  if command -v kubectl >/dev/null; then
    export KUBECONFIG="$config"
    run kubectl --namespace web set image deployment/web "web=$image"
    unset KUBECONFIG
    return
  fi
  command -v curl >/dev/null || fail "this step needs kubectl or curl"
  (
    umask 077
    for field in certificate-authority client-certificate client-key; do
      sed -n "s/^ *$field-data: *//p" "$config" | base64 --decode >"$work/$field.pem"
    done
  )
  show_command "curl -X PATCH .../apis/apps/v1/namespaces/web/deployments/web?fieldManager=kubectl-edit"
  curl --silent --show-error --fail --output /dev/null --request PATCH \
    --cacert "$work/certificate-authority.pem" --cert "$work/client-certificate.pem" --key "$work/client-key.pem" \
    --header 'Content-Type: application/strategic-merge-patch+json' \
    --data "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"web\",\"image\":\"$image\"}]}}}}" \
    "$(sed -n 's/^ *server: *//p' "$config")/apis/apps/v1/namespaces/web/deployments/web?fieldManager=kubectl-edit" ||
    fail "the request was refused"
  pause
}

# clean_up ends the clusters, whatever happened before.
clean_up() {
  if [[ -n "$job" ]]; then
    kill -- "-$job" 2>/dev/null || true
    wait "$job" 2>/dev/null || true
    rm -f "$log"
  fi
  if [[ -d "$work/clusters" ]]; then
    GANTRY_CLUSTER_HOME="$work/clusters" "$root/bin/gantry-cluster" down --all >/dev/null || true
  fi
  cd "$root"
  rm -rf "$work"
}

# demo_folder is where demo-up puts things, and demo-down finds them.
demo_folder() { printf '%s' "${TMPDIR:-/tmp}/gantry-demo-$(id -u)"; }
