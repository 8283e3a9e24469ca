/* The pool: what multiprocessing.Pool is, in terms of an executor and its maps. */
#include "mproc/clock.h"
#include "mproc/executor.h"
#include "mproc/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct mp_pool {
    struct mp_executor *executor;
    bool closed; /* no more jobs; those of maps go on */
};

int mp_pool_create(const struct mp_executor_options *options, struct mp_pool **ret)
{
    struct mp_pool *pool = calloc(1, sizeof *pool);
    int error = pool ? mp_executor_create(options, &pool->executor) : -ENOMEM;
    if (error < 0) {
        free(pool);
        return error;
    }
    *ret = pool;
    return 0;
}

struct mp_executor *mp_pool_executor(struct mp_pool *pool)
{
    return pool->executor;
}

/* ---- One job -------------------------------------------------------------------------------- */

int mp_pool_apply_async(struct mp_pool *pool, mp_task_fn *fn, const void *arg, size_t arg_size,
                        struct mp_future **ret)
{
    return pool->closed ? -ESHUTDOWN
                        : mp_executor_submit(pool->executor, fn, arg, arg_size, NULL, ret);
}

int mp_pool_apply(struct mp_pool *pool, mp_task_fn *fn, const void *arg, size_t arg_size,
                  struct mp_future **ret)
{
    struct mp_future *future;
    const void *data;
    size_t size;
    int error = mp_pool_apply_async(pool, fn, arg, arg_size, &future);
    if (error < 0)
        return error;
    error = mp_future_result(future, MP_FOREVER, &data, &size);
    if (mp_future_state(future) < MP_DONE) {
        (void)mp_future_cancel(future);
        mp_future_free(future);
        return error;
    }
    *ret = future;
    return error;
}

/* ---- Arrays --------------------------------------------------------------------------------- */

struct mp_map_result {
    struct mp_map *map;
    const unsigned char *args; /* borrowed */
    unsigned char *results;    /* borrowed */
    size_t count, arg_size, result_size;
    size_t taken;  /* elements that have gone out */
    int error;     /* of the first that failed, by order of elements */
    size_t failed; /* which it is */
};

static int array_next(void *source, const void **ret_arg, size_t *ret_size)
{
    struct mp_map_result *array = source;
    if (array->taken == array->count)
        return 0;
    *ret_arg = array->arg_size > 0 ? array->args + array->taken * array->arg_size : array->args;
    *ret_size = array->arg_size;
    array->taken++;
    return 1;
}

static void array_sink(void *user, const struct mp_item *item)
{
    struct mp_map_result *array = user;
    int error = item->error;
    if (error == 0 && item->size != array->result_size)
        error = -EMSGSIZE;
    if (error == 0 && array->result_size > 0) {
        memcpy(array->results + item->index * array->result_size, item->data, array->result_size);
    } else if (error != 0 && (array->error == 0 || item->index < array->failed)) {
        array->error = error;
        array->failed = (size_t)item->index;
    }
}

int mp_pool_map_async(struct mp_pool *pool, mp_task_fn *fn, const void *args, size_t count,
                      size_t arg_size, void *results, size_t result_size,
                      struct mp_map_result **ret)
{
    struct mp_item none;
    if (pool->closed)
        return -ESHUTDOWN;
    struct mp_map_result *array = malloc(sizeof *array);
    if (!array)
        return -ENOMEM;
    *array = (struct mp_map_result){.args = args,
                                    .results = results,
                                    .count = count,
                                    .arg_size = arg_size,
                                    .result_size = result_size};
    int error =
        map_create(pool->executor, fn, array_next, array, NULL, array_sink, array, &array->map);
    if (error < 0) {
        free(array);
        return error;
    }
    (void)mp_map_next(array->map, 0, &none); /* so that it begins */
    *ret = array;
    return 0;
}

int mp_map_result_wait(struct mp_map_result *result, int timeout_ms, size_t *ret_failed)
{
    struct mp_item none;
    int error = mp_map_next(result->map, timeout_ms, &none);
    if (error == -ETIMEDOUT || error == -EINTR || error == -EDEADLK || error == MP_EFORKED)
        return error;
    if (result->error != 0 && ret_failed)
        *ret_failed = result->failed;
    return result->error != 0 ? result->error : error;
}

void mp_map_result_free(struct mp_map_result *result)
{
    if (!result)
        return;
    mp_map_free(result->map);
    free(result);
}

int mp_pool_map(struct mp_pool *pool, mp_task_fn *fn, const void *args, size_t count,
                size_t arg_size, void *results, size_t result_size, size_t *ret_failed)
{
    struct mp_map_result *result;
    int error = mp_pool_map_async(pool, fn, args, count, arg_size, results, result_size, &result);
    if (error < 0)
        return error;
    error = mp_map_result_wait(result, MP_FOREVER, ret_failed);
    mp_map_result_free(result);
    return error;
}

/* ---- Iterators ------------------------------------------------------------------------------ */

int mp_pool_imap(struct mp_pool *pool, mp_task_fn *fn, mp_source_fn *next, void *source, int chunk,
                 struct mp_map **ret)
{
    struct mp_map_options options = {.chunk = chunk};
    return pool->closed ? -ESHUTDOWN
                        : mp_executor_map(pool->executor, fn, next, source, &options, ret);
}

int mp_pool_imap_unordered(struct mp_pool *pool, mp_task_fn *fn, mp_source_fn *next, void *source,
                           int chunk, struct mp_map **ret)
{
    struct mp_map_options options = {.chunk = chunk, .unordered = true};
    return pool->closed ? -ESHUTDOWN
                        : mp_executor_map(pool->executor, fn, next, source, &options, ret);
}

/* ---- Ending --------------------------------------------------------------------------------- */

void mp_pool_close(struct mp_pool *pool)
{
    pool->closed = true;
}

int mp_pool_terminate(struct mp_pool *pool, int timeout_ms)
{
    pool->closed = true;
    return mp_executor_shutdown(pool->executor, MP_KILL, timeout_ms);
}

int mp_pool_join(struct mp_pool *pool, int timeout_ms)
{
    int64_t deadline = clock_deadline(timeout_ms);
    if (!pool->closed)
        return -EINVAL;
    /* Maps go on as long as something of theirs is under way, so the executor is open meanwhile. */
    while (pool->executor->stats.unsettled > 0 && !pool->executor->broken) {
        int left = clock_left_ms(deadline);
        int error = mp_executor_pump(pool->executor, left);
        if (error < 0 && error != MP_EBROKEN)
            return error;
        if (left == 0 && pool->executor->stats.unsettled > 0)
            return -ETIMEDOUT;
    }
    return mp_executor_shutdown(pool->executor, MP_FINISH, clock_left_ms(deadline));
}

void mp_pool_free(struct mp_pool *pool)
{
    if (!pool)
        return;
    mp_executor_free(pool->executor);
    free(pool);
}
