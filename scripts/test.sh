#!/usr/bin/env bash
# Everything `make test` does: set-up, formatting, lints, all tests, one summary line at the end.
set -uo pipefail
cd "$(dirname "$0")/.."
root=$PWD

# Skips that are expected everywhere: TimescaleDB, which Debian does not package.
expected_skips=1

# Where nothing is built twice, what a next build would use again is only written.
if [ "${CI:-}" = true ]; then export CARGO_INCREMENTAL=0; fi

export SIAGA_SHARED=${SIAGA_SHARED:-$root/../shared}
target=${CARGO_TARGET_DIR:-$root/target}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SIAGA_SKIPS=$work/skips
: >"$SIAGA_SKIPS"
passed=0 failed=0

say() { printf '==> %s\n' "$*" >&2; }

# A step that is one check: passes or fails.
step() {
  local name=$1
  shift
  say "$name"
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    say "FAILED: $name"
  fi
}

# A step whose own lines say how many of its tests passed and failed.
counted() { # name, pattern kind, command…
  local name=$1 kind=$2 log=$work/log ok=0 bad=0
  shift 2
  say "$name"
  "$@" 2>&1 | tee "$log"
  local status=${PIPESTATUS[0]}
  case $kind in
    cargo)
      ok=$(grep -E '^test result:' "$log" | sed -E 's/.* ([0-9]+) passed.*/\1/' | awk '{ sum += $1 } END { print sum + 0 }')
      bad=$(grep -E '^test result:' "$log" | sed -E 's/.* ([0-9]+) failed.*/\1/' | awk '{ sum += $1 } END { print sum + 0 }')
      ;;
    vitest)
      ok=$(sed -E 's/\x1b\[[0-9;]*m//g' "$log" | grep -E '^ *Tests ' | grep -oE '[0-9]+ passed' | grep -oE '[0-9]+')
      bad=$(sed -E 's/\x1b\[[0-9;]*m//g' "$log" | grep -E '^ *Tests ' | grep -oE '[0-9]+ failed' | grep -oE '[0-9]+')
      ;;
    node)
      ok=$(grep -aoE '(# |ℹ )pass [0-9]+$' "$log" | grep -oE '[0-9]+' | tail -1)
      bad=$(grep -aoE '(# |ℹ )fail [0-9]+$' "$log" | grep -oE '[0-9]+' | tail -1)
      ;;
  esac
  ok=${ok:-0} bad=${bad:-0}
  # A run that broke off without naming a failure is one.
  if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  passed=$((passed + ok)) failed=$((failed + bad))
  if [ "$bad" -ne 0 ]; then say "FAILED: $name"; fi
}

finish() {
  local skipped
  skipped=$(sort -u "$SIAGA_SKIPS" | wc -l)
  if [ "$skipped" -gt 0 ]; then
    say "skipped:"
    sort -u "$SIAGA_SKIPS" >&2
  fi
  if [ "${CI:-}" = true ] && [ "$skipped" -gt "$expected_skips" ]; then
    say "FAILED: $skipped skips, at most $expected_skips are expected"
    failed=$((failed + 1))
  fi
  # A test that skipped itself was counted as passed by its runner.
  passed=$((passed - skipped))
  # Counted by the shell since this script began; the summary stays the last line.
  printf 'took %d min %d s\n' $((SECONDS / 60)) $((SECONDS % 60))
  printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  [ "$failed" -eq 0 ]
  exit
}

if ! scripts/setup.sh test; then
  failed=1
  finish
fi
. scripts/node.sh
step "console builds" scripts/console.sh
[ -d web/node_modules ] || (cd web && npm ci --no-audit --no-fund --loglevel=error)

step "formatting" cargo fmt --all --check
counted "Rust tests" cargo cargo test --workspace --locked --no-fail-fast
# Models of what is shared between threads: every interleaving, so a build of its own on loom's atomics.
counted "loom models" cargo env RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR="$target/loom" \
  cargo test --locked --profile models -p siaga-risk --lib models
# The requests mostly wait and the lints mostly compile: side by side they take the time of the longer.
cargo clippy --workspace --all-targets --locked -- -D warnings >"$work/lints" 2>&1 &
lints=$!
step "generated requests to the API" scripts/api.sh
lints() {
  wait "$lints"
  local status=$?
  cat "$work/lints" >&2
  return "$status"
}
step "lints" lints
counted "console units" vitest npm --prefix web run --silent test
counted "console in a browser" node env SIAGA_BIN="$target/debug/siaga" npm --prefix web run --silent e2e
finish
