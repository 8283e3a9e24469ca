#!/bin/sh
# A run that is interrupted stops soon, dies of the signal, and leaves whole files only; one that is
# killed leaves no worker, and what it leaves behind the next run sweeps away.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" many in 80
expect 0 "$THUMBPOOL" in -o calm -b 60 -s 300

# start OPTION...: a run, until its first thumbnail is there
start() {
    rm -rf thumbs
    # A shell without job control lets its background commands ignore the interrupt key's signal.
    env --default-signal=INT,HUP "$THUMBPOOL" in -o thumbs -b 60 -s 300 \
        --report report.ndjson "$@" 2>err &
    run=$!
    until [ "$(find thumbs -name '*.jpg' 2>/dev/null | wc -l)" -gt 3 ]; do
        kill -0 $run 2>/dev/null || break
        sleep 0.005
    done
}

whole() {
    (cd thumbs && find . -name '*.jpg') | while IFS= read -r name; do
        cmp -s "thumbs/$name" "calm/$name" || echo "$name"
    done >broken
    is 'half-written files' "$(wc -l <broken)" 0
}

for signal in INT TERM HUP; do
    case $signal in HUP) number=1 ;; INT) number=2 ;; TERM) number=15 ;; esac
    start
    workers=$(cat "/proc/$run/task/$run/children" 2>/dev/null)
    kill -$signal $run
    code=0
    wait $run || code=$?
    is "the exit code after SIG$signal" $code $((128 + number))
    is 'interrupted' "$(sed -n '$s/.*"interrupted":\([a-z]*\).*/\1/p' report.ndjson)" true
    is 'the count of all' $(($(field made) + $(field failed) + $(field not_started))) 80
    is 'files' "$(find thumbs -name '*.jpg' | wc -l)" "$(field made)"
    [ "$(field not_started)" -gt 0 ] || fail 'nothing was left to start'
    for worker in $workers; do
        ! kill -0 "$worker" 2>/dev/null || fail "worker $worker lives on"
    done
    whole
    clean thumbs
done

# The same signals, to all processes of the run at once, as terminals and supervisors send them: workers leave the
# matter to their parent, and no picture has failed. Once while workers start, and once amid the work.
group() { # SIGNAL NUMBER WHEN
    rm -rf thumbs report.ndjson
    # A group of its own; the test's would be hit, too.
    setsid env --default-signal=INT,HUP "$THUMBPOOL" in -o thumbs -b 60 -s 300 --retries 0 --report report.ndjson 2>err &
    run=$!
    if [ "$3" = amid ]; then
        until [ "$(find thumbs -name '*.jpg' 2>/dev/null | wc -l)" -gt 3 ]; do
            kill -0 $run 2>/dev/null || break
            sleep 0.005
        done
    else
        until [ -n "$(cat "/proc/$run/task/$run/children" 2>/dev/null)" ] && [ -d thumbs ]; do
            kill -0 $run 2>/dev/null || break
        done
    fi
    kill -"$1" -$run
    code=0
    wait $run || code=$?
    is "the exit code after SIG$1 to all" $code $((128 + $2))
    [ -s report.ndjson ] || return 0 # it came before the run had begun
    is "pictures failed by SIG$1 to all" "$(field failed)" 0
    is "the count of all after SIG$1 to all" "$(($(field made) + $(field not_started)))" 80
    whole
    clean thumbs
}
for round in 1 2 3; do
    group TERM 15 amid
    group HUP 1 amid
    group INT 2 amid
    group TERM 15 early
done

# Killed without a word, over an existing tree, so that temporary names are in use.
cp -R calm thumbs.old
for round in 1 2 3; do
    start --force
    workers=$(cat "/proc/$run/task/$run/children" 2>/dev/null)
    kill -KILL $run
    wait $run 2>/dev/null
    tries=0
    for worker in $workers; do
        while kill -0 "$worker" 2>/dev/null && [ $tries -lt 500 ]; do
            tries=$((tries + 1))
            sleep 0.01
        done
        ! kill -0 "$worker" 2>/dev/null || fail "worker $worker outlives its parent (round $round)"
    done
    whole
done
expect 0 "$THUMBPOOL" in -o thumbs -b 60 -s 300
same calm thumbs
clean thumbs
# A worker that stops, for whatever reason, costs at most its picture, and not the run.
rm -rf thumbs
"$THUMBPOOL" in -o thumbs -b 60 -s 300 -j 2 --timeout 5 --report report.ndjson 2>err &
run=$!
until [ "$(find thumbs -name '*.jpg' 2>/dev/null | wc -l)" -gt 3 ]; do
    kill -0 $run 2>/dev/null || break
    sleep 0.005
done
# shellcheck disable=SC2013 # numbers
for worker in $(cat "/proc/$run/task/$run/children" 2>/dev/null); do kill -STOP "$worker"; done
code=0
wait $run || code=$?
failed=$(field failed)
is 'the exit code' $code $((failed > 0))
is 'the count of all' $(($(field made) + failed)) 80
is 'given up' "$(grep -c '"code":"timeout"' report.ndjson)" "$failed"
[ "$failed" -le 2 ] || fail "$failed pictures failed for two workers that stopped"
finish
