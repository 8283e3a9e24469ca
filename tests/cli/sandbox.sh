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

# What the kernel says of the workers from the moment on that they hold a picture: of every kind of worker, and of all
# of its threads. A worker is stopped for the look.
watch() { # KIND FOLDER THREADS OPTION...: one worker of so many threads at least must be seen
    kind=$1 folder=$2 threads=$3
    shift 3
    rm -rf watched
    "$THUMBPOOL" "$folder" -o watched -j 2 --timeout 0 --quiet "$@" 2>watched.err &
    run=$!
    seen=0 most=0
    while kill -0 $run 2>/dev/null; do
        for worker in $(cat "/proc/$run/task/$run/children" 2>/dev/null); do
            case $(cat "/proc/$worker/comm" 2>/dev/null) in thumbpool-work*) ;; *) continue ;; esac
            kill -STOP "$worker" 2>/dev/null
            if ls -l "/proc/$worker/fd" 2>/dev/null | grep -qF "/$folder/"; then
                status=$(cat "/proc/$worker/task/"*/status 2>/dev/null)
                look "$kind" "$status"
            fi
            kill -CONT "$worker" 2>/dev/null
        done
    done
    wait $run || { fail "the run beside it failed: $kind"; cat watched.err >&2; }
    case $reached in seccomp*) [ "$(id -u)" != 0 ] || [ $seen -gt 0 ] || fail "no worker was seen at work: $kind" ;; esac
    [ "$(id -u)" != 0 ] || [ $most -ge "$threads" ] || fail "only workers of $most threads were seen: $kind"
}
look() { # KIND STATUS
    seen=$((seen + 1))
    all=$(printf '%s\n' "$2" | grep -c '^Seccomp:')
    [ "$all" -le $most ] || most=$all
    case $reached in
    seccomp*) [ "$(printf '%s\n' "$2" | grep -c '^Seccomp:.2')" = "$all" ] || fail "a thread is not filtered: $1" ;;
    esac
    [ "$(printf '%s\n' "$2" | grep -c '^NoNewPrivs:.1')" = "$all" ] || fail "a thread may gain privileges: $1"
    [ "$(id -u)" != 0 ] || [ "$(printf '%s\n' "$2" | grep -c '^Uid:.65534.65534.65534')" = "$all" ] ||
        fail "a thread is root: $1"
}
"$MAKE_IMAGES" many slow 16
watch decoders slow 1 -b 60 -s 300 --exact
if "$THUMBPOOL" slow -o slow.webp -s 1000 -f webp --quiet 2>/dev/null; then
    watch guests slow.webp 2 -s 300
    watch drawers slow.webp 2 -s 300 --allow-untrusted
fi
finish
