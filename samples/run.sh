#!/bin/sh
# Builds thumbpool and does its main job: thumbnails of sample photos, or of a folder of yours.
# usage: sh samples/run.sh [FOLDER]      installs what is missing; results go to samples/out
set -eu
folder=${1:-}
if [ $# -gt 1 ] || { [ -n "$folder" ] && [ ! -d "$folder" ]; }; then
    echo "usage: sh samples/run.sh [FOLDER]      FOLDER holds photos" >&2
    exit 2
fi
[ -z "$folder" ] || folder=$(CDPATH= cd -- "$folder" && pwd)
cd "$(dirname "$0")/.."
. samples/setup.sh

build=build/samples
out=$(pwd)/samples/out
program=$build/thumbpool

step() { printf '\n== %s\n' "$*"; }

step 'What is needed'
# shellcheck disable=SC2086 # a list of words
packages_need $packages_base
echo 'all there'

step 'Building'
[ -e "$build/build.ninja" ] ||
    cmake -G Ninja -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DTHUMBPOOL_TESTS=OFF >/dev/null
build_quietly "$build"

mkdir -p "$out"
if [ -z "$folder" ]; then
    folder=$out/photos
    step "Painting sample photos into $folder"
    if [ -e "$out/photos.done" ]; then
        echo 'done before'
    else
        rm -rf "$folder"
        "$build/samples/make_photos" "$folder"
        : >"$out/photos.done"
    fi
fi

# make_thumbs NAME OPTION...: a run into $out/NAME with its report beside it. Pictures that fail are
# part of the show; anything worse is not.
make_thumbs() {
    name=$1
    shift
    code=0
    rm -rf "${out:?}/$name"
    "$program" "$@" --report "$out/$name.ndjson" -o "$out/$name" "$folder" 2>&1 || code=$?
    [ $code -le 1 ] || exit $code
}

# summary NAME FIELD: a number from the last line of the report
summary() {
    sed -n '$s/.*"'"$2"'":\([0-9.]*\).*/\1/p' "$out/$1.ndjson"
}

step "Thumbnails of $folder"
make_thumbs thumbs
sh samples/sheet.sh "$folder" "$out" >"$out/sheet.html"

# best NAME OPTION...: the least time of three runs
best() {
    least=
    for round in 1 2 3; do
        make_thumbs "$@" --quiet >/dev/null
        least=$(printf '%s\n' $least "$(summary "$1" seconds)" | sort -n | head -1)
    done
    echo "$least"
}

step 'The same job, three ways (the best of three runs; one of Python)'
printf '%-46s %8.2f s\n' 'thumbpool, sequential' "$(best sequential --executor sequential)"
printf '%-46s %8.2f s\n' 'thumbpool, processes' "$(best processes)"
rm -rf "$out/sequential" "$out/processes" "$out/tutorial"
if /usr/bin/python3 -c 'import PIL' 2>/dev/null; then
    find "$folder" -type f \( -iname '*.jpg' -o -iname '*.jpeg' -o -iname '*.png' \) -print0 |
        xargs -0 -x /usr/bin/python3 samples/tutorial.py 256 "$out/tutorial" >"$out/tutorial.log" 2>&1 || :
    seconds=$(sed -n 's/^Total time taken: \([0-9.]*\) s$/\1/p' "$out/tutorial.log")
    printf '%-46s %8.2f s\n' "the tutorial's Python script, processes" "${seconds:-0}"
else
    echo "(with python3-pil installed, the tutorial's Python script would be timed here too)"
fi

step 'Look'
echo "thumbnails      $out/thumbs"
echo "before / after  $out/sheet.html"
echo "report          $out/thumbs.ndjson"
printf '%s made, %s failed, in %s s; the largest process took %s MB\n' "$(summary thumbs made)" \
    "$(summary thumbs failed)" "$(summary thumbs seconds)" \
    $(($(summary thumbs peak_rss_bytes) / 1000000))
