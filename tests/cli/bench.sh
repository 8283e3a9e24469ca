#!/bin/sh
# A short comparison from end to end: exit codes, table, the three files, and what goes wrong.
. "$(dirname "$0")/lib.sh"

# At most a second or so: one toy, few runs.
quick='--work io -j 2 --runs 4 --warmup 0 --no-claims'

# shellcheck disable=SC2086 # a list of words, here and below
expect 0 "$THUMBPOOL" bench $quick --export-json b.json --export-markdown b.md --html b.html
is 'standard output' "$(cat out)" ''
says 'io: 16 jobs, each waits for'
says 'sequential'
says 'threads      2'
says 'processes    2'
grep -qE '^io: .*2 (threads|processes) .*2 (threads|processes) ' err || fail 'no conclusion'
widest=$(LC_ALL=C.UTF-8 wc -L <err)
[ "$widest" -le 80 ] || fail "the table is $widest columns wide"
! grep -q "$(printf '\033')" err || fail 'escape sequences, and no terminal'

# hyperfine's schema, to the letter: names, kinds, and as many times as runs.
cat >schema.py <<'PYTHON'
import json, sys
number = (int, float)
data = json.load(open(sys.argv[1]))
assert list(data) == ["results"], list(data)
assert len(data["results"]) == int(sys.argv[2])
for result in data["results"]:
    names = ["command", "mean", "stddev", "median", "user", "system", "min", "max", "times",
             "memory_usage_byte", "exit_codes", "parameters"]
    assert list(result) == names, list(result)
    runs = int(sys.argv[3])
    assert isinstance(result["command"], str)
    for name in ["mean", "median", "user", "system", "min", "max"]:
        assert isinstance(result[name], number), name
    assert (result["stddev"] is None) == (runs == 1)
    assert len(result["times"]) == len(result["memory_usage_byte"]) == runs
    assert all(isinstance(time, number) for time in result["times"])
    assert all(isinstance(size, int) and size > 0 for size in result["memory_usage_byte"])
    assert result["exit_codes"] == [0] * runs
    assert list(result["parameters"]) == ["work", "executor", "jobs"]
    assert all(isinstance(value, str) for value in result["parameters"].values())
    assert result["min"] <= result["median"] <= result["max"]
    # What hyperfine's plot_whisker.py, plot_histogram.py and plot_parametrized.py reach for:
    float(result["parameters"]["jobs"]), min(result["times"]), result["command"]
PYTHON
if command -v python3 >/dev/null; then
    python3 schema.py b.json 3 4 || fail 'the JSON is not as hyperfine writes it'
    expect 0 "$THUMBPOOL" bench --work io --executor processes -j 1 --runs 1 --warmup 0 \
        --no-claims -q --export-json -
    is 'messages under -q' "$(cat err)" ''
    python3 schema.py out 1 1 || fail 'the JSON of one run is not as hyperfine writes it'
else
    echo 'skipped: the check of the JSON needs python3'
fi
grep -q '^| 2 processes | [0-9.]* ± [0-9.]* | ' b.md || fail 'no table in the Markdown'
grep -q '^## io: 16 jobs' b.md || fail 'no heading in the Markdown'
is 'charts on the page' "$(grep -c '<svg' b.html)" 3

# The real job, on given pictures; what is no JPEG or PNG is left out, and nothing is written.
"$MAKE_IMAGES" good in
echo text >in/text.jpg
cp -R in before
expect 0 "$THUMBPOOL" bench --work photos -j 2 --runs 1 --warmup 0 --no-claims in
says 'pictures ('
says 'no readable JPEG or PNG'
says 'thumbnails were made and thrown away'
same in before
expect 0 "$THUMBPOOL" bench --work photos --executor processes -j 2 --runs 1 --warmup 0 \
    --no-claims --cold in
says 'the page cache'

# A damaged one is no reason to stop, and is said.
head -c $(($(wc -c <in/a/baseline.jpg) / 2)) in/a/baseline.jpg >in/cut.jpg
expect 1 "$THUMBPOOL" bench --work photos --executor threads -j 2 --runs 1 --warmup 0 --no-claims in
says 'jobs failed (damaged); their time counts'
rm in/cut.jpg

