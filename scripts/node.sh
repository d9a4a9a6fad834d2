# Sourced by the other scripts: makes `node` the one that can build the console. A distribution's may be too old;
# then scripts/setup.sh puts a pinned one below target/, and it is found here.

# What Vite asks for (web/package.json, engines).
node_min=20.19
node_home=${CARGO_TARGET_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/target}/node

# Whether a version (v20.19.1) is new enough.
node_suffices() {
  [ -n "$1" ] && [ "$(printf '%s\n' "$node_min" "${1#v}" | sort -V | head -1)" = "$node_min" ]
}

node_ready() {
  command -v npm >/dev/null 2>&1 && node_suffices "$(node --version 2>/dev/null)"
}

if ! node_ready && [ -x "$node_home/bin/node" ]; then
  PATH=$node_home/bin:$PATH
fi
