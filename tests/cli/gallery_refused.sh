#!/bin/sh
# A gallery that would be in the way of something is refused before any work; a run that stops leaves one
# that says so, and a run that is killed leaves what was there.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good good
mkdir in
cp good/a/baseline.jpg in/good.jpg
cp good/b/grey.jpg in/grey.jpg

# has TEXT: the page holds it
has() {
    grep -qF -- "$1" page.html || fail "no \"$1\" on the page"
}

# ---- Refused, or not to be written, before any work ----
refused() { # SAYS OPTION...
    said=$1
    shift
    expect 2 "$THUMBPOOL" -o none "$@"
    says "$said"
    [ ! -e none ] || fail "something was made: $*"
}
cp -R in before
refused 'would replace the input' --gallery in/good.jpg in
refused 'would replace the input' --gallery ./in/../in/good.jpg in
refused 'would replace the output' --gallery none/good.jpg in/good.jpg
refused 'would replace the output' --gallery none in
refused 'would replace the output' --gallery none/.thumbpool.ndjson in
refused 'would replace report' --gallery report --report report in/good.jpg
echo in/good.jpg >list
refused 'would replace the list' --gallery ./list --files-from list
is 'the list' "$(cat list)" in/good.jpg
refused '--gallery' --gallery - in/good.jpg
same before in
expect 3 "$THUMBPOOL" -o none --gallery good in/good.jpg
expect 3 "$THUMBPOOL" -o none --gallery /dev/null in/good.jpg
echo old >report
expect 3 "$THUMBPOOL" -o none --gallery list/page.html --report report in/good.jpg
is 'the report of another run' "$(cat report)" old
[ ! -e none ] || fail 'a picture was made for a page that cannot be'
expect 0 "$THUMBPOOL" -n -o none --gallery page.html in/good.jpg
[ ! -e page.html ] || fail 'a dry run wrote a page'
echo file >blocked
expect 3 "$THUMBPOOL" -o blocked --gallery page.html in/good.jpg
has 'The run could not go on'

# ---- Stopped ----
echo bad >bad.jpg
expect 4 "$THUMBPOOL" -o out4 --fail-fast --gallery page.html bad.jpg in
has 'The run was stopped because too many pictures failed.'
"$MAKE_IMAGES" many many 40
start() {
    rm -rf out5
    echo old >page.html
    # A shell without job control lets its background commands ignore the interrupt key's signal.
    env --default-signal=INT "$THUMBPOOL" many -o out5 -b 60 -s 300 --gallery page.html >/dev/null 2>&1 &
    run=$!
    until [ "$(find out5 -name '*.jpg' 2>/dev/null | wc -l)" -gt 3 ]; do
        kill -0 $run 2>/dev/null || break
        sleep 0.005
    done
}
start
kill -INT $run
code=0
wait $run || code=$?
is 'the exit code' $code 130
has 'The run was interrupted.'
is 'thumbnails on the page' "$(grep -c '<li data-d=' page.html)" "$(find out5 -name '*.jpg' | wc -l)"
start
kill -KILL $run
wait $run 2>/dev/null
is 'the page of a run that was killed' "$(cat page.html)" old
is 'temporary files beside it' "$(find . -maxdepth 1 -name '.thumbpool-*' | wc -l)" 0
finish
