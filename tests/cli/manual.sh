#!/bin/sh
# The manual pages have the options of the help, with their arguments and defaults, and no others; and they are
# set without a remark.
pages=$(CDPATH= cd -- "$(dirname "$0")/../../src/cli" && pwd)
. "$(dirname "$0")/lib.sh"

# helped: of a help on standard input a line for each option: -l --long ARGUMENT (default)
helped() {
    awk '
        function flush() {
            if (option == "") return
            standard = text
            if (!sub(/.*\(default: /, "", standard)) standard = ""
            else sub(/\).*/, "", standard)
            print option " (" standard ")"
            option = text = ""
        }
        /^  (-.,|   ) --/ {
            flush()
            match($0, /--[^ ]+/)
            option = substr($0, RSTART, RLENGTH)
            sub(/=/, " ", option)
            if ($1 ~ /^-.,$/) option = substr($1, 1, 2) " " option
            text = substr($0, RSTART + RLENGTH)
            next
        }
        /^                    / { sub(/^ +/, ""); text = text " " $0; next }
        { flush() }
        END { flush() }' | LC_ALL=C sort
}

# documented: the same of the source of a page
documented() {
    awk '
        function flush() {
            if (option != "") print option " (" standard ")"
            option = standard = ""
        }
        /^\*-/ { flush(); option = $0; gsub(/[*_,]/, "", option) }
        /^\*-.*_.*_$/ { option = $0; value = $0; sub(/[^_]*_/, "", value); sub(/_$/, "", value)
                        sub(/ _.*/, "", option); gsub(/[*,]/, "", option); option = option " " value }
        /^\tDefault: / { standard = $0; sub(/^\tDefault: /, "", standard) }
        /^#/ { flush() }
        END { flush() }' | LC_ALL=C sort
}

for page in thumbpool thumbpool-bench; do
    command=$([ $page = thumbpool ] || echo bench)
    # shellcheck disable=SC2086 # no word, or one
    "$THUMBPOOL" $command --help | helped >help
    documented <"$pages"/$page.1.scd >manual
    [ "$(wc -l <help)" -ge 14 ] || fail "the help of $page was not understood"
    grep -q '(.[^)]*)' help || fail "no default was found in the help of $page"
    diff help manual >&2 || fail "the help (<) and the manual page (>) of $page differ"
    # shellcheck disable=SC2086
    "$THUMBPOOL" $command --help | sed -n 's/^  \([0-9]\)  .*/\1/p' >codes
    sed -n '/^# EXIT STATUS/,/^# [^E]/s/^\*\([0-9]\)\*$/\1/p' "$pages"/$page.1.scd | diff codes - >&2 ||
        fail "the exit codes of help (<) and manual page (>) differ"
done

command -v scdoc >/dev/null || { echo 'skipped: there is no scdoc to make the pages with'; finish; }
for page in thumbpool thumbpool-bench; do
    expect 0 scdoc <"$pages"/$page.1.scd
    cp out $page.1
    if command -v groff >/dev/null; then
        groff -Kutf8 -man -ww -z -Tutf8 $page.1 >remarks 2>&1
        [ ! -s remarks ] || { cat remarks >&2; fail "groff has remarks on $page"; }
    else
        echo 'skipped: there is no groff to set the pages with'
    fi
    # scdoc puts paragraphs where they do nothing.
    if command -v mandoc >/dev/null; then
        mandoc -T lint -W warning $page.1 | grep -v 'skipping paragraph macro' >remarks
        [ ! -s remarks ] || { cat remarks >&2; fail "mandoc has remarks on $page"; }
    else
        echo 'skipped: there is no mandoc to look at the pages'
    fi
done
finish
