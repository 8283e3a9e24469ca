/* GNU make's jobserver, as a client: make and all that it starts share one pipe of tokens, a byte
 * for each job that may run. Whoever make starts may run one job, and one more for every byte that
 * it has taken out of the pipe and not yet put back.
 *
 * Its one rule: what was taken is put back, the same bytes, as soon as there is no work for them.
 * Nothing here ever waits. Source: GNU make's manual, POSIX jobserver interaction. */
#ifndef BATCH_JOBSERVER_H
#define BATCH_JOBSERVER_H

#include <stdbool.h>
#include <stddef.h>

struct jobserver {
    int read_fd;  /* takes tokens, its own open file: not blocking; -1 none */
    int write_fd; /* puts them back, likewise */
    char *tokens; /* those taken */
    int held;     /* how many */
    int most;     /* and how many there may be */
};

/* Opens the jobserver that `makeflags` names last, the value of MAKEFLAGS or NULL.
 *   jobs   that will ever run at a time, at least 1
 * Returns 1; 0 when it names none; or a negative error when it names one that is not open to this
 * process: -EBADF (make gave the numbers without the descriptors), -EINVAL (its name makes no
 * sense), -ENOMEM, or what opening it said. Then the caller may run one job. Free with
 * jobserver_close(), also after an error. */
int jobserver_open(const char *makeflags, int jobs, struct jobserver *ret);

/* True when one more job may run beside the `running` ones; takes a token where it needs one. */
bool jobserver_allows(struct jobserver *jobserver, int running);

/* Puts back what the `running` jobs do not need. */
void jobserver_keep(struct jobserver *jobserver, int running);

/* Puts back all, and frees it. */
void jobserver_close(struct jobserver *jobserver);

/* True when make was called with -n: it runs recipes marked with + even then, and leaves it to them
 * to do nothing. */
bool jobserver_is_dry_run(const char *makeflags);

#endif
