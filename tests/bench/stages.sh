#!/bin/bash
# Where the time of a picture goes, beside what nobody can do without: reading the file, and libjpeg-turbo's
# decoder at the scale that was used.
#
# usage: stages.sh [--size S] [--blur SIGMA] [--times N] [--rounds N] THUMBPOOL FOLDER...
# One process and no pool (--executor sequential); of each figure the best round counts. The times are
# thumbpool's own (--report). djpeg's start is timed with a picture of one block, and taken off.
# shellcheck disable=SC2015 # a && b || c is meant so
set -eu
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
. "$here/gather.sh"
size=256 blur=2 times=1 rounds=5
while [[ ${1-} == --* ]]; do
    [[ $1 =~ ^--(size|blur|times|rounds)$ && ${2-} =~ ^[0-9.]+$ ]] || {
        sed -n '5s/^# //p' "$0" >&2
        exit 2
    }
    printf -v "${1#--}" %s "$2"
    shift 2
done
[ $# -ge 2 ] || { sed -n '5s/^# //p' "$0" >&2; exit 2; }
program=$1
shift
work=$(mktemp -d)
out=$(mktemp -d /dev/shm/thumbpool-stages-XXXXXX 2>/dev/null) || out=$(mktemp -d)
trap 'rm -rf "$work" "$out"' EXIT
IN=$work/in LIST=$work/list
djpeg=$(command -v djpeg || :)
[ -z "$djpeg" ] || printf 'P5 8 8 255\n%064d' 0 | cjpeg -outfile "$work/block.jpg"

# least NAME COMMAND...: notes how long it took, if that is the least so far.
least() {
    local name=$1 begin=${EPOCHREALTIME/./} us
    shift
    "$@"
    us=$((${EPOCHREALTIME/./} - begin))
    [ -e "$work/$name.us" ] && [ "$(cat "$work/$name.us")" -le $us ] || echo $us >"$work/$name.us"
}

make_thumbnails() {
    rm -rf "$out/thumbs"
    "$program" --quiet --executor sequential -s "$size" -b "$blur" -o "$out/thumbs" --report "$out/report" "$IN"
}

read_all() { xargs -0 cat <"$LIST" >/dev/null; }

start_djpeg() { yes "$work/block.jpg" | head -n "$jpegs" | xargs -n 1 djpeg -outfile /dev/null; }

# Each JPEG at the scale that thumbpool used.
decode_all() {
    local shrink
    for shrink in 1 2 4 8; do
        [ ! -s "$work/at.$shrink" ] || xargs -0 -n 1 djpeg -scale 1/$shrink -outfile /dev/null <"$work/at.$shrink"
    done
}

# Writes "SHRINK NAME" of the JPEGs in the report to one list a shrink.
lists_make() {
    local shrink
    for shrink in 1 2 4 8; do
        sed -n '/"format":"jpeg"/s/.*"src":"\([^"]*\)".*"shrink":'$shrink',.*/\1/p' "$out/report" |
            tr '\n' '\0' >"$work/at.$shrink"
    done
}

# Adds up a report: "PICTURES MEGAPIXELS READ DECODE BLUR RESIZE ENCODE TOTAL", milliseconds.
report_sum() {
    awk 'function number(key) {
            if (!match($0, "\"" key "\":[0-9.]+")) return 0
            return substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3) + 0
        }
        /"status":"made"/ {
            n++; pixels += number("width") * number("height")
            sub(/.*"ms":/, "")
            read += number("read"); decode += number("decode"); blur += number("blur")
            resize += number("resize"); encode += number("encode"); total += number("total")
        }
        END {printf "%d %.6f %.3f %.3f %.3f %.3f %.3f %.3f\n", n, pixels / 1e6, read, decode, blur, resize, encode, total}' \
        "$out/report"
}

us_of() { cat "$work/$1.us" 2>/dev/null || echo 0; }

tell() {
    local whole
    whole=$(us_of make_thumbnails)
    sort -k8,8n "$work/sums" | head -1 | awk -v mb="$megabytes" -v whole="$whole" -v reading="$(us_of read_all)" \
        -v decoding="$(us_of decode_all)" -v start="$(us_of start_djpeg)" -v jpegs="$jpegs" '
        function row(name, ms) {
            printf "| %s | %.3f | %.3f | %.3f | %.1f %% |\n", name, ms / $1, ms / $2, ms / mb, 100 * ms / (whole / 1000)
        }
        {
            print "| stage | ms a picture | ms a megapixel | ms a megabyte | of all |"
            print "|---|--:|--:|--:|--:|"
            row("read", $3); row("decode", $4); row("blur", $5); row("resize, colour, turn", $6); row("encode", $7)
            row("rest of the task", $8 - $3 - $4 - $5 - $6 - $7)
            row("start, walk, open, write, name", whole / 1000 - $8)
            row("**all**", whole / 1000)
            row("floor: read only", reading / 1000)
            if (jpegs == $1 && decoding > start) {
                row("floor: libjpeg-turbo, read and decode only", (decoding - start) / 1000)
                printf "\nRead and decode take %.2f of the floor, all takes %.2f.\n", ($3 + $4) / (decoding - start) * 1000,
                    whole / (decoding - start)
            }
        }'
}

printf '## Where the time goes\n\n%s; best of %s rounds, one process.\n' "$(machine)" "$rounds"
for folder in "$@"; do
    gather "$folder" "$times"
    [ "$files" -gt 0 ] || { echo "stages.sh: $folder has no JPEG and no PNG" >&2; exit 2; }
    rm -f "$work"/*.us "$work/sums"
    make_thumbnails
    lists_make
    for ((i = 0; i < rounds; i++)); do
        least make_thumbnails make_thumbnails
        report_sum >>"$work/sums"
        least read_all read_all
        [ -z "$djpeg" ] || [ "$jpegs" = 0 ] || { least decode_all decode_all; least start_djpeg start_djpeg; }
    done
    printf '\n### %s: %s pictures, %s MB, into %s pixels, blur %s\n\n' "$(basename "$folder")" "$files" "$megabytes" "$size" "$blur"
    tell
done
