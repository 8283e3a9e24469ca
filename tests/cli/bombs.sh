#!/bin/sh
# Small files that ask for much (tests/support/make_bombs.c): each is refused, or made without what it asks for,
# by the jailed workers as they are; none costs a worker, and none goes unmentioned.
. "$(dirname "$0")/lib.sh"
: "${MAKE_BOMBS:?}"

"$MAKE_BOMBS" bombs
bombs=$(find bombs -type f | wc -l)
if "$THUMBPOOL" -q 50 bombs/base-webp.webp -o module --quiet 2>/dev/null; then
    module=1
else
    module=0 # GIF, WebP and the like are refused for want of libvips
fi

# verdict FILE: what the report says of it
verdict() {
    sed -n 's|.*"src":"'"$1"'".*"code":"\([a-z]*\)".*|\1|p; s|.*"src":"'"$1"'","status":"made".*|made|p' report.ndjson
}

expect 1 "$THUMBPOOL" bombs -o thumbs -j 2 --max-memory 256M --retries 0 --include '*' --report report.ndjson
is 'inputs in all' "$(($(field made) + $(field failed)))" "$bombs"
is 'workers lost' "$(field workers_lost)" 0
[ "${SANITIZED:-0}" = 1 ] || [ "$(field peak_rss_bytes)" -lt $((64 << 20)) ] ||
    fail "the largest process took $(field peak_rss_bytes) bytes"
for file in bombs/*; do
    found=$(verdict "$file")
    name=${file#*/}
    wanted=${name%%-*}
    case $name in
    *.gif | *.webp | *.tif | *.avif) [ $module = 1 ] || wanted=unsupported ;;
    esac
    case $wanted in
    base) wanted=made ;;
    any) # what it is said to be is a matter of libvips' version, but it is said
        case $found in made | damaged | limit | memory | unsupported) wanted=$found ;; esac
        ;;
    esac
    case $name in base-svg.svg) wanted=unsupported ;; esac
    is "the verdict on $name" "$found" "$wanted"
done
for option in --max-pixels --max-memory --max-scans --allow-untrusted; do says "$option"; done

# What is put up with damage, or reads drawings, comes to an end all the same.
rm -f bombs/any-tiff-pages.tif bombs/made-jpeg-app*
for option in '--on-damage accept' --allow-untrusted '-s 2000 --format png'; do
    # shellcheck disable=SC2086 # an option and its value
    expect 1 "$THUMBPOOL" bombs -o "thumbs$option" $option -j 2 --max-memory 256M --include '*' --report report.ndjson
    is "inputs in all with $option" "$(($(field made) + $(field failed)))" "$(find bombs -type f | wc -l)"
    ! grep -E '"code":"(crashed|sandbox|timeout|io)"' report.ndjson >&2 || fail "bombs are not refused with $option"
done
[ ! -e /tmp/bomb ] || fail 'a picture has written a file'
finish
