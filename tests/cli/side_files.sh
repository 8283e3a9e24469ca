#!/bin/sh
# Report, trace and depfile never replace a picture, a thumbnail, the manifest, the list, or each other; the
# gallery is tried in gallery_refused.sh.
. "$(dirname "$0")/lib.sh"

"$MAKE_IMAGES" good in
cp -R in before
ln -s in/a/baseline.jpg soft.ndjson
ln in/a/baseline.jpg hard.ndjson
ls in/a/baseline.jpg in/b/grey.jpg >list
cp list list.before
expect 0 "$THUMBPOOL" in -o thumbs
cp -R thumbs thumbs.before

# refused SAYS OPTION...
refused() {
    said=$1
    shift
    expect 2 "$THUMBPOOL" -o thumbs "$@"
    says "$said"
    says 'nothing was written'
}
for option in --report --trace --depfile; do
    refused 'would replace the input' $option in/a/baseline.jpg in
    refused 'would replace the input' $option ./in/b/../a/baseline.jpg in
    refused 'would replace the output' $option thumbs/a/baseline.jpg in
    refused 'would replace the output' $option thumbs/.thumbpool.ndjson in
    refused 'would replace the list' $option list --files-from list
done
for option in --report --trace; do
    refused 'would replace the input' $option soft.ndjson in
    refused 'would replace the input' $option hard.ndjson in
done
refused 'the trace one would replace one' --report one --trace one in
refused 'the depfile ./one would replace one' --trace one --depfile ./one in
same before in
same thumbs.before thumbs
cmp list list.before || fail 'the list was written to'
[ ! -e one ] || fail 'something was written'

# Where nothing is in the way they are written, also twice to what is no file.
expect 0 "$THUMBPOOL" in -o thumbs --report thumbs/report.ndjson --trace in/trace.json --depfile deps.d
[ -s thumbs/report.ndjson ] && [ -s in/trace.json ] && [ -s deps.d ] || fail 'something is missing'
expect 0 "$THUMBPOOL" in -o thumbs --report /dev/null --trace /dev/null
finish
