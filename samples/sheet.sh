#!/bin/sh
# Prints a contact sheet as a web page: each photo before, scaled by the browser, and its thumbnail.
# usage: sh samples/sheet.sh FOLDER OUT      OUT holds thumbs/ and thumbs.ndjson; the page goes there
set -eu
folder=$(CDPATH= cd -- "$1" && pwd)
out=$(CDPATH= cd -- "$2" && pwd)

html() { sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g'; }
url() { sed 's/%/%25/g; s/ /%20/g; s/#/%23/g; s/?/%3F/g; s/"/%22/g'; }

cat <<'EOF'
<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Before and after</title>
<style>
  body { margin: 2rem; font: 15px/1.4 system-ui, sans-serif; background: #17181a; color: #ddd }
  main { display: grid; grid-template-columns: repeat(auto-fill, minmax(34rem, 1fr)); gap: 1.2rem }
  figure { margin: 0; padding: .8rem; background: #232529; border-radius: .5rem;
    display: flex; flex-direction: column; justify-content: center }
  .pair { display: flex; gap: .8rem; align-items: center; justify-content: center }
  img { max-width: 16rem; max-height: 16rem; border-radius: .2rem }
  figcaption { margin-top: .5rem; text-align: center; color: #9aa }
</style>
<h1>Before and after</h1>
<p>Left: the photo itself, scaled by the browser. Right: its thumbnail, blurred by 2 pixels of the photo,
which at this size hardly shows.</p>
<main>
EOF
# Names with a line feed have no place on this sheet.
find "$folder" -type f | LC_ALL=C sort | while IFS= read -r photo; do
    name=${photo#"$folder"/}
    thumb=$out/thumbs/$name
    [ -e "$thumb" ] || thumb=${thumb%.*}.jpg
    [ -e "$thumb" ] || continue
    caption=$(printf %s "$name" | html)
    printf '<figure><div class="pair"><img src="file://%s" alt="before"><img src="thumbs/%s" alt="after"></div><figcaption>%s</figcaption></figure>\n' \
        "$(printf %s "$photo" | url)" "$(printf %s "${thumb#"$out/thumbs/"}" | url)" "$caption"
done
echo '</main>'
if grep -q '"status":"failed"' "$out/thumbs.ndjson"; then
    echo '<h2>Failed</h2><ul>'
    sed -n 's|.*"src":"\(.*\)","status":"failed".*"message":"\([^"]*\)".*|\1: \2|p' "$out/thumbs.ndjson" |
        html | sed 's|.*|<li>&</li>|'
    echo '</ul>'
fi
echo '</html>'
