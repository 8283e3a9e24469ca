#!/bin/sh
# --fsync: data before names, names before the manifest; and errors of flushing are told.
. "$(dirname "$0")/lib.sh"

# The checker of leaks is a tracer, too, and there can be but one.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
"$MAKE_IMAGES" good in
find in -type f -exec touch -d '2020-02-02' {} +
expect 0 "$THUMBPOOL" --quiet --fsync -s 64 -o flushed in
expect 0 "$THUMBPOOL" --quiet -s 64 -o plain in
same flushed plain

if ! strace -o /dev/null true 2>/dev/null; then
    echo 'no strace: the order of calls is not looked at' >&2
    finish
fi

# traced OPTION...: a run, of which the calls that matter are kept in calls
traced() {
    expect 0 strace -f -y -o calls \
        -e trace=mkdir,mkdirat,openat,linkat,renameat,renameat2,write,fsync,fdatasync \
        "$THUMBPOOL" --quiet -s 64 -o new/thumbs "$@" in
}

# Where each file has its data flushed, is named, and its folder flushed; and what the manifest is told.
cat >order.awk <<'END'
function path(text) { return match(text, /<[^>]*>/) ? substr(text, RSTART + 1, RLENGTH - 2) : "" }
/ fdatasync\(.*\.thumbpool\.ndjson/ { manifest_flushed = NR; next }
/ write\(.*\.thumbpool\.ndjson/ {
    if (!manifest) manifest = NR
    for (folder in named) if (flushed[folder] < named[folder]) print "told before it is flushed: " folder
}
/ fdatasync\(/ { data++ }
/ linkat\(/ && / = 0$/ {
    if (data < 1) print "named before its data are flushed: " $0
    data = 0
    files++
    rest = $0
    sub(/^.*linkat\([^,]*, "[^"]*", /, "", rest)
    named[path(rest)] = NR
}
/ fsync\(/ { flushed[path($0)] = NR; last = NR }
END {
    for (folder in named) if (flushed[folder] < named[folder]) print "never flushed: " folder
    if (manifest_flushed < manifest) print "the manifest is not flushed"
    print files, (manifest > 0), (last > manifest)
}
END

traced --fsync
is 'what is out of order' "$(awk -f order.awk calls)" '6 1 1'
for folder in "$work" new new/thumbs new/thumbs/a new/thumbs/b; do
    grep -q " fsync([0-9]*<$(cd "$folder" && pwd -P)>)" calls || fail "the folder $folder is not flushed"
done
is 'folders flushed more than once for six pictures' \
    "$(grep -o ' fsync([0-9]*<[^>]*/[ab]>' calls | sed 's/.*<//' | sort | uniq -d | wc -l)" 0
# What is there already may be another run's, which did not flush it.
cp -R in before
rm new/thumbs/.thumbpool.ndjson
traced --fsync
is 'files flushed that were there' "$(grep -c ' fdatasync(.*/new/thumbs/[ab]/' calls)" 6
is 'files named anew' "$(grep -c ' linkat(' calls)" 0
traced --fsync
is 'calls of a run that finds all up to date' "$(grep -cE ' f(data)?sync\(' calls)" 0
traced --force
is 'calls without --fsync' "$(grep -cE ' f(data)?sync\(' calls)" 0

# inject CALL ERROR CODE: a run in which that call fails
inject() {
    rm -rf bad
    expect "$3" strace -f -o /dev/null -e trace="$1" -e inject="$1:error=$2" \
        "$THUMBPOOL" --fsync --report report.ndjson -s 64 -o bad in
}
inject fdatasync EIO 1
says 'cannot write b/grey.jpg: Input/output error'
is 'pictures whose data are lost' "$(grep -c '"error":{"code":"io","message":"cannot write' report.ndjson)" 6
is 'files that have a name all the same' "$(find bad -type f ! -name .thumbpool.ndjson | wc -l)" 0
clean bad
inject fdatasync ENOSPC 3
says 'No space left on device'
inject fsync EIO 3
says 'what was made of the last 6 pictures may not be on disk: Input/output error'
is 'pictures called made' "$(field made)" 0
is 'pictures called failed' "$(field failed)" 6
[ ! -s bad/.thumbpool.ndjson ] || fail 'the manifest tells of what may be lost'
inject fsync EINVAL 0
is 'made where folders cannot be flushed' "$(field made)" 6
export XDG_CACHE_HOME="$work/cache"
expect 3 strace -f -o /dev/null -e trace=fsync -e inject=fsync:error=EIO \
    "$THUMBPOOL" --layout freedesktop --fsync in
says 'may not be on disk: Input/output error'
finish
