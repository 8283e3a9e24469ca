#!/bin/sh
# An option or a word that does not exist: what may have been meant is said, and nothing else is guessed.
. "$(dirname "$0")/lib.sh"
"$MAKE_IMAGES" good in

# wrong SENTENCE WORD...: exit 2, and this sentence to the letter
wrong() {
    sentence=$1
    shift
    expect 2 "$THUMBPOOL" "$@"
    is "what is said of $*" "$(head -n 1 err)" "thumbpool: $sentence"
    [ ! -e thumbs ] || fail "$* wrote something"
}

# ---- Letters that are missing, too many, others, or the wrong way round ----
wrong "unrecognized option '--sise'; did you mean --size?" --sise 3 in
wrong "unrecognized option '--sise'; did you mean --size?" in --sise=3
wrong "unrecognized option '--ouptut'; did you mean --output?" --ouptut x in
wrong "unrecognized option '--depht-file'; did you mean --depfile?" --depht-file x in
wrong "unrecognized option '--max-pixle'; did you mean --max-pixels?" --max-pixle 5 in
wrong "unrecognized option '--dryrun'; did you mean --dry-run?" --dryrun in
wrong "unrecognized option '--exprot-json'; did you mean --export-json?" bench --exprot-json f
wrong "unrecognized option '--sise'" bench --sise 3

# ---- Nothing is near ----
wrong "unrecognized option '--no-such-option'" --no-such-option in
wrong "unrecognized option '--xy'" --xy in
wrong "unrecognized option '-Z'" -Z in
wrong "unrecognized option '-Z'" -nZ in
wrong "unrecognized option '--completion-of-what-is-more-than-40-charac'" \
    --completion-of-what-is-more-than-40-characters-long in
wrong "unrecognized option '--???[31m'" "$(printf -- '--\033\033\033[31m')" in

# ---- As other tools have it ----
wrong "unrecognized option '--width'; did you mean --size?" --width 3 in
wrong "unrecognized option '-thumbnail'; did you mean --size?" -thumbnail 50x50 in
wrong "unrecognized option '--recursive': folders are walked in any case, and --max-depth 1 keeps to one" --recursive in
wrong "unrecognized option '--strip': metadata are dropped in any case, unless --keep is given" in --strip
wrong "unrecognized option '--strip'" bench --strip
wrong "unrecognized option '--threads'; did you mean --jobs?" bench --threads 2

# ---- Words of values ----
wrong '--fit takes inside, cover, fill or contain, not "covr"; did you mean cover?' --fit covr in
wrong '--format takes keep, jpeg, png, webp or avif, not "jpg"; did you mean jpeg?' -f jpg in
wrong '--format takes keep, jpeg, png, webp or avif, not "heic"' -f heic in
wrong '--on-clash takes error or suffix, not "sufix"; did you mean suffix?' --on-clash sufix in
wrong '--background takes white, black, grey, #rgb or #rrggbb, not "blak"; did you mean black?' --background blak in
wrong '--background takes white, black, grey, #rgb or #rrggbb, not "#12"' --background '#12' in
expect 2 "$THUMBPOOL" bench --work io,photo
says '--work takes photos, cpu or io, not "photo"; did you mean photos?'

# ---- What is no option, but stands where one could be, is left alone ----
expect 0 "$THUMBPOOL" -o --sise in --quiet
[ -d ./--sise ] || fail 'the value of an option was taken for one'
expect 0 "$THUMBPOOL" -nvo-Z --siz 20 -- in
expect 3 "$THUMBPOOL" -- --sice
says 'thumbpool: --sice: No such file'
expect 2 "$THUMBPOOL" --max 3 in
says "'--max-errors' '--max-pixels'"
expect 2 "$THUMBPOOL" in -s
says 'requires an argument'
finish
