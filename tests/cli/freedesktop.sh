#!/bin/sh
# --layout freedesktop: the cache that file managers read, filled as its standard says.
. "$(dirname "$0")/lib.sh"

export XDG_CACHE_HOME="$work/cache"
cache=$XDG_CACHE_HOME/thumbnails
"$MAKE_IMAGES" good in
odd="in/a/b ä#;&[x]%~(1)'!*.jpg"
mv in/a/baseline.jpg "$odd"
find in -type f -exec touch -d '2020-02-02 02:02:02.25' {} +

# thumbnail FOLDER FILE: where the desktop looks for it
thumbnail() {
    printf '%s/%s/%s.png' "$cache" "$1" "$(printf 'file://%s/%s' "$work" "$2" | md5sum | cut -d' ' -f1)"
}

# run MADE CURRENT FAILED OPTION...: a run, and what its summary must say
run() {
    made=$1 current=$2 failed=$3
    shift 3
    expect "$((failed > 0))" "$THUMBPOOL" --layout freedesktop --report report.ndjson "$@"
    is "made ($*)" "$(field made)" "$made"
    is "up to date ($*)" "$(field current)" "$current"
    is "failed ($*)" "$(field failed)" "$failed"
}

still() {
    find "$cache" -printf '%p %s %T@ %C@ %i\n' | LC_ALL=C sort
}

# ---- What is made ----
umask 000 # the cache is private all the same
expect 0 "$THUMBPOOL" --layout freedesktop -n in
is 'pictures that would be made' "$(grep -c "^make .* -> $cache/large/[0-9a-f]*\.png$" out)" 6
[ ! -e "$XDG_CACHE_HOME" ] || fail 'a dry run made something'
run 6 0 0 in
umask 022
is 'modes of folders' "$(find "$XDG_CACHE_HOME" -type d -printf '%m\n' | sort -u)" 700
is 'modes of files' "$(find "$XDG_CACHE_HOME" -type f -printf '%m\n' | sort -u)" 600
is 'files that are not thumbnails' "$(find "$XDG_CACHE_HOME" -type f ! -path "$cache/large/*.png" | wc -l)" 0
turned=$(thumbnail large in/a/turned.JPG)
[ -f "$turned" ] || fail 'a thumbnail is not where the desktop looks for it'
grep -qF "\"path\":\"$turned\",\"width\":171,\"height\":256,\"bytes\":$(stat -c %s "$turned")}" report.ndjson ||
    fail 'the report does not tell of the file on disk'
grep -qF '"layout":"freedesktop"' report.ndjson || fail 'the report does not tell of the layout'
for text in "Thumb::URI.file://$work/in/a/turned.JPG" 'Thumb::MTime.1580608922' \
    "Thumb::Size.$(stat -c %s in/a/turned.JPG)" 'Thumb::Mimetype.image/jpeg' 'Thumb::Image::Width.200' \
    'Thumb::Image::Height.300' 'Software.thumbpool'; do
    tr '\0' . <"$turned" | grep -aqF "tEXt$text" || fail "no $text in a thumbnail"
done
# Not blurred, unless it is asked for, and no larger than the picture.
"$THUMBPOOL" --quiet -f png -s 256 -b 0 -o sharp in
is 'size of a small one' "$(grep -cF '"width":120,"height":90,"bytes":' report.ndjson)" 1
python=$(command -v /usr/bin/python3)
if [ -n "$python" ] && "$python" -c 'import PIL.Image' 2>/dev/null; then
    "$python" - "$turned" sharp/a/turned.png >seen <<'END'
import sys
from PIL import Image
ours, plain = Image.open(sys.argv[1]), Image.open(sys.argv[2])
print(ours.tobytes() == plain.tobytes(), ours.info.get("interlace", 0), *sorted(ours.text))
END
    is 'what another reader sees' "$(cat seen)" "True 0 Software Thumb::Image::Height Thumb::Image::Width Thumb::MTime Thumb::Mimetype Thumb::Size Thumb::URI"
fi

# ---- What the desktop's own libraries say ----
if command -v gio >/dev/null; then
    for file in in/*/*; do
        gio info -a thumbnail::path,thumbnail::is-valid "$file" >out 2>err
        grep -qF "thumbnail::path: $cache/large/" out || fail "gio does not find the thumbnail of $file"
        grep -qF 'thumbnail::is-valid: TRUE' out || fail "gio does not believe the thumbnail of $file"
    done
