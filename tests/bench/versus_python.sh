#!/bin/sh
# mproc against CPython's pools, case by case in turn, so that a drifting machine hurts both alike.
# usage: versus_python.sh BENCH_EXECUTOR [ROUNDS]      python3 is taken from PATH
# Prints medians per second and their ratio, then what mproc reaches of what the machine can do. Exits 1
# when one of them is below what is wanted.
set -eu
program=$1
rounds=${2:-3}
pools=$(dirname "$0")/pools.py
times=$(mktemp)
trap 'rm -f "$times"' EXIT

round=1
while [ "$round" -le "$rounds" ]; do
    for name in submit_result map map_auto queue lock process_start; do
        "$program" "$name" | sed 's/^/mproc\t/' >>"$times"
        python3 "$pools" "$name" | sed 's/^/python\t/' >>"$times"
    done
    "$program" round_trip raw_round_trip | sed 's/^/mproc\t/' >>"$times"
    python3 "$pools" round_trip | sed 's/^/python\t/' >>"$times"
    "$program" efficiency_1ms efficiency_100us | sed 's/^/mproc\t/' >>"$times"
    round=$((round + 1))
done

printf '%s, %s rounds in turn, %s processors, %s\n' "$(python3 --version)" "$rounds" "$(nproc)" \
    "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)"
sort -t"$(printf '\t')" -k1,1 -k2,2 -k3,3g "$times" | awk -F'\t' '
    { value[$1, $2, ++count[$1, $2]] = $3 }

    function median(who, name) {
        return value[who, name, int((count[who, name] + 1) / 2)]
    }

    function row(name, ours, theirs, share, wanted) {
        printf "%-18s %12s %12s %10.2f %8s  %s\n", name, ours, theirs, share, wanted,
            (share + 0 >= wanted + 0 ? "reached" : "MISSED")
        missed += share + 0 < wanted + 0
    }

    function against(name, wanted,    ours, theirs) {
        ours = median("mproc", name)
        theirs = median("python", name)
        row(name, sprintf("%d", ours), sprintf("%d", theirs), ours / theirs, wanted)
    }

    END {
        printf "%-18s %12s %12s %10s %8s\n", "per second", "mproc", "python", "ratio", "wanted"
        against("submit_result", 50)
        against("round_trip", 5)
        against("map", 10)
        against("map_auto", 1)
        against("queue", 6)
        against("lock", 5)
        against("process_start", 10)
        printf "\n%-18s %12s %12s %10s %8s\n", "of what can be", "mproc", "at best", "share", "wanted"
        row("round_trip", sprintf("%d", median("mproc", "round_trip")),
            sprintf("%d", median("mproc", "raw_round_trip")),
            median("mproc", "round_trip") / median("mproc", "raw_round_trip"), 0.67)
        row("efficiency_1ms", "", "", median("mproc", "efficiency_1ms"), 0.95)
        row("efficiency_100us", "", "", median("mproc", "efficiency_100us"), 0.80)
        exit missed > 0
    }'
