#!/bin/sh
# The workers' jail: on by default, told in the report, refused where it cannot be had, and of no
# consequence for the pictures.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good in
level() { sed -n '1s/.*"sandbox":"\([^"]*\)".*/\1/p' report.ndjson; }

expect 0 "$THUMBPOOL" in -o free --sandbox off --report report.ndjson
is 'the level of none' "$(level)" off
expect 0 "$THUMBPOOL" in -o jailed --report report.ndjson
reached=$(level)
case $reached in
seccomp+landlock) [ ! -s warned ] || fail 'it warns of nothing' ;;
seccomp | landlock | limits) says 'jail is weaker' ;;
*) fail "the level is \"$reached\"" ;;
esac
same free jailed

# All of it, or nothing is begun.
if [ "$reached" = seccomp+landlock ]; then
    expect 0 "$THUMBPOOL" in -o required --sandbox require --report report.ndjson
    is 'the level that is required' "$(level)" seccomp+landlock
    same free required
else
    expect 3 "$THUMBPOOL" in -o required --sandbox require
    says 'cannot be jailed'
    [ ! -e required ] || fail 'something was written without a jail'
fi

# On a system that lacks a part: told, and refused where all is required; the pictures are the same. WITHOUT is
# tests/support/without.c.
if [ "$reached" = seccomp+landlock ]; then
    for part in landlock seccomp; do
        case $part in landlock) left=seccomp ;; seccomp) left=landlock ;; esac
        for error in ENOSYS EPERM EINVAL; do
            rm -rf less
            expect 0 "$WITHOUT" $part:$error -- "$THUMBPOOL" in -o less --report report.ndjson
            says 'jail is weaker'
            is "the level without $part ($error)" "$(level)" $left
            same free less
        done
        expect 3 "$WITHOUT" $part:ENOSYS -- "$THUMBPOOL" in -o required.less --sandbox require
        [ ! -e required.less ] || fail "something was written without $part"
    done
    expect 0 "$WITHOUT" landlock:EOPNOTSUPP seccomp:EINVAL -- "$THUMBPOOL" in -o none.left --report report.ndjson
    is 'the level without both' "$(level)" limits
    same free none.left
    expect 0 "$WITHOUT" landlock:ENOSYS -- "$THUMBPOOL" in -o less --allow-untrusted
    says 'drawings get no fonts'
fi

# Nothing but processes can be jailed.
for kind in threads sequential; do
    expect 2 "$THUMBPOOL" in -o threads --executor $kind --sandbox require
    says '--sandbox require needs processes'
    expect 0 "$THUMBPOOL" in -o "$kind" --executor $kind --report report.ndjson
    is "the level of $kind" "$(level)" off
done
expect 2 "$THUMBPOOL" in --sandbox perhaps
says '--sandbox'

# Drawings with letters: fonts are read in the jail.
mkdir drawings
printf '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60"><text x="9" y="40" font-size="30">Abc</text></svg>' \
    >drawings/a.svg
if vips -l VipsForeignLoad 2>/dev/null | grep -q svgload_source; then
    expect 0 "$THUMBPOOL" --allow-untrusted -b 0 drawings -o drawn --sandbox off
    expect 0 "$THUMBPOOL" --allow-untrusted -b 0 drawings -o drawn.jailed
    same drawn drawn.jailed
    expect 0 env -u HOME "$THUMBPOOL" --allow-untrusted -b 0 drawings -o drawn.homeless
    same drawn drawn.homeless
fi

# What the kernel says of the workers while they work.
"$MAKE_IMAGES" many slow 16
"$THUMBPOOL" slow -o slow.d -j 2 -b 60 -s 300 --exact --quiet &
run=$!
seen=0
while kill -0 $run 2>/dev/null; do
    for worker in $(cat "/proc/$run/task/$run/children" 2>/dev/null); do
        status=$(cat "/proc/$worker/task/"*/status 2>/dev/null) || continue
        case $(cat "/proc/$worker/comm" 2>/dev/null) in thumbpool-work*) ;; *) continue ;; esac
        # One that has opened its first picture holds a descriptor beside its two channels.
        [ "$(ls "/proc/$worker/fd" 2>/dev/null | wc -l)" -gt 5 ] || continue
        seen=$((seen + 1))
        [ "$(printf '%s\n' "$status" | grep -c '^Seccomp:.2')" = "$(printf '%s\n' "$status" | grep -c '^Seccomp:')" ] ||
            fail "a thread of worker $worker is not filtered"
        printf '%s\n' "$status" | grep -q '^NoNewPrivs:.1' || fail "worker $worker may gain privileges"
        [ "$(id -u)" != 0 ] || printf '%s\n' "$status" | grep -q '^Uid:.65534.65534.65534' || fail "worker $worker is root"
    done
done
wait $run || fail 'the run beside it failed'
case $reached in seccomp*) [ $seen -gt 0 ] || [ "$(id -u)" != 0 ] || fail 'no worker was seen at work' ;; esac
finish
