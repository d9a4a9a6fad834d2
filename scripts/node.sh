# Sourced by the other scripts: makes `node` the one that can build the console. A distribution's may be too old;
# then scripts/setup.sh puts a pinned one below target/, and it is found here.

# What Vite asks for, in words (web/package.json, engines): not 21, nor 22 before 22.12.
node_min='22.12 (or 20.19)'
node_home=${CARGO_TARGET_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/target}/node
# Whoever sources this may change the folder later.
case $node_home in
  /*) ;;
  *) node_home=$PWD/$node_home ;;
esac

# Whether a version (v20.19.1) is at least another.
node_reaches() {
  [ "$(printf '%s\n' "$2" "${1#v}" | sort -V | head -1)" = "$2" ]
}

# Whether a version is one that Vite takes.
node_suffices() {
  [ -n "$1" ] || return 1
  node_reaches "$1" 22.12 || { node_reaches "$1" 20.19 && ! node_reaches "$1" 21; }
}

node_ready() {
  command -v npm >/dev/null 2>&1 && node_suffices "$(node --version 2>/dev/null)"
}

if ! node_ready && [ -x "$node_home/bin/node" ]; then
  PATH=$node_home/bin:$PATH
fi
