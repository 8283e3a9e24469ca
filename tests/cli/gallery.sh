#!/bin/sh
# What --gallery writes: a page whose links lead to the thumbnails, whatever they are called; what failed
# and why; and nothing at all where it would be in the way of something.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good good
one=good/a/baseline.jpg

# has TEXT: the page holds it
has() {
    grep -qF -- "$1" page.html || fail "no \"$1\" on the page"
}

# decode: percent-encoded lines as the bytes they stand for, each ended by NUL
decode() {
    LC_ALL=C awk '{
        while (match($0, /%[0-9A-F][0-9A-F]/)) {
            high = index("123456789ABCDEF", substr($0, RSTART + 1, 1))
            printf "%s%c", substr($0, 1, RSTART - 1), 16 * high + index("123456789ABCDEF", substr($0, RSTART + 2, 1))
            $0 = substr($0, RSTART + 3)
        }
        printf "%s%c", $0, 0
    }'
}

# ---- Names of every kind ----
mkdir -p in/sub
long=$(printf '%0251d' 0)
for name in 'a b' '#' '?x=1' '%41' "it's" '"quoted"' '<b>bold' '&amp;' '-o' 'javascript:0' 'a
b' "$(printf 'not utf-8 \374')" "$(printf 'esc\033[1m')" 'ü東京' "$long" '\back' 'x;y,z=1+1@$!*()'; do
    cp $one "in/sub/$name.jpg"
done
expect 0 "$THUMBPOOL" -o out.d -s 32 --gallery page.html in
find out.d -name '*.jpg' -print0 | LC_ALL=C sort -z >wanted
is 'pictures on the page' "$(grep -c '<li data-d=' page.html)" "$(tr -cd '\0' <wanted | wc -c)"
for before in '<a href' '<img src'; do
    sed -n "s/.*$before=\"\(out\.d[^\"]*\)\".*/\1/p" page.html | decode | LC_ALL=C sort -z >found
    cmp -s found wanted || { fail "$before leads elsewhere:"; tr '\n\0' '?\n' <found >&2; }
done
! LC_ALL=C grep -q '[[:cntrl:]]' page.html || fail 'a control character is on the page'
! grep -q '<b>bold' page.html || fail 'a name has become markup'
[ "$(tail -n 1 page.html)" = '</html>' ] || fail 'the page has no end'
clean .

# ---- Where the page is, and where the outputs are ----
expect 0 "$THUMBPOOL" -o out.d -s 32 --gallery pages/new/page.html $one
grep -q 'href="../../out.d/baseline.jpg"' pages/new/page.html || fail 'the way from another folder'
expect 0 "$THUMBPOOL" -o out.d -s 32 --gallery out.d/page.html $one
grep -q 'href="baseline.jpg"' out.d/page.html || fail 'the way within the output folder'
mkdir -p real/deep
ln -s real/deep link
expect 0 "$THUMBPOOL" -o out.d -s 32 --gallery link/page.html $one
grep -q 'href="../../out.d/baseline.jpg"' real/deep/page.html || fail 'the way from behind a link'
if far=$(mktemp -d /dev/shm/thumbpool-cli-XXXXXX 2>/dev/null); then
    case $work in
    /dev/*) ;;
    *)
        expect 0 "$THUMBPOOL" -o "$far/o p" -s 32 --gallery page.html $one
        has "href=\"file://$far/o%20p/baseline.jpg\""
        ;;
    esac
    rm -rf "$far"
fi

# ---- What became of them ----
rm -rf in out.d
"$MAKE_IMAGES" bad bad >/dev/null
mkdir in
cp $one in/good.jpg
cp bad/cut.jpg 'in/<cut>.jpg'
mkfifo in/fifo.jpg
expect 1 "$THUMBPOOL" -o out.d --gallery page.html in
has '<li><b>damaged</b><span>in/&lt;cut&gt;.jpg</span><p>the data ends'
has '<span>in/fifo.jpg</span><p>'
has '<b>1 made</b>, 0 up to date, <a href="#failed" class="bad">1 failed</a>, 1 skipped'
has 'Who worked when'
expect 1 "$THUMBPOOL" -o out.d --gallery page.html in
has '<b>0 made</b>, 1 up to date'
has '<li data-d="c;jpeg 300 200 '
has '<li><b>damaged</b><span>in/&lt;cut&gt;.jpg</span>'
expect 0 "$THUMBPOOL" -o out.d --gallery page.html --on-damage warn in
has 'data-w="damaged: '
expect 0 "$THUMBPOOL" -o out.d --force -s 16 -s 200 --gallery page.html in/good.jpg
has '<a href="out.d/good-200.jpg"><img src="out.d/good-200.jpg"'
expect 0 "$THUMBPOOL" -o out.d --force --executor sequential --gallery page.html in/good.jpg
has '<a href="out.d/good.jpg">'

# ---- Dates ----
expect 0 env SOURCE_DATE_EPOCH=1700000000 "$THUMBPOOL" -o out.d --gallery page.html in/good.jpg
has '14 November 2023, 22:13 UTC'
expect 0 env SOURCE_DATE_EPOCH=yesterday "$THUMBPOOL" -o out.d --gallery page.html in/good.jpg
says 'SOURCE_DATE_EPOCH'
finish
