#!/bin/sh
# Installs mproc into a folder and looks at it from outside.
# usage: install.sh STEP full|standalone BUILD FOLDER      with CC, CFLAGS, MAKE_IMAGES and, maybe, CXX
#     install        FOLDER/usr, moved there after the installation; the other steps need it
#     symbols        both libraries show what mproc.h declares, and ask for no libc above 2.35
#     man            every function has a page, and groff has nothing to say; exit 77 without groff
#     pkg_config     a program in C, shared and static
#     find_package   the same with CMake
#     cpp            the same in C++17, both ways; exit 77 where there is no compiler for it
#     thumbnails     a build makes thumbnails with the installed program, with ninja and with make
set -eu
step=$1
kind=$2
build=$3
folder=$4
tests=$(CDPATH= cd -- "$(dirname "$0")" && pwd)
header=$folder/usr/include/mproc.h
work=$folder/$step
mkdir -p "$folder"
rm -rf "$work"
mkdir "$work"

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# The folder of the libraries: lib, lib64 or lib/TRIPLET.
libdir() {
    found=$(find "$folder/usr" -name libmproc.so)
    dirname "${found:?no libmproc.so}"
}

# runs PROGRAM: it does, and gives the right answer
runs() {
    answer=$(LD_LIBRARY_PATH=$(libdir) "$1") || fail "$1 failed"
    [ "$answer" = 42 ] || fail "$1 says $answer, not 42"
}

# needs PROGRAM yes|no: whether it asks for the shared library
needs() {
    found=no
    ! objdump -p "$1" | grep -q 'NEEDED *libmproc\.so\.0' || found=yes
    [ $found = "$2" ] || fail "$1 needs libmproc.so.0: $found, not $2"
}

# with_pkg_config COMPILER STANDARD SOURCE
with_pkg_config() {
    export PKG_CONFIG_PATH="$(libdir)/pkgconfig"
    flags="$2 -Wall -Wextra -Wpedantic -Werror $CFLAGS"
    # shellcheck disable=SC2046,SC2086 # lists of words
    {
        $1 $flags $(pkg-config --cflags mproc) "$3" $(pkg-config --libs mproc) -o "$work/shared"
        $1 $flags $(pkg-config --cflags mproc) "$3" -Wl,-Bstatic \
            $(pkg-config --static --libs mproc) -Wl,-Bdynamic -o "$work/static"
    }
    needs "$work/shared" yes
    needs "$work/static" no
    runs "$work/shared"
    runs "$work/static"
}

# with_find_package LANGUAGE
with_find_package() {
    cmake -S "$tests/consumer" -B "$work/build" -DCONSUMER_LANGUAGE="$1" -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_PREFIX_PATH="$folder/usr" -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS="$CFLAGS" \
        ${CXX:+"-DCMAKE_CXX_COMPILER=$CXX"} -DCMAKE_CXX_FLAGS="$CFLAGS" >"$work/log" 2>&1 &&
        cmake --build "$work/build" >>"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
    needs "$work/build/consumer_shared" yes
    needs "$work/build/consumer_static" no
    runs "$work/build/consumer_shared"
    runs "$work/build/consumer_static"
}

step_install() {
    if [ "$kind" = standalone ]; then
        build=$folder/build
        rm -rf "$build"
        # No package is to be found, whatever is installed here: it needs none.
        PKG_CONFIG_LIBDIR=/nonexistent cmake -S "$tests/../../src/mproc" -B "$build" \
            -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS="$CFLAGS" >"$work/log" 2>&1 &&
            cmake --build "$build" >>"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
    fi
    rm -rf "$folder/usr"
    cmake --install "$build" --prefix "$work/usr" >"$work/log" || { cat "$work/log" >&2; exit 1; }
    mv "$work/usr" "$folder/usr"
    # No file that a build reads knows where it was.
    ! grep -rlI -e "$work" -e "$build" "$folder/usr" >&2 || fail 'these files know a path of the build'
    [ "$kind" = standalone ] || installs_help
}

# installs_help: completions, and manual pages where there was an scdoc to make them with
installs_help() {
    share=$folder/usr/share
    for file in bash-completion/completions/thumbpool zsh/site-functions/_thumbpool \
        fish/vendor_completions.d/thumbpool.fish; do
        grep -q -e '-*fit[ =]' "$share/$file" || fail "$file is not installed"
    done
    command -v scdoc >/dev/null || return 0
    for page in thumbpool thumbpool-bench; do
        [ -s "$share/man/man1/$page.1" ] || fail "the manual page $page is not installed"
    done
}

# declared: the functions of the header. defined NM-OPTION FILE: what a library shows, but for a sanitizer's mark.
declared() {
    sed -n 's/^MP_API [^(]*[ *]\(mp_[a-z0-9_]*\)(.*/\1/p' "$header" | LC_ALL=C sort
}

defined() {
    nm "$1" --defined-only "$2" | sed -n '/ ___asan_/d; s/^[0-9a-f]* [A-Z] \([^@]*\).*/\1/p' | LC_ALL=C sort
}

