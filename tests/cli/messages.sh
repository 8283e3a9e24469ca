#!/bin/sh
# Standard output has data only, standard error the rest: as much of it as is asked for.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good in
echo text >in/bad.jpg

# run OPTION...: all of the pictures, of which one fails
run() {
    expect 1 "$THUMBPOOL" in -s 16 -o thumbs --force "$@"
}

run
is 'standard output' "$(wc -c <out)" 0
is 'lines of messages' "$(wc -l <err)" 2
tail -n 1 err | grep -qE '^6 made, 0 up to date, 1 failed, 0 skipped in [0-9]+\.[0-9]{2} s \([0-9]+\.[0-9] pictures/s, [0-9]+ workers\)$' ||
    fail "another summary: $(tail -n 1 err)"
run --quiet
is 'what a quiet run says' "$(cat err)" "$(grep '^thumbpool: in/bad.jpg: ' err)"
run -v
cp err long
run --verbose
is 'lines of messages with -v' "$(wc -l <err)" 8
is 'lines about thumbnails' "$(grep -cE '^in/.* -> [0-9]+x[0-9]+, [0-9]+ bytes, [0-9.]+ ms$' err)" 6
is 'lines of -v and of --verbose' "$(wc -l <long)" "$(wc -l <err)"
run --report - --quiet
is 'kinds of lines on standard output' "$(cut -c1-9 out | sort -u)" '{"type":"'
run --report - --trace trace.json -v
is 'lines of a report' "$(grep -c '^{"type":' out)" 9
is 'other lines on standard output' "$(grep -vc '^{"type":' out)" 0

# A status line where it is asked for; in a pipe there is none by itself.
status() {
    run "$@"
    grep -q "$(printf '\r')" err
}
status --progress always || fail 'no status line with --progress always'
! status --progress auto || fail 'a status line in a pipe with --progress auto'
! status --progress never || fail 'a status line with --progress never'
! status || fail 'a status line in a pipe'
expect 2 "$THUMBPOOL" in --progress maybe
says '--progress takes auto, always or never'

# Help is data.
for option in --help --usage --version; do
    expect 0 "$THUMBPOOL" $option
    is "messages with $option" "$(wc -c <err)" 0
    [ "$(wc -l <out)" -ge 2 ] || fail "nothing is said by $option"
done
expect 0 "$THUMBPOOL" bench --usage
grep -qF -- '[--export-json=FILE]' out || fail 'the usage of bench is another'
expect 0 "$THUMBPOOL" --usage
for option in --size=WxH --progress=auto --no-rotate; do
    grep -qF -- "[$option" out || fail "the usage has no $option"
done

# --retries and --timeout: what they are is reported, and what they do is in kills.sh and interrupt.sh.
run --retries 3 --timeout 2.5 --report -
grep -qF '"retries":3,"timeout":2.500' out || fail 'the report has other attempts than were given'
run --timeout 0 --report -
grep -qF '"timeout":0.000' out || fail 'no end of time cannot be had'
finish
