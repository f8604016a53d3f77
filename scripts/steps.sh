# For the other scripts here: `step` runs a long command quietly and says how it went.
# Source it; it changes to the repository root and turns errors into exits.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
logs=build/logs
jobs=$(nproc 2>/dev/null || echo 2)

fail() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# step "Doing this" command...: one line that ends in the time it took. What the command says goes to
# a log, which is shown when the command fails. A percentage that it reports ([ 42%]) is passed on.
step() {
  local title=$1 started=$SECONDS log status=0
  shift
  mkdir -p "$logs"
  log=$logs/$(tr -cs 'A-Za-z0-9' '-' <<<"${title,,}" | sed 's/^-//; s/-$//').log
  if [ -t 2 ]; then
    printf '%s ...' "$title" >&2
    "$@" 2>&1 </dev/null | tee "$log" | show_percent "$title" || status=$?
  else
    echo "$title ..." >&2
    "$@" >"$log" 2>&1 </dev/null || status=$?
  fi
  if [ "$status" != 0 ]; then
    [ ! -t 2 ] || echo >&2
    echo "$title: failed (exit $status). The end of $log:" >&2
    tail -n 80 "$log" >&2
    exit 1
  fi
  if [ -t 2 ]; then
    printf '\r\033[K%s: done in %ss\n' "$title" "$((SECONDS - started))" >&2
  else
    echo "$title: done in $((SECONDS - started))s" >&2
  fi
}

# Reads a build's output and keeps one line of the terminal up to date with its last [ 42%].
show_percent() {
  local line
  while IFS= read -r line; do
    if [[ $line =~ ^\[\ *([0-9]+)%\] ]]; then
      printf '\r\033[K%s ... %s%%' "$1" "${BASH_REMATCH[1]}" >&2
    fi
  done
}

# build PRESET TARGET...: configures the preset and builds the targets, on all cores.
build() {
  local preset=$1
  shift
  step "Configuring ($preset)" cmake --preset "$preset"
  NINJA_STATUS='[%p] ' step "Building $* ($preset)" \
    cmake --build --preset "$preset" --parallel "$jobs" --target "$@"
}
