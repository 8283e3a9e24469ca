#!/bin/sh
# COVERAGE.md is complete: every option of the help, exit code of the manual pages and field of a report has a
# row, no row is of anything else, and the test that it names is there, is run, and speaks of it.
tests=$(CDPATH= cd -- "$(dirname "$0")" && pwd)
. "$tests/lib.sh"
table=$tests/COVERAGE.md

# rows HEADING: of a section of the table "what test", a line each, with a "bench" before an option as "bench:"
rows() {
    sed -n "/^## $1/,/^## [^${1%"${1#?}"}]/s/^| \`\([^|]*\)\` | \([a-z_]*\.sh\) |.*/\1 \2/p" "$table" |
        sed 's/`, `/,/; s/^bench /bench:/; s/^128 + /128+/'
}

# compare WHAT FILE FILE: what there is, and what has a row
compare() {
    LC_ALL=C sort -u "$2" >there
    LC_ALL=C sort "$3" >rows
    diff there rows >&2 || fail "$1 that there are (<) and that have a row (>) differ"
}

# ---- Options, with their letters ----
for command in '' bench; do
    # shellcheck disable=SC2086 # no word, or one
    "$THUMBPOOL" $command --help |
        sed -n "s/^  \(-.\), \(--[a-z-]*\).*/${command:+bench:}\2,\1/p; s/^      \(--[a-z-]*\).*/${command:+bench:}\1/p"
done >options
[ "$(wc -l <options)" -gt 60 ] || fail 'the help was not understood'
rows Options >covered
cut -d' ' -f1 covered >names
compare options options names
cp covered all

# ---- Exit codes, and the end by a signal ----
for page in thumbpool thumbpool-bench; do
    sed -n "/^# EXIT STATUS/,/^# [^E]/s/^\*\([0-9]\)\*\$/\1/p" "$tests/../../src/cli/$page.1.scd" |
        sed "s/^/$([ $page = thumbpool ] || echo bench:)/"
done >codes
echo 128+15 >>codes
rows 'Exit codes' >covered
cut -d' ' -f1 covered >names
compare 'exit codes' codes names
cp covered all.codes

# ---- Fields: of reports that have all of them, and of nothing inside "options" ----
"$MAKE_IMAGES" good in
echo text >in/bad.jpg
mkfifo in/skipped.jpg
cp in/a/baseline.jpg "in/$(printf '\377').jpg"
expect 1 "$THUMBPOOL" in -o thumbs --prune --report report.ndjson
sed 's/"options":{[^}]*}/"options":0/' report.ndjson | grep -o '"[a-z_]*":' | tr -d '":' >fields
[ "$(wc -l <fields)" -gt 40 ] || fail 'the report was not understood'
rows Fields >covered
cut -d' ' -f1 covered >names
compare fields fields names
cp covered all.fields

# ---- The tests that are named ----
# speaks FILE PATTERN WHAT
speaks() {
    [ -f "$tests/$1" ] || { fail "$1, which is to cover $3, is not there"; return; }
    grep -qE "[ (]${1%.sh}[ )]|[ (]${1%.sh}\$" "$tests/CMakeLists.txt" || fail "$1, which is to cover $3, is not run"
    cat "$tests/$1" "$tests/${1%.sh}.py" 2>/dev/null | grep -v '^ *#' | grep -qE -e "$2" || fail "$1 does not speak of $3"
}
while read -r what test; do
    option=${what#bench:}
    letter=$(echo "$option" | sed -n 's/.*,-/-/p')
    speaks "$test" "(^|[^a-z-])(${option%,*}${letter:+|$letter})([^a-z-]|\$)" "$what"
done <all
while read -r what test; do
    code=${what#bench:}
    [ "$code" = 128+15 ] && code='128 [+]' || code="expect $code "
    speaks "$test" "$code" "exit code $what"
done <all.codes
while read -r what test; do
    speaks "$test" "(^|[^a-z_])$what([^a-z_]|\$)" "$what"
done <all.fields
finish
