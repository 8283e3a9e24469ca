#!/bin/sh
# The status line: on a terminal only, never wider than it, errors above it, the summary below.
. "$(dirname "$0")/lib.sh"
can_have_terminal || { echo 'skipped: no terminal to be had' >&2; exit 77; }

"$MAKE_IMAGES" many in 30
printf 'not a picture' >'in/写真写真写真写真写真写真写真写真写真.jpg'
printf 'not a picture' >"$(printf 'in/a\033]0;title\007b.jpg')"

# shown COLUMNS OPTION...: what a terminal of that width gets to see, control bytes included
shown() {
    columns=$1
    shift
    script -qec "stty cols $columns rows 24; '$THUMBPOOL' in -o thumbs --force -b 40 -s 200 -j 1 $*" typescript \
        </dev/null >/dev/null
    sed -e 1d -e '$d' typescript >seen
}

# lines: the status lines, one a line
lines() {
    tr '\r' '\n' <seen | LC_ALL=C sed -n "s/$(printf '\033')\[K\$//p" | grep '/32]'
}

TERM=xterm
export TERM
for columns in 80 40 20; do
    shown $columns
    [ "$(lines | wc -l)" -gt 0 ] || fail "no status line at $columns columns"
    widest=$(lines | LC_ALL=C.UTF-8 wc -L)
    [ "$widest" -lt $columns ] || fail "a status line takes $widest of $columns columns"
    grep -q '30 made, 0 up to date, 2 failed' seen || fail "no summary at $columns columns"
done
shown 80
lines | grep -qE '^\[[0-9]+/32\] [0-9]+/s.*  [0-9]+ MB  ' || fail "the status line reads otherwise: $(lines | tail -1)"
grep -q "$(printf '\033')\]0" seen && fail 'a file name reached the terminal as it is'

# Its opposite, each way
shown 80 --progress never
is 'status lines with --progress never' "$(lines | wc -l)" 0
shown 80 --quiet
is 'status lines with --quiet' "$(lines | wc -l)" 0
TERM=dumb
shown 80
is 'status lines on a dumb terminal' "$(lines | wc -l)" 0
expect 1 "$THUMBPOOL" in -o thumbs --force
is 'control bytes in a pipe' "$(LC_ALL=C tr -d '\n -~\200-\377' <err | wc -c)" 0
expect 1 "$THUMBPOOL" in -o thumbs --force --progress always
grep -q '/32]' err || fail 'no status line with --progress always'
finish
