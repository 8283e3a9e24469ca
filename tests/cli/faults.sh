#!/bin/sh
# Every fault point with every action that makes sense there: what can be survived is, with the same bytes;
# what cannot costs one picture, or ends the run with the truth; and a run after it completes the same tree.
# The points are in tests/faults/points.h; FAULTS is the program that has them.
#   FAULTS_ONLY   a pattern: only those faults that it fits
#   LONG          those, too, that take half a minute
# A sanitizer's build, which is slow, tries every third.
tests=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
. "$tests/lib.sh"
. "$tests/invariants.sh"
: "${FAULTS:?}"

# The sanitizers are not to take over what ends a worker, nor to look for leaks of a parent that was killed.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0:handle_segv=0:handle_abort=0"
pictures=12
"$MAKE_IMAGES" many in $pictures
expect 0 "$THUMBPOOL" in -o calm -s 40
expect 0 "$THUMBPOOL" in -o older -s 30
inputs=$(find in -type f -exec cksum {} + | cksum)
turn=0 count=0

# happened: each of them did
happened() {
    set -- $(od -An -v -tu4 tally)
    for one in $(printf '%s\n' "$THUMBPOOL_FAULT" | tr , ' '); do
        [ "$2" -gt 0 ] || fail "$one did not happen, at $1 passages"
        shift 2
    done
}

# fault CODE FAILED THUMBPOOL_FAULT OPTION...: a run with it ends with CODE, and so many pictures have failed
fault() {
    wanted=$1 failed=$2 THUMBPOOL_FAULT=$3
    shift 3
    printf '%s\n' "$THUMBPOOL_FAULT" | grep -qE "${FAULTS_ONLY:-.}" || return 0
    before=$bad code=0 bad=0
    turn=$((turn + 1))
    [ -n "${FAULTS_ONLY:-}" ] || [ -z "${SANITIZED:-}" ] || [ $((turn % 3)) = 0 ] || return 0
    count=$((count + 1))
    rm -rf thumbs report.ndjson
    [ "$older" = no ] || cp -R older thumbs
    THUMBPOOL_FAULT=$THUMBPOOL_FAULT THUMBPOOL_FAULT_TALLY=tally timeout -k 1 "$patience" "$FAULTS" in -o "$work/thumbs" -s 40 \
        --timeout "$timeout" --report report.ndjson --progress never "$@" 2>err || code=$?
    is 'the exit code' $code "$wanted"
    happened
    no_process "$FAULTS"
    whole_files
    if [ "$wanted" -lt 100 ]; then
        ledger
        [ "$failed" = - ] || is 'failed pictures' "$(field failed)" "$failed"
    fi
    cp err first.err
    goes_on
    if [ $bad = 1 ]; then
        echo "^^^^ THUMBPOOL_FAULT=$THUMBPOOL_FAULT $*" >&2
        sed 's/^/    /' first.err >&2
    fi
    bad=$((bad | before))
}

# each WORKERS... -- CODE FAILED POINT... -- NTH:ACTION...
each() {
    widths='' points='' first=$*
    while [ "$1" != -- ]; do widths="$widths $1"; shift; done
    wants="$2 $3"
    shift 3
    while [ "$1" != -- ]; do points="$points $1"; shift; done
    shift
    [ $# -gt 0 ] || fail "no action: $first"
    for what; do
        for point in $points; do
            # shellcheck disable=SC2086 # two words
            for width in $widths; do fault $wants "$point:$what" -j "$width" $options; done
        done
    done
}

patience=20 timeout=0.3
case ${SANITIZED:-} in ?*) patience=60 timeout=2 ;; esac
older=no options=''
works='begin open read decode encode end'
all="start jail recv $works pre-frame mid-frame post-frame"

# ---- Workers ----
# Their deaths, once: nothing is lost, for a picture is tried twice.
# shellcheck disable=SC2086 # lists of words
{
    each 1 -- 0 0 $all -- 1:segv
    each 3 -- 0 0 $all -- 3:segv 2:kill 2:exit
    each 1 -- 0 0 start open -- 1:abort
    # Whatever stops before it has begun, or after it has written, costs nothing; in between its picture.
    each 1 -- 0 0 start jail recv pre-frame mid-frame post-frame -- 1:stop
    each 1 -- 0 0 recv pre-frame mid-frame post-frame -- 2:stop
    each 3 -- 0 0 start recv -- 2:stop
    each 1 -- 1 1 begin read encode -- 2:stop
    each 3 -- 1 1 $works -- 2:hang
    each 1 -- 1 1 decode -- 2:spin
    # Every time: as often as a picture is tried, then it has failed. Nobody starts for ever.
    each 2 -- 1 $pictures open decode -- 1+:segv
    each 2 -- 3 - start jail -- 1+:segv 1+:exit
    [ -z "${LONG:-}" ] || patience=60 each 2 -- 3 - start -- 1+:kill # somebody might stop killing them
    # Calls of theirs that fail.
    each 2 -- 0 0 start -- 2:enomem
    each 2 -- 0 0 recv -- 2:eintr 2:eio 2:enomem
    each 2 -- 0 0 jail -- 2:eio
    each 2 -- 1 1 read -- 3:eio
    each 2 -- 0 0 read -- 3:eintr
    each 2 -- 0 0 decode -- 3:enomem # tried again with all the memory there is
}

# ---- The parent: a call that fails ----
each 2 -- 0 0 fork -- 3:eagain 3:enomem
each 2 -- 3 - fork -- 2+:eagain
each 2 -- 0 0 reap collect -- 2:eintr
each 2 -- 0 0 dispatch -- 2:eintr 2:eagain
each 2 -- 1 1 input-open input-stat input-read -- 3:eio 3:enomem
each 2 -- 1 1 create write folder link:3:eio,link -- 4:eio
each 2 -- 1 1 enter -- 1:eio
each 2 -- 3 - create write folder link:3:enospc,link -- 4:enospc 4:edquot
each 2 -- 0 0 write -- 3:eintr
each 2 -- 0 0 close -- 3:eio
each 2 -- 0 0 manifest-open manifest-lock manifest-write -- 1:eio 1:enospc
fault 1 1 flush:3:eio -j 2 --fsync
fault 3 - flush:3:enospc -j 2 --fsync
fault 0 0 flush:3:eintr -j 2 --fsync

# Over another tree: by a temporary name and a rename; and where there are no unnamed files.
older=yes options=--force
each 2 -- 1 1 link:3:eio,link rename -- 4:eio
each 2 -- 3 - rename -- 3:enospc
each 2 -- 1 1 create:1:eopnotsupp,temporary create:1:eopnotsupp,write create:1:eopnotsupp,rename -- 3:eio
each 2 -- 3 - create:1:eopnotsupp,write -- 3:enospc

# ---- The parent is killed: no worker outlives it, no file is half-written, and the next run completes ----
each 2 -- 137 - rename create:1:eopnotsupp,temporary create:1:eopnotsupp,write create:1:eopnotsupp,rename -- 3:kill
older=no options=''
each 3 -- 137 - fork dispatch collect input-open input-stat input-read folder enter create write link close -- 3:kill
each 3 -- 137 - reap manifest-open manifest-lock manifest-write -- 1:kill
fault 137 - flush:3:kill -j 2 --fsync
each 1 -- 139 - collect link -- 2:segv

echo "$count faults"
expect 70 env THUMBPOOL_FAULT=nowhere "$FAULTS" --version
expect 70 env THUMBPOOL_FAULT=link:0:eio "$FAULTS" --version
! grep -q THUMBPOOL_FAULT "$THUMBPOOL" || fail 'the program itself has fault points'
finish
