#!/bin/sh
# Makes the Debian packages and looks at them.
# usage: package.sh [--root]
#     --root   installs them in a clean root by apt, too, uses them there and removes them. As root only; takes
#              mmdebstrap, or a root that is there already:
#     ROOT=FOLDER             a Debian root to do it in, which apt works in; it is changed
#     SUITE=NAME              of the root that mmdebstrap makes; bookworm
#     MMDEBSTRAP_OPTIONS=...  more words for mmdebstrap
set -eu
cd "$(dirname "$0")/../.."
. samples/setup.sh
# shellcheck disable=SC2086 # a list of words
packages_need $packages_base dpkg-dev
unset DEBFULLNAME DEBEMAIL DESTDIR
export SOURCE_DATE_EPOCH=1767225600
build=$(pwd)/build/package
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(sed -n 's/^project(thumbpool VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
architecture=$(dpkg --print-architecture)

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

quietly() {
    "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "$*"; }
}

# deb PACKAGE: its file
deb() {
    echo "$build/$1_$version-1_$architecture.deb"
}

# has PACKAGE NAME...: the package has a file of each name, * for parts that depend on the machine
has() {
    package=$1
    shift
    for name in "$@"; do
        found=
        while IFS= read -r file; do
            # shellcheck disable=SC2254 # a pattern
            case $file in $name) found=1 ;; esac
        done <"$work/$package.files"
        [ "$found" ] || { cat "$work/$package.files" >&2; fail "$package has no $name"; }
    done
}

make_packages() {
    rm -f "$build"/*.deb
    quietly cmake --workflow --preset package
    for package in thumbpool libmproc0 libmproc-dev; do
        [ -e "$(deb $package)" ] || fail "no $(deb $package)"
        dpkg-deb --fsys-tarfile "$(deb $package)" | tar t | sed 's|^\./||' | grep -v '/$' >"$work/$package.files"
        has $package usr/share/doc/$package/copyright usr/share/doc/$package/changelog.gz \
            usr/share/doc/$package/changelog.Debian.gz
        dpkg-deb -x "$(deb $package)" "$work/tree"
    done
}

# The same sources and the same date give the same bytes.
same_again() {
    mkdir "$work/first"
    cp "$build"/*.deb "$work/first"
    sleep 1.1 # a time stamp that got in would be another one
    quietly cmake --build "$build" --target package
    for file in "$work/first"/*; do
        cmp "$file" "$build/${file##*/}" || fail 'another run gives other bytes'
    done
}

