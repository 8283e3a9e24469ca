#!/bin/sh
# -n says what would be done, and does nothing.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good in
# shellcheck disable=SC2046 # no blanks in those names
touch -d '2020-02-02' $(find in -type f)

# told OPTION...: what a dry run says, in order
told() {
    expect 0 "$THUMBPOOL" in -o thumbs -s 64 -n "$@"
    LC_ALL=C sort out | tr '\n' ';'
}

is 'a line a picture' "$(told)" 'make in/a/baseline.jpg -> thumbs/a/baseline.jpg;make in/a/progressive.jpeg -> thumbs/a/progressive.jpeg;make in/a/turned.JPG -> thumbs/a/turned.JPG;make in/b/alpha.png -> thumbs/b/alpha.png;make in/b/grey.jpg -> thumbs/b/grey.jpg;make in/b/interlaced.png -> thumbs/b/interlaced.png;'
[ ! -e thumbs ] || fail 'a dry run made a folder'
says 'would make 6, 0 up to date, 0 known to fail'
expect 0 "$THUMBPOOL" in/b/grey.jpg -o thumbs -s 64 -s 20x10 --dry-run --quiet
is 'two sizes' "$(cat out)" 'make in/b/grey.jpg -> thumbs/grey-64.jpg, thumbs/grey-20x10.jpg'
is 'messages of a quiet one' "$(wc -c <err)" 0

# What it says comes true.
expect 0 "$THUMBPOOL" in -o thumbs -s 64
find thumbs -printf '%p %s %T@ %i\n' | LC_ALL=C sort >before
is 'all up to date' "$(told)" ''
says 'would make 0, 6 up to date, 0 known to fail'
is 'lines when all is to be told' "$(told -v | tr ';' '\n' | grep -c '^current in/')" 6
is 'lines with --force' "$(told --force | tr ';' '\n' | grep -c '^make in/')" 6
touch in/b/grey.jpg
printf 'x' >>in/b/alpha.png
is 'touched is no change' "$(told)" 'make in/b/alpha.png -> thumbs/b/alpha.png;'
find thumbs -printf '%p %s %T@ %i\n' | LC_ALL=C sort >after
cmp -s before after || fail 'a dry run touched something'

# Failures that are known; exit codes as ever, but for failures.
cp in/b/alpha.png in/b/broken.png
truncate -s 2000 in/b/broken.png
touch -d '2020-02-02' in/b/broken.png
expect 1 "$THUMBPOOL" in -o thumbs -s 64
is 'a known failure' "$(told | cut -d: -f1)" 'fail in/b/broken.png'
expect 2 "$THUMBPOOL" in -o thumbs -n -s 0
expect 2 "$THUMBPOOL" in -o in -n
expect 2 "$THUMBPOOL" in -o thumbs -n --report -
expect 3 "$THUMBPOOL" nowhere -o thumbs -n
cp in/a/baseline.jpg in/b/grey.JPG
expect 2 "$THUMBPOOL" in -o none -n
[ ! -e none ] || fail 'something was made'
rm in/b/grey.JPG

# What a run would pass over or fail as soon as it opens it.
mkdir poor
: >poor/empty.jpg
echo text >poor/text.jpg
ln -s ../in/a/baseline.jpg poor/link.jpg
expect 0 "$THUMBPOOL" poor -o none -n
is 'lines that fail' "$(grep -c '^fail poor/[et].*: .' out)" 2
grep -qx 'skip poor/link.jpg: .*link.*' out || fail 'a link is not skipped'
says 'would make 0, 0 up to date, 2 known to fail, 1 skipped'

# A line stays a line, whatever the name.
mkdir odd
cp in/a/baseline.jpg "odd/$(printf 'new\nline\033[31m\\ \303\244 \302\205 \377.jpg')"
expect 0 "$THUMBPOOL" odd -o thumbs3 -n
is 'an odd name' "$(cat out)" "$(printf 'make odd/new\\nline\\033[31m\\\\ \303\244 \\302\\205 \\377.jpg -> thumbs3/new\\nline\\033[31m\\\\ \303\244 \\302\\205 \\377.jpg')"

# A folder that cannot be written does not matter, nor does one that does not hold what it held.
rm -r thumbs/a
is 'outputs that are gone' "$(told | tr ';' '\n' | grep -c '^make in/a')" 3
finish
