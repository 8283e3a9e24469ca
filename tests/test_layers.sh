#!/bin/sh
# A test of the test: layers.sh passes on a copy of the tree, and finds each violation planted in one.
#
# usage: test_layers.sh
set -u
tests=$(cd "$(dirname "$0")" && pwd) || exit 2
copy=$(mktemp -d) || exit 2
trap 'rm -rf "$copy"' EXIT
cp -R "$tests/../src" "$copy/clean" || exit 2
bad=0
planted=0

fail() {
    echo "test_layers.sh: $*"
    bad=1
}

fresh() {
    rm -rf "$copy/src" && cp -R "$copy/clean" "$copy/src"
}

# plant FILE LINE REASON: with this line at the end of the file (made, if need be), layers.sh fails and
# names the file and the reason.
plant() {
    fresh
    mkdir -p "$(dirname "$copy/src/$1")"
    printf '%s\n' "$2" >>"$copy/src/$1"
    planted=$((planted + 1))
    if "$tests/layers.sh" "$copy" >"$copy/out" 2>&1; then
        fail "not found: $2 in $1"
    elif ! grep -F "src/$1" "$copy/out" | grep -qF "$3"; then
        fail "found, but not told as \"$3\": $2 in $1"
        cat "$copy/out"
    fi
}

# harmless FILE LINE: with this line there is nothing to find.
harmless() {
    fresh
    printf '%s\n' "$2" >>"$copy/src/$1"
    "$tests/layers.sh" "$copy" >"$copy/out" 2>&1 || {
        fail "found, and is harmless: $2 in $1"
        cat "$copy/out"
    }
}

fresh
"$tests/layers.sh" "$copy" || fail 'the tree itself has violations: see above'

plant mproc/io.c       '#include "image/fault.h"'     'mproc is the bottom layer'
plant image/blur.c     '#include "mproc/mproc.h"'     'image knows no processes'
plant image/blur.c     '#include "batch/plan.h"'      'nothing above it'
plant batch/plan.c     '#include "cli/options.h"'     'batch knows nothing above it'
plant jail/jail.c      '#include "mproc/mproc.h"'     'the jail knows'
plant bench/pages.c    '#include "cluster/nats.h"'    'bench knows nothing above'
plant cluster/shard.c  '#include "bench/pages.h"'     'cluster knows nothing above'
plant batch/plan.c     '#include "mproc/wire.h"'      'mproc is seen as'
plant cli/main.c       '#include "mproc/member.h"'    'mproc is seen as'
plant cli/main.c       '#include <mproc.h>'           'mproc is seen as'
plant batch/plan.c     '#include "member.h"'          'an include names its layer'
plant image/blur.c     '#include "../batch/plan.h"'   'an include names its layer'
plant mproc/wire.c     '#include "mproc/member.h"'    'to the left'
plant mproc/process.h  '#include "mproc/executor.h"'  'to the left'
plant mproc/novelty.c  'int x;'                       'has no place in the order'

plant mproc/member.c   'int x = fork();'              'belongs in mproc/process'
plant batch/plan.c     'int x = waitid(P_ALL, 0);'    'belongs in mproc/process'
plant cli/main.c       '	waitpid(-1, 0, 0);'          'belongs in mproc/process'
plant batch/plan.c     'x = sigprocmask(0, 0, 0);'    'belongs in mproc/process'
plant image/blur.c     '    prctl(PR_SET_NAME);'      'belongs in mproc/process'
plant batch/plan.c     'if (poll(fds, 1, -1) > 0)'    'mproc/io'
plant mproc/executor.c '    epoll_wait(a, b, c, d);'  'mproc/(member|workerset)'
plant image/vips.c     'x = pthread_create(a, b);'    'mproc/threads'
plant bench/cell.c     'x = pthread_create(a, b);'    'bench/costs'
plant mproc/queue.c    'pthread_mutex_lock(&x);'      'mproc/(lock'
plant batch/plan.c     'static pthread_mutex_t x;'    'mproc/(lock'
plant mproc/queue.c    'syscall(SYS_futex, x);'       'mproc/futex'
plant mproc/lock.c     '#include <linux/futex.h>'     'mproc/futex'
plant mproc/holder.c   'x = pidfd_open(pid, 0);'      'mproc/process'
plant mproc/futex.h    '#include "mproc/lock.h"'      'to the left'
plant mproc/lock.h     '#include "mproc/queue.h"'     'to the left'
plant batch/plan.c     'x = WIRE_MAGIC;'              'mproc/(wire'
plant mproc/executor.c 'struct wire_header *x;'       'mproc/(wire'
plant image/blur.c     '#include <vips/vips.h>'       'image/vips'
plant image/blur.c     '#include <lcms2.h>'           'image/colour'
plant image/png.c      '#include <jpeglib.h>'         'image/jpeg'
plant image/jpeg.c     '#include <png.h>'             'image/png'
plant batch/plan.c     '#include <linux/landlock.h>'  'jail/'
plant cli/main.c       'x = seccomp_init(1);'         'jail/'
plant batch/plan.c     '#include <md5.h>'            'batch/cachename'
plant image/png.c      '#include <zlib.h>'           'batch/pngtext'
plant cli/main.c       'if (isatty(1))'               'cli/terminal'
plant batch/plan.c     'ioctl(1, TIOCGWINSZ, &x);'    'cli/terminal'
plant batch/plan.c     'x = dlopen(path, 0);'         'image/module'
plant batch/plan.c     '#include <nats.h>'            'cluster/'

fresh
mkdir -p "$copy/src/cluster"
echo '#include <nats.h>' | tee "$copy/src/cluster/one.c" >"$copy/src/cluster/two.c"
"$tests/layers.sh" "$copy" 2>&1 | grep -qF 'one file of cluster only' || fail 'two files with <nats.h>'

harmless batch/plan.c '/* Unlike fork() and poll(), #include <png.h> in a comment harms nobody. */'
harmless batch/plan.c '// fork() "poll()"'
harmless batch/plan.c 'const char *x = "fork() /* poll()";'
harmless batch/plan.c 'int x = backend.poll(a) + backend->poll(b) + process_fork(c) + repoll(d);'
harmless batch/plan.c '#include "mproc/mproc.h"'

[ $bad -ne 0 ] || echo "test_layers.sh: $planted violations planted and found"
exit $bad
