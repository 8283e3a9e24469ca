#include "mproc/task.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEEP_BYTES = 4 << 20 }; /* a result buffer above this is not kept for the next job */

void *task_room(struct mp_task *task, size_t size)
{
    if (size > task->capacity || !task->result) {
        void *buffer = realloc(task->result, size ? size : 1);
        if (!buffer)
            return NULL;
        task->result = buffer;
        task->capacity = size ? size : 1;
    }
    task->result_size = size;
    return task->result;
}

void *mp_task_reserve(struct mp_task *task, size_t size)
{
    return size > task->result_max ? NULL : task_room(task, size);
}

int mp_task_return(struct mp_task *task, const void *data, size_t size)
{
    if (size > task->result_max)
        return -EMSGSIZE;
    void *room = mp_task_reserve(task, size);
    if (!room)
        return -ENOMEM;
    if (size > 0)
        memcpy(room, data, size);
    return 0;
}

int mp_task_fail(struct mp_task *task, int status, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(task->message, sizeof task->message, format, list);
    va_end(list);
    task->code = MP_ETASK;
    task->status = status;
    return -1;
}

int mp_task_fd(const struct mp_task *task, unsigned index)
{
    return index < task->fd_count ? task->fds[index] : -EINVAL;
}

int mp_task_worker(const struct mp_task *task)
{
    return task->worker;
}

void *mp_task_ctx(const struct mp_task *task)
{
    return task->ctx;
}

static void result_free(struct mp_task *task)
{
    free(task->result);
    task->result = NULL;
    task->capacity = 0;
    task->result_size = 0;
}

void task_run(struct mp_task *task, mp_task_fn *fn, const void *arg, size_t arg_size)
{
    if (task->capacity > KEEP_BYTES)
        result_free(task);
    task->result_size = 0;
    task->code = 0;
    task->status = 0;
    task->message[0] = '\0';
    int status = fn(task, arg, arg_size);
    if (status != 0 && task->code == 0) {
        snprintf(task->message, sizeof task->message, "the task returned %d", status);
        task->code = MP_ETASK;
        task->status = status;
    }
}

/* By the call that a jail is most likely to allow. */
void task_park(void)
{
    for (;;)
        nanosleep(&(struct timespec){.tv_sec = 3600}, NULL);
}

void task_done(struct mp_task *task)
{
    result_free(task);
    if (task->element)
        result_free(task->element);
    free(task->element);
    free(task->journal);
    task->element = NULL;
    task->journal = NULL;
}
