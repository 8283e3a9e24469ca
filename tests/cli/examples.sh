#!/bin/sh
# Every command line of thumbpool in the documents and in the help is one that the program takes.
root=$(CDPATH= cd -- "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/lib.sh"

# The folders that the examples speak of, with pictures.
HOME=$work
mkdir -p bin
ln -s "$THUMBPOOL" bin/thumbpool
PATH=$work/bin:$PATH
"$MAKE_IMAGES" good good
for folder in Photos Pictures photos images portraits; do cp -R good $folder; done
cp good/a/baseline.jpg a.jpg
cp good/a/baseline.jpg b.jpg
cp good/a/baseline.jpg a.pdf
printf 'images/b/alpha.png\0' >list
mkdir srv
cp -R good srv/photos

# commands FILE: its command lines of thumbpool, without what comes before and after them: lines of code, and
# code between backticks. One with "…" in it is no command line.
commands() {
    {
        sed -n '/^```/,/^```/p; /^    /p' "$1" | grep '^ *\(\$ \)\{0,1\}\([a-z][^|]*| \)\{0,1\}thumbpool '
        grep '^|\|^is `' "$1" | grep -o '`thumbpool [^`]*`'
        grep -v '^|\|^    ' "$1" | grep -o '`thumbpool [^`]*`'
    } | sed 's/.*\(thumbpool .*\)/\1/; s/`//g; s/  *#.*//; s/ |.*//; s/ &&.*//' |
        sed 's|/srv/|srv/|g' | grep -v '…\|bench --help' | LC_ALL=C sort -u
}

# taken COMMAND: it is done, dry, or, of a comparison, read to its end
taken() {
    case $1 in
    'thumbpool bench'*) line="$1 --help" ;;
    *'--report -'*) line=$1 ;;
    *) line="thumbpool -n ${1#thumbpool }" ;;
    esac
    eval "$line" >out 2>err <list
}

# all FILE AT-LEAST: all of its command lines are taken, and it has so many
all() {
    commands "$1" >commands
    count=0
    while IFS= read -r command; do
        count=$((count + 1))
        taken "$command" || { fail "$1: $command"; cat err >&2; }
    done <commands
    [ "$count" -ge "$2" ] || fail "only $count command lines were found in $1"
}

# What is wrong is found out.
printf '    thumbpool --no-such-option images\n' >wrong.md
commands wrong.md >commands
is 'what is read of a document' "$(cat commands)" 'thumbpool --no-such-option images'
! taken "$(cat commands)" || fail 'an option that does not exist is taken'
! taken 'thumbpool -s 5x --fit cover images' || fail 'wrong usage is taken'
! taken 'thumbpool bench --no-such-option' || fail 'an option that does not exist is taken for a comparison'

all "$root/README.md" 13
all "$root/samples/COMING_FROM.md" 20
all "$root/samples/cluster/README.md" 2
all "$root/src/cli/thumbpool.1.scd" 6
all "$root/src/cli/thumbpool-bench.1.scd" 3
for command in '' bench; do
    # shellcheck disable=SC2086 # no word, or one
    "$THUMBPOOL" $command --help | sed -n 's/^  thumb/    thumb/p' >help.md
    all help.md 3
done
finish
