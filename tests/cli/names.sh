#!/bin/sh
# What outputs are called: templates, and pictures that would have one name.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good in
one=in/a/baseline.jpg

# made LISTED OPTION...: the outputs of a run, in order, which must be these
made() {
    listed=$1
    shift
    rm -rf out.d
    expect 0 "$THUMBPOOL" --quiet -o out.d "$@"
    is "what $* makes" "$(files out.d)" "$listed"
}

# ---- Templates ----
made './a/tiny-baseline.jpg ' -s 16 --name '{dir}/tiny-{stem}{ext}' --base in $one
made './tiny-baseline.jpg ' -s 16 --name '{dir}/tiny-{stem}{ext}' $one
made './baseline/16.jpg ./baseline/32x8.jpg ' -s 16 -s 32x8 --name '{stem}/{size}{ext}' $one
made './w16h16/baseline.webp ./wh8/baseline.webp ' -s 16 -s x8 -f webp --name 'w{w}h{h}/{stem}{ext}' $one
made './all-in-one.jpg ' -s 16 --name 'all-in-one.jpg' $one
for wrong in '{name}' '{stem' 'stem}' '' 'a/' '/abs' '../{stem}' 'a/./b'; do
    expect 2 "$THUMBPOOL" -o out.d --name "$wrong" $one
    says '--name'
done
# What has no name, or a folder's, is seen before any work.
for wrong in '{dir}' '{w}' 'a/{w}'; do
    expect 2 "$THUMBPOOL" -o out.d -s x8 --name "$wrong" $one
    says 'would have no name'
done
expect 2 "$THUMBPOOL" -o out.d -s 16 -s 32 --name '{stem}{ext}' $one
says 'several sizes'

# A stem of dots must not lead anywhere.
mkdir dots
cp $one dots/...jpg
expect 2 "$THUMBPOOL" -o out.d --hidden --name '{stem}/x{ext}' dots
says 'out of the output folder'

# ---- Clashes, also those that only show where case does not count ----
mkdir -p clash/a clash/b
cp $one clash/a/1.jpg
cp in/b/alpha.png clash/a/1.png
expect 2 "$THUMBPOOL" -s 16 -o none -f jpeg clash
says 'clash/a/1.jpg and clash/a/1.png have the same output none/a/1.jpg'
[ ! -e none ] || fail 'something was written before the clash was told'
cp $one clash/b/X.jpg
cp $one clash/b/x.JPG
rm clash/a/1.png
expect 2 "$THUMBPOOL" -s 16 -o none clash
says 'but for upper and lower case the same output'

# Told apart, one keeps its name, and the other has the same name in every run, whatever else is there.
cp in/b/alpha.png clash/a/1.png
expect 0 "$THUMBPOOL" --quiet -s 16 -s 8 -o first -f jpeg --on-clash suffix clash
is 'files with suffixes' "$(find first -name '*-*-*' | wc -l)" 4
[ -f first/a/1-16.jpg ] && [ -f first/a/1-8.jpg ] || fail 'nobody kept the name'
cp $one clash/a/0.jpg
cp $one clash/b/w.jpg
expect 0 "$THUMBPOOL" --quiet -s 16 -s 8 -o second -f jpeg --on-clash suffix clash
for name in $(files first); do
    cmp -s "first/$name" "second/$name" || echo "$name"
done >differ
is 'files that changed their names' "$(wc -l <differ)" 0
expect 2 "$THUMBPOOL" --on-clash maybe in
says '--on-clash'
finish
