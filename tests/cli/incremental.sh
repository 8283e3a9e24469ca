#!/bin/sh
# A second run makes what has changed, and touches nothing else.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good in
manifest=thumbs/.thumbpool.ndjson

# old FILE...: gives files a time that is not of this moment
old() {
    touch -d '2020-02-02 02:02:02.25' "$@"
}
# shellcheck disable=SC2046 # no blanks in those names
old $(find in -type f)

# run MADE CURRENT OPTION...: a run, and what its summary must say
run() {
    made=$1
    current=$2
    shift 2
    expect 0 "$THUMBPOOL" in -o thumbs -s 64 --report report.ndjson "$@"
    is "pictures made ($*)" "$(field made)" "$made"
    is "pictures that are up to date ($*)" "$(field current)" "$current"
}

# still: a listing with the time of each file and folder
still() {
    find thumbs -printf '%p %s %T@ %C@ %i\n' | LC_ALL=C sort
}

run 6 0
is 'lines of the manifest' "$(wc -l <$manifest)" 6
still >before
run 0 6
still >after
cmp -s before after || fail 'a run in which nothing changed touched something'
is 'pictures that a worker had' "$(grep -c '"worker"' report.ndjson)" 0
grep -qF '"src":"in/a/turned.JPG","status":"current","format":"jpeg","width":200,"height":300,"shrink":' report.ndjson ||
    fail 'the report of what is up to date lacks something'
grep -qF '"path":"thumbs/a/turned.JPG","width":43,"height":64,"bytes":' report.ndjson ||
    fail 'the report of what is up to date has no output'

# The same folder by another path is the same; so is one that was moved, or of which copies were made.
expect 0 "$THUMBPOOL" "$PWD/in" -o "$PWD/thumbs" -s 64 --report report.ndjson
is 'up to date by another path' "$(field current)" 6
still >after
cmp -s before after || fail 'another path touched something'
mv in elsewhere
cp -R elsewhere in
run 0 6
is 'compared with what they were' "$(grep -c '"shrink":.*"worker"' report.ndjson)" 6
mv in copy
mv elsewhere in
run 0 6

# Time stamps that moved are looked into once, and noted.
touch -d '2021-03-03' in/a/baseline.jpg
touch -d '1999-03-03' in/b/alpha.png
run 0 6
is 'compared' "$(grep -c '"worker"' report.ndjson)" 2
run 0 6
is 'compared again' "$(grep -c '"worker"' report.ndjson)" 0

# Another content: of another size, and of the same size at another time. More of nothing is looked into,
# and gives the same bytes.
"$MAKE_IMAGES" many other 2
cp other/0/0000.jpg in/a/baseline.jpg
truncate -s 300000 in/a/baseline.jpg other/1/0001.jpg
touch -d '2022-03-03' in/a/baseline.jpg
printf 'more' >>in/b/grey.jpg
old in/b/grey.jpg
run 1 5
is 'looked into' "$(grep -c '"worker"' report.ndjson)" 2
cp other/1/0001.jpg in/a/baseline.jpg
touch -d '2023-03-03' in/a/baseline.jpg
run 1 5
run 0 6
expect 0 "$THUMBPOOL" in -o clean -s 64
same thumbs clean

# Outputs that are gone, or not what they were; what stands in their place is replaced.
rm thumbs/a/turned.JPG
: >thumbs/b/alpha.png
run 2 4
rm thumbs/a/turned.JPG
ln -s ../b/grey.jpg thumbs/a/turned.JPG
run 1 5
same thumbs clean

# Options: what changes no pixel costs nothing, and what changes some only these.
run 0 6 -j 1 --retries 3 --timeout 30
run 0 6 --executor sequential
run 0 6 --executor threads -j 2
run 0 6 --gravity north
[ "$(ls thumbs/b/*.png | wc -l)" = 2 ] || fail 'the pictures are not what this test takes them for'
run 4 2 -q 30
run 4 2
run 6 0 -b 9
rm -rf clean
expect 0 "$THUMBPOOL" in -o clean -s 64 -b 9
same thumbs clean
run 6 0
run 0 6 --max-bytes 100M
run 6 0 --force
run 0 6

# Two sets of sizes in one folder know nothing of each other.
expect 0 "$THUMBPOOL" in -o thumbs -s 20 -s 30 --report report.ndjson
is 'made beside' "$(field made)" 6
run 0 6
expect 0 "$THUMBPOOL" in -o thumbs -s 20 -s 30 --report report.ndjson
is 'up to date beside' "$(field current)" 6
expect 0 "$THUMBPOOL" in/a -o thumbs --base in -s 64 --report report.ndjson
is 'up to date of a part' "$(field current)" 3

