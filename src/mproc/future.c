#include "mproc/future.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- The store ------------------------------------------------------------------------------ */

struct future_store *future_store_create(int free_max)
{
    struct future_store *store = malloc(sizeof *store);
    if (store)
        *store = (struct future_store){.free_max = free_max, .out = 1};
    return store;
}

/* Frees the store when nobody has anything of it. */
static void store_leave(struct future_store *store)
{
    if (--store->out > 0)
        return;
    for (struct mp_future *future; (future = store->free);) {
        store->free = future->next;
        free(future);
    }
    free(store);
}

void future_store_release(struct future_store *store)
{
    if (!store)
        return;
    store->free_max = 0;
    store_leave(store);
}

static struct mp_future *store_take(struct future_store *store)
{
    struct mp_future *future = store->free;
    if (future) {
        store->free = future->next;
        store->free_count--;
    } else {
        future = aligned_alloc(_Alignof(struct mp_future), sizeof *future);
    }
    store->out += future != NULL;
    return future;
}

static void store_give(struct future_store *store, struct mp_future *future)
{
    if (store->free_count < store->free_max) {
        future->next = store->free;
        store->free = future;
        store->free_count++;
    } else {
        free(future);
    }
    store_leave(store);
}

/* ---- Beginning and end ---------------------------------------------------------------------- */

/* Copies the argument, and after it the descriptor numbers. Returns 0, or -ENOMEM. */
static int arg_copy(struct mp_future *future, const void *arg, const int *fds)
{
    size_t arg_size = future->job.arg_size, fds_size = future->job.fd_count * sizeof *fds;
    size_t fds_at = (arg_size + sizeof *fds - 1) / sizeof *fds * sizeof *fds;
    char *storage = future->arg;
    if (fds_at + fds_size > sizeof future->arg &&
        !(storage = future->large_arg = malloc(fds_at + fds_size)))
        return -ENOMEM;
    if (arg_size > 0)
        memcpy(storage, arg, arg_size);
    if (fds_size > 0)
        memcpy(storage + fds_at, fds, fds_size);
    future->job.arg = storage;
    future->job.fds = (const int *)(const void *)(storage + fds_at);
    return 0;
}

int future_create(struct future_store *store, mp_task_fn *fn, const void *arg, size_t arg_size,
                  const struct mp_submit_options *options, struct mp_future **ret)
{
    struct mp_future *future = store_take(store);
    if (!future)
        return -ENOMEM;
    /* All but the large arrays at its end. */
    memset(future, 0, offsetof(struct mp_future, result));
    future->store = store;
    future->worker = -1;
    future->user = options->user;
    future->job = (struct mp_job){.fn = fn, .arg_size = arg_size, .fd_count = options->fd_count};
    int error = arg_copy(future, arg, options->fds);
    if (error < 0) {
        store_give(store, future);
        return error;
    }
    *ret = future;
    return 0;
}

void future_destroy(struct mp_future *future)
{
    for (struct future_then *then; (then = future->then.next);) {
        future->then.next = then->next;
        free(then);
    }
    if (future->data != future->result)
        free(future->data);
    free(future->text);
    free(future->large_arg);
    store_give(future->store, future);
}

/* ---- Settling ------------------------------------------------------------------------------- */

static void future_end(struct mp_future *future, enum mp_state state)
{
    future->executor = NULL;
    future->state = state;
    future->calling_back = future->then.fn != NULL;
}

/* Keeps a copy of the result. Returns 0, or -ENOMEM. */
static int data_keep(struct mp_future *future, const void *data, size_t size)
{
    future->data = future->result;
    if (size > sizeof future->result && !(future->data = malloc(size)))
        return -ENOMEM;
    if (size > 0)
        memcpy(future->data, data, size);
    future->size = size;
    return 0;
}

/* Keeps copies of what is said about a failure: the message, then what the worker wrote. */
static void text_keep(struct mp_future *future, const char *message, const char *log,
                      size_t log_size)
{
    size_t message_size = message ? strlen(message) : 0;
    future->fault.message = mp_strerror(future->fault.code);
    future->fault.log = "";
    if (message_size + log_size == 0 || !(future->text = malloc(message_size + log_size + 2)))
        return;
    char *copy = future->text + message_size + 1;
    if (message_size > 0)
        future->fault.message = memcpy(future->text, message, message_size + 1);
    if (log_size > 0)
        memcpy(copy, log, log_size);
    copy[log_size] = '\0';
    future->fault.log = copy;
    future->fault.log_size = log_size;
}

static void future_fail(struct mp_future *future, const struct mp_outcome *outcome)
{
    future->fault = (struct mp_fault){.code = outcome->code,
                                      .status = outcome->status,
                                      .attempts = future->attempts,
                                      .worker = outcome->worker,
                                      .pid = outcome->pid,
                                      .lost_result = outcome->lost_result};
    text_keep(future, outcome->message, outcome->log, outcome->log_size);
    future_end(future, MP_FAILED);
}

void future_settle(struct mp_future *future, const struct mp_outcome *outcome)
{
    struct mp_outcome failure = *outcome;
    future->worker = outcome->worker;
    bool wanted = !future->detached || future->then.fn;
    if (wanted && (outcome->code == 0 || outcome->data) &&
        data_keep(future, outcome->data, outcome->size) < 0 && outcome->code == 0) {
        failure.code = -ENOMEM;
        failure.message = NULL;
    }
    if (failure.code != 0)
        future_fail(future, &failure);
    else
        future_end(future, MP_DONE);
}

void future_cancel(struct mp_future *future)
{
    future_end(future, MP_CANCELLED);
}

void future_call_back(struct mp_future *future)
{
    /* One that a callback adds is called in its turn, and one that frees the future frees it after
     * the last. */
    for (struct future_then *then = &future->then; then; then = then->next)
        then->fn(future, then->user);
    future->calling_back = false;
    if (future->detached)
        future_destroy(future);
}

int mp_future_then(struct mp_future *future, mp_then_fn *fn, void *user)
{
    if (future_settled(future) && !future->calling_back) {
        fn(future, user);
        return 0;
    }
    struct future_then *last = &future->then, *then = last;
    while (last->next)
        last = last->next;
    if (last->fn && !(then = malloc(sizeof *then)))
        return -ENOMEM;
    *then = (struct future_then){.fn = fn, .user = user};
    if (then != last)
        last->next = then;
    return 0;
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
    int settled = future_settled(future) ? 1 : mp_wait(&future, 1, MP_ALL, timeout_ms);
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
    if (future_settled(future) && !future->calling_back)
        future_destroy(future);
    else
        future->detached = true;
}
