#!/usr/bin/env bash
# Installs what is missing, by the system's package manager, and says what it does.
# usage: scripts/setup.sh run|test
set -euo pipefail

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

need cc build-essential
if ! command -v node >/dev/null 2>&1; then
  missing+=(nodejs npm)
fi
if [ "$purpose" = test ]; then
  need chromium chromium
  need python3 python3
  if ! python3 -c 'import venv, ensurepip' >/dev/null 2>&1; then missing+=(python3-venv); fi
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

node_major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
if [ "$node_major" -lt 20 ]; then
  say "Node.js 20 or newer is needed to build the console, this is $(node --version)"
  exit 1
fi
