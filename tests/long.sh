#!/bin/sh
# The slow half of the tests, by hand or at night: storms of kills, dead parents, and the fuzz targets.
# usage: sh tests/long.sh [KILLS] [FUZZ-SECONDS]      100000 and 600 unless said otherwise
set -eu
kills=${1:-100000}
seconds=${2:-600}
cd "$(dirname "$0")/.."
. samples/setup.sh
# shellcheck disable=SC2086 # a list of words
packages_need $packages_base libcmocka-dev clang libclang-rt-14-dev

cmake -G Ninja -S . -B build/release --preset release >/dev/null
build_quietly build/release
echo "== $kills workers killed"
STORM_KILLS=$kills build/release/tests/mproc/test_mproc_storm
echo "== workers that scribble over all that they share, for ten minutes"
SCRIBBLE_SECONDS=${SCRIBBLE_SECONDS:-200} build/release/tests/mproc/test_mproc_scribble
echo "== users of each lock, queue and pipe killed, 10000 times"
KILLS=10000 build/release/tests/mproc/test_mproc_killed_users
echo "== parents killed: how long their workers live on"
ORPHAN_ROUNDS=1000 build/release/tests/mproc/test_mproc_orphans
echo "== a million jobs: what they cost in memory"
build/release/tests/bench/bench_memory
MPROC_LONG=1 build/release/tests/mproc/test_mproc_life
echo "== the program in a storm"
PICTURES=2000 THUMBPOOL=$PWD/build/release/thumbpool \
    MAKE_IMAGES=$PWD/build/release/tests/support/make_images sh tests/cli/kills.sh
echo "== each system call of the parent fails, one a run"
SWEEP=full THUMBPOOL=$PWD/build/release/thumbpool \
    MAKE_IMAGES=$PWD/build/release/tests/support/make_images sh tests/cli/sweep.sh || [ $? = 77 ]

cmake -G Ninja -S . -B build/fuzz --preset asan -DCMAKE_C_COMPILER=clang -DTHUMBPOOL_FUZZ=ON \
    -DCMAKE_C_FLAGS='-Werror -O1 -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all' >/dev/null
build_quietly build/fuzz
# Something to begin with: the pictures of the tests.
build/release/tests/support/make_images good build/seeds/good
build/release/tests/support/make_images bad build/seeds/bad 2>/dev/null || :
build/release/tests/support/make_images seeds build/seeds/eighth
build/release/thumbpool --quiet --force -s 16 -s 8 -o build/seeds/thumbs build/seeds/good build/seeds/bad 2>/dev/null || :
for target in build/fuzz/tests/fuzz/fuzz_*; do
    [ -x "$target" ] && [ -f "$target" ] || continue
    name=$(basename "$target")
    echo "== $name, $seconds s"
    mkdir -p "build/corpus/$name"
    case $name in
    fuzz_thumbnail | fuzz_png | fuzz_pngtext) find build/seeds -type f -readable -exec cp -f {} "build/corpus/$name" \; ;;
    fuzz_manifest) cp -f build/seeds/thumbs/.thumbpool.ndjson "build/corpus/$name/manifest" ;;
    fuzz_eighth) cp -f build/seeds/eighth/* "build/corpus/$name" ;;
    esac
    "$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 \
        -artifact_prefix=build/ "build/corpus/$name" >build/fuzz.log 2>&1 || {
        tail -40 build/fuzz.log >&2
        exit 1
    }
    tail -4 build/fuzz.log
done
