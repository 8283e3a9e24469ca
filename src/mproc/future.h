/* The state of one job: pending, with a worker, settled. Settles exactly once. */
#ifndef MPROC_FUTURE_H
#define MPROC_FUTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "mproc/mproc.h"

/* A doubly linked list through the futures themselves. */
struct future_list {
    struct mp_future *first, *last;
};

struct mp_future {
    struct mp_job job;            /* what back-ends see; first, so that a job leads to its future */
    struct mp_executor *executor; /* NULL once settled */
    enum mp_state state;
    bool detached;         /* its owner has let go: free it when it settles */
    int worker;            /* that settled it, -1 none */
    int returns;           /* how often it came back without having begun */
    void *user;            /* the caller's */
    void *data;            /* the result; owned */
    size_t size;           /* bytes of it */
    struct mp_fault fault; /* when it failed; its message is owned unless it is static */
    char *message;         /* the owned message, or NULL */
    struct mp_future *next, *previous; /* in one list of its executor */
    char storage[];                    /* copies of the argument and the descriptor numbers */
};

/* A new future with copies of argument and descriptor numbers. Returns 0, or -ENOMEM. */
int future_create(mp_task_fn *fn, const void *arg, size_t arg_size,
                  const struct mp_submit_options *options, struct mp_future **ret);

/* Gives a future its final state from an outcome (0 or a failure). */
void future_settle(struct mp_future *future, const struct mp_outcome *outcome);

/* Gives a future the final state cancelled. */
void future_cancel(struct mp_future *future);

static inline bool future_settled(const struct mp_future *future)
{
    return future->state >= MP_DONE;
}

void future_list_append(struct future_list *list, struct mp_future *future);
void future_list_prepend(struct future_list *list, struct mp_future *future);
void future_list_remove(struct future_list *list, struct mp_future *future);

#endif
