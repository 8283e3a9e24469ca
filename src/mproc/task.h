/* The task's view of the job it runs: the same in a worker process and in the caller. */
#ifndef MPROC_TASK_H
#define MPROC_TASK_H

#include <stdbool.h>
#include <stddef.h>

#include "mproc/control.h"
#include "mproc/mproc.h"

enum { TASK_MESSAGE_BYTES = 1024 }; /* a failure's sentence, with its end */

struct mp_task {
    /* What the back-end sets before a job. */
    void *ctx;               /* the executor's */
    int worker;              /* number of this worker */
    const int *fds;          /* the job's descriptors; borrowed */
    unsigned fd_count;       /* of them */
    size_t result_max;       /* largest result, bytes */
    struct control *control; /* of the worker that it runs in; NULL where there is none */
    uint64_t seq;            /* of its assignment there */
    /* What the task leaves. */
    void *result;                     /* its buffer, kept from job to job; owned */
    size_t capacity;                  /* of that buffer */
    size_t result_size;               /* bytes of it that are the result */
    int status;                       /* of the failure */
    int code;                         /* 0, MP_ETASK or -errno */
    char message[TASK_MESSAGE_BYTES]; /* about the failure */
    /* What a chunk needs, kept from job to job; owned. */
    struct mp_task *element; /* the view of the element that runs */
    unsigned char *journal;  /* in place of the control page's, where there is none */
};

/* Runs the job; afterwards code, status, message and result say what became of it. */
void task_run(struct mp_task *task, mp_task_fn *fn, const void *arg, size_t arg_size);

/* Room for a result, whatever result_max says; otherwise as mp_task_reserve(). */
void *task_room(struct mp_task *task, size_t size);

/* Waits to be killed: the parent has condemned this process. */
void task_park(void) __attribute__((noreturn));

/* Frees what it owns. */
void task_done(struct mp_task *task);

#endif