where_things_belong() {
    has thumbpool usr/bin/thumbpool 'usr/lib/*/thumbpool/thumbpool-vips.so' \
        'usr/lib/*/cmake/thumbpool/thumbpoolConfig.cmake'
    has libmproc0 'usr/lib/*/libmproc.so.0' "usr/lib/*/libmproc.so.$version"
    has libmproc-dev usr/include/mproc.h 'usr/lib/*/libmproc.so' 'usr/lib/*/libmproc.a' \
        'usr/lib/*/pkgconfig/mproc.pc' 'usr/lib/*/cmake/mproc/mprocConfig.cmake' \
        usr/share/man/man3/mproc.3.gz usr/share/man/man3/mp_pool_map.3.gz
    sort "$work"/*.files | uniq -d >"$work/twice"
    [ ! -s "$work/twice" ] || { cat "$work/twice" >&2; fail 'these files are in two packages'; }
    find "$work/tree" -xtype l >"$work/dangling"
    [ ! -s "$work/dangling" ] || { cat "$work/dangling" >&2; fail 'these links lead nowhere'; }
}

# field PACKAGE FIELD PATTERN: what the control file says
field() {
    value=$(dpkg-deb -f "$(deb "$1")" "$2")
    printf '%s\n' "$value" | grep -Eq "$3" || fail "$1: $2 is \"$value\", not $3"
}

what_is_needed() {
    field thumbpool Depends 'libc6 .*libjpeg.*libpng'
    field thumbpool Recommends libvips42
    ! dpkg-deb -f "$(deb thumbpool)" Depends | grep -E 'vips|glib|mproc' || fail 'needed for nothing'
    field libmproc0 Depends '^libc6 \(>= [0-9.]*\)$'
    field libmproc-dev Depends "^libmproc0 \(= $version-1\), libc6-dev \| libc-dev$"
    [ "$(dpkg-deb --ctrl-tarfile "$(deb libmproc0)" | tar xO ./triggers)" = 'activate-noawait ldconfig' ] ||
        fail 'ldconfig is not told of the library'
    dpkg-deb --ctrl-tarfile "$(deb libmproc0)" | tar xO ./shlibs >"$work/shlibs"
    grep -Eqx "libmproc 0 libmproc0 \(>= 0\.1\), libmproc0 \(<< 0\.2~\)" "$work/shlibs" ||
        { cat "$work/shlibs" >&2; fail 'the wrong shlibs'; }
}

# The packages hold what the installation holds, component by component.
components() {
    quietly cmake --install "$build" --prefix "$work/whole"
    for component in thumbpool libmproc libmproc-dev; do
        quietly cmake --install "$build" --component $component --prefix "$work/parts"
    done
    (cd "$work/whole" && find . ! -type d | sort) >"$work/whole.files"
    (cd "$work/parts" && find . ! -type d | sort) >"$work/parts.files"
    diff "$work/whole.files" "$work/parts.files" || fail 'the components are not the whole'
}

# From the one picture of this tree: a JPEG, and a WebP.
make_pictures() {
    program=$work/tree/usr/bin/thumbpool
    quietly "$program" -s 400 -f jpeg --name '{stem}.jpg' -o "$work/pictures" samples/bench.png
    quietly "$program" -s 400 -f webp --name '{stem}.webp' -o "$work/pictures" samples/bench.png
    rm -rf "$work/pictures/.thumbpool.ndjson"
}

program_works() {
    [ "$("$program" --version | head -1)" = "thumbpool $version" ] || fail 'the wrong version'
    "$program" -s 50 -o "$work/thumbs" "$work/pictures" 2>"$work/log" || { cat "$work/log" >&2; fail 'no thumbnails'; }
    grep -q '^2 made, 0 up to date, 0 failed' "$work/log" || { cat "$work/log" >&2; fail 'not two thumbnails'; }
}

# A module whose library is not installed: JPEG works, WebP gets a sentence.
without_libvips() {
    cp -R "$work/tree" "$work/alone"
    (
        cd "$work"
        echo 'int gone(void); int gone(void) { return 0; }' | cc -shared -fPIC -x c - -o libgone.so
        echo 'int gone(void); int here(void); int here(void) { return gone(); }' |
            cc -shared -fPIC -x c - -L. -lgone -o "$(find alone -name thumbpool-vips.so)"
        rm libgone.so
    )
    code=0
    "$work/alone/usr/bin/thumbpool" -s 50 -o "$work/alone/thumbs" "$work/pictures" 2>"$work/log" || code=$?
    [ $code = 1 ] && grep -q '^1 made, 0 up to date, 1 failed' "$work/log" &&
        grep -q 'bench\.webp: .*needs libvips, which cannot be loaded (libgone\.so: ' "$work/log" ||
        { cat "$work/log" >&2; fail "exit code $code"; }
}

clean_for_lintian() {
    command -v lintian >/dev/null || { echo 'not looked at by lintian, which is not installed'; return 0; }
    quiet=
    # A build that made no page is not blamed for that here.
    grep -q man1/ "$work/thumbpool.files" || quiet='--suppress-tags no-manual-page'
    # shellcheck disable=SC2086 # two words
    lintian --allow-root --display-info --fail-on error,warning,info $quiet "$build"/*.deb || fail 'see above'
}

# In a mount namespace of its own, with which the mounts go, whatever happens.
in_a_root() {
    root=${ROOT:-$work/root}
    # shellcheck disable=SC2086 # a list of words
    [ -n "${ROOT:-}" ] ||
        mmdebstrap --quiet --variant=minbase ${MMDEBSTRAP_OPTIONS:-} "${SUITE:-bookworm}" "$root"
    [ -e "$root/etc/resolv.conf" ] || cp /etc/resolv.conf "$root/etc"
    rm -rf "$root/tmp/package"
    mkdir "$root/tmp/package"
    cp -R "$build"/*.deb "$work/pictures" tests/install/consumer tests/install/package_root.sh "$root/tmp/package"
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --mount sh -euc '
        mount -t proc proc "$1/proc"
        mount --rbind /dev "$1/dev"
        chroot "$1" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin sh /tmp/package/package_root.sh' sh "$root"
    rm -rf "$root/tmp/package"
}

make_packages
same_again
where_things_belong
what_is_needed
components
make_pictures
program_works
without_libvips
clean_for_lintian
[ "${1:-}" != --root ] || in_a_root
echo 'packages: all as they should be'
