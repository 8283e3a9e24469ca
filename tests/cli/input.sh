#!/bin/sh
# Which pictures are taken: walks and their filters, lists, and where the outputs of each go.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good in
one=in/a/baseline.jpg

# made LISTED OPTION...: the outputs of a run, in order, which must be these
made() {
    listed=$1
    shift
    rm -rf out.d
    expect 0 "$THUMBPOOL" --quiet -s 16 -o out.d "$@"
    is "what $* makes" "$(files out.d)" "$listed"
}

# ---- Walks: names are held against patterns whatever their case; one with a slash is for the path ----
made './a/baseline.jpg ./a/turned.JPG ./b/grey.jpg ' --include '*.jpg' in
made './a/baseline.jpg ./a/turned.JPG ' --include '*.jpg' --exclude b in
made './b/alpha.png ./b/interlaced.png ' --include 'B/*.png' in
made './a/baseline.jpg ./b/alpha.png ./b/grey.jpg ./b/interlaced.png ' --exclude '*.jpeg' --exclude 'a/t*' in
made './a/baseline.jpg ./a/progressive.jpeg ./a/turned.JPG ./b/alpha.png ./b/grey.jpg ./b/interlaced.png ' in
mkdir -p deep/one/two .hidden.d
cp $one deep/0.jpg
cp $one deep/one/1.jpg
cp $one deep/one/two/2.jpg
made './0.jpg ' --max-depth 1 deep
made './0.jpg ./one/1.jpg ' --max-depth 2 deep
cp $one deep/.secret.jpg
mkdir deep/.dir
cp $one deep/.dir/inside.jpg
made './0.jpg ./one/1.jpg ./one/two/2.jpg ' deep
made './.dir/inside.jpg ./.secret.jpg ./0.jpg ./one/1.jpg ./one/two/2.jpg ' --hidden deep

# What is named is always tried.
made './.secret.jpg ' --exclude '*' deep/.secret.jpg

# A name that is taken though it does not end as a picture's, is known by its content.
cp $one deep/one/raw
made './one/raw.jpg ' --include raw deep
rm -r deep/.dir deep/.secret.jpg deep/one/raw

# ---- Links: not followed, unless asked for; loops end ----
mkdir links
ln -s ../deep/one links/folder
ln -s ../$one links/file.jpg
ln -s . links/loop
cp $one links/real.jpg
made './real.jpg ' links
made './file.jpg ./folder/1.jpg ./folder/two/2.jpg ./real.jpg ' --follow links
ln -s nowhere links/gone.jpg
expect 1 "$THUMBPOOL" --quiet -s 16 -o out.d --follow links
says 'links/gone.jpg'

# ---- Lists: a line each or NUL-separated, named below the working folder ----
printf '%s\n' in/a/baseline.jpg ./deep//one/1.jpg '' "$PWD/deep/0.jpg" >list
made "./deep/one/1.jpg ./in/a/baseline.jpg .$PWD/deep/0.jpg " --files-from list
printf 'in/b\0in/a/baseline.jpg\0' >list
made './in/a/baseline.jpg ./in/b/alpha.png ./in/b/grey.jpg ./in/b/interlaced.png ' -0 --files-from - <list
cp $one "deep/new
line.jpg"
printf 'deep/new\nline.jpg\0' >list
made './deep/new line.jpg ' -0 --files-from list
printf 'in/a/baseline.jpg\nin/a/baseline.jpg\n./in/a/baseline.jpg' >list
made './in/a/baseline.jpg ' --files-from list
printf 'in/a/turned.JPG\n' >list
made './a/turned.JPG ' --base in --files-from list

# A list that cannot be read, or that leads out of the working folder, or to nothing.
expect 3 "$THUMBPOOL" --files-from missing
says 'missing: No such file'
printf 'deep/../in/a/baseline.jpg\n' >list
expect 2 "$THUMBPOOL" --files-from list
says 'may not have ".."'
printf 'a..b/..c\n' >list
expect 3 "$THUMBPOOL" --files-from list
says 'a..b/..c: No such file'
: >list
expect 3 "$THUMBPOOL" --files-from list
says 'no pictures found'
printf 'in/a/baseline.jpg\ngone.jpg\n' >list
expect 1 "$THUMBPOOL" --quiet -s 16 -o out.d --files-from list
says 'gone.jpg'
expect 2 "$THUMBPOOL" -0 in
says '--files-from'
expect 2 "$THUMBPOOL" --max-depth 0 in
says '--max-depth'
finish
