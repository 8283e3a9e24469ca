#!/bin/sh
# Workers that turn hostile amid their work, in the jail: they scribble over all that they share with their parent
# and send it frames of every wrong kind. Pictures that are made are right, each is counted once, the run ends, and
# nothing else is touched. HOSTILE is the library of tests/support/hostile.c. SCRIBBLE_ROUNDS says how often.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" many in 60
expect 0 "$THUMBPOOL" in -o calm -b 60 -s 200
outside() { find in calm -type f -exec cksum {} + | LC_ALL=C sort -k3; }
outside >before
lost=0
round=1
while [ $round -le "${SCRIBBLE_ROUNDS:-3}" ]; do
    rm -rf thumbs
    code=0
    ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0" LD_PRELOAD=$HOSTILE HOSTILE_EVERY=12 \
        HOSTILE_SEED=$((${SCRIBBLE_SEED:-0} + round)) timeout 120 \
        "$THUMBPOOL" in -o thumbs -b 60 -s 200 -j 3 --timeout 2 --report report.ndjson 2>err || code=$?
    failed=$(field failed)
    is "the exit code of round $round" $code $((failed > 0))
    is "the count of all of round $round" "$(($(field made) + failed))" 60
    is "results of round $round" "$(grep -c '"type":"result"' report.ndjson)" 60
    is "files of round $round" "$(find thumbs -name '*.jpg' | wc -l)" "$(field made)"
    (cd thumbs && find . -name '*.jpg') | while IFS= read -r name; do
        cmp -s "thumbs/$name" "calm/$name" || echo "$name"
    done >wrong
    is "wrong pictures of round $round" "$(wc -l <wrong)" 0
    clean thumbs
    is "control bytes in the messages of round $round" "$(LC_ALL=C tr -d '\n -~\200-\377' <err | wc -c)" 0
    lost=$((lost + $(field workers_lost)))
    round=$((round + 1))
done
[ $lost -gt 0 ] || fail 'no worker was hostile: this shows nothing'
outside | cmp -s - before || fail 'something outside was changed'
finish
