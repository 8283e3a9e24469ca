#!/bin/bash
# What small files that ask for much cost (tests/support/make_bombs.c): a table of each with the time in its
# worker, the memory beyond that of a harmless picture of its kind, and what became of it.
#
# usage: bombs.sh [--memory SIZE] THUMBPOOL MAKE_BOMBS
# One worker, one picture a run; of each figure the least of three runs counts. Memory is the largest process's
# peak, so what is not larger than the program itself reads as 0.
set -eu
export LC_ALL=C
memory=256M
if [[ ${1-} == --memory ]]; then
    memory=$2
    shift 2
fi
[ $# -eq 2 ] || { sed -n '5s/^# //p' "$0" >&2; exit 2; }
work=$(mktemp -d /dev/shm/thumbpool-bombs-XXXXXX 2>/dev/null) || work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$2" "$work/bombs"

number() { # NAME: of the report
    sed -n 's/.*"'"$1"'":\([0-9.]*\).*/\1/p' "$work/report" | sort -g | tail -n 1
}

# measure FILE: ms, peak and verdict of a picture
measure() {
    ms= peak=
    for _ in 1 2 3; do
        rm -rf "$work/out"
        timeout 120 "$program" -j 1 --quiet --max-memory "$memory" -o "$work/out" --report "$work/report" "$1" 2>/dev/null || :
        now=$(number total) kib=$(number peak_rss_bytes)
        if [ -z "$ms" ] || [ "$(printf '%s\n' "$now" "$ms" | sort -g | head -n 1)" != "$ms" ]; then ms=$now; fi
        if [ -z "$peak" ] || [ "$kib" -lt "$peak" ]; then peak=$kib; fi
    done
    verdict=$(sed -n '/"type":"result"/s/.*"code":"\([a-z]*\)".*/\1/p' "$work/report")
}

program=$1
declare -A base
for file in "$work"/bombs/base-*; do
    measure "$file"
    kind=${file##*/base-}
    base[${kind%.*}]=$peak
done
base[avif]=${base[webp]}
printf '%-32s %10s %9s %8s  %s\n' file bytes ms MB verdict
for file in "$work"/bombs/*; do
    name=${file##*/}
    [[ $name != base-* ]] || continue
    measure "$file"
    kind=${name#*-}
    kind=${kind%%[-.]*}
    printf '%-32s %10d %9.1f %8.1f  %s\n' "${name#*-}" "$(stat -c %s "$file")" "${ms:-0}" \
        "$(((peak - ${base[$kind]:-${base[png]}}) / 100000))e-1" "${verdict:-made}"
done
