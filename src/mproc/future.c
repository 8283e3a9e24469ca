#include "mproc/future.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int future_create(mp_task_fn *fn, const void *arg, size_t arg_size,
                  const struct mp_submit_options *options, struct mp_future **ret)
{
    size_t fds_size = options->fd_count * sizeof(int);
    struct mp_future *future = malloc(sizeof *future + fds_size + arg_size);
    if (!future)
        return -ENOMEM;
    *future = (struct mp_future){.worker = -1, .user = options->user};
    if (fds_size > 0)
        memcpy(future->storage, options->fds, fds_size);
    if (arg_size > 0)
        memcpy(future->storage + fds_size, arg, arg_size);
    future->job = (struct mp_job){.fn = fn,
                                  .arg = future->storage + fds_size,
                                  .arg_size = arg_size,
                                  .fds = (const int *)(const void *)future->storage,
                                  .fd_count = options->fd_count};
    *ret = future;
    return 0;
}

static void future_destroy(struct mp_future *future)
{
    free(future->data);
    free(future->message);
    free(future);
}

static void future_end(struct mp_future *future, enum mp_state state)
{
    future->executor = NULL;
    future->state = state;
    if (future->detached)
        future_destroy(future);
}

static void future_fail(struct mp_future *future, const struct mp_outcome *outcome)
{
    const char *text = outcome->message;
    if (text && text[0] != '\0')
        future->message = strdup(text);
    future->fault = (struct mp_fault){.code = outcome->code,
                                      .status = outcome->status,
                                      .worker = outcome->worker,
                                      .pid = outcome->pid,
                                      .lost_result = outcome->lost_result,
                                      .message = future->message ? future->message
                                                                 : mp_strerror(outcome->code)};
    future_end(future, MP_FAILED);
}

void future_settle(struct mp_future *future, const struct mp_outcome *outcome)
{
    future->worker = outcome->worker;
    if (outcome->code != 0) {
        future_fail(future, outcome);
        return;
    }
    /* One byte at least, so that an empty result is not mistaken for a failed allocation. */
    if (!future->detached && !(future->data = malloc(outcome->size ? outcome->size : 1))) {
        struct mp_outcome failure = *outcome;
        failure.code = -ENOMEM;
        future_fail(future, &failure);
        return;
    }
    if (!future->detached && outcome->size > 0)
        memcpy(future->data, outcome->data, outcome->size);
    future->size = outcome->size;
    future_end(future, MP_DONE);
}

void future_cancel(struct mp_future *future)
{
    future_end(future, MP_CANCELLED);
}

/* ---- Lists ---------------------------------------------------------------------------------- */

void future_list_append(struct future_list *list, struct mp_future *future)
{
    future->next = NULL;
    future->previous = list->last;
    *(list->last ? &list->last->next : &list->first) = future;
    list->last = future;
}

void future_list_prepend(struct future_list *list, struct mp_future *future)
{
    future->previous = NULL;
    future->next = list->first;
    *(list->first ? &list->first->previous : &list->last) = future;
    list->first = future;
}

void future_list_remove(struct future_list *list, struct mp_future *future)
{
    *(future->previous ? &future->previous->next : &list->first) = future->next;
    *(future->next ? &future->next->previous : &list->last) = future->previous;
    future->next = future->previous = NULL;
}

/* ---- The public face ------------------------------------------------------------------------ */

enum mp_state mp_future_state(const struct mp_future *future)
{
    return future->state;
}

const struct mp_fault *mp_future_fault(const struct mp_future *future)
{
    return future->state == MP_FAILED ? &future->fault : NULL;
}

int mp_future_worker(const struct mp_future *future)
{
    return future->worker;
}

void *mp_future_user(const struct mp_future *future)
{
    return future->user;
}

int mp_future_result(struct mp_future *future, int timeout_ms, const void **ret_data,
                     size_t *ret_size)
{
    int settled = mp_wait(&future, 1, MP_ALL, timeout_ms);
    if (settled < 0)
        return settled;
    if (settled == 0)
        return -ETIMEDOUT;
    if (future->state == MP_CANCELLED)
        return -ECANCELED;
    if (future->state == MP_FAILED)
        return future->fault.code;
    *ret_data = future->data;
    *ret_size = future->size;
    return 0;
}

void mp_future_free(struct mp_future *future)
{
    if (!future)
        return;
    if (future_settled(future))
        future_destroy(future);
    else
        future->detached = true;
}
