#!/bin/bash
# thumbpool beside its peers on folders of photos, in turn, so that a drifting machine hurts all alike.
#
# usage: peers.sh [OPTION]... THUMBPOOL [OPTION]... FOLDER [[OPTION]... FOLDER]...
#   --size S          box, pixels (256)             --jobs N        workers (the processors here)
#   --blur SIGMA      of thumbpool and the tutorial (2); 0 is none
#   --peers-blur      the others blur the source, too: by the same sigma
#   --times N         take each file so many times over, so that a run is long enough (1)
#   --rounds N        that count; one more before them warms up and is checked (7)
#   --cold            drop the page cache before every run; needs the right to
#   --only NAME,...   some of: thumbpool tutorial draft vipsthumbnail mogrify sharp djpeg
#   --json F          in hyperfine's schema         --markdown F    what is printed, too
# Size, blur, --peers-blur and --times hold for the folders after them. All JPEGs and PNGs of a folder are
# taken; outputs are JPEG, PNG where all inputs are, and lie on a tmpfs.
#
# The same for all: quality 75, 4:2:0, no metadata, orientation applied, nothing enlarged. A peer that does not
# make every thumbnail of the size that thumbpool makes is named and gets no time. A peer that is not
# installed is left out; without sharp, which tests/bench/peers_setup.sh installs, there are no ratios,
# because they would flatter.
# Exits 0, 1 when somebody failed, 2 for wrong usage.
# shellcheck disable=SC2015,SC2016 # a && b || c is meant so; names in quotes are for the command lines
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
. "$here/gather.sh"
PEERS=${THUMBPOOL_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/thumbpool-peers}
THUMBPOOL=
export PEERS THUMBPOOL
all='thumbpool tutorial draft vipsthumbnail mogrify sharp djpeg'
rounds=7 size=256 blur=2 peers_blur=no times=1 jobs=$(nproc) cold=no only=$all json='' markdown=''
folders=() settings=()

usage() {
    echo "peers.sh: $1" >&2
    sed -n '4,13s/^# //p' "$0" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case $1 in
    --peers-blur) peers_blur=yes ;;
    --cold) cold=yes ;;
    --rounds | --size | --blur | --times | --jobs)
        [[ ${2-} =~ ^[0-9]+([.][0-9]+)?$ ]] || usage "$1 needs a number"
        printf -v "${1#--}" %s "$2" && shift ;;
    --only | --json | --markdown)
        [ -n "${2-}" ] || usage "$1 needs a value"
        printf -v "${1#--}" %s "$2" && shift ;;
    -*) usage "unknown option $1" ;;
    *)
        if [ -z "$THUMBPOOL" ]; then
            THUMBPOOL=$(command -v "$1") || usage "$1 is no program"
        else
            [ -d "$1" ] || usage "$1 is no folder"
            folders+=("$1") settings+=("$size $blur $peers_blur $times")
        fi ;;
    esac
    shift
