/* What an executor is made of: for the executor itself, for those who wait, and for maps. */
#ifndef MPROC_EXECUTOR_H
#define MPROC_EXECUTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "mproc/future.h"
#include "mproc/mproc.h"

/* A map that uses the executor. */
struct executor_guest {
    void (*on_progress)(struct executor_guest *guest); /* there may be room now; may submit */
    struct executor_guest *next;
};

struct mp_executor {
    struct mp_backend backend;
    struct mp_executor_options options; /* as completed */
    struct future_store *store;         /* of its futures */
    struct future_list pending;         /* to be handed out, in order */
    struct future_list handed;          /* the back-end has them */
    struct future_list settled;         /* settled, with callbacks to be called */
    const unsigned char *owned;         /* a page of ones here, of zeroes in a child; or NULL */
    pid_t owner;                        /* the process that made it */
    int max_pending;                    /* submit waits beyond */
    bool closed;                        /* shut down: no more submits */
    enum mp_how how; /* the hardest shutdown so far; what comes back is cancelled then */
    bool broken;     /* the back-end has given up */
    bool calling;    /* a callback runs */
    bool stopped;    /* its workers have been asked to leave */
    bool freed;      /* by its owner; guests have it still */
    struct executor_guest *guests;
    struct mp_executor_stats stats;
};

/* 0, or MP_EFORKED in a child of the executor's process. */
int executor_check(const struct mp_executor *executor);

/* Calls the callbacks of what has settled, then tells the guests, unless that is being done. */
void executor_call_back(struct mp_executor *executor);

/* As mp_executor_submit(), and for the rest of a job that was cut also while the executor finishes
 * what it has: `is_rest`. */
int executor_submit(struct mp_executor *executor, mp_task_fn *fn, const void *arg, size_t arg_size,
                    const struct mp_submit_options *options, bool is_rest, struct mp_future **ret);

/* What a submit or a map says itself, where it does: 0 means the executor's, negative none. */
static inline int executor_own_or(int own, int common)
{
    return own < 0 ? 0 : own > 0 ? own : common;
}

/* True when a submit would have to wait: as much is under way as may be. */
bool executor_is_full(const struct mp_executor *executor);

/* Cancels the jobs of this function that were submitted with this `user` and have not begun. */
void executor_cancel_of(struct mp_executor *executor, mp_task_fn *fn, const void *user);

/* A guest keeps the executor's memory, until it leaves. */
void executor_enter(struct mp_executor *executor, struct executor_guest *guest);
void executor_leave(struct mp_executor *executor, struct executor_guest *guest);

#endif
