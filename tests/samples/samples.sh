#!/bin/sh
# What the tutorial's programs print, with shortened times.
# usage: samples.sh CASE      with
#     SAMPLES       the folder of the programs
#     MAKE_IMAGES   the maker of test pictures
# Exits 77 where a case cannot be told here.
set -u
: "${SAMPLES:?}" "${MAKE_IMAGES:?}"
work=$(mktemp -d "${TMPDIR:-/tmp}/thumbpool-samples-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
bad=0

fail() {
    echo "FAILED: $*" >&2
    bad=1
}

# run CODE PROGRAM ARGUMENT...: it must exit with CODE; its output is kept in out and err
run() {
    wanted=$1
    program=$2
    shift 2
    code=0
    "$SAMPLES/$program" "$@" >out 2>err || code=$?
    [ $code = "$wanted" ] || { fail "$program exits with $code, not $wanted"; cat err >&2; }
}

# prints LINE...: the output is these lines, in this order
prints() {
    printf '%s\n' "$@" >wanted
    diff wanted out >diff || { fail 'other lines than wanted (<):'; cat diff >&2; }
}

# took LEAST BELOW: seconds that it took by its own last line; the line is taken off. No tight race.
took() {
    seconds=$(sed -n '$s/.*[^0-9.]\([0-9][0-9.]*\)\( s\)\{0,1\}$/\1/p' out)
    awk -v s="$seconds" -v least="$1" -v below="$2" 'BEGIN { exit !(s >= least && s < below) }' ||
        fail "took \"$seconds\" s, not $1 to $2"
    sed -i '$d' out
}

# sorted: the lines of two processes at a time are compared without their order
sorted() {
    LC_ALL=C sort -o out out
}

# named: process numbers become N, as far as they are numbers
named() {
    sed -i 's/^[0-9][0-9]* \* /N * /' out
}

case_cpu_count() {
    run 0 01_cpu_count
    sed -n 's/^Number of cpu : \([0-9]*\)$/\1/p' out >count
    [ "$(cat count)" -ge 1 ] && [ "$(cat count)" -le "$(sed -n 's/^of the host : //p' out)" ] ||
        fail "$(cat out)"
}

case_sequential() {
    run 0 02_sequential 0.05
    took 0.4 60
    prints 'square: 4' 'square: 9' 'square: 64' 'square: 81' 'cube: 8' 'cube: 27' 'cube: 512' 'cube: 729'
}

# Half of the eight steps, and in any case less than all of them.
case_process() {
    run 0 03_process 0.3
    took 1.2 2.4
    grep square out >squares
    grep cube out >cubes
    cat squares cubes >out
    prints 'square: 4' 'square: 9' 'square: 64' 'square: 81' 'cube: 8' 'cube: 27' 'cube: 512' 'cube: 729'
}

case_queue() {
    run 0 04_queue
    prints 'pushing items to queue:' 'item no: 1 red' 'item no: 2 green' 'item no: 3 blue' \
        'item no: 4 black' '' 'popping items from queue:' 'item no: 0 red' 'item no: 1 green' \
        'item no: 2 blue' 'item no: 3 black'
}

case_queue_process() {
    run 0 05_queue_process
    prints 0 2 4 6 8
}

case_lock() {
    run 0 06_lock
    [ "$(grep -cx 'Final balance = 100' out)" = 10 ] && [ "$(wc -l <out)" = 10 ] || fail "$(cat out)"
}

# Both lose some of the other's transactions; how many, nobody knows.
case_no_lock() {
    run 0 06_lock --no-lock
    [ "$(grep -c '^Final balance = -\{0,1\}[0-9]*$' out)" = 10 ] && [ "$(wc -l <out)" = 10 ] || fail "$(cat out)"
    grep -vqx 'Final balance = 100' out || fail 'no balance is wrong without the lock'
}

# A runs from 0 to 5, B to 2, C on the other worker to 3, D there to 6.
case_pool() {
    run 0 07_pool 0.2
    took 1.2 60
    sed -n 's/^Process \(.\) finished\.$/\1/p' out | tr -d '\n' >order
    [ "$(cat order)" = BCAD ] || fail "finished in the order of $(cat order)"
    sorted
    prints 'Process A finished.' 'Process A waiting 5 seconds' 'Process B finished.' \
        'Process B waiting 2 seconds' 'Process C finished.' 'Process C waiting 1 seconds' \
        'Process D finished.' 'Process D waiting 3 seconds' 'Results: ABCD'
}

case_executor() {
    mkdir good bad
    "$MAKE_IMAGES" good good
    "$MAKE_IMAGES" bad bad
    broken=$(find bad -name '*.jpg' -size +0 | LC_ALL=C sort | head -1)
    run 1 08_executor good/a/baseline.jpg "$broken" good/b/alpha.png
    took 0 60
    grep -qx 'good/a/baseline.jpg was processed' out && grep -qx 'good/b/alpha.png was processed' out &&
        grep -q "^$broken failed: ..*" out || fail "$(cat out)"
    [ -s thumbs/baseline.jpg ] && [ -s thumbs/alpha.png ] || fail 'a thumbnail is missing'
}

# two PROCESS THREAD PROCESS THREAD WHAT: the four lines of two calls, in any order
two() {
    named
    sorted
    printf 'N * %s * %s ---> %s\n' "$1" "$2" "Start $5..." "$1" "$2" "Finished $5..." \
        "$3" "$4" "Start $5..." "$3" "$4" "Finished $5..." | LC_ALL=C sort >wanted
    diff wanted out >diff || { fail 'other lines than wanted (<):'; cat diff >&2; }
}

case_io_sequential() {
    run 0 09_io_sequential 0.2
    took 0.4 60
    two MainProcess MainThread MainProcess MainThread sleeping
}

case_io_threads() {
    run 0 10_io_threads 1
    took 1 2
    two MainProcess Thread-1 MainProcess Thread-2 sleeping
}

case_io_processes() {
    run 0 11_io_processes 1
    took 1 2
    two Process-1 MainThread Process-2 MainThread sleeping
}

case_cpu_sequential() {
    run 0 12_cpu_sequential 1000000
    took 0 60
    two MainProcess MainThread MainProcess MainThread counting
}

case_cpu_threads() {
    run 0 13_cpu_threads 1000000
    took 0 60
    two MainProcess Thread-1 MainProcess Thread-2 counting
}

case_cpu_processes() {
    run 0 14_cpu_processes 1000000
    took 0 60
    two Process-1 MainThread Process-2 MainThread counting
}

# begun PROCESS: waits until its first line is there, and tells its number
begun() {
    while kill -0 $sample 2>/dev/null; do
        number=$(sed -n "s/^\([0-9]*\) \* $1 \* .*Start.*/\1/p" out)
        [ -z "$number" ] || { echo "$number"; return; }
        sleep 0.05
    done
}

# A child that dies is told of, with its signal, and by the exit code.
case_child_killed() {
    "$SAMPLES/11_io_processes" 60 >out 2>err &
    sample=$!
    child=$(begun Process-1)
    other=$(begun Process-2)
    kill -KILL "$child"
    kill -TERM "$other"
    code=0
    wait $sample || code=$?
    [ $code = 1 ] || fail "exits with $code, not 1"
    grep -qx 'Process-1 was killed by signal 9' err && grep -qx 'Process-2 was killed by signal 15' err ||
        fail "$(cat err)"
}

# cpu_ms COUNT: processor time of counting down, milliseconds
cpu_ms() {
    sh -c '"$1" "$2" >/dev/null; times' sh "$SAMPLES/12_cpu_sequential" "$1" |
        awk 'END { split($1, t, /[ms]/); print int((t[1] * 60 + t[2]) * 1000) }'
}

# The compiler has left the loop alone: ten times the count takes much more than four times as long.
case_count_counts() {
    few=$(cpu_ms 100000000)
    many=$(cpu_ms 1000000000)
    [ "$few" -ge 10 ] && [ "$many" -ge $((few * 4)) ] || fail "$few ms, then $many ms"
}

"case_$1"
exit $bad
