# Installs Debian packages, if any are missing, and builds. Read in by samples/run.sh, tests/run.sh and
# tests/all.sh:   . samples/setup.sh; packages_need PACKAGE...; build_quietly FOLDER
# Nothing is asked of apt when all are there. Without root and sudo: the line to type, and exit 3.

# The base: what building the program and the library takes.
packages_base='gcc libc6-dev cmake ninja-build pkg-config libjpeg62-turbo-dev libpng-dev
    libdeflate-dev liblcms2-dev libmd-dev libxxhash-dev zlib1g-dev libvips-dev scdoc'

package_is_there() {
    dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q ' installed$'
}

packages_need() {
    if ! command -v dpkg-query >/dev/null; then
        echo "This is not Debian: install by hand what is missing of: $*" >&2
        return 0
    fi
    missing=
    for package in "$@"; do
        package_is_there "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        as_root=sudo
    else
        echo "Some packages are missing. Please run as root:" >&2
        echo "    apt-get update && apt-get install --no-install-recommends$missing" >&2
        exit 3
    fi
    echo "Installing:$missing"
    $as_root apt-get update -qq
    # shellcheck disable=SC2086 # a list of words
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

# build_quietly FOLDER [OPTION...]: builds it, as cmake's options say; the log is shown only when that fails.
build_quietly() {
    log=$(mktemp)
    if cmake --build "$@" >"$log" 2>&1; then
        tail -1 "$log"
        rm -f "$log"
    else
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
}
