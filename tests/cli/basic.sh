#!/bin/sh
# A folder becomes a tree of thumbnails: mirrored, in the right sizes, reported.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good in
expect 0 "$THUMBPOOL" -s 64 -o thumbs in --report report.ndjson
is 'standard output' "$(wc -c <out)" 0
says '6 made, 0 up to date, 0 failed, 0 skipped in '
is 'the tree' "$(files thumbs)" \
    './a/baseline.jpg ./a/progressive.jpeg ./a/turned.JPG ./b/alpha.png ./b/grey.jpg ./b/interlaced.png '

is 'lines of the report' "$(wc -l <report.ndjson)" 8
is 'pictures made' "$(field made)" 6
for wanted in '"type":"start","schema":1' '"src":"in/a/turned.JPG","status":"made","format":"jpeg","width":200,"height":300' \
    '"path":"thumbs/a/turned.JPG","width":43,"height":64' '"executor":"processes"' '"workers_lost":0,"interrupted":false'; do
    grep -qF "$wanted" report.ndjson || fail "the report has no $wanted"
done

# Standard output carries the report, and nothing else, when it is asked to.
expect 0 "$THUMBPOOL" -s 64 -o thumbs in --report - --quiet
is 'lines on standard output' "$(wc -l <out)" 8
is 'lines on standard error' "$(wc -l <err)" 0

# A file is named by its own folder; a base moves the names.
expect 0 "$THUMBPOOL" -s 64 -o one in/a/baseline.jpg
[ -f one/baseline.jpg ] || fail 'a single file is not at the top'
expect 0 "$THUMBPOOL" -s 64 -o based --base . in/a
[ -f based/in/a/baseline.jpg ] || fail 'the base does not count'

# Several sizes, another format, no blur.
expect 0 "$THUMBPOOL" -s 64 -s 32x16 -f png --blur=0 -o sizes in/b
is 'files of two sizes' "$(files sizes)" \
    './alpha-32x16.png ./alpha-64.png ./grey-32x16.png ./grey-64.png ./interlaced-32x16.png ./interlaced-64.png '

# The output folder is not walked, even where it lies among the inputs.
expect 0 "$THUMBPOOL" -s 64 -o in/thumbs in --report report.ndjson
is 'inputs beside their own outputs' "$(field made)" 6
expect 0 "$THUMBPOOL" -s 64 -o in/thumbs in --report report.ndjson
is 'pictures that are up to date' "$(field current)" 6
grep -qF '"src":"in/a/turned.JPG","status":"current"' report.ndjson || fail 'the report has none'
clean .
finish
