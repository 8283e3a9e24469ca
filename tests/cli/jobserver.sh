#!/bin/sh
# Under make: as many pictures at a time as its jobserver grants, and every token given back.
samples=$(CDPATH= cd -- "$(dirname "$0")/../../samples" && pwd)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$samples")/tests/cli/trace_lib.sh"

"$MAKE_IMAGES" many images 16
picture=$(cd images && find . -name '*.jpg' | LC_ALL=C sort | sed -n '1s/^..//p')
mkdir bin
ln -s "$THUMBPOOL" bin/thumbpool
PATH=$work/bin:$PATH
slow='-b 60 -s 300'

# ---- A fifo of our own, as make 4.4 has it ----
mkfifo fifo
exec 9<>fifo
auth="-j --jobserver-auth=fifo:$work/fifo"

# tokens: takes all out, in order
tokens() {
    dd bs=16 count=1 iflag=nonblock <&9 2>/dev/null | fold -w 1 | LC_ALL=C sort | tr -d '\n'
}

# with TOKENS COMMAND...: runs it, which must give them all back
with() {
    given=$1
    shift
    printf %s "$given" >&9
    expect 0 env MAKEFLAGS=" $auth" "$@"
    is 'the tokens after the run' "$(tokens)" "$given"
}

with a thumbpool images -o fifo.d --trace trace.json
is 'pictures at a time, at most 2 of them' "$(($(most_at_once trace.json) <= 2))" 1
with '' thumbpool images -o none.d --trace trace.json
is 'pictures at a time without a token' "$(most_at_once trace.json)" 1
with a thumbpool images -o threads.d --executor threads --trace trace.json
is 'pictures of threads at a time, at most 2 of them' "$(($(most_at_once trace.json) <= 2))" 1
with abc thumbpool images -o sequential.d --executor sequential --trace trace.json
is 'pictures in a row at a time' "$(most_at_once trace.json)" 1
same fifo.d none.d
same fifo.d threads.d
same fifo.d sequential.d

# Asked for a number, the program leaves make's tokens alone.
expect 0 env MAKEFLAGS=' -j --jobserver-auth=fifo:/nowhere' thumbpool images -o j.d -j 3
is 'messages' "$(grep -c jobserver err)" 0

# ---- Interrupted, and with workers that are killed ----

# begin: a run, until its first thumbnails are there
begin() {
    rm -rf thumbs
    printf ab >&9
    # shellcheck disable=SC2086 # options
    env MAKEFLAGS=" $auth" "$THUMBPOOL" images -o thumbs $slow --report report.ndjson -j 0 2>err &
    run=$!
    until [ "$(find thumbs -name '*.jpg' 2>/dev/null | wc -l)" -gt 3 ]; do
        kill -0 $run 2>/dev/null || break
        sleep 0.005
    done
}

begin
kill -TERM $run
code=0
wait $run || code=$?
is 'the exit code after SIGTERM' $code 143
is 'the tokens after SIGTERM' "$(tokens)" ab
begin
# shellcheck disable=SC2013 # numbers
for worker in $(cat "/proc/$run/task/$run/children" 2>/dev/null); do kill -KILL "$worker"; done
wait $run || fail 'a run fails whose workers were killed once'
is 'the tokens after the death of workers' "$(tokens)" ab

# ---- A jobserver that is kept from us ----
expect 0 env MAKEFLAGS=' -j4 --jobserver-auth=33,34' thumbpool images -o kept.d --trace trace.json
says "make's jobserver is not open to this command"
is 'the number of warnings' "$(grep -c jobserver err)" 1
is 'pictures at a time' "$(most_at_once trace.json)" 1
expect 0 env MAKEFLAGS=' -j4 --jobserver-auth=33,34' thumbpool "images/$picture" -o kept.d
is 'warnings over a single picture' "$(grep -c jobserver err)" 0
printf 'no tokens' >file
expect 0 env MAKEFLAGS=' -j4 --jobserver-auth=8,8' thumbpool images -o kept.d 8<>file
says "make's jobserver is not open to this command"
is 'the file that was no jobserver' "$(cat file)" 'no tokens'

# ---- Make itself ----
command -v make >/dev/null || { echo 'skipped: there is no make to run the example with'; finish; }
cat >GNUmakefile <<EOF
include $samples/make/Makefile
FLAGS = $slow --trace thumbs.json
all: beside
beside:
	thumbpool -j 1 $slow -o beside.d --trace beside.json images
plain:
	thumbpool -o plain.d --trace plain.json images
.PHONY: beside plain
EOF
rm -rf thumbs
expect 0 make -n
[ ! -e thumbs ] || fail 'make -n made thumbnails'
expect 0 make -j2
is 'pictures at a time under make -j2' "$(most_at_once thumbs.json beside.json)" 2
! grep -qF jobserver err || fail "make or the program complains: $(cat err)"
expect 0 make -j2 plain
if grep -qF "make's jobserver is not open" err; then
    is 'pictures at a time of a plain recipe' "$(most_at_once plain.json)" 1
fi

# The example makes what changed, and nothing else.
rm -rf thumbs.* thumbs
cat >GNUmakefile <<EOF
include $samples/make/Makefile
EOF
changed() {
    find thumbs -type f -newer mark ! -name '.thumbpool*' | LC_ALL=C sort | tr '\n' ' '
}
expect 0 make -j2
is 'thumbnails of the example' "$(find thumbs -name '*.jpg' | wc -l)" 16
touch mark
expect 0 make -j2 -q
"$MAKE_IMAGES" good good
cp good/a/baseline.jpg "images/$picture"
expect 1 make -q
expect 0 make -j2
is 'what a changed picture changes' "$(changed)" "thumbs/$picture "
expect 0 make -q
touch mark
cp good/a/baseline.jpg images/new.jpg
expect 0 make
is 'what a new picture changes' "$(changed)" 'thumbs/new.jpg '
rm images/new.jpg
expect 0 make
expect 0 make -q
rm thumbs.d
expect 1 make -q
finish
