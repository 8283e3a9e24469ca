/* The worker's side: greet, then read a job, run it, write its result, until the jobs end. */
#ifndef MPROC_WORKER_H
#define MPROC_WORKER_H

#include <stddef.h>

#include "mproc/control.h"

/* Exit codes by which a worker tells its parent why it left before its work was done. */
enum worker_exit {
    WORKER_EXIT_HOOK = 81,   /* the start hook failed */
    WORKER_EXIT_FDS = 82,    /* descriptors were lost on the way: this process has too many open */
    WORKER_EXIT_STREAM = 83, /* the job channel broke */
    WORKER_EXIT_MEMORY = 84, /* no memory for a job */
};

struct worker_setup {
    int number;                          /* of the worker, from 0 */
    int job_fd;                          /* stream socket: jobs and their descriptors come down */
    int result_fd;                       /* pipe: results go up */
    int stderr_fd;                       /* pipe for what it writes on stderr; -1: the parent's */
    struct control *control;             /* this worker's page */
    size_t result_max;                   /* bytes of one result */
    int (*start)(void *ctx, int worker); /* or NULL */
    void (*stop)(void *ctx, int worker); /* or NULL */
    void *ctx;                           /* for both and for the tasks */
};

/* Runs the worker; `setup` points to a struct worker_setup. Returns its exit code. Child only. */
int worker_main(void *setup);

#endif