done
only=${only//,/ }
for name in $only; do
    [[ " $all " == *" $name "* ]] || usage "no peer is called $name"
done
[[ $rounds$jobs =~ ^[0-9]+$ ]] && [ "$rounds" -gt 0 ] && [ "$jobs" -gt 0 ] || usage 'nothing to do'
[ ${#folders[@]} -gt 0 ] || usage 'no folder given'
[[ " $only " == *' thumbpool '* ]] || usage 'thumbpool is the one the others are compared with'

work=$(mktemp -d) # names of the inputs, and notes
out=$(mktemp -d /dev/shm/thumbpool-peers-XXXXXX 2>/dev/null) || out=$(mktemp -d)
trap 'rm -rf "$work" "$out"' EXIT
trap 'exit 130' INT TERM
export IN=$work/in LIST=$work/list OUT
failed=0

# ---- Who is here ----------------------------------------------------------------------------------

PYTHON=
for python in python3 /usr/bin/python3; do
    [ -n "$PYTHON" ] || ! "$python" -c 'import PIL' 2>/dev/null || PYTHON=$python
done
[ -n "$PYTHON" ] || command -v identify >/dev/null || command -v vipsheader >/dev/null || {
    echo 'peers.sh: needs Pillow, ImageMagick or libvips to look at thumbnails' >&2
    exit 2
}
PEERS_PY=$here/peers.py SHARP_MJS=$here/sharp.mjs
export PYTHON PEERS_PY SHARP_MJS

# version_of NAME: what stands behind a peer's name; fails when it is not here.
version_of() {
    case $1 in
    thumbpool) "$THUMBPOOL" --version | paste -sd' ' | sed 's/^thumbpool //; s/ built with /, /' ;;
    tutorial | draft)
        [ -n "$PYTHON" ] && "$PYTHON" -c 'import sys, PIL
print("Python", sys.version.split()[0] + ", Pillow", PIL.__version__)' ;;
    vipsthumbnail) vipsthumbnail --vips-version ;;
    mogrify) mogrify -version | sed -n '1s/.*\(ImageMagick [^ ]*\).*/\1/p' ;;
    sharp)
        node -e 'const v = require(process.env.PEERS + "/node_modules/sharp").versions
console.log("sharp " + v.sharp + ", libvips " + v.vips + ", node " + process.versions.node)' ;;
    djpeg) ! command -v djpeg >/dev/null || djpeg -version 2>&1 </dev/null | head -1 ;;
    esac 2>/dev/null
}

here_are='' missing=''
for name in $all; do
    [[ " $only " == *" $name "* ]] || continue
    if version_of "$name" >"$work/version.$name" && [ -s "$work/version.$name" ]; then
        here_are="$here_are $name"
    else
        missing="$missing $name"
    fi
done
[[ $here_are == *thumbpool* ]] || usage "$THUMBPOOL does not tell its version"
[[ $here_are == *sharp* ]] && have_sharp=yes || have_sharp=no

# ---- What they do ---------------------------------------------------------------------------------

# command_of NAME: the command line, which finds its inputs in $IN and $LIST. Fails where there is none.
command_of() {
    local each="xargs -0 -P $jobs -n $(((files + jobs - 1) / jobs))" blurred='' other=0
    [ "$peers_blur" = no ] || other=$blur
    case $1 in
    thumbpool)
        printf '"$THUMBPOOL" --quiet -j %s -s %s -b %s -f %s -o "$OUT" "$IN"' "$jobs" "$size" "$blur" "$format" ;;
    tutorial) printf '"$PYTHON" "$PEERS_PY" "$LIST" "$OUT" %s %s %s %s' "$extension" "$size" "$jobs" "$blur" ;;
    draft) printf '%s draft' "$(command_of tutorial)" ;;
    vipsthumbnail)
        [ "$peers_blur" = no ] || return 1
        printf 'VIPS_CONCURRENCY=1 %s vipsthumbnail -s "%sx%s>" -e srgb -o "$OUT/%%s.%s" <"$LIST"' "$each" \
            "$size" "$size" "${extension}[strip$([ "$extension" = png ] || echo ,Q=75)]" ;;
    mogrify)
        blurred="-define jpeg:size=$((2 * size))x$((2 * size))"
        [ "$peers_blur" = no ] || blurred="-blur 0x$blur"
        printf 'MAGICK_THREAD_LIMIT=1 %s mogrify -path "$OUT" -format %s %s -auto-orient -thumbnail "%sx%s>" -strip' \
            "$each" "$extension" "$blurred" "$size" "$size"
        [ "$extension" = png ] || printf ' -quality 75 -sampling-factor 4:2:0'
        printf ' <"$LIST"' ;;
    sharp)
        printf 'UV_THREADPOOL_SIZE=%s node "$SHARP_MJS" "$LIST" "$OUT" %s %s %s %s' "$jobs" "$extension" \
            "$size" $((jobs + 1)) "$other" ;;
    djpeg)
        [ "$jpegs" = "$files" ] || return 1
        printf 'xargs -0 -P %s -n 1 djpeg -scale 1/8 -outfile /dev/null <"$LIST"' "$jobs" ;;
    esac
}

