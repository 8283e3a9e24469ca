#!/bin/sh
# What the options on the picture itself do: sizes by the report, the rest by the bytes.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good in
one=in/a/baseline.jpg # 300 x 200

# sized BOX OPTION...: the thumbnail of the one picture is of that size
sized() {
    box=$1
    shift
    expect 0 "$THUMBPOOL" --quiet --force -o "${folder:=out.d}" "$@" "${picture:-$one}" --report report.ndjson
    is "the size with $*" "$(sed -n 's/.*"outputs":\[{"path":"[^"]*","width":\([0-9]*\),"height":\([0-9]*\),.*/\1x\2/p' report.ndjson)" "$box"
}

# into FOLDER OPTION...: the one picture made into a folder of its own
into() {
    folder=$1
    shift
    expect 0 "$THUMBPOOL" --quiet -o "$folder" "$@" "${picture:-$one}"
}

differ() {
    ! cmp -s "$1"/*.??? "$2"/*.??? || fail "$1 and $2 are the same"
}

alike() {
    cmp -s "$1"/*.??? "$2"/*.??? || fail "$1 and $2 differ"
}

# ---- Boxes ----
sized 256x171
sized 90x60 -s 90
sized 60x40 -s 90x40
sized 90x60 --size=90x
sized 60x40 -s x40
sized 300x200 -s 900
sized 900x600 -s 900 --upscale
sized 300x200 -s 900x --fit inside
sized 90x90 -s 90x90 --fit cover
sized 90x30 -s 90x30 --fit fill
sized 90x90 -s 90x90 --fit contain
sized 300x200 -s 600x600 --fit fill
sized 600x500 -s 600x500 --fit fill --upscale
sized 600x600 -s 600x600 --fit contain --background black
for fit in cover fill contain; do
    into $fit -s 64x64 --fit $fit
done
differ cover fill
differ fill contain
for fit in cover fill contain; do
    expect 2 "$THUMBPOOL" -s 64x --fit $fit $one
    says 'needs both sides'
done
expect 2 "$THUMBPOOL" --fit round $one
says '--fit takes'

# ---- What cover keeps, and where contain puts it ----
into west -s 64x64 --fit cover --gravity west
into east -s 64x64 --fit cover --gravity east
into centre -s 64x64 --fit cover --gravity centre
into center -s 64x64 --fit cover --gravity center
into northwest -s 64x64 --fit cover --gravity northwest
differ west east
differ west centre
alike centre cover
alike centre center
alike west northwest # the picture is wide: nothing is cropped above
into top -s 64x64 --fit contain --gravity north
into bottom -s 64x64 --fit contain --gravity south
differ top bottom
expect 2 "$THUMBPOOL" --gravity up $one
says '--gravity takes'

# ---- Orientation: upright by default, 200 x 300; as stored otherwise ----
picture=in/a/turned.JPG
sized 43x64 -s 64
sized 64x43 -s 64 --no-rotate
unset picture

# ---- Blur, kernel, exact arithmetic ----
into blur2 -s 64
into blur2too -s 64 --blur 2
into blur0 -s 64 --blur 0
into blur9 -s 64 -b 9
alike blur2 blur2too
differ blur2 blur0
differ blur2 blur9
differ blur0 blur9
into bicubic -s 64 --kernel bicubic
into lanczos -s 64 --kernel lanczos3
alike blur2 bicubic
differ bicubic lanczos
into exact -s 64 --exact
into exactlanczos -s 64 --exact --kernel lanczos3
differ exact blur2
differ exact exactlanczos
differ lanczos exactlanczos

# ---- Quality, format ----
bytes() {
    wc -c <"$1/baseline.jpg"
}
into q75 -s 64 --quality 75
into q10 -s 64 -q 10
into q100 -s 64 -q 100
alike q75 blur2
[ "$(bytes q10)" -lt "$(bytes q75)" ] && [ "$(bytes q75)" -lt "$(bytes q100)" ] || fail 'quality does not show in bytes'
into png -s 64 --format png
into keep -s 64 --format keep
is 'the first bytes' "$(head -c 4 png/baseline.png | tail -c 3)" PNG
alike keep blur2
finish
