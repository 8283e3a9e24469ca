#!/bin/sh
# Builds with sanitizers and runs the tests.
# usage: sh tests/run.sh [--all] [CTEST-OPTION...]
#     --all   what needs more, too: the release build, clang, valgrind, another user, the samples
set -eu
cd "$(dirname "$0")/.."
. samples/setup.sh

all=
[ "${1:-}" != --all ] || { all=1; shift; }
# shellcheck disable=SC2086 # lists of words
packages_need $packages_base libcmocka-dev
[ -z "$all" ] || packages_need clang clang-format valgrind strace libglib2.0-bin util-linux python3-pil python3-numpy \
    libclang-rt-dev g++ groff-base

jobs=$(nproc)

# suite NAME CMAKE-OPTION... -- CTEST-OPTION...: configures, builds and tests one build folder
suite() {
    name=$1
    shift
    options=
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        options="$options $1"
        shift
    done
    [ $# -eq 0 ] || shift
    printf '\n== %s\n' "$name"
    # shellcheck disable=SC2086
    cmake -G Ninja -S . -B "build/$name" $options >/dev/null
    build_quietly "build/$name"
    ctest --test-dir "build/$name" --output-on-failure -j "$jobs" "$@"
}

suite asan --preset asan -- "$@"
[ -n "$all" ] || exit 0
sh tests/all.sh
