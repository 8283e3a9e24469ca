#!/bin/sh
# The same bytes from gcc and clang, from vector and scalar code, with and without this machine's own
# instructions, and without what is spelt out for x86: builds same_bytes.c and the image layer each
# way and compares what they print.
# Usage: same_bytes.sh FOLDER      builds there. Ends with 77 where there are not two compilers.
# libjpeg, libpng, libdeflate and lcms2 are the machine's in all of them; so is their vector code.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$source"

sources=$(find src/image -name '*.c' ! -name 'vips*.c')
libraries=$(pkg-config --cflags --libs libjpeg libpng libdeflate lcms2)

# make NAME COMPILER OPTION...
make() {
    name=$1
    shift
    # shellcheck disable=SC2086 # lists of words
    "$@" -std=gnu17 -ffp-contract=off -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DNDEBUG -Isrc -Itests \
        $sources tests/support/images.c tests/image/same_bytes.c -o "$folder/$name" $libraries \
        -lm -ldl
    "$folder/$name" >"$folder/$name.txt"
    echo "$name: $(wc -l <"$folder/$name.txt") thumbnails"
}

for compiler in gcc clang; do
    command -v "$compiler" >/dev/null || { echo "skipped: no $compiler here"; exit 77; }
done
make gcc-vector gcc -O3
make gcc-baseline gcc -O3 -DVECTOR_PLAIN
make gcc-plain gcc -O2 -DVECTOR_PLAIN -U__SSE2__ -fno-tree-vectorize -fno-tree-slp-vectorize
make gcc-native gcc -O3 -march=native
make clang-vector clang -O3
make clang-plain clang -O2 -DVECTOR_PLAIN -fno-vectorize -fno-slp-vectorize
for name in gcc-baseline gcc-plain gcc-native clang-vector clang-plain; do
    diff "$folder/gcc-vector.txt" "$folder/$name.txt" >"$folder/$name.diff" || {
        echo "$name gives other bytes than gcc-vector:"
        head -20 "$folder/$name.diff"
        exit 1
    }
done
