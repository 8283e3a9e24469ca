#!/bin/sh
# Checks CONFORMANCE.md: its items are 1 to 88, each once, and every test that it names as `file/test_name`
# is run by test_file.c.
set -u
cd "$(dirname "$0")" || exit 2
page=CONFORMANCE.md
bad=0

items=$(sed -n 's/^| \([0-9][0-9]*\) |.*/\1/p' "$page")
[ "$items" = "$(seq 1 88)" ] || { echo "$page: the items are not 1 to 88"; bad=1; }

names=$(grep -o '`[a-z]*/test_[a-z_0-9]*`' "$page" | tr -d '`' | sort -u)
[ -n "$names" ] || { echo "$page: names no test"; bad=1; }
for name in $names; do
    file=test_${name%%/*}.c
    grep -q "(${name#*/}[,)]" "$file" 2>/dev/null || { echo "$page: $file does not run ${name#*/}"; bad=1; }
done
exit $bad
