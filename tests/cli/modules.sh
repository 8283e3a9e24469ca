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

# SVG and PDF are read when that is asked for, and refused with a word about it otherwise.
mkdir drawings
printf '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60"><rect width="45" height="60" fill="#f00"/></svg>' \
    >drawings/a.svg
cp in/a/baseline.jpg drawings/b.jpg
expect 0 "$THUMBPOOL" -s 64 -o walked drawings
[ ! -e walked/a.png ] || fail 'a walk took an SVG unasked'
expect 1 "$THUMBPOOL" -s 64 -o named drawings/a.svg drawings/b.jpg
says 'drawings/a.svg: SVG is read only with --allow-untrusted'
if vips -l VipsForeignLoad 2>/dev/null | grep -q svgload_source; then
    expect 0 "$THUMBPOOL" -s 64 -o allowed --allow-untrusted drawings --report report.ndjson
    is 'pictures made' "$(field made)" 2
    grep -qF '"src":"drawings/a.svg","status":"made","format":"svg","width":90' report.ndjson ||
        fail 'the SVG was not made'
    is 'the PNG of an SVG' "$(head -c 4 allowed/a.png | tail -c 3)" PNG
fi
clean .
finish
