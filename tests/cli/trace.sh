#!/bin/sh
# What --trace writes: events that a JSON parser reads, of each picture and each worker, no two of a
# worker's at the same time.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/trace_lib.sh"

"$MAKE_IMAGES" many in 20
cp "in/0/$(ls in/0 | head -1)" "in/\"quoted\" \\ $(printf '\033[1m \374').jpg"
echo bad >in/bad.jpg
expect 1 "$THUMBPOOL" in named-only.jpg -o out.d -j 2 --trace trace.json
expect 3 "$THUMBPOOL" in -o out.d --trace nowhere/trace.json
[ "$(most_at_once trace.json)" -le 2 ] || fail 'more pictures than workers at a time'

# The traces of runs that could not begin, or have nothing to do, are whole too.
echo file >blocked
expect 3 "$THUMBPOOL" in -o blocked --trace stuck.json
python=$(command -v python3) || { echo 'skipped: there is no python3 to read the trace with'; finish; }

cat >check.py <<'EOF'
import json, sys

events = json.load(open(sys.argv[1], encoding="utf-8"))
assert all(event["ph"] in "XiM" and event["name"] and "pid" in event for event in events)
assert len({event["pid"] for event in events}) == 1
named = {event["tid"] for event in events if event["name"] == "thread_name"}
pictures = [event for event in events if event.get("cat") == "picture"]
stages = [event for event in events if event.get("cat") == "stage"]
assert len(pictures) == 23, len(pictures)
assert sum(event["args"]["status"] == "made" for event in pictures) == 21
assert sorted(event["args"]["error"] for event in pictures if event["args"]["status"] == "failed") == \
    ["io", "unsupported"]
assert any('/"quoted" \\ \033[1m \ufffd.jpg' in event["name"] for event in pictures)
assert {event["name"] for event in stages} >= {"decode", "resize", "encode"}

# Of one worker nothing overlaps, but stages lie inside their pictures.
slack = 0.002  # microseconds: times are rounded
for worker in named:
    mine = sorted((event["ts"], event["ts"] + event["dur"]) for event in pictures
                  if event["ph"] == "X" and event["tid"] == worker)
    assert mine
    assert all(a[1] <= b[0] + slack for a, b in zip(mine, mine[1:]))
    for stage in stages:
        if stage["tid"] == worker:
            assert any(begin - slack <= stage["ts"] and stage["ts"] + stage["dur"] <= end + slack
                       for begin, end in mine)
assert named == {event["tid"] for event in stages}
assert len(named) <= 2
EOF
expect 0 "$python" check.py trace.json
expect 0 "$python" -m json.tool stuck.json
finish
