# What the tests of the program share. Each is a script of its own: sh tests/cli/NAME.sh, with
#     THUMBPOOL     the program
#     MAKE_IMAGES   the maker of test pictures
# It works in a folder of its own, prints what went wrong, and exits 1 then.
set -u
: "${THUMBPOOL:?}" "${MAKE_IMAGES:?}"
work=$(mktemp -d "${TMPDIR:-/tmp}/thumbpool-cli-XXXXXX")
trap 'chmod -R u+rwx "$work" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 2
unset MAKEFLAGS MFLAGS MAKELEVEL # whoever runs the tests, it is not make that calls the program
bad=0

fail() {
    echo "FAILED: $*" >&2
    bad=1
}

# expect CODE COMMAND...: runs a command, which must exit with CODE; its output is kept in out and err
expect() {
    wanted=$1
    shift
    code=0
    "$@" >out 2>err || code=$?
    [ "$code" = "$wanted" ] || { fail "exit code $code instead of $wanted: $*"; cat err >&2; }
}

# says TEXT: the last command's messages hold the text
says() {
    grep -qF -- "$1" err || { fail "no \"$1\" in its messages:"; cat err >&2; }
}

# field NAME: a number of the summary in report.ndjson
field() {
    sed -n '$s/.*"'"$1"'":\([0-9.]*\).*/\1/p' report.ndjson
}

# is WHAT FOUND WANTED
is() {
    [ "$2" = "$3" ] || fail "$1 is $2, not $3"
}

# same A B: two folders hold the same files, but for the manifest
same() {
    diff -r -x .thumbpool.ndjson "$1" "$2" >diff || { fail "$1 and $2 differ:"; cat diff >&2; }
}

# clean FOLDER: no temporary file is left below
clean() {
    left=$(find "$1" -name '.thumbpool-*' | wc -l)
    is "the number of temporary files left" "$left" 0
}

# files FOLDER: its files, in order, but for the manifest
files() {
    (cd "$1" && find . -type f ! -name .thumbpool.ndjson | LC_ALL=C sort | tr '\n' ' ')
}

# can_have_terminal: there is script(1), and a pseudo-terminal to be had
can_have_terminal() {
    command -v script >/dev/null && script -qec true /dev/null </dev/null >/dev/null 2>&1
}

finish() {
    exit $bad
}
