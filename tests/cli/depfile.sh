#!/bin/sh
# What --depfile writes: make and ninja read the same names in it as the file system has, whatever they
# are; what cannot be said is refused before any work.
samples=$(CDPATH= cd -- "$(dirname "$0")/../../samples" && pwd)
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good good
one=good/a/baseline.jpg
mkdir bin
ln -s "$THUMBPOOL" bin/thumbpool
PATH=$work/bin:$PATH

# ---- A rule a picture ----
mkdir -p in/sub
cp $one in/a.jpg
cp $one in/sub/b.jpg
expect 0 thumbpool -o out.d -s 16 -s 8 in --depfile deps.d
cat >wanted <<'EOF'
out.d/a-16.jpg out.d/a-8.jpg: in/a.jpg
in/a.jpg:
out.d/sub/b-16.jpg out.d/sub/b-8.jpg: in/sub/b.jpg
in/sub/b.jpg:
EOF
diff wanted deps.d >&2 || fail 'another depfile than wanted (<)'

# ---- One target for all that was looked at ----
echo in/a.jpg >list
mkdir in/.hidden in/out-of-depth in/empty
expect 0 thumbpool -o out.d in --files-from list --depfile deps.d --depfile-target stamp
sed -n 's/^stamp: //p' deps.d | tr '\n' ' ' >found
is 'what the stamp depends on' "$(cat found)" \
    'list in/ in/empty/ in/out-of-depth/ in/sub/ in/a.jpg in/sub/b.jpg '
expect 0 thumbpool -o in/thumbs in --max-depth 1 --depfile deps.d --depfile-target stamp
expect 0 thumbpool -o in/thumbs in --max-depth 1 --depfile deps.d --depfile-target stamp
is 'folders below --max-depth 1' "$(sed -n 's/^stamp: //p' deps.d | grep -c '/$')" 1
rm -rf in/thumbs

# ---- Written as a whole, after a run that came to its end ----
echo old >deps.d
echo bad >in/bad.jpg
expect 1 thumbpool -o out.d in --depfile deps.d
grep -qx 'out.d/bad.jpg: in/bad.jpg' deps.d || fail 'a picture that failed is not in the depfile'
echo old >deps.d
expect 4 thumbpool -o out.d in --fail-fast --depfile deps.d
is 'the depfile after a run that gave up' "$(cat deps.d)" old
rm in/bad.jpg
expect 3 thumbpool -o out.d in --depfile deps.d/no-folder/deps.d
says deps.d/no-folder/deps.d
is 'half-written depfiles' "$(find . -name '*.tmp' | wc -l)" 0
expect 2 thumbpool -o out.d in --depfile-target stamp

# ---- What cannot be said ----
for name in 'a
b' 'a;b' 'a|b' 'a=b' 'a*b' 'a<b' 'a\#b'; do
    rm -rf odd none
    mkdir odd
    cp $one "odd/$name.jpg"
    expect 2 thumbpool -o none odd --depfile deps.d
    says 'cannot be written into a depfile'
    [ ! -e none ] || fail "something was made for $name"
done

# ---- What can, to make and to ninja ----
rm -rf odd deps.d
mkdir -p 'odd/Trip (2019)' 'odd/50% of $HOME'
for name in 'a b' 'a  b' '#1' 'a#b' 'co$t' '$$' '100%' 'a:b' 'back\slash' 'back\ slash' 'back\\ slash' \
    'IMG (1)' 'a[1]' '{x},y!@+~' 'größe' '-dash' "$(printf 'latin\374')"; do
    cp $one "odd/$name.jpg"
    cp $one "odd/Trip (2019)/$name.jpg"
    cp $one "odd/50% of \$HOME/$name.jpg"
done

# old: all is older than the stamp
old() {
    find odd -exec touch -d 2020-01-01 {} +
    touch -d 2021-01-01 stamp
}

if command -v make >/dev/null; then
    cat >GNUmakefile <<'EOF'
stamp: ; thumbpool --quiet -s 16 -o out.d odd --depfile deps.d --depfile-target $@ && touch $@
include $(wildcard deps.d)
EOF
    cp $one "odd/Bob's & Eve's?.jpg" # older ninjas always run again for it
    expect 0 make
    expect 0 make -q
    find odd >names
    old
    while IFS= read -r name; do
        expect 0 make -q
        touch -- "$name"
        expect 1 make -q
        touch -d 2020-01-01 -- "$name"
    done <names
    # One that is gone, or new, makes it run again.
    rm 'odd/Trip (2019)/co$t.jpg' "odd/Bob's & Eve's?.jpg"
    expect 1 make -q
    expect 0 make
    # The rules of the outputs name them as they are.
    expect 0 thumbpool --quiet -s 16 -o out.d odd --depfile outputs.d
    cat >outputs.mk <<'EOF'
all:
%.jpg: ; @echo remade
include outputs.d
EOF
    find out.d -name '*.jpg' | while IFS= read -r name; do
        case $name in *%* | *[[*]* | *'$'* | *'#'* | *':'* | *'\'*) continue ;; esac # make's own words for it
        make -q -f outputs.mk "$name" || echo "$name"
    done >wrong
    is 'outputs that make finds out of date' "$(cat wrong)" ''
else
    echo 'skipped: there is no make'
fi

if command -v ninja >/dev/null; then
    rm -f stamp deps.d
    cat >build.ninja <<'EOF'
rule r
  command = thumbpool --quiet -s 16 -o out.d odd --depfile $out.d --depfile-target $out && touch $out
  depfile = $out.d
  deps = gcc
build stamp: r
EOF
    expect 0 ninja
    ninja -t deps stamp | LC_ALL=C sed -n 's/^    \(.\)/\1/p' | LC_ALL=C sort >read
    find odd | LC_ALL=C sort >there
    diff there read >&2 || fail 'ninja reads other names (>) than there are (<)'
    expect 0 ninja
    grep -qF 'no work to do' out || fail 'ninja runs again though nothing has changed'
    # Without its log of dependencies, the depfile itself is read each time.
    sed '/deps = gcc/d' build.ninja >plain.ninja
    rm -f stamp .ninja_log .ninja_deps
    expect 0 ninja -f plain.ninja
    expect 0 ninja -f plain.ninja
    grep -qF 'no work to do' out || fail 'ninja runs again though nothing has changed'

    # The example.
    rm -rf thumbs images .ninja*
    cp -R good images
    cp "$samples/ninja/build.ninja" .
    expect 0 ninja
    touch mark
    expect 0 ninja
    grep -qF 'no work to do' out || fail 'the example runs again though nothing has changed'
    cp images/b/grey.jpg images/a/baseline.jpg
    cp images/b/grey.jpg images/b/new.jpg
    expect 0 ninja
    is 'what the example made anew' "$(find thumbs -name '*.jpg' -newer mark | LC_ALL=C sort | tr '\n' ' ')" \
        'thumbs/a/baseline.jpg thumbs/b/new.jpg '
    rm images/b/new.jpg
    expect 0 ninja
    grep -qF '[1/1]' out || fail 'a picture that is gone is not noticed'
else
    echo 'skipped: there is no ninja'
fi
finish