# The claims, measured: threads' honest answers are among them.
expect 0 "$THUMBPOOL" bench --work io --executor processes -j 1 --runs 1 --warmup 0
says 'start, to its first instruction'
says 'job that hangs, killed              cannot be killed'
says 'the program dies, 50 of 50'

# Wrong usage is exit 2 with what to do.
wrong() {
    expect 2 "$THUMBPOOL" bench "$@"
}
wrong --work disk
says '--work takes photos, cpu or io, not "disk"'
wrong --work ''
wrong --work io,
wrong --executor fibers
says '--executor takes sequential, threads or processes, not "fibers"'
for jobs in x -1 1025 1, ''; do wrong -j "$jobs"; done
for runs in 0 -1 x 1001; do wrong --runs "$runs"; done
wrong --warmup -1
wrong --no-such-option
wrong --work io in
wrong --work cpu --cold
expect 0 "$THUMBPOOL" bench --help
grep -q 'thumbpool bench --html' out || fail 'help has no example'

# A file that cannot be made is found out before the work, one that exists is replaced whole.
expect 3 "$THUMBPOOL" bench --html in/text.jpg/b.html
says 'in/text.jpg/b.html: Not a directory'
expect 3 "$THUMBPOOL" bench --export-json in
says "in: the output's name is taken by a folder"
expect 3 "$THUMBPOOL" bench --work photos in missing
says 'missing: No such file or directory'
mkdir empty
for nothing in empty in/text.jpg; do
    expect 3 "$THUMBPOOL" bench --work photos $nothing
    says 'no JPEG or PNG found'
done
clean .

# "bench" is a command as the first word only.
mkdir bench
cp in/a/baseline.jpg bench/
expect 0 "$THUMBPOOL" -o thumbs ./bench
expect 2 "$THUMBPOOL" -o thumbs bench
says 'as ./bench'

# Ctrl-C ends it: no process is left, and no file.
for signal in INT TERM; do
    # A shell without job control lets its background commands ignore the interrupt key's signal.
    env --default-signal=INT "$THUMBPOOL" bench --work cpu -j 2 --runs 1000 --html stopped.html \
        2>err &
    run=$!
    below=
    while [ -z "$below" ] && kill -0 $run 2>/dev/null; do # until a cell has workers
        for child in $(cat "/proc/$run/task/$run/children" 2>/dev/null); do
            below="$(cat "/proc/$child/task/$child/children" 2>/dev/null)"
            [ -z "$below" ] || { below="$child $below"; break; }
        done
    done
    kill -$signal $run
    code=0
    wait $run || code=$?
    is "the exit code after SIG$signal" $code $((128 + $([ $signal = INT ] && echo 2 || echo 15)))
    tries=0
    for process in $below; do
        while kill -0 "$process" 2>/dev/null && [ $tries -lt 500 ]; do
            tries=$((tries + 1))
            sleep 0.01
        done
        ! kill -0 "$process" 2>/dev/null || fail "process $process lives on after SIG$signal"
    done
    [ ! -e stopped.html ] || fail 'a page of a comparison that was stopped'
done
# At a terminal the key's signal reaches the cell as well, which dies of it before it can be killed: that is
# no failure to report. A setsid is a process group of its own, as a terminal's foreground job is.
setsid env --default-signal=INT "$THUMBPOOL" bench --work io --executor processes -j 1 --runs 1 \
    --warmup 0 --no-claims -q --html stopped.html 2>err &
run=$!
worker=
while [ -z "$worker" ] && kill -0 $run 2>/dev/null; do # until the last cell, which has one worker, waits
    for child in $(cat "/proc/$run/task/$run/children" 2>/dev/null); do
        worker=$(cat "/proc/$child/task/$child/children" 2>/dev/null)
    done
done
kill -INT -$run
wait $run
[ ! -e stopped.html ] || fail 'a page of a comparison that was interrupted'
clean .
finish
