#!/bin/sh
# The slow half of the tests, by hand or at night: storms of kills, dead parents, and the fuzz targets.
# usage: sh tests/long.sh [KILLS] [FUZZ-SECONDS]      100000 and 600 unless said otherwise
# PHOTOS may name folders of photos, over which half of the kills go.
set -eu
kills=${1:-100000}
seconds=${2:-600}
cd "$(dirname "$0")/.."
. samples/setup.sh
# shellcheck disable=SC2086 # a list of words
packages_need $packages_base libcmocka-dev clang libclang-rt-14-dev

step() { printf '\n== %s\n' "$*"; }

cmake -G Ninja -S . -B build/release --preset release >/dev/null
build_quietly build/release
tests=build/release/tests
export THUMBPOOL="$PWD/build/release/thumbpool" MAKE_IMAGES="$PWD/$tests/support/make_images" \
    KILLER="$PWD/$tests/support/killer" FAULTS="$PWD/$tests/faults/thumbpool-faults"

step "the library: $kills workers killed"
STORM_KILLS=$kills $tests/mproc/test_mproc_storm
step 'workers that scribble over all that they share, for ten minutes'
SCRIBBLE_SECONDS=${SCRIBBLE_SECONDS:-200} $tests/mproc/test_mproc_scribble
step 'users of each lock, queue and pipe killed, 10000 times'
KILLS=10000 $tests/mproc/test_mproc_killed_users
step 'parents killed: how long their workers live on'
ORPHAN_ROUNDS=1000 $tests/mproc/test_mproc_orphans
step 'a million jobs: what they cost in memory'
$tests/bench/bench_memory
MPROC_LONG=1 $tests/mproc/test_mproc_life

step "the program: $kills workers killed over pictures"
half=0
[ -z "${PHOTOS:-}" ] || half=$((kills / 2))
PHOTOS= KILLS=$((kills - half)) sh tests/cli/storm.sh
[ $half = 0 ] || KILLS=$half sh tests/cli/storm.sh
step 'the program, with the default of one new attempt'
PICTURES=2000 sh tests/cli/kills.sh
step 'the program killed at 200 moments'
MOMENTS=200 sh tests/cli/parent_kills.sh

step 'each system call of the parent fails, one a run'
SWEEP=full sh tests/cli/sweep.sh || [ $? = 77 ]
step 'each request of the parent for memory fails, one a run, and every fault point with each action'
SWEEP=full sh tests/cli/trouble.sh
LONG=1 sh tests/cli/faults.sh

step "fuzz targets, $seconds s of a processor each"
JOBS=$(nproc) sh tests/fuzz/run.sh "$seconds"
