#!/bin/sh
# Every kind of bad input is one failed or skipped entry with a sentence; the rest are made.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good in/good
"$MAKE_IMAGES" bad in/bad
ln -s ../good/a/baseline.jpg in/bad/link.jpg
failed=6
made=7 # the good ones, and the one inside folder.jpg
if [ "$(id -u)" = 0 ]; then
    made=$((made + 1)) # root may read everything
else
    failed=$((failed + 1))
fi
expect 1 "$THUMBPOOL" -s 64 -o thumbs in --report report.ndjson
is 'pictures made' "$(field made)" $made
is 'pictures failed' "$(field failed)" $failed
is 'pictures skipped' "$(field skipped)" 2
is 'workers lost' "$(field workers_lost)" 0
says 'in/bad/empty.jpg: the file is empty'
says 'in/bad/text.jpg: not a picture that can be read here: it starts with "<html>'
says 'in/bad/cut.jpg: the data ends'
says 'in/bad/cut-progressive.jpg: the data ends'
says 'in/bad/cut.png: the data ends'
says 'in/bad/bomb.png: 60000 x 60000'
for wanted in 'bad/empty.jpg","status":"failed","error":{"code":"damaged"' \
    'bad/text.jpg","status":"failed","error":{"code":"unsupported"' \
    'bad/fifo.jpg","status":"skipped","reason":"not a regular file"' \
    'bad/link.jpg","status":"skipped","reason":"a symbolic link'; do
    grep -qF "$wanted" report.ndjson || fail "the report has no $wanted"
done
grep -F 'bad/bomb.png' report.ndjson | grep -qF '"code":"limit"' || fail 'the bomb is not a limit'
grep -F 'bad/cut.jpg' report.ndjson | grep -qF '"code":"damaged"' || fail 'the cut is not damage'
is 'files' "$(find thumbs -type f ! -name .thumbpool.ndjson | wc -l)" $made

# Damage fails, or is told, or is put up with; what has no picture at all fails always.
mkdir damaged
cp in/bad/cut.jpg in/bad/cut.png in/bad/cut-progressive.jpg in/good/a/baseline.jpg damaged
expect 1 "$THUMBPOOL" -s 64 -o strict --on-damage fail damaged
expect 0 "$THUMBPOOL" -s 64 -o warned --on-damage warn damaged --report report.ndjson
says 'damaged/cut.jpg: made, though it is damaged: the data end'
is 'lines about damage' "$(grep -c 'though it is damaged' err)" 3
is 'pictures made of damaged files' "$(field made)" 4
is 'reports of damage' "$(grep -c '"status":"made".*"error":{"code":"damaged"' report.ndjson)" 3
expect 0 "$THUMBPOOL" -s 64 -o accepted --on-damage accept damaged --report report.ndjson
! grep -q 'damaged:' err || fail 'damage that is accepted is told'
is 'reports of damage' "$(grep -c '"status":"made".*"error":{"code":"damaged"' report.ndjson)" 3
same warned accepted
expect 1 "$THUMBPOOL" -s 64 -o none --on-damage accept in/bad/text.jpg in/bad/empty.jpg

# What was named and is no picture has failed.
expect 1 "$THUMBPOOL" -s 64 -o named in/bad/fifo.jpg in/good/a/baseline.jpg
says 'in/bad/fifo.jpg: not a regular file'

# Names that would write to the terminal, and such as are not text.
name=$(printf 'evil\033[31m\302\23331m\nname\377.jpg')
cp in/good/a/baseline.jpg "in/$name"
: >"in/empty$name"
expect 1 "$THUMBPOOL" -s 64 -o names in --report report.ndjson
[ -f "names/$name" ] || fail 'a picture with an odd name is missing'
! LC_ALL=C grep -q "$(printf '\033')" err || fail 'an escape sequence reached the terminal'
! LC_ALL=C grep -q "$(printf '\302\233')" err || fail 'a control character of UTF-8 reached the terminal'
mkdir clash
cp in/good/a/baseline.jpg "clash/$name"
cp in/good/a/baseline.jpg "clash/${name%jpg}jpeg"
expect 2 "$THUMBPOOL" -f png -o names clash
! grep -q "$(printf '\033')" err || fail 'an escape sequence reached the terminal by a clash'
grep -q '"src":{"bytes":"[A-Za-z0-9+/]*=*"}' report.ndjson || fail 'odd bytes are not in base64'
clean .
finish