fi

# ---- A second run ----
still >before
run 0 6 0 in
run 0 6 0 "$work/in" "$odd"
ln -s in door
(cd door/a && "$THUMBPOOL" --layout freedesktop --quiet ../../in/b) || fail 'another way to a folder failed'
still >after
cmp -s before after || fail 'a run in which nothing changed touched something'
is 'pictures that a worker had' "$(grep -c '"worker"' report.ndjson)" 0
expect 0 "$THUMBPOOL" --layout freedesktop -n -v in
is 'lines of a dry run' "$(grep -c '^current ' out)" 6
touch -d '2020-02-02 02:02:03' "$odd"
run 1 5 0 in
touch -d '2020-02-02 02:02:03.5' "$odd" # whole seconds count
run 0 6 0 in
run 6 0 0 in --force
run 6 0 0 in -s 128 -s 256 -s 1024
[ -f "$(thumbnail normal in/a/turned.JPG)" ] && [ -f "$(thumbnail xx-large in/a/turned.JPG)" ] ||
    fail 'there are sizes missing'
: >"$(thumbnail normal in/a/turned.JPG)"
run 1 5 0 in -s 128
run 0 6 0 in -s 128 -b 0
# Through a link it is another picture to the desktop, which goes by names.
run 6 0 0 door

