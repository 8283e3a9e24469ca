#!/bin/sh
# Other formats go through libvips: read by content, mixed with JPEG, the same with every back-end.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good in
expect 0 "$THUMBPOOL" -s 200 -f webp -o webp in
is 'the first bytes' "$(head -c 4 webp/a/baseline.webp)" RIFF
cp webp/a/baseline.webp in/a/other.webp
cp webp/b/alpha.webp in/b/wrong-name.jpg
expect 0 "$THUMBPOOL" -s 64 -o thumbs in --report report.ndjson
is 'pictures made' "$(field made)" 8
is 'the first bytes of a kept format' "$(head -c 4 thumbs/a/other.webp)" RIFF
grep -qF '"src":"in/b/wrong-name.jpg","status":"made","format":"webp"' report.ndjson ||
    fail 'content does not decide how a file is read'
expect 0 "$THUMBPOOL" -s 64 -o one in -j1
expect 0 "$THUMBPOOL" -s 64 -o sequential in --executor sequential
expect 0 "$THUMBPOOL" -s 64 -o threads in --executor threads -j 3
same thumbs one
same thumbs sequential
same thumbs threads

# What libvips writes is the same from any process, metadata or not.
formats=webp
"$THUMBPOOL" -q 50 -s 32 -f avif -o able in/a/baseline.jpg >/dev/null 2>&1 && formats='webp avif'
for format in $formats; do
    for keep in none all; do
        expect 0 "$THUMBPOOL" -s 64 -f $format --keep $keep -o "$format-$keep-1" in -j1
        expect 0 "$THUMBPOOL" -s 64 -f $format --keep $keep -o "$format-$keep-2" in -j2
        expect 0 "$THUMBPOOL" -s 64 -f $format --keep $keep -o "$format-$keep-t" in --executor threads
        same "$format-$keep-1" "$format-$keep-2"
        same "$format-$keep-1" "$format-$keep-t"
    done
    ! diff -rq $format-none-1 $format-all-1 >/dev/null || fail "$format keeps nothing"
done

head -c 300 webp/a/baseline.webp >in/cut.webp
expect 1 "$THUMBPOOL" -s 64 -o thumbs in
says 'in/cut.webp: '
clean .
finish
