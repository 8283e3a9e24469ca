#!/bin/sh
# --shard: the parts are the whole without overlap, and a plain run joins them.
: "${FAULTS:?}"
. "$(dirname "$0")/lib.sh"
for name in THUMBPOOL_SHARD_INDEX THUMBPOOL_SHARD_COUNT SLURM_ARRAY_TASK_ID SLURM_PROCID SLURM_NTASKS \
    OMPI_COMM_WORLD_RANK PMI_RANK JOB_COMPLETION_INDEX AWS_BATCH_JOB_ARRAY_INDEX BATCH_TASK_INDEX \
    CLOUD_RUN_TASK_INDEX PBS_ARRAY_INDEX SGE_TASK_ID LSB_JOBINDEX; do
    unset $name
done

"$MAKE_IMAGES" many in 40
find in -type f -exec touch -d '2020-02-02' {} +
expect 0 "$THUMBPOOL" in -s 64 -o whole

# shard VALUE [NAME=VALUE...]: one part, its pictures appended to made
shard() {
    value=$1
    shift
    expect 0 env "$@" "$THUMBPOOL" in -s 64 -o thumbs --shard "$value" --report report.ndjson
    sed -n 's/^{"type":"result","src":"\([^"]*\)","status":"made".*/\1/p' report.ndjson >>made
}
# parts: the parts of the manifest that there are
parts() {
    find thumbs -name '.thumbpool-*-of-*.ndjson' | wc -l
}
# joined MADE: a plain run makes so many, and leaves one manifest that knows each picture once
joined() {
    expect 0 "$THUMBPOOL" in -s 64 -o thumbs
    says "$1 made, $((40 - $1)) up to date, 0 failed"
    is 'parts left' "$(parts)" 0
    is 'lines of the manifest' "$(wc -l <thumbs/.thumbpool.ndjson)" 40
    is 'pictures in it' "$(sed 's/.*"src":"\([^"]*\)".*/\1/' thumbs/.thumbpool.ndjson | sort -u | wc -l)" 40
    same whole thumbs
    expect 0 "$THUMBPOOL" in -s 64 -o thumbs
    says '0 made, 40 up to date'
    clean thumbs
}
begin() {
    rm -rf thumbs made
    : >made
}

begin
for i in 1 2 3 4; do shard $i/4; done
grep -q '"shard":"4/4"' report.ndjson || fail 'the report does not say which shard it is of'
is 'pictures made' "$(wc -l <made)" 40
is 'pictures made by one shard' "$(sort -u made | wc -l)" 40
is 'parts' "$(parts)" 4
same_but_parts() { diff -r -x '.thumbpool*' whole thumbs >&2 || fail 'shards made other bytes'; }
same_but_parts
shard 2/4
is 'made by a shard that comes again' "$(field made)" 0
expect 0 "$THUMBPOOL" in -s 64 -o thumbs -n
is 'what a dry run would make of joined parts' "$(wc -l <out)" 0
is 'parts after a dry run' "$(parts)" 4
[ ! -e thumbs/.thumbpool.ndjson ] || fail 'a dry run wrote a manifest'
joined 0
shard 3/4
is 'made by a shard that knows the joined manifest' "$(field made)" 0

# A shard that was never run; one of another N beside it.
begin
shard 1/4
shard 2/4
shard 4/4
found=$(wc -l <made)
shard 1/3
missing=$((40 - $(sort -u made | wc -l)))
[ "$found" -lt 40 ] && [ "$missing" -gt 0 ] || fail 'nothing is missing'
joined "$missing"

# Killed while it joins: before the manifest is in place, before the first part goes, and amid them; or the parts
# cannot be joined, or not be removed, which costs nothing either.
for fault in manifest-rename:1:kill part-remove:1:kill part-remove:3:kill manifest-rename:1:eio part-remove:1+:eio; do
    begin
    for i in 1 2 3 4; do shard $i/4; done
    case $fault in
    *:kill) wanted=137 ;;
    *) wanted=0 ;;
    esac
    expect $wanted env THUMBPOOL_FAULT=$fault "$FAULTS" in -s 64 -o thumbs
    [ "$(parts)" -gt 0 ] || fail "$fault: no part is left"
    same_but_parts
    expect 0 "$THUMBPOOL" in -s 64 -o thumbs -n
    is "what a dry run would make after $fault" "$(wc -l <out)" 0
    joined 0
done

# Schedulers.
# every VALUE FIRST INDEX [NAME=VALUE]: four tasks, numbered from FIRST
every() {
    begin
    for i in 0 1 2 3; do shard "$1" "$3=$((i + $2))" "${4:-UNUSED=1}"; done
    is "pictures made under $3" "$(wc -l <made) $(sort -u made | wc -l)" '40 40'
}
every auto 1 THUMBPOOL_SHARD_INDEX THUMBPOOL_SHARD_COUNT=4
every auto/4 1 SLURM_ARRAY_TASK_ID
every auto 0 SLURM_PROCID SLURM_NTASKS=4
every auto 0 OMPI_COMM_WORLD_RANK OMPI_COMM_WORLD_SIZE=4
every auto 0 PMI_RANK PMI_SIZE=4
every auto/4 0 JOB_COMPLETION_INDEX
every auto 0 AWS_BATCH_JOB_ARRAY_INDEX AWS_BATCH_JOB_ARRAY_SIZE=4
every auto 0 BATCH_TASK_INDEX BATCH_TASK_COUNT=4
every auto 0 CLOUD_RUN_TASK_INDEX CLOUD_RUN_TASK_COUNT=4
every auto/4 1 PBS_ARRAY_INDEX
every auto/4 1 SGE_TASK_ID
every auto/4 1 LSB_JOBINDEX
joined 0

# Two at the same time; with --fsync, joined with it.
begin
"$THUMBPOOL" in -s 64 -o thumbs --fsync --shard 1/2 2>first &
one=$!
expect 0 "$THUMBPOOL" in -s 64 -o thumbs --fsync --shard 2/2
wait $one || { fail 'the first of two shards failed'; cat first >&2; }
expect 0 "$THUMBPOOL" in -s 64 -o thumbs --fsync
says '0 made, 40 up to date'
joined 0

# What is called like a part and is none is left alone; one of rubbish does no harm.
mkfifo thumbs/.thumbpool-1-of-3.ndjson
ln -s ../in thumbs/.thumbpool-2-of-3.ndjson
echo rubbish >thumbs/.thumbpool-03-of-3.ndjson
expect 0 "$THUMBPOOL" in -s 64 -o thumbs
says '0 made, 40 up to date'
is 'what is no part' "$(parts)" 3
rm thumbs/.thumbpool-*
head -c 100000 /dev/urandom >thumbs/.thumbpool-3-of-3.ndjson
joined 0

# Wrong ones, before anything is written.
for value in 0/4 5/4 x auto/0 1/1000001; do
    expect 2 "$THUMBPOOL" in -o none --shard $value
    says "not \"$value\""
done
expect 2 "$THUMBPOOL" in -o none --shard auto
says 'SLURM_ARRAY_TASK_ID'
expect 2 env SLURM_PROCID=some SLURM_NTASKS=4 "$THUMBPOOL" in -o none --shard auto
says 'SLURM_PROCID should be a number, not "some"'
expect 2 env SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=2 \
    "$THUMBPOOL" in -o none --shard auto
says 'auto/N'
expect 2 "$THUMBPOOL" in -o none --shard 1/4 --prune
says '--prune has to see all pictures'
[ ! -e none ] || fail 'a wrong shard made a folder'
finish
