#!/bin/sh
# --prune removes what was made of pictures that are gone, and nothing else.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good in
cp -R in two
run() {
    expect "$1" "$THUMBPOOL" in -s 64 -o thumbs --report report.ndjson --prune
}

run 0
is 'removed of a fresh folder' "$(field removed)" 0
expect 0 "$THUMBPOOL" two -s 64 -o thumbs --name 'two/{dir}/{stem}{ext}'
echo mine >thumbs/a/mine.jpg

# Without --prune they stay.
rm in/a/baseline.jpg in/b/grey.jpg
expect 0 "$THUMBPOOL" in -s 64 -o thumbs
[ -f thumbs/a/baseline.jpg ] || fail 'a thumbnail went without --prune'

# With -n they are only told.
expect 0 "$THUMBPOOL" in -s 64 -o thumbs --prune -n
is 'what would be removed' "$(LC_ALL=C sort out | tr '\n' ' ')" 'remove thumbs/a/baseline.jpg remove thumbs/b/grey.jpg '
[ -f thumbs/a/baseline.jpg ] || fail '-n removed a thumbnail'

run 0
says '2 removed, whose input is gone'
is 'removed' "$(field removed)" 2
is 'what is left' "$(files thumbs)" './a/mine.jpg ./a/progressive.jpeg ./a/turned.JPG ./b/alpha.png ./b/interlaced.png ./two/a/baseline.jpg ./two/a/progressive.jpeg ./two/a/turned.JPG ./two/b/alpha.png ./two/b/grey.jpg ./two/b/interlaced.png '
is 'lines of the manifest' "$(wc -l <thumbs/.thumbpool.ndjson)" 10
run 0
is 'removed again' "$(field removed)" 0

# A folder that held nothing else goes, too; one with a file of the user's stays.
rm -r in/b in/a/turned.JPG
run 0
[ ! -e thumbs/b ] || fail 'an empty folder is left'
[ -f thumbs/a/mine.jpg ] && [ -f thumbs/two/b/grey.jpg ] || fail 'too much was removed'

# What somebody has replaced is not ours.
echo 'something else' >thumbs/a/progressive.jpeg
cp two/a/turned.JPG in/a/stays.JPG
rm in/a/progressive.jpeg
run 0
grep -q 'something else' thumbs/a/progressive.jpeg || fail 'a file of another size was removed'

# A name that another picture has now stays: the picture was renamed, its thumbnail not.
cp two/b/alpha.png in/a/x.png
expect 0 "$THUMBPOOL" in -s 64 -o thumbs -f jpeg
mv in/a/x.png in/a/x.jpg
expect 0 "$THUMBPOOL" in -s 64 -o thumbs -f jpeg --prune
[ -f thumbs/a/x.jpg ] || fail 'the thumbnail of a renamed picture is gone'

# A disk that is not mounted costs nothing: nothing found, or not where the thumbnails came from.
cp -R thumbs before
mv in away
expect 3 "$THUMBPOOL" in -s 64 -o thumbs --prune
mkdir in
expect 3 "$THUMBPOOL" in -s 64 -o thumbs --prune
same before thumbs
expect 0 "$THUMBPOOL" in two -s 64 -o thumbs --prune --name 'two/{dir}/{stem}{ext}'
same before thumbs
rmdir in
mv away in

# Pictures that are only left out are not gone, and neither are those of a run that was stopped.
expect 0 "$THUMBPOOL" in two/a -s 64 -o thumbs --prune --exclude '*.JPG' --name 'more/{dir}/{stem}{ext}'
[ -f thumbs/a/stays.JPG ] || fail 'the thumbnail of a picture that was left out is gone'
rm in/a/stays.JPG
echo nothing >in/a/bad.jpg
expect 4 "$THUMBPOOL" in -s 64 -o thumbs --prune --fail-fast
[ -f thumbs/a/stays.JPG ] || fail 'a run that gave up removed something'

# The manifest is not believed: a path that leads out of the folder, or through a link, removes nothing.
rm -rf victim
mkdir victim
cp thumbs/a/stays.JPG victim/stays.JPG
sed 's|"path":"a/stays.JPG"|"path":"../victim/stays.JPG"|' thumbs/.thumbpool.ndjson >lie
cp thumbs/.thumbpool.ndjson honest
cp lie thumbs/.thumbpool.ndjson
expect 1 "$THUMBPOOL" in -s 64 -o thumbs --prune
sed "s|\"path\":\"a/stays.JPG\"|\"path\":\"$PWD/victim/stays.JPG\"|" honest >thumbs/.thumbpool.ndjson
expect 1 "$THUMBPOOL" in -s 64 -o thumbs --prune
says 'could not be removed'
ln -s ../victim thumbs/l
sed 's|"path":"a/stays.JPG"|"path":"l/stays.JPG"|' honest >thumbs/.thumbpool.ndjson
expect 1 "$THUMBPOOL" in -s 64 -o thumbs --prune
[ -f victim/stays.JPG ] || fail 'a file outside was removed'

# A picture that this run reads stays, even where the manifest calls it the thumbnail of one that is gone.
rm -rf in thumbs
cp -R two in
expect 0 "$THUMBPOOL" in/a -s 64 -o in
size=$(wc -c <in/a/turned.JPG)
sed -i "s|\"path\":\"baseline.jpg\",\(.*\)\"bytes\":[0-9]*}\]|\"path\":\"a/turned.JPG\",\1\"bytes\":$size}]|" in/.thumbpool.ndjson
grep -q '"path":"a/turned.JPG"' in/.thumbpool.ndjson || fail 'the manifest was not changed'
rm in/a/baseline.jpg
expect 0 "$THUMBPOOL" in/a -s 64 -o in --prune
[ -f in/a/turned.JPG ] || fail 'a picture was removed'
clean .
finish
