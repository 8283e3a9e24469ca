/* The word: the number of the process above, below it when it started, in ticks since boot, 0 where
 * that cannot be known. */
#include "mproc/holder.h"

#include "mproc/clock.h"
#include "mproc/io.h"
#include "mproc/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { START_BITS = 42 }; /* the numbers of processes have 22 at most */

static const uint64_t start_mask = ((uint64_t)1 << START_BITS) - 1;

static pid_t holder_pid(uint64_t holder)
{
    return (pid_t)(holder >> START_BITS);
}

struct life {
    char state;     /* R, S, Z and so on */
    int threads;    /* of it, itself included */
    uint64_t start; /* ticks since boot */
};

/* Returns false when /proc does not tell. */
static bool life_read(pid_t pid, struct life *ret)
{
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t size = read(fd, text, sizeof text - 1);
    io_close(&fd);
    text[size > 0 ? size : 0] = '\0';
    const char *rest = strrchr(text, ')'); /* the name before it may contain anything */
    unsigned long long start;
    if (!rest || sscanf(rest,
                        ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                        "%d %*s %llu",
                        &ret->state, &ret->threads, &start) != 3)
        return false;
    ret->start = start;
    return true;
}

/* What the process has found out about itself. A forked child sees by its number that this is not
 * about itself. It stands here, and not in what is shared, since it is each process's own. */
static _Atomic uint64_t self_seen;

uint64_t holder_self(void)
{
    pid_t pid = getpid();
    uint64_t self = atomic_load_explicit(&self_seen, memory_order_relaxed);
    if (self != 0 && holder_pid(self) == pid)
        return self;
    struct life life;
    uint64_t start = life_read(pid, &life) ? life.start : 0;
    self = (uint64_t)pid << START_BITS | (start & start_mask);
    atomic_store_explicit(&self_seen, self, memory_order_relaxed);
    return self;
}

/* Without /proc. A process whose number was given to another counts as alive then. */
static bool pid_is_alive(pid_t pid)
{
    int fd = process_pidfd(pid);
    if (fd < 0)
        return fd != -ESRCH;
    bool gone = io_wait_readable(&fd, 1, 0) > 0;
    io_close(&fd);
    return !gone;
}

bool holder_is_alive(uint64_t holder)
{
    pid_t pid = holder_pid(holder);
    if (pid <= 0 || (kill(pid, 0) != 0 && errno == ESRCH))
        return false;
    struct life life;
    if (!life_read(pid, &life))
        return pid_is_alive(pid);
    uint64_t start = holder & start_mask;
    if (start != 0 && start != (life.start & start_mask))
        return false;
    /* A main thread that has ended looks like a zombie while others of its process run on. */
    return (life.state != 'Z' && life.state != 'X') || life.threads > 1;
}

/* The first of holders[from..count) that is gone, into ret_dead; count when there is none. */
static unsigned find_dead(_Atomic uint64_t *holders, unsigned from, unsigned count,
                          uint64_t *ret_dead)
{
    uint64_t alive = HOLDER_NOBODY; /* often it is one process that holds many */
    for (; from < count; from++) {
        uint64_t holder = atomic_load(&holders[from]);
        if (holder == HOLDER_NOBODY || holder == HOLDER_RESERVED || holder == alive)
            continue;
        *ret_dead = holder;
        if (!holder_is_alive(holder))
            break;
        alive = holder;
    }
    return from;
}

bool holder_any_dead(_Atomic uint64_t *holders, unsigned count)
{
    uint64_t dead;
    return find_dead(holders, 0, count, &dead) < count;
}

unsigned holder_forget_dead(_Atomic uint64_t *holders, unsigned count)
{
    unsigned forgotten = 0;
    uint64_t dead;
    for (unsigned i = 0; (i = find_dead(holders, i, count, &dead)) < count; i++)
        if (atomic_compare_exchange_strong(&holders[i], &dead, HOLDER_NOBODY))
            forgotten++;
    return forgotten;
}

bool holder_look_is_due(_Atomic int64_t *last)
{
    int64_t now = clock_now_ms(), before = atomic_load(last);
    return now - before >= HOLDER_LOOK_MS && atomic_compare_exchange_strong(last, &before, now);
}
