#!/usr/bin/env bash
# Builds the console into web/dist, once per change of its sources.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/node.sh
cd web

stamp=$(cat package-lock.json index.html vite.config.* tsconfig*.json $(find src public -type f 2>/dev/null | sort) 2>/dev/null | sha256sum | cut -c1-16)
if [ -f dist/index.html ] && [ "$(cat dist/.stamp 2>/dev/null)" = "$stamp" ]; then
  exit 0
fi
# `make run` goes on without a console, and its page says so; tests and benches need it.
if ! node_ready && [ "${1:-}" = optional ]; then
  printf '==> no Node.js %s or newer: the desk runs without its console\n' "$node_min" >&2
  exit 0
fi
printf '==> building the console\n' >&2
npm ci --no-audit --no-fund --loglevel=error >&2
npm run --silent build >&2
printf '%s' "$stamp" >dist/.stamp
