/* The state of one job: pending, with a worker, settled. Settles exactly once.
 *
 * Futures come from a store that keeps those which are let go for the next jobs, so that in the
 * long run no job allocates anything, unless its argument or its result is large. The store lives
 * as long as its executor or one of its futures does. */
#ifndef MPROC_FUTURE_H
#define MPROC_FUTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "mproc/mproc.h"

enum {
    FUTURE_ARG_BYTES = 192,   /* an argument up to this lies in the future itself */
    FUTURE_RESULT_BYTES = 64, /* likewise a result */
};

/* A doubly linked list through the futures themselves. */
struct future_list {
    struct mp_future *first, *last;
};

/* Something to be called when a future has settled. */
struct future_then {
    mp_then_fn *fn; /* NULL: none */
    void *user;
    struct future_then *next;
};

struct future_store {
    struct mp_future *free; /* let go, linked by next */
    int free_count;         /* of them */
    int free_max;           /* more are not kept */
    int out;                /* futures in use, and the executor */
};

struct mp_future {
    struct mp_job job;            /* what back-ends see; first, so that a job leads to its future */
    struct mp_executor *executor; /* NULL once settled */
    struct future_store *store;   /* where it goes back to */
    enum mp_state state;
    bool detached;     /* its owner has let go */
    bool calling_back; /* settled, and some of its callbacks have not been called */
    int worker;        /* that settled it, -1 none */
    int attempts;      /* how often it ran */
    int retries;       /* how often it may run again after a crash */
    int returns;       /* how often it came back without having begun, in a row */
    int suspicion;     /* how likely it brought that about itself: see struct mp_outcome */
    void *user;        /* the caller's */
    void *data;        /* the result, or of a chunk that crashed its part; in `result` or owned */
    size_t size;       /* bytes of it */
    struct mp_fault fault;             /* when it failed; its strings are static or in `text` */
    char *text;                        /* owned */
    struct future_then then;           /* the first callback; the others are owned */
    struct mp_future *next, *previous; /* in one list of its executor */
    struct mp_future **place;          /* where mp_as_completed() has put it */
    void *large_arg; /* argument and descriptors, where `arg` is too small; owned */
    _Alignas(16) char result[FUTURE_RESULT_BYTES];
    _Alignas(16) char arg[FUTURE_ARG_BYTES];
};

/* A store for an executor. Returns NULL when there is no memory. */
struct future_store *future_store_create(int free_max);

/* Lets go of it: it is gone with the last future. Takes NULL. */
void future_store_release(struct future_store *store);

/* A new future with copies of argument and descriptor numbers. Returns 0, or -ENOMEM. */
int future_create(struct future_store *store, mp_task_fn *fn, const void *arg, size_t arg_size,
                  const struct mp_submit_options *options, struct mp_future **ret);

/* Gives a future back to its store. */
void future_destroy(struct mp_future *future);

/* Gives a future its final state from an outcome (0 or a failure). */
void future_settle(struct mp_future *future, const struct mp_outcome *outcome);

/* Gives a future the final state cancelled. */
void future_cancel(struct mp_future *future);

/* Calls the callbacks of a settled future, and destroys it if nobody has it any more. */
void future_call_back(struct mp_future *future);

static inline bool future_settled(const struct mp_future *future)
{
    return future->state >= MP_DONE;
}

void future_list_append(struct future_list *list, struct mp_future *future);
void future_list_prepend(struct future_list *list, struct mp_future *future);
void future_list_remove(struct future_list *list, struct mp_future *future);

#endif
