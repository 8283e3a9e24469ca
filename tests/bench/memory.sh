#!/bin/bash
# How much memory a worker needs for large pictures, in Markdown.
#
# usage: memory.sh THUMBPOOL [PICTURE...]
# Without pictures, JPEGs of 100 megapixels are made by make_images, which is looked for where the build of
# THUMBPOOL has it, or is told by MAKE_IMAGES. One worker makes one picture a run. The figure is the report's
# peak_rss_bytes: what the larger of worker and parent had resident at most, with the libraries' code. Files are
# read in pieces, so none of it is the file.
set -eu
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
. "$here/gather.sh"
[ $# -ge 1 ] || { sed -n '4s/^# //p' "$0" >&2; exit 2; }
program=$1
shift
make_images=${MAKE_IMAGES-$(dirname "$program")/tests/support/make_images}
work=$(mktemp -d /dev/shm/thumbpool-memory-XXXXXX 2>/dev/null) || work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || { "$make_images" large "$work" && set -- "$work"/*.jpg; }

# number KEY: the first of that name in the report.
number() { grep -o "\"$1\":[0-9]*" "$work/report" | head -1 | cut -d: -f2; }

# row PICTURE SIZE...
row() {
    local picture=$1 size sizes=()
    shift
    for size; do sizes+=(-s "$size"); done
    "$program" --quiet -j 1 --force "${sizes[@]}" -o "$work/thumbs" --report "$work/report" "$picture"
    printf '| %s | %s x %s | %.1f | %s | 1/%s | %.1f |\n' "$(basename "$picture")" "$(number width)" "$(number height)" \
        "$(($(stat -c %s "$picture") / 100000))e-1" "${sizes[*]}" "$(number shrink)" \
        "$(($(number peak_rss_bytes) / 100000))e-1"
}

printf '## Memory of a worker\n\n%s.\n\n' "$(machine)"
printf '| picture | pixels | MB of file | sizes | decoded at | MB resident at most |\n|---|---|--:|---|--:|--:|\n'
for picture; do
    row "$picture" 256
    row "$picture" 1024
    row "$picture" 64 256 1024
done
