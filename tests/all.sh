#!/bin/sh
# What tests/run.sh --all adds: the release build, clang, another user, valgrind, the samples, formatting
# and the comparison with Pillow. Called by tests/run.sh, which has installed what it takes.
set -eu
cd "$(dirname "$0")/.."
. samples/setup.sh
jobs=$(nproc)

step() { printf '\n== %s\n' "$*"; }

# Long ones, which two suites are enough for.
storms='^cli/(faults|sweep|storm|kills|parent_kills|scribble|memory|bombs)$'

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
# What is the same for every build has been run with the sanitizers.
PICTURES=400 suite release -E '^layers/'

step 'clang, address and undefined-behaviour sanitizers'
build clang --preset asan -DCMAKE_C_COMPILER=clang -DTHUMBPOOL_FUZZ=ON
suite clang -E "^layers/|nopidfd|$storms"

step 'the fuzz targets, in short'
BUILD=build/clang CORPUS=build/clang/corpus JOBS=$jobs sh tests/fuzz/run.sh --built 2

step 'the same bytes from both compilers, vector and scalar'
sh tests/image/same_bytes.sh build/same-bytes || [ $? = 77 ]

step 'as another user'
if [ "$(id -u)" = 0 ]; then
    # A copy of its own, which that user may read and write wherever this checkout lies.
    copy=$(mktemp -d)
    trap 'rm -rf "$copy"' EXIT
    tar cf - --exclude=./build --exclude=./samples/out --exclude=./.git . | tar xf - -C "$copy"
    mkdir "$copy/tmp"
    chown -R 65534:65534 "$copy"
    # shellcheck disable=SC2016 # expanded by the inner shell
    setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$copy/tmp" TMPDIR="$copy/tmp" sh -euc '
        cd "$1"
        . samples/setup.sh
        cmake -G Ninja -S . -B build/release --preset release >/dev/null
        build_quietly build/release
        ctest --test-dir build/release -j "$2" --output-on-failure -R "^(mproc|jail|batch|cli|install)/" -E "$3"' sh "$copy" "$jobs" "$storms"
else
    echo 'skipped: this is another user already'
fi

step 'valgrind'
# In libjpeg's SIMD code valgrind sees uninitialised values where there are none; pidfds it does not know.
for test in mproc_process mproc_executor mproc_crash mproc_map mproc_lock mproc_semaphore mproc_queue \
    batch_run image_jpeg image_png image_thumbnail; do
    echo "$test"
    MP_NO_PIDFD=1 JSIMD_FORCENONE=1 timeout 300 valgrind -q --error-exitcode=9 --leak-check=full --child-silent-after-fork=yes \
        "build/release/tests/${test%%_*}/test_$test" >"build/valgrind.log" 2>&1 ||
        { cat build/valgrind.log >&2; exit 1; }
done

step 'threads, under the thread sanitizer'
cmake -G Ninja -S . -B build/tsan --preset asan -DCMAKE_C_COMPILER=clang -DTHUMBPOOL_SAMPLES=OFF \
    "-DCMAKE_C_FLAGS=-Werror -O1 -g -fsanitize=thread" >/dev/null
cmake --build build/tsan --target test_mproc_threads >/dev/null
build/tsan/tests/mproc/test_mproc_threads

step 'formatting'
if command -v clang-format-14 >/dev/null; then # others lay out some lines otherwise
    find src samples tests -name '*.[ch]' -print0 | xargs -0 clang-format-14 --dry-run --Werror
else
    echo 'skipped: there is no clang-format-14'
fi

step 'the packages'
sh tests/install/package.sh

step 'the samples'
sh samples/run.sh
sh tests/samples/docker.sh || [ $? = 77 ]

step 'the page of the comparison, in a browser'
sh tests/bench/browser.sh build/release/thumbpool || [ $? = 77 ]

step 'the same pixels as Pillow, with --exact'
/usr/bin/python3 tests/image/exact_pillow.py build/release/thumbpool

step 'the same pixels as the tutorial, within limits'
build/release/samples/make_photos build/photos
/usr/bin/python3 tests/image/compare_pillow.py build/release/thumbpool build/photos/2023 \
    build/photos/2024 build/photos/2024/phone build/photos/art
