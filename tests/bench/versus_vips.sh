#!/bin/sh
# thumbpool against vipsthumbnail on one folder, in turn, so that a drifting machine hurts both alike.
# usage: versus_vips.sh THUMBPOOL FOLDER [ROUNDS]
# Both use two processes, a box of 256, and a tmpfs for their outputs. vipsthumbnail gets half of the
# files a process, one thread each, and no blur, which it cannot do; thumbpool blurs.
set -eu
program=$1
folder=$2
rounds=${3:-7}
out=$(mktemp -d /dev/shm/thumbpool-bench-XXXXXX)
trap 'rm -rf "$out"' EXIT
files=$(find "$folder" -type f | wc -l)
half=$(((files + 1) / 2))

now() { date +%s%N; }

vips() {
    find "$folder" -type f -print0 |
        VIPS_CONCURRENCY=1 xargs -0 -P2 -n"$half" vipsthumbnail -s 256 -o "$out/vips/%s.jpg"
}
ours() { "$program" -s 256 -j 2 -o "$out/ours" --quiet "$folder"; }

# median FILE
median() { sort -n "$1" | awk '{a[NR] = $1} END {print a[int((NR + 1) / 2)]}'; }

round=0
while [ $round -le "$rounds" ]; do
    rm -rf "$out/vips" "$out/ours"
    mkdir "$out/vips"
    a=$(now); ours; b=$(now); vips >/dev/null 2>&1; c=$(now)
    # The first round warms up and does not count.
    [ $round -eq 0 ] || awk -v o=$((b - a)) -v v=$((c - b)) 'BEGIN {printf "%.6f %.6f %.4f\n", o / 1e9, v / 1e9, v / o}' >>"$out/times"
    round=$((round + 1))
done
cut -d' ' -f1 "$out/times" >"$out/ours.s"
cut -d' ' -f2 "$out/times" >"$out/vips.s"
cut -d' ' -f3 "$out/times" >"$out/ratio"
printf '%s: %d files, %d rounds in turn\n' "$folder" "$files" "$rounds"
printf '  thumbpool      median %.3f s\n' "$(median "$out/ours.s")"
printf '  vipsthumbnail  median %.3f s\n' "$(median "$out/vips.s")"
printf '  ratio          median %.2f, from %.2f to %.2f\n' "$(median "$out/ratio")" \
    "$(sort -n "$out/ratio" | head -1)" "$(sort -n "$out/ratio" | tail -1)"
