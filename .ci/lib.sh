# Shared by the scripts beside it: stages that are timed, and all run even where
# one fails. Sourced, not run.

stages=()
failed_stages=()

# stage NAME COMMAND... runs a command under a heading and keeps its time.
stage() {
  local name="$1" start status=0
  shift
  printf '\n== %s\n' "$name"
  start=$SECONDS
  "$@" || status=$?
  local took=$((SECONDS - start))
  if ((status == 0)); then
    stages+=("$(printf '%4ds  %s' "$took" "$name")")
  else
    stages+=("$(printf '%4ds  %s: FAILED' "$took" "$name")")
    failed_stages+=("$name")
  fi
  return 0
}

# aside LOG COMMAND... runs a command beside what follows, at low priority and as a
# group of processes of its own, until `join NAME LOG` waits for it and prints what it
# said. It sets aside_pid, the group's.
aside() {
  local log="$1"
  shift
  set -m
  (
    start=$SECONDS
    status=0
    nice -n 15 "$@" || status=$?
    printf '%d %d\n' "$status" "$((SECONDS - start))" >"$log.end"
  ) >"$log" 2>&1 </dev/null &
  aside_pid=$!
  set +m
}

# join NAME LOG is the end of what was begun by aside.
join() {
  local name="$1" log="$2" status=1 took=0
  wait "$aside_pid" || true
  printf '\n== %s (went on beside)\n' "$name"
  cat "$log"
  [[ ! -s "$log.end" ]] || read -r status took <"$log.end"
  if ((status == 0)); then
    stages+=("$(printf '%4ds  %s, beside' "$took" "$name")")
  else
    stages+=("$(printf '%4ds  %s, beside: FAILED' "$took" "$name")")
    failed_stages+=("$name")
  fi
}

# print_stages lists every stage with its time.
print_stages() {
  printf '\n== times\n'
  printf '%s\n' "${stages[@]}"
  printf '%4ds  in all\n' "$SECONDS"
}

# stages_failed reports whether any stage did.
stages_failed() { ((${#failed_stages[@]} > 0)); }

# in_modules COMMAND... runs a command in the main module and in gantry-cluster.
in_modules() {
  local module status=0
  for module in . cmd/gantry-cluster; do
    (cd "$module" && "$@") || status=1
  done
  return "$status"
}