# What makes a peer's work not quite ours, in words.
remark_of() {
    case $1 in
    tutorial) printf 'blurs by sigma %s; colours are not converted' "$blur" ;;
    draft) printf 'the same behind %s, with the sigma in proportion' '`draft`' ;;
    vipsthumbnail) [ "$peers_blur" = yes ] && printf 'left out: it cannot blur' || printf 'no blur' ;;
    mogrify) [ "$peers_blur" = yes ] && printf 'blurs the source' || printf 'no blur'
        printf '; colours are not converted' ;;
    sharp) [ "$peers_blur" = yes ] && printf 'blurs the source' || printf 'no blur' ;;
    djpeg) [ "$jpegs" = "$files" ] && printf 'the floor: decodes at 1/8, makes no thumbnail' ||
        printf 'left out: not all are JPEG' ;;
    thumbpool) printf 'blurs by sigma %s' "$blur" ;;
    esac
}

# ---- Measuring ------------------------------------------------------------------------------------

cache_drop() {
    [ "$cold" = yes ] || return 0
    sync
    echo 3 >/proc/sys/vm/drop_caches || exit 1
}

# run NAME: its thumbnails in $OUT; adds "SECONDS USER SYSTEM" to its times. Fails when it or its count does.
run() {
    local begin cpu status
    OUT=$out/$1
    rm -rf "$OUT"
    mkdir "$OUT"
    cache_drop
    TIMEFORMAT='%3U %3S'
    begin=${EPOCHREALTIME/./}
    { time bash "$work/command.$1" >"$work/said.$1" 2>&1; status=$?; } 2>"$work/cpu"
    cpu=$(tail -1 "$work/cpu")
    awk -v us=$((${EPOCHREALTIME/./} - begin)) -v cpu="$cpu" 'BEGIN {printf "%.6f %s\n", us / 1e6, cpu}' >>"$work/times.$1"
    [ $status = 0 ] || { complain "$1" "it ended with status $status: $(tail -1 "$work/said.$1")"; return 1; }
    [ "$1" = djpeg ] || [ "$(find "$OUT" -name "0*.$extension" -size +0 | wc -l)" = $files ] ||
        { complain "$1" "it did not make all thumbnails"; return 1; }
}

complain() {
    echo "$1: $2" >>"$work/complaints"
    printf 'peers.sh: %s: %s: %s\n' "$folder" "$1" "$2" >&2
    failed=1
}

# sizes FOLDER: "WIDTH HEIGHT" of up to nine of its thumbnails.
sizes() {
    local names
    names=$(find "$1" -name "0*.$extension" | sort | awk -v n="$files" 'NR % int((n + 8) / 9) == 0 || NR == 1')
    # shellcheck disable=SC2086 # numbers, all of them
    if [ -n "$PYTHON" ]; then
        "$PYTHON" -c 'import sys
from PIL import Image
for name in sys.argv[1:]:
    print(*Image.open(name).size)' $names
    elif command -v identify >/dev/null; then
        identify -format '%w %h\n' $names
    else
        for name in $names; do echo "$(vipsheader -f width "$name") $(vipsheader -f height "$name")"; done
    fi 2>/dev/null
}

# Compares a peer's sizes with ours, which must be there: a pixel is a matter of rounding.
sizes_check() {
    [ "$1" != djpeg ] || return 0
    sizes "$out/$1" >"$work/sizes.$1"
    paste -d' ' "$work/sizes.thumbpool" "$work/sizes.$1" | awk -v box="$size" '
        function off(a, b) { return a - b > 1 || b - a > 1 }
        NF != 4 || off($1, $3) || off($2, $4) || $3 > box || $4 > box || $3 < 1 || $4 < 1 { bad = 1 }
        END { exit bad || NR == 0 }' || { complain "$1" 'its thumbnails have the wrong size'; return 1; }
}

