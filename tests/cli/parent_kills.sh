#!/bin/sh
# The program itself is killed, at a random moment between its start and its end, in every kind of run:
# into a new tree, over an old one, with --prune, into the desktop's cache, with a gallery, with --fsync.
# No worker outlives it, also none that was stopped; under a final name there is a whole file, old or
# new, or none; the same run again completes the tree of an undisturbed one and sweeps up.
#
# MOMENTS   how many kills
# SEED      of the random numbers
# GONE_MS   how soon the last worker has to be gone; the aim is 100, and a loaded machine takes longer
. "$(dirname "$0")/lib.sh"
: "${KILLER:?}"

moments=${MOMENTS:-20}
seed=${SEED:-1}
gone=${GONE_MS:-1000}

"$MAKE_IMAGES" many in 24
"$MAKE_IMAGES" good in/good
"$THUMBPOOL" -b 0 -s 300 -f webp -o in/webp --quiet in/1 2>/dev/null || rm -rf in/webp
rm -f in/webp/.thumbpool.ndjson
export XDG_CACHE_HOME="$work/desktop"

# run SCENE TREE [KILLER-WORD...]: the scene's run, perhaps killed
run() {
    scene=$1 tree=$2
    shift 2
    mkdir -p "$tree"
    case $scene in
    new) set -- "$@" "$THUMBPOOL" in -o "$tree" -s 200 -s 50 ;;
    changed) set -- "$@" "$THUMBPOOL" in -o "$tree" -s 100 ;;
    force) set -- "$@" "$THUMBPOOL" in -o "$tree" -s 100 --force -j 4 ;;
    prune) set -- "$@" "$THUMBPOOL" in -o "$tree" -s 100 --prune ;;
    gallery) set -- "$@" "$THUMBPOOL" in -o "$tree" -s 100 --gallery "$tree/page.html" --depfile "$tree/depfile" ;;
    fsync) set -- "$@" "$THUMBPOOL" in -o "$tree" -s 100 --fsync ;;
    freedesktop) XDG_CACHE_HOME="$work/$tree" && set -- "$@" "$THUMBPOOL" in --layout freedesktop -s 128 -s 256 ;;
    esac
    expect 0 timeout 300 "$@" --quiet --progress never --report report.ndjson
}

# before SCENE TREE: what is there when it begins
before() {
    rm -rf "$2"
    case $1 in
    changed | force) cp -R old "$2" ;;
    prune) cp -R old-more "$2" ;;
    *) mkdir "$2" ;;
    esac
}

# whole TREE SCENE: each file there is one of the undisturbed run, or of the tree before it. A page tells
# of times, so it only has to be there to its end.
whole() {
    (cd "$1" && find . -type f ! -name '.thumbpool*' ! -name page.html ! -name depfile) >present
    while read -r file; do
        cmp -s "$1/$file" "calm-$2/$file" || cmp -s "$1/$file" "old-more/$file" || cmp -s "$1/$file" "old/$file" ||
            fail "$2: $file is neither old nor new"
    done <present
    [ ! -e "$1/page.html" ] || tail -c 9 "$1/page.html" | grep -q '</html>' || fail 'the page is cut'
    [ ! -e "$1/depfile" ] || whole_depfile "$1" || fail 'the depfile is cut'
}

# whole_depfile TREE: it is that of the undisturbed run, where its outputs are not in another folder
whole_depfile() {
    sed "s|^$1/|calm-gallery/|" "$1/depfile" | cmp -s - calm-gallery/depfile
}

# again TREE SCENE: the same run, to its end
again() {
    run "$2" "$1"
    diff -r -x .thumbpool.ndjson -x page.html -x depfile "$1" "calm-$2" >diff ||
        { fail "$2: the tree differs from an undisturbed one:"; cat diff >&2; }
    whole "$1" "$2"
    is "pages of $2" "$(find "$1" -name page.html | wc -l)" "$(find "calm-$2" -name page.html | wc -l)"
    clean "$1"
}

# random BELOW: the next number
random() {
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    drawn=$((seed / 8 % $1))
}

scenes='new changed force prune gallery fsync freedesktop'
expect 0 "$THUMBPOOL" in -o old -s 100 -q 30 --quiet
cp -R in/0 in/gone
expect 0 "$THUMBPOOL" in -o old-more -s 100 -q 30 --quiet
rm -r in/gone
for scene in $scenes; do
    before $scene "calm-$scene"
    begin=$(date +%s%N)
    run $scene "calm-$scene"
    eval "took_$scene=$((($(date +%s%N) - begin) / 1000))"
done
[ ! -e calm-prune/gone/0000.jpg ] || fail 'nothing was pruned'

: >lives
killed=0
tries=0
while [ $killed -lt "$moments" ] && [ $tries -lt $((2 * moments + 20)) ] && [ $bad = 0 ]; do
    for scene in $scenes; do
        [ $killed -lt "$moments" ] || break
        eval "took=\$took_$scene"
        random $((took + took / 10))
        moment=$drawn
        random 2
        how=run
        [ "$drawn" = 0 ] || how=stop
        before $scene hit
        run $scene hit "$KILLER" parent "$moment" $how
        tries=$((tries + 1))
        read -r end workers ms <out
        whole hit $scene
        again hit $scene
        [ "$end" = killed ] || continue
        killed=$((killed + 1))
        echo "$ms $workers $how $scene $moment" >>lives
    done
done
is 'runs that were killed' $killed "$moments"
[ $bad = 0 ] || finish
sort -n lives >sorted
read -r most rest <<END
$(tail -n 1 sorted)
END
[ "${most%.*}" -lt "$gone" ] || fail "a worker lived on for $most ms"
echo "$killed runs killed, $(awk '$2 > 0' lives | wc -l) with workers, $(grep -c stop lives) of them stopped;" \
    "the last process was gone after $(sed -n $(((killed + 1) / 2))p sorted | cut -d' ' -f1) ms in the median, $most at most ($rest)"
finish
