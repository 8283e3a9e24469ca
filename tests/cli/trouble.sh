#!/bin/sh
# Trouble that has no test of its own elsewhere, see tests/FAULTS.md: a second interrupt, no memory in the
# parent, devices, outputs with other links or without permissions, and clocks that are wrong.
#   SWEEP=full   every request for memory, else one in twenty
tests=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
. "$tests/lib.sh"
. "$tests/invariants.sh"
: "${FAULTS:?}"

export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
pictures=6 older=no
"$MAKE_IMAGES" many in $pictures
expect 0 "$THUMBPOOL" in -o calm -s 40
inputs=$(find in -type f -exec cksum {} + | cksum)
one=$(find in -name '*.jpg' | head -n 1)

# ---- The parent asks for memory and gets none, the Nth time: it goes on or says so, and never crashes ----
# memory NTH OPTION...: returns 1 when there are no so many requests
memory() {
    nth=$1 before=$bad code=0 bad=0
    shift
    rm -rf thumbs report.ndjson
    THUMBPOOL_FAULT=malloc:$nth:enomem THUMBPOOL_FAULT_TALLY=tally timeout -k 1 60 "$FAULTS" in -o "$work/thumbs" \
        -s 40 -j 2 --report report.ndjson --progress never "$@" 2>err || code=$?
    no_process "$FAULTS"
    whole_files
    ledger
    cp err first.err
    goes_on
    if [ $bad = 1 ]; then
        echo "^^^^ malloc:$nth:enomem $*" >&2
        sed 's/^/    /' first.err >&2
    fi
    bad=$((bad | before))
    # shellcheck disable=SC2046 # numbers
    set -- $(od -An -v -tu4 -N8 tally)
    [ "$2" -gt 0 ]
}
step=20 nth=1
case ${SWEEP:-} in full) step=1 ;; esac
while memory $nth --fsync; do nth=$((nth + step)); done
[ $nth -gt 40 ] || fail "only $nth requests for memory"
echo "no memory: $nth requests, one in $step"

# ---- The first interrupt lets finish what runs, the second does not ----
rm -rf thumbs
THUMBPOOL_FAULT=decode:3+:hang env --default-signal=INT "$FAULTS" in -o "$work/thumbs" -s 40 -j 2 --timeout 0 2>err &
run=$!
until [ "$(find thumbs -name '*.jpg' 2>/dev/null | wc -l)" -ge 2 ]; do
    kill -0 $run 2>/dev/null || break
    sleep 0.01
done
# Two that come too close together are one; without a second one it would never end.
for try in 1 2 3 4 5 6 7 8 9 10; do
    kill -INT $run 2>/dev/null || break
    sleep 0.2
done
! kill -0 $run 2>/dev/null || { fail "$try interrupts did not end the run"; kill -KILL $run; }
code=0
wait $run || code=$?
is 'the exit code after two interrupts' $code 130
no_process "$FAULTS"
whole_files
goes_on

# ---- What is no file is not waited for, and what is endless is not read ----
mkdir odd
mkfifo odd/fifo.jpg
ln -s /dev/zero odd/zero.jpg
ln -s /proc/self/mem odd/mem.jpg
ln -s /proc/kmsg odd/kmsg.jpg
cp "$one" odd/real.jpg
expect 1 timeout 20 "$THUMBPOOL" --follow odd -o odd.d -s 40 --report report.ndjson
is 'pictures made among devices' "$(field made)" 1
is 'devices that were passed over' "$(($(field failed) + $(field skipped)))" 4
expect 1 timeout 20 "$THUMBPOOL" /dev/zero -o odd.d
says 'not a regular file'

# ---- An output that has other links, or may not be written, is replaced and never written into ----
mkdir outside
expect 0 "$THUMBPOOL" in -o thumbs -s 30
output=$(find thumbs -name '*.jpg' | head -n 1)
ln "$output" outside/link.jpg
cp outside/link.jpg outside/copy.jpg
chmod 444 "$output"
expect 0 "$THUMBPOOL" in -o thumbs -s 40
same calm thumbs
cmp -s outside/link.jpg outside/copy.jpg || fail 'an output was written through a hard link'

# ---- Times in the future, and times that go back: a picture that changed is made anew ----
find in -name '*.jpg' -exec touch -d '2099-01-01' {} +
expect 0 "$THUMBPOOL" in -o thumbs -s 40 --report report.ndjson
touch -d '1999-01-01' "$one"
cp "$one" kept
cp "$(find in -name '*.jpg' ! -path "$one" | head -n 1)" "$one"
touch -d '1998-01-01' "$one"
expect 0 "$THUMBPOOL" in -o thumbs -s 40 --report report.ndjson
is 'pictures made anew whose time went back' "$(field made)" 1
cp kept "$one"
touch -d '1997-01-01' "$one"
expect 0 "$THUMBPOOL" in -o thumbs -s 40
same calm thumbs
clean .
finish
