#!/bin/sh
# Workers are killed all the time: the run is complete, with the same bytes, and leaves nothing.
# PICTURES makes it longer (400 in the full form); PAUSE is the time between two kills, which a build
# with sanitizers, whose workers are slow to start, needs more of.
. "$(dirname "$0")/lib.sh"

pictures=${PICTURES:-120}
pause=${PAUSE:-0.02}
"$MAKE_IMAGES" many in "$pictures"
expect 0 "$THUMBPOOL" in -o calm -b 60 -s 300

# Kills the run's workers in turn, one a pause, as long as the run is there. Its other children it leaves
# alone: a sanitizer has one of its own at the end, and waits for it for ever.
killer() {
    while kill -0 "$1" 2>/dev/null; do
        for worker in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
            [ "$(cat "/proc/$worker/comm" 2>/dev/null)" = thumbpool-work ] || continue
            kill -KILL "$worker" 2>/dev/null
            echo "$worker" >>killed
            sleep "$pause"
        done
    done
}

# storm FOLDER OPTION...
storm() {
    folder=$1
    shift
    : >killed
    "$THUMBPOOL" in -o "$folder" -b 60 -s 300 --report report.ndjson --progress never "$@" 2>err &
    run=$!
    killer $run &
    code=0
    wait $run || code=$?
    wait
}

storm stormy --retries 1000
is 'the exit code' $code 0
same calm stormy
clean stormy
[ "$(field workers_lost)" -gt 0 ] || fail 'no worker was killed'
echo "$(field made) made while $(field workers_lost) workers were killed"

storm stormy --retries 1000 --force
is 'the exit code over an existing tree' $code 0
same calm stormy
clean stormy

# With the default of one retry, those have failed that were with a worker twice when it was killed,
# and no others; each death that cost an attempt is one of those counted.
storm once
failed=$(field failed)
is 'the exit code' $code $((failed > 0))
is 'pictures' $(($(field made) + failed)) "$pictures"
is 'failed pictures with two attempts' \
    "$(grep '"status":"failed"' report.ndjson | grep '"code":"crashed"' | grep -c '"attempts":2}')" "$failed"
is 'made pictures with more than two' "$(grep '"status":"made"' report.ndjson | grep -c '"attempts":[^12]')" 0
retried=$(grep '"status":"made"' report.ndjson | grep -c '"attempts":2}')
[ $((2 * failed + retried)) -le "$(field workers_lost)" ] || fail 'an attempt was charged without a death'
echo "$(field made) made, $retried of them at the second attempt, $failed failed, $(field workers_lost) workers killed"
is 'files' "$(find once -type f ! -name .thumbpool.ndjson | wc -l)" "$(field made)"
clean once
finish
