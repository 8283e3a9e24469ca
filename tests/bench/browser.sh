#!/bin/sh
# The page of "thumbpool bench" in a browser: narrow and wide, light and dark, with 1, 3 and 12 results a
# chart, no text covers other text or leaves its chart, and nothing is wider than the window.
#
# usage: sh tests/bench/browser.sh THUMBPOOL     exits with 77 where there is no chromium
set -eu
thumbpool=$(realpath "$1")
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
    echo 'skipped: no chromium here'
    exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

page() { # NAME OPTION...
    name=$1
    shift
    "$thumbpool" bench --work io --runs 1 --warmup 0 -q --html "$name.html" "$@"
}
page one --no-claims --executor processes -j 2
page three -j 2
page twelve --no-claims --executor sequential,processes -j 2,3,4,5,6,7,8,9,10,11,12

# What looks at the page from inside a frame, which may be narrower than a browser's window; its findings
# become the title of the page around it.
cat >probe.js <<'SCRIPT'
addEventListener("load", () => {
  const found = [];
  const inner = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.5 &&
                          Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
  const texts = [];
  document.querySelectorAll("svg").forEach((svg) => {
    const frame = svg.getBoundingClientRect();
    const own = [...svg.querySelectorAll("text")].map((text) => [text.getBoundingClientRect(), text.textContent]);
    own.forEach(([box, text], i) => {
      if (box.left < frame.left - 1 || box.right > frame.right + 1) found.push(`${text} leaves its chart`);
      for (let k = 0; k < i; k++)
        if (inner(box, own[k][0])) found.push(`${text} covers ${own[k][1]}`);
    });
    texts.push(...own);
  });
  if (document.documentElement.scrollWidth > innerWidth) found.push(`wider than ${innerWidth}`);
  const colours = getComputedStyle(document.body);
  parent.postMessage(`PROBE ${texts.length} texts ${innerWidth} wide ${colours.backgroundColor}: ` +
                   (found.length ? found.join("; ") : "fine"), "*");
});
SCRIPT
# Planted: all text of a chart on one line, which must be found.
sed 's/<text x="[0-9.]*" y="[0-9.]*"/<text x="50" y="20"/' three.html >planted.html
for name in one three twelve planted; do
    { sed '/<\/body>/,$d' $name.html; echo '<script>'; cat probe.js; echo '</script></body></html>'; } >$name.probe.html
done

bad=0
probe() { # NAME WIDTH SCHEME-NUMBER BACKGROUND FINDING: scheme 0 is dark, 1 is light
    cat >frame.html <<HTML
<script>addEventListener("message", (event) => { document.title = event.data; });</script>
<iframe src="$1.probe.html" width="$2" height="1200" style="border:0"></iframe>
HTML
    title=$(timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync \
        --user-data-dir="$work/profile" --window-size=1500,1300 --blink-settings=preferredColorScheme="$3" \
        --dump-dom "file://$work/frame.html" 2>/dev/null | sed -n 's/.*<title>\(PROBE.*\)<\/title>.*/\1/p')
    echo "$1: $title"
    case $title in
    "PROBE "*" $2 wide $4: $5"*) ;;
    *) bad=1 ;;
    esac
}
for name in one three twelve; do
    for width in 400 1400; do
        probe $name $width 1 'rgb(255, 255, 255)' fine
        probe $name $width 0 'rgb(21, 23, 26)' fine
    done
done
probe planted 400 1 'rgb(255, 255, 255)' '2 threads covers sequential'
[ $bad -eq 0 ] || echo 'FAILED: see above' >&2
exit $bad