step_symbols() {
    shared=$(libdir)/libmproc.so
    static=$(libdir)/libmproc.a
    declared >"$work/declared"
    [ -s "$work/declared" ] || fail 'no function was found in the header'
    defined -D "$shared" >"$work/shared"
    defined -g "$static" >"$work/static"
    for library in shared static; do
        diff "$work/declared" "$work/$library" || fail "header and $library library differ"
    done
    objdump -p "$shared" | grep -q 'SONAME *libmproc\.so\.0$' || fail 'the wrong SONAME'
    # Newer headers give their newest forms of strtol() and scanf(), which libc has had for ever, names of their own.
    newest=$(objdump -T "$shared" | sed -n '/__isoc23_/d; s/.*(\{0,1\}GLIBC_\([0-9.]*\).*/\1/p' | sort -V | tail -1)
    [ "$(printf '%s\n2.35\n' "$newest" | sort -V | tail -1)" = 2.35 ] || {
        objdump -T "$shared" | grep -F "GLIBC_$newest" >&2
        fail "libmproc.so asks for GLIBC_$newest"
    }
}

# page_of FUNCTION: the file of the page that tells about it
page_of() {
    file=$pages/$1.3
    [ -e "$file" ] || fail "$1 has no page"
    link=$(sed -n 's/^\.so man3\///p' "$file")
    echo "$pages/${link:-$1.3}"
}

step_man() {
    pages=$folder/usr/share/man/man3
    for name in $(declared); do
        grep -qF "\\fB$name\\fP(" "$(page_of "$name")" || fail "its page does not declare $name"
    done
    command -v groff >/dev/null || { echo 'skipped: there is no groff to check the pages with'; exit 77; }
    grep -L '^\.so ' "$pages"/*.3 | while IFS= read -r file; do
        groff -man -ww -z -Tutf8 "$file" >>"$work/log" 2>&1
    done
    [ ! -s "$work/log" ] || { cat "$work/log" >&2; fail 'groff warns'; }
}

step_pkg_config() {
    with_pkg_config "$CC" -std=c17 "$tests/consumer/consumer.c"
}

step_find_package() {
    with_find_package C
}

step_cpp() {
    [ -n "$CXX" ] || { echo 'skipped: there is no C++ compiler'; exit 77; }
    with_pkg_config "$CXX" -std=c++17 "$tests/consumer/consumer.cpp"
    with_find_package CXX
}

# with_thumbnails GENERATOR: what changed is made anew, what is new is noticed, and nothing else happens
with_thumbnails() {
    build_dir="$work/$1 build"
    touch "$work/mark"
    unset MAKEFLAGS MFLAGS MAKELEVEL
    cmake -S "$work/assets" -B "$build_dir" -G "$1" -DCMAKE_PREFIX_PATH="$folder/usr" >"$work/log" 2>&1 ||
        { cat "$work/log" >&2; exit 1; }
    made "$1" 'a/b 1.jpg deep/down.jpg one.jpg '
    unchanged "$1"
    cp "$work/good/b/alpha.png" "$pictures/deep/new.png"
    made "$1" 'deep/new.png '
    cp "$work/good/b/grey.jpg" "$pictures/a/b 1.jpg"
    made "$1" 'a/b 1.jpg '
    cp "$work/good/b/grey.jpg" "$pictures/../one.jpg"
    made "$1" 'one.jpg '
    rm "$pictures/deep/new.png"
    made "$1" ''
    [ "$runs" = 1 ] || fail "$1: a picture that is gone was not noticed"
    # CMake's own dependencies of Makefiles only ever grow: there it runs now every time.
    [ "$1" = Ninja ] || return 0
    unchanged "$1"
}

# unchanged GENERATOR: the next build does nothing
unchanged() {
    made "$1" ''
    [ "$runs" = 0 ] || fail "$1: it runs though nothing has changed"
}

# made GENERATOR FILES: what the next build makes, in order; sets runs
made() {
    touch "$work/mark"
    cmake --build "$build_dir" -j 2 >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
    ! grep -q jobserver "$work/log" || fail "$1: $(grep jobserver "$work/log")"
    runs=$(grep -c 'Making thumbnails' "$work/log") || true
    found=$(cd "$build_dir/assets" && find . -type f -newer "$work/mark" ! -name '.thumbpool*' |
        LC_ALL=C sort | sed 's|^\./||' | tr '\n' ' ')
    [ "$found" = "$2" ] || fail "$1 makes \"$found\", not \"$2\""
}

step_thumbnails() {
    "$MAKE_IMAGES" good "$work/good"
    for generator in Ninja 'Unix Makefiles'; do
        program=$([ "$generator" = Ninja ] && echo ninja || echo make)
        command -v $program >/dev/null || { echo "skipped: there is no $program"; continue; }
        rm -rf "$work/assets"
        cp -R "$tests/assets" "$work"
        pictures=$work/assets/pictures
        mkdir -p "$pictures/a" "$pictures/deep"
        for name in 'pictures/a/b 1.jpg' pictures/deep/down.jpg one.jpg; do
            cp "$work/good/a/baseline.jpg" "$work/assets/$name"
        done
        with_thumbnails "$generator"
    done
}

"step_$step"
