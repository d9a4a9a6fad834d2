#!/usr/bin/env bash
# The published figures: runs every bench on this machine, one after the other, and writes docs/performance.md.
# usage: scripts/bench.sh [bench…]   (default: all of them)
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}
page=docs/performance.md
benches=("$@")
if [ ${#benches[@]} -eq 0 ]; then benches=(topology throughput start watch accounts stream feed decode names platform api); fi

scripts/setup.sh run
scripts/console.sh
cargo build --release --locked
export SIAGA_BIN=$target/release/siaga
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT
export SIAGA_BENCH_ROWS=$rows
# A peer from the registry for the accounts bench; without it the bench says that it was skipped.
peers=$target/peers
if [[ " ${benches[*]} " == *" accounts "* ]]; then
  if [ -x "$peers/bin/python" ] || python3 -m venv "$peers"; then
    if "$peers/bin/pip" install -q nautilus_trader==1.221.0; then
      export SIAGA_PEER_PYTHON=$peers/bin/python
    else
      echo "skipped: nautilus_trader could not be installed" >&2
    fi
  fi
fi
for bench in "${benches[@]}"; do
  case $bench in
    # Beside a PostgreSQL server of its own, where there is one.
    platform) cargo bench --locked -p siaga-platform --bench ground ;;
    *) cargo bench --locked -p siaga-bench --bench "$bench" ;;
  esac
done

# Part of the figures only: printed, not published.
if [ $# -gt 0 ]; then exit 0; fi

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
{
  cat <<TEXT
# Performance

Written by \`make bench\`; the figures of one run on one machine, the floor of that machine beside them. A figure of another machine
compares by its ratio to the floor, not by itself. What is above its goal, and why: [limits.md](limits.md).

- Machine: ${cpu:-unknown processor}, $(nproc) processors, $(awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo), $(uname -sr)
- Compiler: $(rustc --version)
- Program: $(stat -c %s "$SIAGA_BIN" | awk '{ printf "%.1f MB", $1 / 1e6 }') (goal: below 90 MB)
TEXT
  awk -F '\t' '
    $1 != bench { bench = $1; printf "\n## %s\n", bench; table = 0 }
    $2 == "note" { if (table) print ""; table = 0; printf "- %s\n", $3; next }
    { if (!table) { print "\n| figure | value | beside it | goal |\n|---|---|---|---|"; table = 1 }
      printf "| %s | %s | %s | %s |\n", $2, $3, $4, $5 }
  ' "$rows"
} >"$page"
printf '==> %s is written\n' "$page" >&2
