#!/bin/bash
# peers.sh and stages.sh on pictures that were made for it: who does the work gets a time, who does not gets
# none, and nobody gets a ratio without sharp. Needs THUMBPOOL and MAKE_IMAGES in the environment.
# shellcheck disable=SC2015 # a && b || c is meant so
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export THUMBPOOL_PEERS=$work/nothing

fail() {
    echo "FAILED: $*" >&2
    cat said page 2>/dev/null
    exit 1
}

# expect STATUS ARGUMENT...: runs peers.sh, one round.
expect() {
    local wanted=$1 status=0
    shift
    rm -f page results.json
    "$here/peers.sh" --rounds 1 --jobs 2 --json results.json --markdown page "$@" >said 2>&1 || status=$?
    [ $status != 2 ] || ! grep -q 'to look at thumbnails' said || { echo 'skipped: nothing to look at pictures with'; exit 77; }
    [ $status = "$wanted" ] || fail "status $status instead of $wanted: $*"
}

timed() { grep -qE "^\| $1 \| [0-9.]+ \|" page; }

program() { # NAME: makes its standard input one, first in PATH
    mkdir -p bin
    cat >"bin/$1"
    chmod +x "bin/$1"
}

"$MAKE_IMAGES" many in 4

# Whoever is here makes four pictures twice over.
expect 0 "$THUMBPOOL" --size 64 --times 2 in
grep -q '^### in: 8 pictures, .* into 64 pixels, each file 2 times over' page || fail 'the folder is not told'
timed thumbpool || fail 'thumbpool has no time'
for peer in tutorial draft vipsthumbnail mogrify djpeg; do
    timed $peer || grep -q "^- left out.* $peer" page || fail "$peer has no time and is not left out"
done
grep -q '^- left out.* sharp' page || fail 'sharp is not said to be missing'
grep -q '^No ratios are given' page || fail 'it is not said why there are no ratios'
grep -qE '^\| thumbpool \|.*[0-9] \| +\| +\| +\| blurs' page || fail 'there is a ratio without sharp'
grep -q '"peer":"thumbpool".*"jobs":"2"' results.json || fail 'the JSON has no thumbpool'
if command -v jq >/dev/null; then
    jq -e '.results | length > 0 and all(.median > 0 and .command != "" and (.times | length) == 1)' results.json \
        >/dev/null || fail 'the JSON is not what it should be'
fi

# One who copies what it should shrink, and one that makes only some, get no time.
program vipsthumbnail <<'SCRIPT'
#!/bin/bash
[ "$1" != --vips-version ] || { echo 'libvips of copies'; exit; }
for file; do [[ $file != *.jpg ]] || cp "$file" "$OUT"; done
SCRIPT
program mogrify <<'SCRIPT'
#!/bin/bash
[ "$1" != -version ] || { echo 'Version: ImageMagick of one'; exit; }
cp "${@: -1}" "$OUT"
SCRIPT
PATH=$work/bin:$PATH expect 1 --only thumbpool,vipsthumbnail,mogrify "$THUMBPOOL" --size 64 in
timed thumbpool || fail 'thumbpool has no time'
grep -q '^| vipsthumbnail | | .*the wrong size' page || fail 'copies pass for thumbnails'
grep -q '^| mogrify | | .*did not make all' page || fail 'one of each half passes for all'
! grep -q 'vipsthumbnail\|mogrify' results.json || fail 'the JSON has times of nothing'

# Nobody is compared with a thumbpool that does nothing.
program idle <<'SCRIPT'
#!/bin/sh
[ "$1" != --version ] || echo 'thumbpool of nothing'
SCRIPT
PATH=$work/bin:$PATH expect 1 --only thumbpool,djpeg idle in
! timed thumbpool && ! timed djpeg || fail 'there is a time of nothing'

expect 2 --only nobody "$THUMBPOOL" in
expect 2 "$THUMBPOOL" in/nothing

"$here/stages.sh" --rounds 1 --size 64 "$THUMBPOOL" in >page
for stage in read decode blur encode '\*\*all\*\*'; do
    grep -qE "^\| $stage \| [0-9.]+ \| [0-9.]+ \| [0-9.]+ \| [0-9.]+ % \|" page || fail "no time for $stage"
done
