#!/bin/sh
# FAULTS.md is complete: rows 1 to 46, each once, with a test or a reason why there is none; and every test that
# it names is run, and has the case that is named.
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
table=${1:-$root/FAULTS.md}
bad=0

fail() {
    echo "FAILED: $*" >&2
    bad=1
}

rows=$(sed -n 's/^| \([0-9]*\) |.*/\1/p' "$table" | tr '\n' ' ')
[ "$rows" = "$(seq 1 46 | tr '\n' ' ')" ] || fail "the rows are $rows"
without=$(grep '^| [0-9]' "$table" | grep -c 'not injected')
[ "$without" -le 6 ] || fail "$without rows without a test"
bare=$(grep '^| [0-9]' "$table" | grep -v 'not injected' | grep -vE '`[a-z]+/[a-z_]+(: [^`]*)?`' | cut -c 1-60)
[ -z "$bare" ] || fail "rows without a test and without a reason: $bare"

# Of each test its layer, its name and its case, if any.
grep '^| [0-9]' "$table" | grep -oE '`[a-z]+/[a-z_]+(: [^`]*)?`' | tr -d '`' | LC_ALL=C sort -u |
    while IFS= read -r test; do
        name=${test%%: *} layer=${test%%/*} case=
        [ "$name" = "$test" ] || case=${test#*: }
        name=${name#*/}
        file=$root/$layer/$name.sh
        [ -f "$file" ] || file=$root/$layer/test_$name.c
        [ -f "$file" ] || { echo "$test: no such test"; continue; }
        grep -qE "(^|[^a-z_])$name([^a-z_]|$)" "$root/$layer/CMakeLists.txt" || echo "$test: is not run"
        [ -z "$case" ] || grep -qF -- "$case" "$file" || echo "$test: no such case"
        case $case in test_*) [ "$(grep -c "$case" "$file")" -gt 1 ] || echo "$test: is not run" ;; esac
    done >"${TMPDIR:-/tmp}/faults_table.$$"
[ ! -s "${TMPDIR:-/tmp}/faults_table.$$" ] || fail "tests that are named:
$(cat "${TMPDIR:-/tmp}/faults_table.$$")"
rm -f "${TMPDIR:-/tmp}/faults_table.$$"
exit $bad
