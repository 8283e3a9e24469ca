#!/bin/sh
# Installs sharp for peers.sh, outside the tree; needs node and npm.
# usage: peers_setup.sh [FOLDER]      FOLDER: $THUMBPOOL_PEERS, or ~/.cache/thumbpool-peers
set -eu
folder=${1:-${THUMBPOOL_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/thumbpool-peers}}
mkdir -p "$folder"
cd "$folder"
[ -e package.json ] || echo '{"private": true}' >package.json
npm install --no-audit --no-fund --no-save sharp
node -e 'console.log("sharp", require("sharp").versions.sharp, "libvips", require("sharp").versions.vips)'
echo "$folder"
