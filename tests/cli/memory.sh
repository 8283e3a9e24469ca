#!/bin/sh
# Memory: what large pictures take is bounded for all workers together, they take turns then, and one that
# never fits is refused from its header.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" heavy heavy 8 # each takes about 30 MiB at this size
"$MAKE_IMAGES" good good
size='-s 1000'
mib=1048576

# watch RUN: until it ends; `most` is what its workers had to themselves at a time, all together, KiB
watch() {
    most=0
    while kill -0 "$1" 2>/dev/null; do
        sum=0
        for worker in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
            had=$(sed -n 's/^RssAnon:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$worker/status" 2>/dev/null)
            sum=$((sum + ${had:-0}))
        done
        [ $sum -le $most ] || most=$sum
    done
}

# ---- Eight at once: by turns, where there is memory for one ----
expect 0 "$THUMBPOOL" $size heavy -o free -j 4 --max-memory 4G --report report.ndjson
is 'the limit in the report' "$(sed -n '1s/.*"max_memory":\([0-9]*\).*/\1/p' report.ndjson)" $((4096 * mib))
"$THUMBPOOL" $size heavy -o turns -j 8 --max-memory 48M --report report.ndjson --quiet &
run=$!
watch $run
most=$((most * 1024))
wait $run || fail 'large pictures are not made by turns'
is 'pictures made by turns' "$(field made)" 8
is 'attempts at them' "$(grep -c '"attempts":1[,}]' report.ndjson)" 8
is 'workers lost' "$(field workers_lost)" 0
same free turns
if [ "${SANITIZED:-0}" = 1 ]; then
    : # its shadow counts, too
elif [ "$most" -lt $((20 * mib)) ] || [ "$most" -gt $((48 * mib)) ]; then
    fail "the workers had $((most / mib)) MiB together where they may have 48"
fi

# One that needs nearly all of it flies alone, amid others; and so it is with other back-ends.
some='heavy/00.jpg heavy/01.png heavy/02.jpg'
for way in '-j 1' '-j 3' '-j 2 --sandbox off' '-j 3 --executor threads' '--executor sequential' '-j 3 --timeout 60'; do
    expect 0 "$THUMBPOOL" $size $some good -o alone $way --max-memory 34M --force --report report.ndjson
    is "pictures made with $way" "$(field made)" 9
    for name in $some; do cmp -s "alone/${name#*/}" "free/${name#*/}" || fail "$name is another with $way"; done
done

# ---- One that never fits ----
expect 1 "$THUMBPOOL" $size heavy good -o never -j 2 --max-memory 12M --report report.ndjson
is 'pictures made' "$(field made)" 6
is 'pictures refused' "$(grep -c '"code":"memory"' report.ndjson)" 8
says 'MiB of memory, and all workers together have 12 MiB (--max-memory)'
is 'workers lost' "$(field workers_lost)" 0
expect 1 "$THUMBPOOL" $size heavy good -o never -j 2 --max-memory 12M
is 'refused once more by a later run' "$(grep -c 'MiB of memory' err)" 8
expect 0 "$THUMBPOOL" $size heavy good -o never -j 2 --max-memory 1G --report report.ndjson
is 'pictures made once there is memory' "$(field made)" 8
expect 4 "$THUMBPOOL" $size heavy -o fast -j 2 --max-memory 12M --fail-fast --report report.ndjson
is 'inputs in all' "$(($(field made) + $(field failed) + $(field not_started)))" 8

# ---- A guest that is held whole, and more than libvips keeps in memory unless it is told to ----
if "$THUMBPOOL" good/a/baseline.jpg -s 6000x6000 --fit fill --upscale -f webp -o whole --quiet 2>/dev/null; then
    expect 0 "$THUMBPOOL" whole -o guest --max-memory 2G
    expect 1 "$THUMBPOOL" whole -o guest --max-memory 200M --force
    says 'and all workers together have 200 MiB (--max-memory)'
    # The stacks of its threads count; the user may allow larger ones than it needs.
    expect 0 "$THUMBPOOL" good -s 100 -f webp -o small
    expect 0 sh -c 'ulimit -s 262144 2>/dev/null; exec "$@"' - "$THUMBPOOL" small -o stacks -j 2
fi

# ---- Next to none is a limit, too ----
for bytes in 1 10; do
    expect 1 "$THUMBPOOL" good -o none -j 2 --max-memory $bytes --report report.ndjson
    is "pictures made in $bytes bytes" "$(field made)" 0
done

# ---- Stopped while some wait: they have not been started ----
"$THUMBPOOL" $size heavy -o stopped -j 4 --max-memory 34M --report report.ndjson --quiet &
run=$!
while kill -0 $run 2>/dev/null && [ -z "$(find stopped -name '*.jpg' 2>/dev/null)" ]; do :; done
kill -TERM $run
wait $run
is 'the exit code of an stopped run' $? 143
is 'inputs in all' "$(($(field made) + $(field failed) + $(field not_started)))" 8
is 'failures' "$(field failed)" 0
clean stopped

# ---- Make's tokens ----
if command -v make >/dev/null; then
    printf 'all:\n\t+"$(THUMBPOOL)" %s heavy -o made --max-memory 86M --quiet\n' "$size" >Makefile
    expect 0 make -s -j 3 THUMBPOOL="$THUMBPOOL"
    same free made
fi

for wrong in 0 -1 x 1X ''; do
    expect 2 "$THUMBPOOL" --max-memory "$wrong" good
    says '--max-memory'
done
finish
