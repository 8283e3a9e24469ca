#!/bin/sh
# The gallery in a headless browser: its pictures load, the view opens and closes by mouse and keys, a failure
# is listed with its reason, nothing covers anything, narrow and wide, light and dark, and nobody complains.
# Exits with 77 where there is no chromium or no python3.
here=$(CDPATH= cd -- "$(dirname "$0")" && pwd)
python=$(command -v python3) || { echo 'skipped: no python3 here'; exit 77; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' || { echo 'skipped: python3 is too old'; exit 77; }
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || {
    echo 'skipped: no chromium here'
    exit 77
}
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good in
"$MAKE_IMAGES" bad bad >/dev/null
cp bad/cut.jpg 'in/<i>cut<\i>.jpg'
cp bad/cut.jpg in/half.jpg
mkfifo in/fifo.jpg
mkdir in/odd
for name in 'a b #1 ?x=1 %41.jpg' '"><script>document.title="run"<\script>.jpg' 'line
feed.jpg' "$(printf 'not utf-8 \374.jpg')" "$(printf '%0240d' 7).jpg" '-o.jpg'; do
    cp in/b/grey.jpg "in/odd/$name"
done
expect 1 "$THUMBPOOL" -o 'out #1' -s 80 -s 160 -s 250 --gallery page.html --on-damage fail in
expect 0 "$THUMBPOOL" -o 'out #2' -s 80 --gallery warned.html --on-damage warn in/half.jpg in/a/baseline.jpg

# Pages that are broken on purpose must be found out.
broken() { # NAME SED-SCRIPT
    sed "$2" page.html >"$1.html"
    ! cmp -s page.html "$1.html" || fail "nothing was broken: $1"
}
broken picture-gone '0,/img src="out/s//img src="nowhere/'
broken script-throws 's/"use strict";/"use strict"; throw new Error("planted");/'
broken captions-cover 's/^main span {/main span { margin-top: -3rem;/'
broken policy-too-strict "s/img-src 'self' file: data:/img-src 'none'/"
broken no-arrows 's/ArrowRight: 1/ArrowRight: 0/'
broken no-larger 's/link(item)\.href/item.querySelector("img").src/'
expect 0 timeout 240 "$python" "$here/gallery_browser.py" page.html warned.html \
    picture-gone.html script-throws.html captions-cover.html policy-too-strict.html no-arrows.html no-larger.html
cat out
finish
