#!/bin/sh
# Wrong usage is exit 2 with a sentence, before anything is written; help and version are exit 0.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good in
wrong() {
    expect 2 "$THUMBPOOL" "$@" -o thumbs
    [ ! -e thumbs ] || { fail "$* wrote something"; rm -rf thumbs; }
}
wrong
wrong in --no-such-option
for size in 0 -1 x 65501 12x12x12 '' 1.5 ' 5'; do wrong in -s "$size"; done
for blur in -1 x nan inf 1001 ''; do wrong in -b "$blur"; done
for quality in 0 101 x ''; do wrong in -q "$quality"; done
for jobs in -1 x 4097 5%% ''; do wrong in -j "$jobs"; done
for retries in -1 x; do wrong in --retries "$retries"; done
for timeout in -1 x nan '' 1000001; do wrong in --timeout "$timeout"; done
wrong in --timeout 5 --executor sequential
wrong in -f bmp
wrong in --executor fibers
for kernel in lanczos bicubic3 ''; do wrong in --kernel "$kernel"; done
wrong in --progress sometimes
wrong bench
wrong worker
wrong in/a --base in/b
expect 2 "$THUMBPOOL" in -o ''

# Two inputs for one output, and an output that is an input.
cp in/a/baseline.jpg in/a/baseline.png
wrong in -f jpeg
says 'in/a/baseline.jpg and in/a/baseline.png have the same output thumbs/a/baseline.jpg'
rm in/a/baseline.png
cp -R in before
expect 2 "$THUMBPOOL" in -o in
says 'input and output folder at once'
expect 2 "$THUMBPOOL" -o . --base . in
says 'would replace the input'
same in before

# -j takes what make takes.
for jobs in -j1 '-j 2' --jobs=3 -j50% -j0; do
    # shellcheck disable=SC2086 # two words
    expect 0 "$THUMBPOOL" -s 32 in $jobs -o "thumbs$jobs"
done

mkdir empty
expect 3 "$THUMBPOOL" -o thumbs empty
says 'no pictures found'
expect 3 "$THUMBPOOL" -o thumbs missing.jpg
says 'missing.jpg: No such file or directory'
[ ! -e thumbs ] || fail 'a folder was made for nothing'
expect 1 "$THUMBPOOL" -o thumbs missing.jpg before/a/baseline.jpg
says 'missing.jpg: No such file or directory'
: >file
expect 3 "$THUMBPOOL" -o file in
says 'file: Not a directory'

expect 0 "$THUMBPOOL" --help
grep -q -- '--blur 0' out || fail 'help has no example for assets'
expect 0 "$THUMBPOOL" -h
expect 0 "$THUMBPOOL" --usage
expect 2 "$THUMBPOOL" --bogus
says 'thumbpool: unrecognized option'
expect 0 "$THUMBPOOL" -V
grep -q 'libjpeg-turbo [0-9]' out || fail 'the version does not name the libraries'
finish
