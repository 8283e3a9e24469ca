#!/bin/sh
# What the options on coding, colour and metadata do to the files.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good in

# hex FILE: its bytes in hexadecimal, on one line
hex() {
    od -An -v -tx1 "$1" | tr -d ' \n'
}

# holds FILE HEX: these bytes are somewhere in it
holds() {
    case $(hex "$1") in *"$2"*) return 0 ;; esac
    return 1
}

# make FOLDER OPTION...
make() {
    folder=$1
    shift
    expect 0 "$THUMBPOOL" -s 64 "$@" -o "$folder" in
}

# In a frame header stand 3 components, and of the first its number, 1, and its sampling.
make plain -f jpeg
make full -f jpeg --chroma 444
make scans -f jpeg --progressive
holds plain/a/baseline.jpg 03012200 || fail 'it is not 4:2:0'
holds full/a/baseline.jpg 03011100 || fail '--chroma 444 is not 4:4:4'
! holds plain/a/baseline.jpg ffc20011 || fail 'it is progressive'
holds scans/a/baseline.jpg ffc20011 || fail '--progressive is not'
make half -f jpeg --chroma 420
same plain half

# What has no alpha lies on its background; what has, stays.
make white -f jpeg --background white
same plain white
make red -f jpeg --background '#f00'
make hex -f jpeg --background '#ff0000'
same red hex
cmp -s red/b/alpha.jpg plain/b/alpha.jpg && fail 'the background is not seen under alpha'
cmp -s red/a/baseline.jpg plain/a/baseline.jpg || fail 'the background is seen where there is no alpha'

# Exif is kept when asked for, and says upright: tag 0x112, a number of 2 bytes, one of them, 1.
make none --keep none
make exif --keep exif
make icc --keep icc
make all --keep all
! holds none/a/turned.JPG 457869660000 || fail '--keep none keeps Exif'
! holds icc/a/turned.JPG 457869660000 || fail '--keep icc keeps Exif'
holds exif/a/turned.JPG 12010300010000000100 || fail '--keep exif does not say upright'
same exif all
same none icc

wrong() {
    expect 2 "$THUMBPOOL" "$@" -o thumbs in
    [ ! -e thumbs ] || fail "$* wrote something"
}
for word in '' 422 4:4:4; do wrong --chroma "$word"; done
for word in '' xmp ICC; do wrong --keep "$word"; done
for word in '' red '#12' '#ggg' '#1234567'; do wrong --background "$word"; done
says 'white, black, grey, #rgb or #rrggbb'
finish
