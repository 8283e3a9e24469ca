#!/bin/sh
# What tests/run.sh --all adds: the release build, clang, another user, valgrind, the samples, formatting
# and the comparison with Pillow. Called by tests/run.sh, which has installed what it takes.
set -eu
cd "$(dirname "$0")/.."
. samples/setup.sh
jobs=$(nproc)

step() { printf '\n== %s\n' "$*"; }

# build NAME OPTION...
build() {
    name=$1
    shift
    cmake -G Ninja -S . -B "build/$name" "$@" >/dev/null
    build_quietly "build/$name"
}

# suite NAME CTEST-OPTION...
suite() {
    name=$1
    shift
    ctest --test-dir "build/$name" --output-on-failure -j "$jobs" "$@"
}

step 'release'
build release --preset release
PICTURES=400 suite release

step 'clang, address and undefined-behaviour sanitizers'
build clang --preset asan -DCMAKE_C_COMPILER=clang
suite clang

step 'as another user'
if [ "$(id -u)" = 0 ]; then
    copy=$(mktemp -d)
    trap 'rm -rf "$copy"' EXIT
    chmod 755 "$copy"
    TMPDIR=$copy/tmp
    mkdir -m 1777 "$TMPDIR"
    export TMPDIR
    # The build folder belongs to root: ctest keeps its log where this user may write.
    setpriv --reuid=65534 --regid=65534 --clear-groups \
        ctest --test-dir build/release -j "$jobs" --output-on-failure --output-log "$TMPDIR/log" \
        -E 'fuzz|layers'
else
    echo 'skipped: this is another user already'
fi

step 'valgrind'
# In libjpeg's SIMD code valgrind sees uninitialised values where there are none.
JSIMD_FORCENONE=1 ctest --test-dir build/release -j "$jobs" --output-on-failure -T memcheck \
    -R '^(mproc|batch)/(executor|crash|process|run)$|^image/(thumbnail|jpeg|png)$'

step 'formatting'
find src samples tests -name '*.[ch]' -print0 | xargs -0 clang-format-14 --dry-run --Werror

step 'the samples'
sh samples/run.sh

step 'the same pixels as the tutorial, within limits'
build/release/samples/make_photos build/photos
/usr/bin/python3 tests/image/compare_pillow.py build/release/thumbpool build/photos/2023 \
    build/photos/2024 build/photos/art
