#!/bin/sh
# Checks the two rules of the house over ROOT/src: includes go strictly down, and each concept of the
# system has one owner. Prints every violation with its reason.
#
# usage: layers.sh [ROOT]     ROOT is the tree that this script stands in
set -u
cd "${1:-$(dirname "$0")/..}" || exit 2
[ -d src ] || { echo "layers.sh: no src in $(pwd)" >&2; exit 2; }

code=$(mktemp) || exit 2
trap 'rm -f "$code"' EXIT
bad=0

# All code as FILE:LINE: TEXT, without comments and without what stands in quotes, but for includes.
find src -name '*.[ch]' -exec awk '
    FNR == 1 { inside = 0 }
    {
        text = $0; out = ""
        while (text != "")
            if (inside) {
                end = index(text, "*/")
                text = end ? substr(text, end + 2) : ""
                inside = !end
            } else if (match(text, /"([^"\\]|\\.)*"|\047([^\047\\]|\\.)*\047|\/\*|\/\/.*/)) {
                found = substr(text, RSTART, RLENGTH)
                out = out substr(text, 1, RSTART - 1) (/^[ \t]*#/ && found ~ /^"/ ? found : " ")
                text = substr(text, RSTART + RLENGTH)
                inside = found == "/*"
            } else {
                out = out text
                text = ""
            }
        print FILENAME ":" FNR ": " out
    }' {} + | LC_ALL=C sort -t: -k1,1 -k2,2n >"$code"

report() { # LINES REASON
    [ -n "$1" ] || return 0
    printf '%s\n' "$1" | while IFS= read -r line; do
        printf '%s    <- %s\n' "$line" "$2"
    done
    bad=1
}

deny() { # LAYER PATTERN REASON: no file of the layer has it
    report "$(grep -E "^src/$1/[^:]*:[0-9]+: .*($2)" "$code")" "$3"
}

only() { # PATTERN OWNERS: no file but these has it
    report "$(grep -E "^src/[^:]*:[0-9]+: (.*[^[:alnum:]_.>])?($1)" "$code" |
        grep -vE "^src/($2):")" "belongs in $2 only"
}

# ---- Includes go strictly down: cli > bench, cluster > batch > image; mproc and jail beside, at the bottom ----

include='# *include *["<]'
deny '[a-z]*'   "$include(\.|[^/]*\.h\")"                  'an include names its layer: "layer/file.h"'
deny mproc      "$include(image|jail|batch|bench|cluster|cli)/" 'mproc is the bottom layer'
deny image      "$include(mproc|jail|batch|bench|cluster|cli)/" 'image knows no processes and nothing above it'
deny jail       "$include(mproc|image|batch|bench|cluster|cli)/" 'the jail knows nothing but the system'
deny batch      "$include(bench|cluster|cli)/"             'batch knows nothing above it'
deny bench      "$include(cluster|cli)/"                   'bench knows nothing above or beside it'
deny cluster    "$include(bench|cli)/"                     'cluster knows nothing above or beside it'
deny '(batch|bench|cluster|cli)' "$include(mproc/([^m]|m[^p])|mproc\.h)" 'mproc is seen as "mproc/mproc.h" only'

# Inside mproc a file includes only headers that stand to its left here.
order='mproc clock error io shm spin futex bell cpu process holder lock semaphore event condition barrier value
       array queue connection wire control slots channel task chunk worker tail crew verdict member overdue
       dispatch workerset sequential threads future executor wait place pace map pool'

rank() { # NAME: its place in the order, 0 for none
    place=0
    for name in $order; do
        place=$((place + 1))
        [ "$name" != "$1" ] || { echo $place; return; }
    done
    echo 0
}

for file in src/mproc/*.[ch]; do
    me=$(basename "${file%.*}")
    mine=$(rank "$me")
    [ "$mine" -gt 0 ] || report "$file" 'has no place in the order of mproc: see layers.sh'
    headers=$(sed -n 's|^# *include *"mproc/\([a-z_]*\)\.h".*|\1|p' "$file")
    for header in $headers; do
        [ "$header" = "$me" ] || [ "$(rank "$header")" -lt "$mine" ] ||
            report "$file: mproc/$header.h" 'does not stand to the left in the order of mproc'
    done
done

# ---- One owner per system concept -------------------------------------------------------------------

only '(v?fork|_Fork|waitid|waitpid|wait[34]?|sigprocmask) *\(' 'mproc/process\.c'
only 'prctl *\('                'mproc/process\.c|jail/[a-z]+\.c'
only '(p?poll|p?select) *\('    'mproc/io\.c'
only 'epoll_[a-z0-9]+ *\('      'mproc/(member|workerset)\.c'
only 'pthread_create *\('       'mproc/threads\.c|bench/costs\.c|jail/scout\.c'
only 'pthread_mutex[a-z_]*'     'mproc/(lock|threads)\.[ch]'
only 'SYS_futex|FUTEX_[A-Z_]+|'"$include"'linux/futex' 'mproc/futex\.c|jail/filter\.c'
only '(SYS_pidfd_[a-z_]+|pidfd_(open|send_signal) *\()' 'mproc/process\.c|jail/scout\.c'
only 'WIRE_[A-Z]+|wire_[a-z]+'  'mproc/(wire|channel|worker|crew|verdict|member)\.[ch]'
only "$include"'vips/'          'image/vips(_encode)?\.c'
only "$include"'lcms2'          'image/colour\.c'
only "$include"'j(peglib|error|config)\.h' 'image/jpeg[a-z_]*\.[ch]'
only "$include"'png\.h'         'image/png[a-z_]*\.[ch]'
only "$include"'md5\.h'        'batch/cachename\.c'
only "$include"'zlib\.h'       'image/png_encode\.c|batch/pngtext\.c'
only "$include"'libdeflate\.h' 'image/png_inflate\.c'
only '(seccomp|landlock|SECCOMP|LANDLOCK)_|'"$include"'(linux/)?(seccomp|landlock)' 'jail/(filter|landlock|jail|scout)\.[ch]'
only '(isatty|tcgetattr) *\(|TIOCGWINSZ' 'cli/terminal\.c'
only '(dlopen|dlsym) *\('       'image/module\.c'

only "$include"'nats'           'cluster/[a-z_]*\.c'
nats=$(grep -E ": $include(nats)" "$code")
[ "$(printf '%s\n' "$nats" | cut -d: -f1 | sort -u | wc -l)" -le 1 ] ||
    report "$nats" 'one file of cluster only'

exit $bad
