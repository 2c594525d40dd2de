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
