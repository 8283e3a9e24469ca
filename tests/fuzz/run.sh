#!/bin/sh
# Builds the fuzz targets and runs each for so much time of a processor, whatever else the machine does.
# usage: sh tests/fuzz/run.sh [--built] [SECONDS] [TARGET...]
#     --built   where to build, there is one that has the targets already: it is taken as it is
#     SECONDS   of CPU time for each target; 600 unless said otherwise
#     TARGET    large, thumbnail, … : of tests/fuzz/fuzz_TARGET.c; all unless said otherwise
# JOBS says how many run at a time (1), BUILD where to build (build/fuzz), CORPUS where the inputs are that
# were found, from which the next run goes on (build/corpus). They begin with pictures that the tests make.
# A target stops at its first finding, which is kept in CORPUS/findings. Exits 1 when there is one.
set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-build/fuzz}
corpus=${CORPUS:-build/corpus}
findings=$corpus/findings

# seeds NAME: what a target begins with
seeds() {
    case $1 in
    thumbnail | png | pngtext | kind) find "$corpus/seeds/good" "$corpus/seeds/bad" "$corpus/seeds/thumbs" -type f -size -64k ;;
    eighth | large) find "$corpus/seeds/eighth" -type f ;;
    manifest | reader) echo "$corpus/seeds/thumbs/.thumbpool.ndjson" ;;
    gif) find "$corpus/seeds/guests" -name '*.gif' ;;
    guests) find "$corpus/seeds/guests" -type f -size -32k ;;
    esac
}

# sow NAME: copies them; those of the large pictures get eight bytes in front that choose what is asked for
sow() {
    number=0
    mkdir -p "$corpus/$1" "$findings"
    seeds "$1" 2>/dev/null | LC_ALL=C sort | while read -r file; do
        number=$((number + 1))
        [ "$1" != large ] || tail -c 50 "$file" | head -c 8 >"$corpus/$1/seed-$number"
        [ "$1" = large ] || : >"$corpus/$1/seed-$number"
        cat "$file" >>"$corpus/$1/seed-$number"
    done
}

# spent: sets `used` to the seconds of CPU that the commands this shell waited for have taken. A shell of its
# own, as $(…) makes one, has waited for none.
spent() {
    times >"$log.times"
    used=$(sed -n '2s/[ms]/ /gp' "$log.times" | awk '{ printf "%d\n", ($1 + $3) * 60 + $2 + $4 }')
}

# target NAME [OPTION...]: one run of it
target() {
    name=$1
    shift
    case $name in
    large) set -- -max_len=8192 -timeout=120 "$@" ;;
    guests) set -- -detect_leaks=0 -max_len=32768 -timeout=120 "$@" ;; # GLib and x265 keep what they got
    *) set -- -timeout=30 "$@" ;;
    esac
    "$build/tests/fuzz/fuzz_$name" -rss_limit_mb=4096 -print_final_stats=1 \
        -artifact_prefix="$findings/$name-" "$@"
}

# Keeps no more inputs than it takes to reach the same code.
minimise() {
    rm -rf "$corpus/$1.new"
    mkdir "$corpus/$1.new"
    if target "$1" -merge=1 "$corpus/$1.new" "$corpus/$1" >"$log" 2>&1; then
        rm -rf "${corpus:?}/$1"
        mv "$corpus/$1.new" "$corpus/$1"
    else
        rm -rf "$corpus/$1.new"
    fi
}

# one SECONDS NAME: runs a target and prints its line of the table
one() {
    seconds=$1 name=$2 used=0 runs=0 cover=0 found=none
    log=$corpus/$name.log
    sow "$name"
    while [ "$used" -lt "$seconds" ] && [ "$found" = none ]; do
        # In libFuzzer's time, which is the clock's: again, until the processor's is up.
        target "$name" -max_total_time=$((seconds - used)) "$corpus/$name" >"$log" 2>&1 ||
            found=$(sed -n 's|.*Test unit written to .*/||p' "$log" | tail -n 1)
        : "${found:=it did not run}"
        spent
        runs=$((runs + $(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | grep . || echo 0)))
        cover=$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$log" | tail -n 1)
    done
    printf '%-12s %8s %12s %9s  %s\n' "$name" "$used" "$runs" "${cover:-0}" "$found"
    if [ "$found" != none ]; then
        tail -n 40 "$log" >&2
        return 1
    fi
    [ "$(find "$corpus/$name" -type f | wc -l)" -lt 500 ] || minimise "$name"
}

# The rest of this file is not for the runs of one target, which xargs starts.
if [ "${1:-}" = --one ]; then
    one "$2" "$3"
    exit
fi

built=
[ "${1:-}" != --built ] || { built=yes; shift; }
seconds=${1:-600}
[ $# -eq 0 ] || shift
if [ $# -eq 0 ]; then # the slow ones first
    set -- large guests $(ls tests/fuzz/fuzz_*.c | sed 's/.*fuzz_\(.*\)\.c/\1/' | grep -vxE 'large|guests')
fi
. samples/setup.sh
[ -n "$built" ] || cmake -G Ninja -S . -B "$build" --preset asan -DCMAKE_C_COMPILER=clang -DTHUMBPOOL_FUZZ=ON -DTHUMBPOOL_SAMPLES=OFF \
    -DCMAKE_C_FLAGS='-Werror -O2 -g1 -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all' >/dev/null
build_quietly "$build" --target fuzz
rm -rf "$corpus/seeds"
mkdir -p "$corpus/seeds"
"$build/tests/support/make_images" good "$corpus/seeds/good"
"$build/tests/support/make_images" bad "$corpus/seeds/bad" 2>/dev/null || :
"$build/tests/support/make_images" seeds "$corpus/seeds/eighth"
if [ -x "$build/tests/fuzz/make_guests" ]; then
    ASAN_OPTIONS=detect_leaks=0 "$build/tests/fuzz/make_guests" "$corpus/seeds/guests"
fi
"$build/thumbpool" --quiet --force -s 16 -s 8 -o "$corpus/seeds/thumbs" "$corpus/seeds/good" 2>/dev/null || :

printf '%-12s %8s %12s %9s  %s\n' target 'CPU s' executions coverage finding
code=0
for name; do
    [ -x "$build/tests/fuzz/fuzz_$name" ] || continue # without libvips there is one less
    echo "$name"
done | BUILD=$build CORPUS=$corpus xargs -P "${JOBS:-1}" -n 1 sh tests/fuzz/run.sh --one "$seconds" || code=1
exit $code
