#!/bin/sh
# Names that break careless programs: every picture is made under its own name and reported, and nothing but
# text reaches the terminal.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good good
one=good/a/baseline.jpg
long=$(printf '%0251d' 0)
folder=$(printf 'a folder\n\033]0;title\007 \377')
mkdir -p in/links "in/$folder"
count=0
for name in 'new
line' "$(printf 'escape\033[31m\033]0;title\007')" "$(printf 'latin\374\377')" "$(printf 'c1\302\233')" "$long" -dash --output \
    ' blank ' "quote'\"" 'back\slash' '$HOME `id` $(id)' '%s%n%d' '*?[a-z]' '{stem}{w}' '~' '&<b>' 'größe写真' ...; do
    cp $one "in/$name.jpg"
    cp $one "in/$folder/$name.jpg"
    count=$((count + 2))
done

expect 0 "$THUMBPOOL" -s 16 -o thumbs in --report report.ndjson -v --hidden
is 'pictures made' "$(field made)" $count
(cd in && find . -type f -print0 | LC_ALL=C sort -z) >names
(cd thumbs && find . -type f ! -name .thumbpool.ndjson -print0 | LC_ALL=C sort -z) | cmp -s names - ||
    fail 'the thumbnails have other names than the pictures'
is 'lines on standard error' "$(wc -l <err)" $((count + 1))
plain() { # FILE: no control bytes, as they are or as UTF-8 has them
    is "control bytes in $1" "$(LC_ALL=C tr -d '\n -~\200-\377' <"$1" | wc -c)" 0
    ! LC_ALL=C grep -q "$(printf '\302[\200-\237]')" "$1" || fail "control characters in $1"
}
plain err
is 'control bytes in the report' "$(LC_ALL=C tr -d '\n -~\200-\377' <report.ndjson | wc -c)" 0
is 'lines of the report' "$(wc -l <report.ndjson)" $((count + 2))
if command -v python3 >/dev/null; then
    cat >paths.py <<'EOT'
import base64, json, os, sys
for line in open("report.ndjson", encoding="utf-8"):
    entry = json.loads(line)
    if entry["type"] == "result":
        for path in [entry["src"]] + [output["path"] for output in entry["outputs"]]:
            name = base64.b64decode(path["bytes"]) if isinstance(path, dict) else path.encode()
            assert os.path.exists(name), name
            try:
                name.decode()
                assert isinstance(path, str), path
            except UnicodeDecodeError:
                assert isinstance(path, dict), path
EOT
    python3 paths.py >&2 || fail 'the report has other paths than the tree'
fi
expect 0 "$THUMBPOOL" -s 16 -o thumbs in --report report.ndjson --hidden
is 'pictures up to date' "$(field current)" $count
expect 0 "$THUMBPOOL" -s 16 -o none in -n --hidden
is 'lines of a dry run' "$(wc -l <out)" $count
plain out

# Failures and warnings of such names are plain text, too.
for name in in/*.jpg; do head -c 300 $one >"$name"; done
expect 1 "$THUMBPOOL" -s 16 -o thumbs in --hidden
is 'lines on standard error' "$(wc -l <err)" $((count / 2))
plain err
expect 2 "$THUMBPOOL" -s 16 -o "$(printf 'x\033')" --name "$(printf '{\033}')" in
plain err

# Named on the command line, and in a list.
cd in || exit 2
expect 2 "$THUMBPOOL" -dash.jpg -o ../dash
says "unrecognized option '-dash.jpg'"
expect 1 "$THUMBPOOL" -o ../dash -- -dash.jpg ./--output.jpg
is 'sentences' "$(grep -c 'the data ends' err)" 2
rm out err
cd ..
cp $one ./-dash.jpg
expect 0 "$THUMBPOOL" -o dash -s 16 ./-dash.jpg
expect 0 "$THUMBPOOL" -o dashed -s 16 -- -dash.jpg
printf '%s\n' -dash.jpg ./-dash.jpg "$PWD/-dash.jpg" >list
expect 0 "$THUMBPOOL" -o listed -s 16 --files-from list --report report.ndjson
is 'a file that a list names twice, and once by its whole path' "$(field made)" 1

# ---- A name that has no room for what several sizes put into it: that picture alone fails ----
mkdir room
cp $one "room/$long.jpg"
cp $one room/short.jpg
expect 1 "$THUMBPOOL" -s 16 -s 32 -o sizes room --report report.ndjson
says 'File name too long'
is 'pictures made' "$(field made)" 1
expect 2 "$THUMBPOOL" -s 16 -s 32 -o sizes --name '{dir}/{stem}{ext}' room
says 'several sizes'

# ---- Links in loops, also into the output folder and to themselves ----
cp $one in/links/real.jpg
ln -s . in/links/here
ln -s .. in/links/up
ln -s self.jpg in/links/self.jpg
ln -s ../../thumbs in/links/out
expect 0 "$THUMBPOOL" -s 16 -o thumbs in/links --report report.ndjson
is 'pictures where links are not followed' "$(field made)" 1
expect 1 "$THUMBPOOL" -s 16 -o thumbs in/links --follow --hidden --report report.ndjson
says 'in/links/self.jpg: '
[ "$(field made)" -lt $((2 * count)) ] || fail 'a loop was walked more than once'
clean .
finish