# One round; names in $1, shifted so that each comes first in its turn.
round() {
    local names=("$@") good='' i name
    for ((i = 0; i < ${#names[@]}; i++)); do
        name=${names[(i + number) % ${#names[@]}]}
        run "$name" && good="$good $name"
        [ $number = 0 ] || rm -rf "${out:?}/$name"
    done
    present=''
    for name in "$@"; do [[ " $good " != *" $name "* ]] || present="$present $name"; done
}

# All rounds over one folder. Leaves times.NAME, of those who made everything every time.
measure() {
    local name
    rm -f "$work"/times.* "$work"/command.* "$work/complaints"
    present=''
    for name in $here_are; do
        command_of "$name" >"$work/command.$name" && present="$present $name" || rm "$work/command.$name"
    done
    for ((number = 0; number <= rounds; number++)); do
        # shellcheck disable=SC2086
        round $present
        [ $number = 0 ] || continue
        rm -f "$work"/times.*
        [[ $present == *thumbpool* ]] || return 1
        sizes "$out/thumbpool" >"$work/sizes.thumbpool"
        for name in $present; do sizes_check "$name" || present=${present/ $name/}; done
        rm -rf "${out:?}"/*
    done
    for name in $here_are; do [[ " $present " == *" $name "* ]] || rm -f "$work/times.$name"; done
    [ -e "$work/times.thumbpool" ]
}

# ---- Telling --------------------------------------------------------------------------------------

# row NAME: a line of the folder's table.
row() {
    paste -d' ' "$work/times.thumbpool" "$work/times.$1" | awk -v name="$1" -v files="$files" -v ratios="$have_sharp" \
        -v remark="$(remark_of "$1")" '
        function median(a, n) { sort(a, n); return (a[int((n + 1) / 2)] + a[int(n / 2) + 1]) / 2 }
        function sort(a, n,    i, j, x) {
            for (i = 2; i <= n; i++) {
                x = a[i]
                for (j = i - 1; j > 0 && a[j] > x; j--) a[j + 1] = a[j]
                a[j + 1] = x
            }
        }
        { ours[NR] = $1; theirs[NR] = $4; ratio[NR] = $4 / $1; cpu += $5 + $6; our_cpu += $2 + $3 + 1e-6 }
        END {
            m = median(theirs, NR)
            sort(ratio, NR)
            shown = "| |"
            if (ratios == "yes")
                shown = sprintf("%.2f | %.2f to %.2f | %.2f", m / median(ours, NR), ratio[1], ratio[NR], cpu / our_cpu)
            printf "| %s | %.3f | %.3f | %.1f | %.2f | %s | %s |\n", name, m, theirs[1], files / m, cpu / NR, shown, remark
        }'
}

tell_folder() {
    local name
    printf '\n### %s: %s pictures, %s MB, into %s pixels' "$(basename "$folder")" "$files" "$megabytes" "$size"
    [ "$times" = 1 ] || printf ', each file %s times over' "$times"
    [ "$peers_blur" = no ] || printf ', everybody blurs the source by sigma %s' "$blur"
    printf '\n\n| | median, s | least, s | pictures/s | CPU, s | times thumbpool | from round to round | times its CPU | |\n'
    printf '|---|--:|--:|--:|--:|--:|--:|--:|---|\n'
    for name in $here_are; do
        if [ -e "$work/times.$name" ]; then
            row "$name"
        else
            printf '| %s | | | | | | | | %s |\n' "$name" \
                "$({ grep -s "^$name: " "$work/complaints" || remark_of "$name"; } | head -1 | sed "s/^$name: //; s/|/ /g")"
        fi
    done
    printf '\n```sh\n'
    for name in $here_are; do [ ! -e "$work/command.$name" ] || printf '%s\n' "$(cat "$work/command.$name")"; done
    printf '```\n'
}

tell_machine() {
    local name
    printf '## thumbpool beside its peers\n\n%s; %s. ' "$(machine)" \
        "$([ "$cold" = yes ] && echo 'page cache dropped before every run' || echo 'files in the page cache')"
    printf '%s workers; %s round(s) in turn after one that warms up; outputs on %s, removed between runs. ' "$jobs" \
        "$rounds" "$(stat -f -c %T "$out")"
    printf 'The same for all: quality 75, 4:2:0, no metadata, orientation applied, nothing enlarged.\n\n'
    for name in $here_are; do printf -- '- %s: %s\n' "$name" "$(cat "$work/version.$name")"; done
    [ -z "$missing" ] || printf -- '- left out, because not installed:%s\n' "$missing"
    [ "$have_sharp" = yes ] || printf '\nNo ratios are given: sharp, most often the fastest peer, was not timed.\n'
}

# One result in hyperfine's schema.
json_result() {
    local command
    command=$(sed 's/[\\"]/\\&/g' "$work/command.$1")
    awk -v command="${command//\\/\\\\}" -v peer="$1" -v folder="$(basename "$folder" | sed 's/[\\"]/_/g')" -v size="$size" \
        -v blur="$blur" -v all="$peers_blur" -v jobs="$jobs" -v files="$files" '
        { t[NR] = $1; list = list (NR > 1 ? "," : "") $1; codes = codes (NR > 1 ? ",0" : "0"); sum += $1; user += $2; sys += $3 }
        END {
            for (i = 2; i <= NR; i++) {
                x = t[i]
                for (j = i - 1; j > 0 && t[j] > x; j--) t[j + 1] = t[j]
                t[j + 1] = x
            }
            for (i = 1; i <= NR; i++) squares += (t[i] - sum / NR) ^ 2
            printf "{\"command\":\"%s\",\"mean\":%.9f,\"stddev\":%s,\"median\":%.9f,\"user\":%.9f,\"system\":%.9f,", command,
                sum / NR, (NR > 1 ? sprintf("%.9f", sqrt(squares / (NR - 1))) : "null"),
                (t[int((NR + 1) / 2)] + t[int(NR / 2) + 1]) / 2, user / NR, sys / NR
            printf "\"min\":%.9f,\"max\":%.9f,\"times\":[%s],\"exit_codes\":[%s],", t[1], t[NR], list, codes
            printf "\"parameters\":{\"peer\":\"%s\",\"folder\":\"%s\",\"files\":\"%s\",\"size\":\"%s\",\"blur\":\"%s\",", peer,
                folder, files, size, blur
            printf "\"peers_blur\":\"%s\",\"jobs\":\"%s\"}}\n", all, jobs
        }' "$work/times.$1"
}

tell_machine >"$work/page"
cat "$work/page"
for i in "${!folders[@]}"; do
    folder=${folders[i]}
    read -r size blur peers_blur times <<<"${settings[i]}"
    gather "$folder" "$times"
    [ "$cold" = no ] || [ "$(stat -f -c %T "$IN")" != tmpfs ] || usage '--cold needs TMPDIR on a disk'
    [ "$files" -gt 0 ] || usage "$folder has no JPEG and no PNG"
    extension=jpg format=jpeg
    [ "$jpegs" -gt 0 ] || extension=png format=png
    measure || failed=1
    tell_folder | tee -a "$work/page"
    for name in $here_are; do [ ! -e "$work/times.$name" ] || json_result "$name" >>"$work/results"; done
done
[ -z "$markdown" ] || cp "$work/page" "$markdown" || failed=1
[ -z "$json" ] || { echo '{"results":['; paste -sd, "$work/results" 2>/dev/null; echo ']}'; } >"$json" || failed=1
exit $failed