# ---- Thumbnails of others ----
if "$python" -c 'import gi; gi.require_version("GnomeDesktop", "3.0")' 2>/dev/null; then
    rm -rf "$cache"
    "$python" - "$work"/in/*/* <<'END'
import os, sys, gi
gi.require_version("GnomeDesktop", "3.0")
gi.require_version("GdkPixbuf", "2.0")
from gi.repository import GdkPixbuf, Gio, GnomeDesktop
factory = GnomeDesktop.DesktopThumbnailFactory.new(GnomeDesktop.DesktopThumbnailSize.LARGE)
for path in sys.argv[1:]:
    uri = Gio.File.new_for_path(path).get_uri()
    picture = GdkPixbuf.Pixbuf.new_from_file_at_size(path, 256, 256)
    factory.save_thumbnail(picture, uri, int(os.stat(path).st_mtime), None)
END
    still >before
    run 0 6 0 in
    still >after
    cmp -s before after || fail "GNOME's own thumbnails were touched"
elif [ -n "$python" ] && "$python" -c 'import PIL.Image' 2>/dev/null; then
    "$python" - "$turned" "file://$work/in/a/turned.JPG" <<'END'
import sys
from PIL import Image, PngImagePlugin
text = PngImagePlugin.PngInfo()
text.add_text("Thumb::MTime", "1580608922")
text.add_text("Thumb::URI", sys.argv[2])
Image.new("RGB", (256, 128)).save(sys.argv[1], pnginfo=text)
END
    run 0 6 0 in
    is 'size of the one of another program' "$(grep -cF '"width":256,"height":128,' report.ndjson)" 1
fi

# ---- Failures ----
"$MAKE_IMAGES" bad bad
rm -rf bad/folder.jpg bad/unreadable.jpg bad/fifo.jpg
find bad -type f -exec touch -d '2020-02-02' {} +
expect 1 "$THUMBPOOL" --layout freedesktop --quiet bad
remembered=$(find "$cache"/fail/thumbpool-* -name '*.png' | wc -l)
[ "$remembered" -gt 0 ] || fail 'no failure is remembered'
is 'modes of failures' "$(find "$cache/fail" -printf '%y%m\n' | LC_ALL=C sort -u | tr '\n' ' ')" 'd700 f600 '
LC_ALL=C sort err >first
still >before
expect 1 "$THUMBPOOL" --layout freedesktop --quiet --report report.ndjson bad
LC_ALL=C sort err >second
cmp -s first second || { fail 'the second run says something else:'; diff first second >&2; }
still >after
cmp -s before after || fail 'known failures were written again'
is 'failures that were tried again' "$(grep -c '"worker"' report.ndjson)" 0
expect 0 "$THUMBPOOL" --layout freedesktop -n bad
is 'failures that a dry run knows' "$(grep -c '^fail ' out)" "$(field failed)"
expect 1 "$THUMBPOOL" --layout freedesktop --quiet --report report.ndjson bad --force
is 'failures tried with --force' "$(grep -c '"worker"' report.ndjson)" "$remembered"
touch bad/cut.jpg
expect 1 "$THUMBPOOL" --layout freedesktop --quiet --report report.ndjson bad
is 'changed failures tried again' "$(grep -c '"worker"' report.ndjson)" 1
expect 0 "$THUMBPOOL" --layout freedesktop --quiet --on-damage accept bad/cut.jpg
is 'failures left' "$(find "$cache"/fail/thumbpool-* -name '*.png' | wc -l)" $((remembered - 1))

# ---- What it does not do ----
still >before
expect 2 "$THUMBPOOL" --layout freedesktop "$cache"
says 'is the thumbnail cache'
one=$(find "$cache/large" -name '*.png' | head -n 1)
run 0 1 0 "$one" in/a/turned.JPG
is 'thumbnails of thumbnails' "$(grep -cF '"status":"skipped","reason":"it lies in the thumbnail cache"' report.ndjson)" 1
expect 0 "$THUMBPOOL" --layout freedesktop -n "$one"
is 'a dry run over the cache' "$(cat out)" "skip $one: it lies in the thumbnail cache"
still >after
cmp -s before after || fail 'thumbnails of thumbnails were made'

wrong() { # SENTENCE OPTION...
    sentence=$1
    shift
    expect 2 "$THUMBPOOL" --layout freedesktop "$@" in
    says "$sentence"
}
for size in 64 255 128x256 256x 2048; do wrong '--size is 128' -s "$size"; done
wrong '--size is 128' -s 256 -s 300
wrong 'leave out --output' -o thumbs
wrong 'leave out --base' --base .
wrong 'leave out --base' --name '{stem}{ext}'
wrong 'leave out --base' --on-clash suffix
wrong '--prune' --prune
wrong 'leave out --depfile' --depfile out.d
for format in jpeg webp avif; do wrong 'leave out --format' -f "$format"; done
for fit in cover fill contain; do wrong 'leave out --fit' --fit "$fit"; done
wrong 'leave out --fit' --upscale
wrong 'leave out --fit' --no-rotate
expect 2 "$THUMBPOOL" --layout windows in
says 'mirror or freedesktop'
still >after
cmp -s before after || fail 'wrong usage wrote something'
run 6 0 0 in --force -f png --fit inside
[ ! -e thumbs ] || fail 'thumbnails went elsewhere, too'

# Without XDG_CACHE_HOME, and without any home.
expect 0 env -u XDG_CACHE_HOME HOME="$work/home" "$THUMBPOOL" --layout freedesktop --quiet in/b/grey.jpg
is 'thumbnails at home' "$(find home/.cache/thumbnails/large -name '*.png' | wc -l)" 1
expect 3 env -u HOME XDG_CACHE_HOME=relative "$THUMBPOOL" --layout freedesktop in
says 'XDG_CACHE_HOME'
expect 0 "$THUMBPOOL" --layout mirror --quiet -o plain in
is 'thumbnails that lie as ever' "$(find plain -type f ! -name '.*' | wc -l)" 6
finish