# Nothing has to be writable for that.
chmod -R a-w thumbs
run 0 6
is 'complaints' "$(grep -c manifest err)" 0
chmod -R u+w thumbs

# Failures are remembered, until something changes.
"$MAKE_IMAGES" bad bad
rm -rf bad/folder.jpg bad/fifo.jpg bad/unreadable.jpg
# shellcheck disable=SC2046
old $(find bad -type f)
expect 1 "$THUMBPOOL" bad -o thumbs2 --report report.ndjson
failed=$(field failed)
cp err first
expect 1 "$THUMBPOOL" bad -o thumbs2 --report report.ndjson
is 'failures' "$(field failed)" "$failed"
is 'failures that a worker had again' "$(grep -c '"worker"' report.ndjson)" 0
grep -v ' made, ' first | LC_ALL=C sort >one
grep -v ' made, ' err | LC_ALL=C sort >two
cmp -s one two || { fail 'the failures are told in other words'; cat two >&2; }
expect 1 "$THUMBPOOL" bad -o thumbs2 --max-pixels 100000000 --report report.ndjson
[ "$(grep -c '"worker"' report.ndjson)" -gt 0 ] || fail 'another limit was not tried'
expect 0 "$THUMBPOOL" bad/cut.jpg -o thumbs2 --on-damage accept --report report.ndjson
is 'made in spite of damage' "$(field made)" 1
expect 0 "$THUMBPOOL" bad/cut.jpg -o thumbs2 --on-damage accept --report report.ndjson
is 'up to date in spite of damage' "$(field current)" 1
expect 1 "$THUMBPOOL" bad/cut.jpg -o thumbs2 --report report.ndjson

# A manifest that is damaged is said, used as far as it goes, and mended.
cp $manifest whole.ndjson
size=$(wc -c <$manifest)
truncate -s $((size - 9)) $manifest
expect 0 "$THUMBPOOL" in -o thumbs -s 64 --report report.ndjson
says "the manifest thumbs/.thumbpool.ndjson is damaged"
is 'accounted for' $(($(field made) + $(field current))) 6
run 0 6
is 'complaints' "$(grep -c manifest err)" 0
head -c 100000 /dev/urandom >$manifest
run 0 6
says 'is damaged'
run 0 6
is 'pictures that a worker had' "$(grep -c '"worker"' report.ndjson)" 0
rm $manifest
mkdir $manifest
run 0 6
says 'is not a regular file'
rmdir $manifest
cp whole.ndjson kept
ln -s ../whole.ndjson $manifest
run 0 6
says 'is not a regular file'
cmp -s whole.ndjson kept || fail 'it was written through a link'
rm $manifest

# It may lie about what it made: paths that lead elsewhere are no outputs of ours.
sed 's|"path":"a/|"path":"../in/a/|' whole.ndjson >$manifest
run 0 6

# Two runs at once, in one folder.
rm -rf thumbs
"$MAKE_IMAGES" many in/many 60
# shellcheck disable=SC2046
old $(find in -type f)
"$THUMBPOOL" in -o thumbs -s 64 --quiet &
one=$!
"$THUMBPOOL" in -o thumbs -s 64 --quiet
code=$?
wait $one || fail 'the first of two runs at once failed'
is 'the exit code of the second' $code 0
run 0 66
is 'pictures that a worker had' "$(grep -c '"worker"' report.ndjson)" 0
is 'complaints' "$(grep -c manifest err)" 0

# Killed in the middle: what is left is made, and nothing is lost.
rm -rf thumbs clean
expect 0 "$THUMBPOOL" in -o clean -s 64
for round in 1 2 3; do
    rm -rf thumbs
    "$THUMBPOOL" in -o thumbs -s 64 -b 40 --quiet &
    one=$!
    until [ "$(find thumbs -name '*.jpg' 2>/dev/null | wc -l)" -gt $((round * 10)) ]; do
        kill -0 $one 2>/dev/null || break
        sleep 0.005
    done
    kill -KILL $one 2>/dev/null
    wait $one 2>/dev/null
    expect 0 "$THUMBPOOL" in -o thumbs -s 64 --report report.ndjson
    is "the count of all (round $round)" $(($(field made) + $(field current))) 66
    same thumbs clean
done
clean .
finish
