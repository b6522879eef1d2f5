# shellcheck shell=bash
# Shared by the scripts beside it: where the checkout is, and steps that say how long they took.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C.UTF-8

say() { printf '%s\n' "$*" >&2; }

# now_ms prints milliseconds. Bash 5 has the clock built in.
now_ms() { local t=${EPOCHREALTIME/[.,]/}; echo "${t%???}"; }

# step TITLE COMMAND… runs the command, its output below the title, and prints the time it took.
step() {
  local title=$1 began rc=0 took
  shift
  began=$(now_ms)
  say "==> $title"
  "$@" || rc=$?
  took=$(($(now_ms) - began))
  if [ "$rc" -eq 0 ]; then
    say "    $title: done in $((took / 1000)).$((took % 1000 / 100)) s"
  else
    say "    $title: FAILED after $((took / 1000)).$((took % 1000 / 100)) s (exit $rc)"
  fi
  return "$rc"
}

# hash_of FILE… prints one hash over names and contents.
hash_of() { sha256sum -- "$@" | sha256sum | cut -d' ' -f1; }

# npm_ready installs the console's packages when the lock file is another than that installed.
npm_ready() {
  command -v npm >/dev/null || { say "npm is not there: install Node.js 20 or newer"; return 1; }
  local stamp=web/node_modules/.taxops-lock want
  want=$(hash_of web/package-lock.json)
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && return 0
  step "console: install packages (npm ci)" npm --prefix web ci --no-audit --no-fund --loglevel=error &&
    echo "$want" >"$stamp"
}
