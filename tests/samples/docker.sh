#!/bin/sh
# Builds the container of samples/docker and makes thumbnails in it, also of a JPEG and a WebP of its own making.
# Takes docker and a network; exit 77 without docker.
set -eu
cd "$(dirname "$0")/../.."
docker info >/dev/null 2>&1 || { echo 'skipped: there is no docker'; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
docker build -t thumbpool-test -f samples/docker/Dockerfile .
mkdir "$work/in" "$work/out"
cp samples/bench.png "$work/in"

# in_container OPTION...: as the comment in the Dockerfile says
in_container() {
    docker run --rm --network none --user "$(id -u):$(id -g)" -v "$work/in":/in:ro -v "$work/out":/out \
        thumbpool-test "$@" /in -o /out
}

in_container --name '{stem}.jpg' -f jpeg
in_container --name '{stem}.webp' -f webp
mv "$work/out"/bench.* "$work/in"
in_container -s 50 2>&1 | tee "$work/log"
grep -q '^3 made, 0 up to date, 0 failed' "$work/log"
[ "$(stat -c %u "$work/out/bench.jpg")" = "$(id -u)" ]
docker rmi thumbpool-test >/dev/null
