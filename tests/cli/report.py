"""What report.sh checks of the reports in the working folder. usage: report.py VERSION"""
import json, sys

def kinds(entry, wanted, where):
    assert list(entry) == list(wanted), (where, list(entry))
    for name, kind in wanted.items():
        assert isinstance(entry[name], kind) and (kind is bool or not isinstance(entry[name], bool)), (where, name)

def read(path):
    with open(path, encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    assert [entry["type"] for entry in entries] == ["start"] + ["result"] * (len(entries) - 2) + ["summary"]
    start, results, summary = entries[0], entries[1:-1], entries[-1]
    kinds(start, dict(type=str, schema=int, version=str, executor=str, workers=int, inputs=int, options=dict,
                      sandbox=str), "start")
    assert start["schema"] == 1 and start["inputs"] == len(results)
    wanted = dict(type=str, made=int, current=int, failed=int, skipped=int, not_started=int, removed=int, seconds=float,
                  cpu_seconds=float, peak_rss_bytes=int, workers_lost=int, interrupted=bool)
    if not start["options"]["prune"]:
        del wanted["removed"]
    kinds(summary, wanted, "summary")
    for status in ["made", "current", "failed", "skipped"]:
        assert summary[status] == sum(result["status"] == status for result in results), status
    assert summary["seconds"] > 0 and summary["cpu_seconds"] > 0 and summary["peak_rss_bytes"] > 1000000
    return start, results, summary

MADE = dict(type=str, src=str, status=str, format=str, width=int, height=int, shrink=int, outputs=list, ms=dict,
            worker=int, attempts=int)
MS = dict(read=float, decode=float, blur=float, resize=float, encode=float, total=float)

start, results, summary = read("first.ndjson")
assert start["version"] == sys.argv[1] and start["executor"] == "processes" and start["workers"] == 2
assert start["sandbox"] in ("seccomp+landlock", "seccomp", "landlock", "limits")
assert start["options"].pop("max_memory") > 1 << 20 # half of what this machine has
assert start["options"] == {
    "output": "thumbs", "layout": "mirror", "sizes": [[64, 64], [32, 16]], "fit": "inside", "gravity": "centre", "upscale": False,
    "blur": 2.5, "exact": False, "kernel": "bicubic", "rotate": True, "quality": 80, "chroma": "420",
    "progressive": False, "background": "#ffffff", "keep": "none", "on_damage": "fail", "allow_untrusted": False,
    "format": "keep", "retries": 1, "timeout": 60.0, "fsync": False, "force": False, "prune": False}, start["options"]
made = [result for result in results if result["status"] == "made"]
assert len(made) == 6
for result in made:
    kinds(result, MADE, "made")
    kinds(result["ms"], MS, "ms")
    assert result["attempts"] == 1 and result["worker"] in (0, 1)
    assert result["ms"]["total"] > 0 and result["shrink"] in (1, 2, 4, 8)
    assert len(result["outputs"]) == 2
    for output in result["outputs"]:
        kinds(output, dict(path=str, width=int, height=int, bytes=int), "outputs")
        assert output["bytes"] == len(open(output["path"], "rb").read())
turned = [result for result in made if result["src"] == "in/a/turned.JPG"][0]
assert (turned["width"], turned["height"]) == (200, 300)
others = {result["src"][3:-4]: result for result in results if result["status"] != "made"}
assert others["skipped"] == {"type": "result", "src": "in/skipped.jpg", "status": "skipped", "reason": "not a regular file"}
for code in ["damaged", "unsupported"]:
    error = others[code]["error"]
    kinds(error, dict(code=str, message=str), "error")
    assert others[code]["status"] == "failed" and error["code"] == code and error["message"], error
    assert "outputs" not in others[code]

for name, code in [("limit", "limit"), ("gone", "io")]:
    _, results, summary = read(name + ".ndjson")
    failed = [result for result in results if result["status"] == "failed"]
    assert len(failed) == 1 and failed[0]["error"]["code"] == code, failed

start, results, summary = read("again.ndjson")
current = [result for result in results if result["status"] == "current"]
assert len(current) == 6 and summary["current"] == 6
for result in current:
    assert {"src", "format", "width", "height", "shrink", "outputs"} <= set(result), result
    assert "error" not in result
failed = [result for result in results if result["status"] == "failed"]
assert sorted(result["error"]["code"] for result in failed) == ["damaged", "unsupported"]
assert all("worker" not in result for result in failed)
assert "removed" in summary and summary["removed"] == 0
