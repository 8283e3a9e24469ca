#!/bin/sh
# The report, field by field: which there are, of what kind, and what they say of each way to end.
tests=$(CDPATH= cd -- "$(dirname "$0")" && pwd)
. "$tests/lib.sh"
command -v python3 >/dev/null || { echo 'skipped: there is no python3 to read the report with'; finish; }

"$MAKE_IMAGES" good in
head -c 2000 in/a/baseline.jpg >in/damaged.jpg
echo text >in/unsupported.jpg
mkfifo in/skipped.jpg
find in -type f -exec touch -d 2020-02-02 {} + # what is of this moment is looked into again

version=$("$THUMBPOOL" -V | sed -n '1s/.* //p')
options='-s 64 -s 32x16 -b 2.5 -q 80 -j 2'
# shellcheck disable=SC2086 # a list of words
expect 1 "$THUMBPOOL" in $options --report first.ndjson
"$MAKE_IMAGES" many many 1
big=$(find many -name '*.jpg')
expect 1 "$THUMBPOOL" "$big" in/a/baseline.jpg -o other --max-pixels 60000 --report limit.ndjson
expect 1 "$THUMBPOOL" gone.jpg in/a/baseline.jpg -o other --report gone.ndjson
# shellcheck disable=SC2086
expect 1 "$THUMBPOOL" in $options --report again.ndjson --prune
python3 "$tests/report.py" "$version" >&2 || fail 'the report is not as it should be'

# A file that is changed while it is read fails as such: this one grows all the time, for a while.
dd if=/dev/zero bs=1k count=20 2>/dev/null | cat in/a/baseline.jpg - >grows.jpg
(while [ ! -e stop ] && [ "$(wc -c <grows.jpg)" -lt 9000000 ]; do printf x >>grows.jpg; done) &
tries=0
while [ $tries -lt 50 ]; do
    tries=$((tries + 1))
    "$THUMBPOOL" grows.jpg in/a/baseline.jpg -o changed --report report.ndjson --force --quiet 2>err
    ! grep -qF '"src":"grows.jpg","status":"failed"' report.ndjson || break
done
: >stop
wait
grep -F '"src":"grows.jpg"' report.ndjson | grep -qF '"error":{"code":"changed","message":"the file was changed' ||
    fail 'no report of a file that changes'

# No memory: only where the address space can be limited, which sanitizers do not bear.
if (ulimit -v 300000 && "$THUMBPOOL" -V) >/dev/null 2>&1; then
    code=0
    (ulimit -v 300000; exec "$THUMBPOOL" in/a/baseline.jpg -s 20000 --upscale --max-pixels 1000000000 -o huge \
        --report report.ndjson) 2>err || code=$?
    is 'the exit code without memory' $code 1
    grep -qF '"error":{"code":"memory","message":"' report.ndjson || fail 'no report of a lack of memory'
else
    echo 'skipped: a lack of memory'
fi
finish
