#!/bin/sh
# The same bytes for any number of workers, any back-end, and over an existing tree.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good in
"$MAKE_IMAGES" many in/many 20
expect 0 "$THUMBPOOL" in -o one -j 1
expect 0 "$THUMBPOOL" in -o two -j 2
expect 0 "$THUMBPOOL" in -o seven -j 7
expect 0 "$THUMBPOOL" in -o sequential --executor sequential
expect 0 "$THUMBPOOL" in -o threads --executor threads -j 4
same one two
same one seven
same one sequential
same one threads
touch -d '2001-01-01' one/a/baseline.jpg
cp -p one/a/baseline.jpg stamp
expect 0 "$THUMBPOOL" in -o one -j 2
[ ! one/a/baseline.jpg -nt stamp ] || fail 'an output that stayed the same was touched'
expect 0 "$THUMBPOOL" in -o one -j 2 --force
[ one/a/baseline.jpg -nt stamp ] || fail '--force did not write anew'
same one two
clean .
finish
