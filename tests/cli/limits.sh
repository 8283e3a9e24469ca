#!/bin/sh
# When it stops early, and what it refuses to read.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good in
mkdir bad
for i in 1 2 3 4 5 6 7 8 9; do
    head -c 400 in/a/baseline.jpg >"bad/$i.jpg"
done
cp in/a/baseline.jpg bad/z.jpg

# ---- Too many failures: what was not started is counted, and a rerun goes on ----
expect 4 "$THUMBPOOL" -j 1 --fail-fast -o out.d --report report.ndjson bad
[ "$(field failed)" -ge 1 ] && [ "$(field not_started)" -ge 1 ] || fail 'it did not stop at once'
says 'not started'
is 'inputs in all' "$(($(field made) + $(field failed) + $(field not_started)))" 10
expect 4 "$THUMBPOOL" -j 2 --max-errors 3 -o out.d --report report.ndjson bad
[ "$(field failed)" -ge 3 ] && [ "$(field failed)" -le 8 ] || fail "it stopped after $(field failed) failures"
expect 1 "$THUMBPOOL" --quiet --max-errors 10 -o out.d bad
expect 0 "$THUMBPOOL" --quiet --fail-fast -o out.d in
expect 2 "$THUMBPOOL" --max-errors 0 in
says '--max-errors'

# ---- Limits ----
expect 1 "$THUMBPOOL" -o limits.d --max-bytes 1K in/a/baseline.jpg
says '--max-bytes'
expect 0 "$THUMBPOOL" --quiet -o limits.d --max-bytes 1.5G in/a/baseline.jpg
expect 1 "$THUMBPOOL" -o limits.d --max-pixels 1000 in/a/baseline.jpg
says '--max-pixels'
expect 1 "$THUMBPOOL" -o limits.d -s 20 --max-scans 2 in/a/progressive.jpeg
says '--max-scans'
for wrong in 0 -1 x 1X 1KB ''; do
    expect 2 "$THUMBPOOL" --max-bytes "$wrong" in
    says '--max-bytes'
done
expect 2 "$THUMBPOOL" --max-pixels 0 in
expect 2 "$THUMBPOOL" --max-scans none in
finish
