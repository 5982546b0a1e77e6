#!/usr/bin/env bash
# Starts the companion server, from any folder:
#   ./scripts/start-websocket-server.sh 8080
#   WS_PORT=8080 ./scripts/start-websocket-server.sh
# An argument wins over WS_PORT, WS_PORT over PORT; no variable is overwritten here.
set -euo pipefail
script="${BASH_SOURCE[0]}"
# Through links: not every readlink knows -f.
while [ -L "$script" ]; do
  target="$(readlink "$script")"
  case "$target" in
    /*) script="$target" ;;
    *) script="$(dirname "$script")/$target" ;;
  esac
done
here="$(cd "$(dirname "$script")" && pwd)"

if ! command -v node >/dev/null 2>&1; then
  echo 'Node.js is missing: install version 20 or newer from https://nodejs.org' >&2
  exit 1
fi
if [ ! -f "$here/../dist/cli/index.js" ]; then
  echo 'Building first...' >&2
  (cd "$here/.." && { [ -d node_modules ] || npm ci; } && npm run --silent build) >&2
fi
exec node "$here/websocket-server.js" "$@"
