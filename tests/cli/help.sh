#!/bin/sh
# Help: examples and common options first, in 80 columns; the version; colours where they are wanted.
. "$(dirname "$0")/lib.sh"

# ---- Help ----
for command in '' bench; do
    # shellcheck disable=SC2086 # no word, or one
    expect 0 "$THUMBPOOL" $command -h
    is "messages of $command -h" "$(wc -c <err)" 0
    widest=$(LC_ALL=C.UTF-8 wc -L <out)
    [ "$widest" -le 80 ] || fail "the help of $command is $widest columns wide"
    cp out help
    expect 0 "$THUMBPOOL" $command --help
    cmp -s help out || fail "$command -h and $command --help differ"
    grep -qx 'All of this at length: man thumbpool.*' out || fail 'no word about the manual page'
    for code in 0 1 2 3; do
        grep -q "^  $code  " out || fail "the help of $command has no exit status $code"
    done
    ! grep -q 'Mandatory or optional arguments' out || fail 'it says what everybody knows'
done

# Help that nobody could read is no success.
for words in --help --usage --version 'bench --help' 'bench --usage'; do
    expect 3 sh -c "'$THUMBPOOL' $words >/dev/full"
    says 'standard output could not be written'
done

# at TEXT: the line of the help that has it first
at() {
    grep -nF -- "$1" help | head -n 1 | cut -d: -f1
}
"$THUMBPOOL" -h >help
is 'the first example' "$(grep -m1 '^  thumbpool ' help)" '  thumbpool --blur 0 -s 640 -f webp -o assets images/'
[ "$(at 'thumbpool --blur 0')" -lt "$(at ' Common options')" ] || fail 'examples do not come first'
for option in --output --size --blur --format --quality --jobs --dry-run --fit; do
    [ "$(at "$option=")" -lt "$(at ' Input')" ] 2>/dev/null || [ "$(at "$option ")" -lt "$(at ' Input')" ] ||
        fail "$option is not among the common options"
done
is 'the groups' "$(grep -x ' [A-Z][a-z ]*' help | tr '\n' ';')" \
    ' Common options; Input; Output; Picture; Coding; Work; Limits; Messages; Help;'

# ---- The version: its own and the libraries', of which it says where they count ----
expect 0 "$THUMBPOOL" --version
is 'the first line' "$(sed -n '1s/[0-9.]*$/N/p' out)" 'thumbpool N'
for library in libjpeg-turbo libpng libdeflate 'Little CMS' libvips; do
    grep -q "^built with .*$library [0-9]" out || fail "the version has no $library"
done

# ---- Colours: never in a pipe, unless they are asked for ----
"$MAKE_IMAGES" good in
echo text >in/bad.jpg
head -c $(($(wc -c <in/a/baseline.jpg) / 2)) in/a/baseline.jpg >in/cut.jpg
escape=$(printf '\033')
coloured() {
    grep -qF "${escape}[" err
}
expect 1 "$THUMBPOOL" -s 16 -o out.d in
! coloured || fail 'colours in a pipe'
expect 1 "$THUMBPOOL" -s 16 -o out.d --on-damage warn --color always in
grep -qF "${escape}[31mthumbpool:${escape}[0m in/bad.jpg" err || fail 'a failure is not red'
grep -qF "${escape}[33mthumbpool:${escape}[0m in/cut.jpg" err || fail 'a warning is not yellow'
expect 1 env FORCE_COLOR=1 "$THUMBPOOL" -s 16 -o out.d in
coloured || fail 'FORCE_COLOR does not count'
expect 1 env FORCE_COLOR=1 NO_COLOR=1 "$THUMBPOOL" -s 16 -o out.d in
! coloured || fail 'NO_COLOR does not count'
expect 1 env NO_COLOR=1 "$THUMBPOOL" -s 16 -o out.d --color=always in
coloured || fail 'what is given does not count more than NO_COLOR'
expect 1 env FORCE_COLOR=1 "$THUMBPOOL" -s 16 -o out.d --color=never in
! coloured || fail 'what is given does not count more than FORCE_COLOR'
expect 2 "$THUMBPOOL" --color sometimes in
says '--color takes auto, always or never'
bench='bench --work io --executor processes -j 1 --runs 2 --warmup 0 --no-claims'
for when in always never; do
    # shellcheck disable=SC2086 # a list of words
    expect 0 "$THUMBPOOL" $bench --color $when
    coloured && seen=always || seen=never
    is 'colours of the table' $seen $when
done

# On a terminal they are there by themselves, unless it, or somebody, says no.
# terminal VARIABLE=VALUE... : a run whose messages go to a terminal
terminal() {
    env -u NO_COLOR -u FORCE_COLOR "$@" script -qec "'$THUMBPOOL' --progress never -s 16 -o out.d in/bad.jpg" \
        /dev/null >err 2>&1 </dev/null
}
if can_have_terminal; then
    terminal TERM=xterm
    coloured || fail 'no colours on a terminal'
    terminal TERM=dumb
    ! coloured || fail 'colours on a terminal that cannot'
    terminal TERM=xterm NO_COLOR=1
    ! coloured || fail 'colours on a terminal, with NO_COLOR'
    terminal TERM=xterm NO_COLOR=
    coloured || fail 'an empty NO_COLOR counts'
else
    echo 'skipped: colours on a terminal, for lack of one'
fi
finish
