#!/bin/sh
# A storm: workers are killed at random, one after another, over real pictures of every kind, by any
# number of workers, into a new tree and over an old one. Whatever is hit: every input is told of exactly
# once, as made, the tree has the bytes of an undisturbed run, and nothing else is left in it.
#
# KILLS     how many workers are killed in all
# SEED      of the random numbers
# LIFE_US   how long a worker lives in the mean, so that some pictures get done
# PHOTOS    folders of photos instead of pictures made here, each a storm of its own
. "$(dirname "$0")/lib.sh"
: "${KILLER:?}"

kills=${KILLS:-2000}
seed=${SEED:-1}
life=${LIFE_US:-5000}
killed=0
rounds=0
lost=0

# JPEG, progressive, grey and turned ones, and PNG.
make_small() {
    "$MAKE_IMAGES" many "$1/jpeg" 40
    "$MAKE_IMAGES" good "$1/good"
    expect 0 "$THUMBPOOL" -b 0 -s 400 -f png -o "$1/png" --quiet "$1/jpeg/1" "$1/jpeg/2"
    expect 0 "$THUMBPOOL" -b 0 -s 300 --progressive -o "$1/progressive" --quiet "$1/jpeg/3" "$1/jpeg/4"
    rm -f "$1/png/.thumbpool.ndjson" "$1/progressive/.thumbpool.ndjson"
}

# What libvips reads, whose workers take long to start. None where there is no libvips.
make_guests() {
    "$THUMBPOOL" -b 0 -s 300 -f webp -o "$1" --quiet small/jpeg/5 small/jpeg/6 2>/dev/null || rm -rf "$1"
    rm -f "$1/.thumbpool.ndjson"
}

# Some that take a worker longer than it lives in a storm over small ones.
make_large() {
    for edge in 2000 3000 4000; do
        expect 0 "$THUMBPOOL" -b 0 --upscale -s $edge -o "$1/$edge" --quiet small/jpeg/1
        rm -f "$1/$edge/.thumbpool.ndjson"
    done
}

# once FOLDER: the report tells of each of its files exactly once, as made
once() {
    find "$1" -type f | LC_ALL=C sort | sed 's/$/ made/' >wanted
    sed -n 's/.*"src":"\([^"]*\)","status":"\([a-z]*\)".*/\1 \2/p' report.ndjson | LC_ALL=C sort >told
    diff wanted told >diff || { fail "the report does not tell of each input of $1 once:"; cat diff >&2; }
}

# storm FOLDER WORKERS LIFE-US OPTION...: one run
storm() {
    from=$1 workers=$2 most=$((kills - killed))
    pause=$(($3 / (workers > 1 ? 2 : 1)))
    shift 3
    seed=$((seed + 1))
    expect 0 timeout 600 "$KILLER" workers $seed $pause $most "$THUMBPOOL" "$from" -o stormy -j "$workers" \
        --retries 1000000 --report report.ndjson --progress never --quiet "$@"
    killed=$((killed + $(cat out)))
    lost=$((lost + $(field workers_lost)))
    rounds=$((rounds + 1))
    once "$from"
    same "calm-$from" stormy
    clean stormy
}

goes_on() {
    [ $killed -lt "$kills" ] && [ $bad = 0 ]
}

# storms FOLDER LIFE-US WORKERS...: by each number of workers, into a new tree and over it
storms() {
    of=$1 mean=$2
    shift 2
    for number; do
        rm -rf stormy
        ! goes_on || storm "$of" "$number" "$mean"
        ! goes_on || storm "$of" "$number" "$mean" --force
    done
}

if [ -n "${PHOTOS:-}" ]; then
    for folder in $PHOTOS; do
        name=$(basename "$folder")
        cp -R "$folder" "$name"
        sets="${sets:-} $name"
    done
else
    make_small small
    make_large large
    make_guests guests
    sets="small large $(ls -d guests 2>/dev/null)"
fi
for name in $sets; do
    expect 0 "$THUMBPOOL" "$name" -o "calm-$name" --quiet
done
while goes_on; do
    for name in $sets; do
        case $name in
        small) storms small "$life" 4 1 2 8 3 6 5 7 ;;
        guests) storms guests $((life * 10)) 3 ;;
        *) storms "$name" $((life * 4)) 5 2 ;;
        esac
    done
done
is 'the number of kills' $killed "$kills"
echo "$killed workers killed in $rounds runs, $lost of them as the runs count; seed ${SEED:-1}"
finish
