#!/bin/sh
# The parent's system calls fail, one a run: whichever it is, the run ends, says what it could not do, leaves
# whole files only, touches nothing but its output folder, and a second run completes the same tree.
#
# strace lets a call fail by its name and its number among those of that name; a calm run tells which there
# are. Left out are the calls of the loader, before the program has begun, and the last one, which cannot fail.
# Workers are not traced. strace does not make the call that it lets fail: a descriptor whose close() fails
# stays open, which is harder than what a kernel does.
#
#   SWEEP=full   every call of a run, and of one with --force and --fsync over an older tree, with every error:
#                some ten thousand runs, half an hour (tests/long.sh)
#   SWEEP=short  unless said otherwise: of both runs the first call of each name and every tenth of all, with
#                one error each, in turn
tests=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
. "$tests/lib.sh"
. "$tests/invariants.sh"

form=${SWEEP:-short}
errors='EIO ENOSPC EMFILE EINTR ENOMEM'
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" # the checker of leaks is a tracer, too
if ! command -v strace >/dev/null || ! strace -o log true 2>/dev/null; then
    echo 'skipped: there is no strace, or it may not trace'
    exit 77
fi
if [ -d /dev/shm ] && [ -w /dev/shm ]; then
    mv "$work" "/dev/shm/${work##*/}" && work=/dev/shm/${work##*/}
    cd "$work" || exit 2
fi
case $form in full) pictures=20 ;; *) pictures=8 ;; esac
"$MAKE_IMAGES" many in $pictures
expect 0 "$THUMBPOOL" in -o calm -s 40
expect 0 "$THUMBPOOL" in -o older -s 30
inputs=$(find in -type f -exec cksum {} + | cksum)

# program OPTION...: the run that is swept
program() {
    "$@" "$THUMBPOOL" in -o "$work/thumbs" -s 40 -j 2 --report report.ndjson --progress never $options
}

# fresh: what the run finds
fresh() {
    rm -rf thumbs report.ndjson
    [ "$older" = no ] || cp -R older thumbs
}

# calls: of a calm run, a line each: a name, and its number among those of that name
calls() {
    fresh
    program strace -o log 2>err || fail 'the calm run fails'
    awk -F'(' '/^[a-z_0-9]+\(/ {
            number[$1]++
            if (/^rt_sigaction\(SIGINT/) begun = 1
            if (begun && $1 != "exit_group") print $1, number[$1]
        }' log | grep -vE "^(${others:-none}) "
}

# some: the first call of each name that has not been seen and every tenth of all, with an error each in turn.
# Where workers start slowly, with the sanitizers, fewer.
some() {
    awk -v errors="$errors" -v step="$step" '
        BEGIN { most = split(errors, error, " ") }
        FILENAME == "seen" { seen[$1] = 1; next }
        !($1 in seen) || FNR % step == 0 { print $1, $2, error[1 + turn++ % most] }
        { seen[$1] = 1 }' seen -
}

all() {
    while read -r name number; do
        for error in $errors; do echo "$name $number $error"; done
    done
}

# failure NAME ERROR: how strace is to let it fail. brk() knows no errors, it leaves the break where it is.
failure() {
    case $1 in brk) echo retval=0 ;; *) echo "error=$2" ;; esac
}

# sweep NAME NUMBER ERROR
sweep() {
    before=$bad
    bad=0
    fresh
    code=0
    program timeout -k 1 "$patience" strace -o log -e "trace=$1" -e "inject=$1:$(failure "$1" "$3"):when=$2" 2>err || code=$?
    [ $code != 124 ] || fail 'it hangs'
    injected=$((injected + $(grep -c INJECTED log)))
    no_process "$THUMBPOOL"
    whole_files
    ledger
    cp err first.err
    goes_on
    if [ $bad = 1 ]; then
        echo "^^^^ $1 $2 $3 ($options)" >&2
        sed 's/^/    /' first.err >&2
    fi
    bad=$((bad | before))
}

patience=20 step=10
# With the sanitizers memory is theirs, and they give up without it.
case ${SANITIZED:-} in ?*) patience=60 step=40 others='mmap|munmap|mremap|madvise|mprotect|brk' ;; esac
runs=0 injected=0
: >seen
for scene in ${SCENES:-new old}; do
    case $scene in
    new) older=no options='' ;;
    old) older=yes options='--force --fsync' ;;
    esac
    calls >all
    if [ "$form" = full ]; then all <all; else some <all; fi >plan
    cat all >>seen
    if [ -n "${SWEEP_ONLY:-}" ]; then grep -E "$SWEEP_ONLY" plan >less; mv less plan; fi
    while read -r name number error; do
        sweep "$name" "$number" "$error" </dev/null
        runs=$((runs + 1))
    done <plan
done
echo "$runs runs, in $injected of them a call failed"
[ $injected -gt $((runs / 2)) ] || fail 'most calls did not fail'
finish
