#!/bin/sh
# Output folders that cannot be used, or that go away: one sentence, exit code 3, and nothing lost.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good in

# ---- One that cannot be made, or written ----
: >file
expect 3 "$THUMBPOOL" -o file in
says 'file: Not a directory'
expect 3 "$THUMBPOOL" -o file/below in
expect 3 "$THUMBPOOL" -o /proc/none in
says 'cannot make the output folder /proc/none'
is 'sentences' "$(grep -c 'proc' err)" 1
if [ "$(id -u)" != 0 ]; then
    mkdir -m 500 mine
    expect 3 "$THUMBPOOL" -o mine in --report report.ndjson
    says 'mine: Permission denied'
    is 'pictures that were not started, or failed' "$(($(field not_started) + $(field failed)))" 6
fi

# ---- A disk that is full; a file of the user's own stays whole ----
mkdir small
cat >full.sh <<'EOT'
mount -t tmpfs -o size=64k,nr_inodes=100 tmpfs small || exit 77
mkdir -p small/a
echo mine >small/a/mine.txt
code=0
"$THUMBPOOL" -o small -s 300 -q 100 -j 1 in --report report.ndjson 2>err || code=$?
find small -type f >left
cat small/a/mine.txt >>left
exit $code
EOT
export THUMBPOOL
code=0
unshare -m sh full.sh 2>/dev/null || code=$?
if [ $code = 3 ]; then
    says 'small: No space left on device'
    is 'inputs in all' "$(($(field made) + $(field failed) + $(field not_started)))" 6
    [ "$(field not_started)" -gt 0 ] || fail 'the rest was started'
    grep -qF '"error":{"code":"io"' report.ndjson || fail 'no failure by input and output'
    ! grep -q '\.thumbpool-' left || fail 'a temporary file is left'
    grep -qx mine left || fail 'a file of the user has suffered'
elif [ $code = 0 ] || [ $code = 4 ]; then
    fail "exit code $code of a full disk"
else
    echo 'skipped: a small disk cannot be mounted here'
fi

# ---- One that is removed during the run ----
"$MAKE_IMAGES" many many 100
"$THUMBPOOL" many -o gone -b 60 -s 300 -j 1 --report report.ndjson 2>err &
run=$!
until [ "$(find gone -name '*.jpg' 2>/dev/null | wc -l)" -gt 3 ]; do
    kill -0 $run 2>/dev/null || break
    sleep 0.005
done
while [ -e gone ]; do rm -rf gone 2>/dev/null; done
code=0
wait $run || code=$?
is 'the exit code' $code 3
says 'gone: the folder was removed during the run'
is 'inputs in all' "$(($(field made) + $(field failed) + $(field not_started)))" 100
[ "$(field not_started)" -gt 0 ] || fail 'the rest was started'
[ ! -e gone ] || fail 'the folder was made again'

# One that is moved is written where it went.
"$MAKE_IMAGES" many few 20
"$THUMBPOOL" few -o moved -b 60 -s 300 -j 1 --report report.ndjson 2>err &
run=$!
until [ "$(find moved -name '*.jpg' 2>/dev/null | wc -l)" -gt 3 ]; do
    kill -0 $run 2>/dev/null || break
    sleep 0.005
done
mv moved elsewhere
wait $run || fail 'a run fails whose folder was moved'
is 'thumbnails in the moved folder' "$(find elsewhere -name '*.jpg' | wc -l)" "$(field made)"

# ---- Files beside the thumbnails ----
for option in --report --trace; do
    expect 3 "$THUMBPOOL" in -o beside $option nowhere/file
    says 'nowhere/file: No such file'
    [ ! -e beside ] || fail "work was begun without the file of $option"
done
expect 3 "$THUMBPOOL" in -o beside --report /dev/full
says 'the report could not be written to /dev/full'
is 'thumbnails all the same' "$(find beside -type f ! -name .thumbpool.ndjson | wc -l)" 6
clean .
finish
