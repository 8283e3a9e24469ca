#!/bin/sh
# Completions list the options of the table, all of them and no others, and complete in the shells that
# are installed.
tests=$(CDPATH= cd -- "$(dirname "$0")" && pwd)
. "$tests/lib.sh"

for shell in bash zsh fish; do
    expect 0 "$THUMBPOOL" --completions $shell
    cp out thumbpool.$shell
done
expect 2 "$THUMBPOOL" --completions csh
expect 3 sh -c "'$THUMBPOOL' --completions bash >/dev/full"
! "$THUMBPOOL" -h | grep -q completions || fail 'the option for packagers is in the help'

# ---- What they list is what the help lists, for both commands ----
# helped COMMAND: the options of its help, with their letters
helped() {
    # shellcheck disable=SC2086 # no word, or one
    "$THUMBPOOL" $1 -h | grep -o '^  \(-[a-zA-Z0-9], \|    \)--[a-z-]*' | grep -o -e '-[-a-zA-Z0-9]*' | LC_ALL=C sort
}

# within FILE FROM TO: its lines from one pattern to another
within() {
    sed -n "/$2/,/$3/p" "$1"
}
helped '' >help
helped bench >help.bench
[ "$(wc -l <help)" -gt 50 ] && [ "$(wc -l <help.bench)" -gt 15 ] || fail 'the help was not understood'
listed() {
    LC_ALL=C sort >found
    diff "$1" found >&2 || fail "the help (<) and $2 (>) differ"
}
words() {
    grep -o -e '-[-a-zA-Z0-9]*'
}
within thumbpool.bash '^_thumbpool_thumbnails' '^}' | sed -n "s/.*_thumbpool_others '\(.*\)'.*/\1/p" | words | listed help bash
within thumbpool.bash '^_thumbpool_bench' '^}' | sed -n "s/.*_thumbpool_others '\(.*\)'.*/\1/p" | words |
    listed help.bench 'bash, for bench,'
zsh_options() {
    within thumbpool.zsh "^$1" '^}' | sed -n "s/^        //; s/^'([^)]*)'//; s/^'\*'//; s/'\[.*//; /^{*-/p" | words
}
zsh_options _thumbpool_thumbnails | listed help zsh
zsh_options _thumbpool_bench | listed help.bench 'zsh, for bench,'
fish_options() {
    sed -n "s/^complete -c thumbpool -n $1\(.*\) -l \([a-z-]*\).*/\1 --\2/p" thumbpool.fish | sed 's/-s /-/' | words
}
fish_options "'not __thumbpool_bench'" | listed help fish
fish_options __thumbpool_bench | listed help.bench 'fish, for bench,'

# ---- They complete ----
mkdir 'a folder' && : >'a file.jpg'
if command -v bash >/dev/null; then
    bash -n thumbpool.bash || fail 'bash does not understand it'
    # completed WANTED WORD...: what bash makes of the last word
    cat >complete.bash <<'EOT'
. ./thumbpool.bash
complete -p thumbpool >/dev/null || exit
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
_thumbpool
printf '%s;' "${COMPREPLY[@]}"
EOT
    completed() {
        wanted=$1
        shift
        is "what bash makes of $*" "$(bash complete.bash "$@")" "$wanted"
    }
    completed '--files-from;--fit;' thumbpool in --fi
    completed 'cover;contain;' thumbpool --fit c
    completed 'inside;cover;fill;contain;' thumbpool --fit =
    completed 'cover;contain;' thumbpool --fit = c
    completed 'northwest;north;northeast;' thumbpool --gravity nor
    completed 'keep;jpeg;png;webp;avif;' thumbpool -f ''
    completed 'a folder;' thumbpool -o a
    completed 'a folder;a file.jpg;' thumbpool --report a
    completed 'a folder;a file.jpg;' thumbpool -n a
    completed ';' thumbpool -j a
    completed 'bench;' thumbpool ben
    completed ';' thumbpool -n ben
    completed ';' thumbpool -- --fi
    completed '--export-json;--export-markdown;' thumbpool bench --exp
    completed 'io,photos;' thumbpool bench --work io,p
    completed 'sequential;threads;processes;' thumbpool bench --executor ''
    ! command -v shellcheck >/dev/null || shellcheck -s bash thumbpool.bash >&2 || fail 'shellcheck has remarks'
else
    echo 'skipped: there is no bash to complete in'
fi
if command -v fish >/dev/null; then
    fish -n thumbpool.fish || fail 'fish does not understand it'
    completed() {
        found=$(HOME=$work fish --no-config -c 'source thumbpool.fish; complete -C $argv[1]' "$2" | cut -f1 | LC_ALL=C sort | tr '\n' ';')
        is "what fish makes of $2" "$found" "$1"
    }
    completed '--files-from;--fit;' 'thumbpool in --fi'
    completed 'contain;cover;' 'thumbpool --fit c'
    completed '--fit=contain;--fit=cover;' 'thumbpool --fit=c'
    completed 'avif;jpeg;keep;png;webp;' 'thumbpool -f '
    completed 'a folder/;' 'thumbpool -o a'
    completed 'bench;' 'thumbpool ben'
    completed '--export-json;--export-markdown;' 'thumbpool bench --exp'
    completed 'io,photos;' 'thumbpool bench --work io,p'
else
    echo 'skipped: there is no fish to complete in'
fi
if command -v zsh >/dev/null; then
    zsh -n thumbpool.zsh || fail 'zsh does not understand it'
    zsh -f "$tests/completions.zsh" >zsh.out 2>&1 || { cat zsh.out >&2; fail 'zsh does not complete'; }
else
    echo 'skipped: there is no zsh to complete in'
fi
finish
