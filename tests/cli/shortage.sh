#!/bin/sh
# When the system runs out of something: descriptors, disk, a reader. No picture is failed for it that
# can be made, nothing is half-written, and a rerun goes on.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" many in 30
expect 0 "$THUMBPOOL" in -o calm -s 40

# ---- Descriptors: all pictures are made, by fewer workers, or none is begun ----
if command -v prlimit >/dev/null; then
    made=0 refused=0 fewer=0
    for limit in 10 14 18 22 26 30 40 64; do
        rm -rf thumbs
        code=0
        prlimit --nofile=$limit:$limit "$THUMBPOOL" in -o thumbs -s 40 -j 8 2>err || code=$?
        case $code in
        0)
            same calm thumbs
            made=$((made + 1))
            grep -q ' of 8 workers: .*ulimit -n' err && fewer=$((fewer + 1))
            ;;
        3)
            says 'Too many open files'
            is "files made with $limit descriptors" "$(files thumbs 2>/dev/null)" ''
            refused=$((refused + 1))
            ;;
        *) fail "exit code $code with $limit descriptors" ;;
        esac
    done
    [ $made -gt 0 ] && [ $refused -gt 0 ] && [ $fewer -gt 0 ] ||
        fail "with few descriptors: $made made, $refused refused, $fewer with fewer workers"
fi

# Folders that are kept open, to write more in them or to flush them, are the first to be closed.
if command -v prlimit >/dev/null; then
    picture=$(find in -name '*.jpg' | head -n 1)
    for number in 1 2 3 4 5 6 7 8 9; do
        for folder in 1 2 3 4 5 6 7 8 9; do
            mkdir -p "wide/$folder$number"
            cp "$picture" "wide/$folder$number/a.jpg"
        done
    done
    # One for libvips, where there is one: its workers need some, too.
    ! "$THUMBPOOL" "$picture" -f webp -o webp --quiet 2>/dev/null || cp webp/*.webp wide/55
    expect 0 "$THUMBPOOL" wide -o wide.calm -s 40
    for limit in 24 30 36 80; do
        for option in --force --fsync; do
            rm -rf thumbs
            code=0
            prlimit --nofile=$limit:$limit "$THUMBPOOL" wide -o thumbs -s 40 -j 2 $option 2>err || code=$?
            case $code in
            0) same wide.calm thumbs ;;
            3) [ $limit -lt 48 ] || fail "no run with $limit descriptors" ;;
            *) fail "exit code $code with $option and $limit descriptors" ;;
            esac
        done
    done
fi

# ---- Disk: it stops, says so, and goes on once there is room ----
full() { # MOUNT-OPTION: runs on a disk of that size, then on one with room
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare -Urm sh -c '
        mkdir -p disk && mount -t tmpfs -o "$2" disk disk || exit 77
        "$1" in -o disk/thumbs -s 40 2>err
        echo $? >code
        find disk -name ".thumbpool-*" >left
        (cd disk/thumbs && find . -name "*.jpg" -exec cmp {} ../../calm/{} \;) >differ 2>&1
        mount -o remount,size=64M,nr_inodes=10000 disk
        "$1" in -o disk/thumbs -s 40 2>again
        echo $? >code2
        diff -r -x .thumbpool.ndjson calm disk/thumbs >>differ' sh "$THUMBPOOL" "$1"
}
if unshare -Urm true 2>/dev/null && full size=32k && [ -s code ]; then
    for disk in size=32k nr_inodes=12; do
        full $disk
        is "the exit code with $disk" "$(cat code)" 3
        says 'No space left on device'
        says 'not started'
        is "what is left behind with $disk" "$(cat left)" ''
        is "what differs with $disk" "$(cat differ)" ''
        is "the exit code with room again" "$(cat code2)" 0
    done
else
    echo 'a full disk was not tried: no namespace of one'"'"'s own here' >&2
fi

# ---- A reader that goes away, a report that cannot be written: the pictures are made all the same ----
rm -rf thumbs
expect 3 sh -c '"$0" in -o thumbs -s 40 --report - >/dev/full' "$THUMBPOOL"
says 'report could not be written'
same calm thumbs
rm -rf thumbs
sh -c '"$0" in -o thumbs -s 40 --report -; echo $? >code' "$THUMBPOOL" 2>err | (exec <&-)
case $(cat code) in 0 | 3) ;; *) fail "exit code $(cat code) when nobody reads" ;; esac
same calm thumbs
finish
