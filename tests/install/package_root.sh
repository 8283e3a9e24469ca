#!/bin/sh
# Run by package.sh in a bare Debian root, from the folder of the packages: installs, uses and removes them.
set -eu
cd "$(dirname "$0")"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

install() {
    apt-get install -y -qq "$@" >log 2>&1 || { cat log >&2; fail "apt-get install $*"; }
}

# thumbs CODE PATTERN: what thumbpool says of both pictures
thumbs() {
    code=0
    rm -rf thumbs
    thumbpool -s 50 -o thumbs pictures 2>log || code=$?
    [ $code = "$1" ] && grep -Eq "$2" log || { cat log >&2; fail "exit code $code"; }
}

# gone PACKAGE...: removes the packages, and nothing of theirs stays
gone() {
    dpkg -L "$@" | sort -u | while IFS= read -r file; do
        [ -d "$file" ] && [ ! -L "$file" ] || echo "$file"
    done >files
    grep -q "/usr/share/doc/$1/" files || fail "$1 has no files"
    dpkg --purge "$@" >log 2>&1 || { cat log >&2; fail "dpkg --purge $*"; }
    while IFS= read -r file; do
        [ ! -e "$file" ] && [ ! -L "$file" ] || fail "$file stays"
    done <files
    for package in "$@"; do
        ! dpkg-query -W "$package" 2>/dev/null || fail "$package stays"
    done
}

apt-get update -qq

# Without what is recommended.
install --no-install-recommends ./thumbpool_*.deb
! dpkg-query -W 'libvips42*' 2>/dev/null | grep -q '[0-9]$' || fail 'libvips was installed, or was there before'
thumbpool --version
thumbs 1 'bench\.webp: .*needs libvips, which cannot be loaded \(libvips\.so\.42: '
[ -s thumbs/bench.jpg ] || fail 'no thumbnail of the JPEG'
gone thumbpool

# As most install it.
install ./thumbpool_*.deb
thumbs 0 '^2 made, 0 up to date, 0 failed'
[ -s thumbs/bench.jpg ] && [ -s thumbs/bench.webp ] || fail 'no thumbnails'

install ./libmproc0_*.deb ./libmproc-dev_*.deb gcc libc6-dev pkg-config cmake make
ldconfig -p | grep -q 'libmproc\.so\.0 ' || fail 'ldconfig does not know the library'
# shellcheck disable=SC2046 # lists of words
{
    gcc consumer/consumer.c $(pkg-config --cflags --libs mproc) -o shared
    gcc consumer/consumer.c -Wl,-Bstatic $(pkg-config --static --cflags --libs mproc) -Wl,-Bdynamic -o static
}
cmake -S consumer -B by_cmake -DCONSUMER_LANGUAGE=C >log 2>&1 && cmake --build by_cmake >>log 2>&1 ||
    { cat log >&2; fail 'no build by CMake'; }
for program in ./shared ./static by_cmake/consumer_shared by_cmake/consumer_static; do
    [ "$($program)" = 42 ] || fail "$program"
done

gone thumbpool libmproc-dev libmproc0
! ldconfig -p | grep libmproc || fail 'ldconfig still knows the library'
! ./shared 2>/dev/null || fail 'the library is still there'
echo 'installed, used and removed'
