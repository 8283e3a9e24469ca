#include "batch/task.h"

#include "batch/job.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

enum { KEPT_BYTES = 64 << 20 };

/* What one picture gives back is what the next one takes. Fresh pages from the kernel would cost
 * more than some stages do; up to the second figure, a worker that idles holds on to them. */
static void keep_memory(void)
{
#ifdef M_TRIM_THRESHOLD                  /* glibc's */
    mallopt(M_MMAP_THRESHOLD, 32 << 20); /* as much as it allows */
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
#endif
}

/* What ends a run often goes to all of its processes at once, by the terminal or by who supervises
 * them. The parent decides then what is still finished; a worker dies with it, or by its hand. */
static void leave_signals_to_parent(void)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

/* What a large picture took goes back, for another worker to have. */
static void give_back_memory(void)
{
#ifdef M_TRIM_THRESHOLD
    malloc_trim(0);
#endif
}

enum { STACK_BYTES = 8 << 20, STACKS_BYTES = 8 * STACK_BYTES };

/* Keeps threads that are started from now on to a stack of the ordinary size. Without this it is as
 * large as the user lets it be (ulimit -s), and all of it counts. */
static void stacks_bound(void)
{
#ifdef __GLIBC__
    pthread_attr_t attributes;
    size_t size;
    if (pthread_getattr_default_np(&attributes) != 0)
        return;
    if (pthread_attr_getstacksize(&attributes, &size) == 0 && size > STACK_BYTES &&
        pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0)
        (void)pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
#endif
}

/* Bounds what the worker may take, whatever it believes to need. Grants leave out what it keeps,
 * and what threads have for stacks. */
static void memory_bound(struct picture_task_ctx *ctx)
{
    int64_t spare = KEPT_BYTES + (ctx->module ? STACKS_BYTES : 0);
    if (ctx->memory_bytes == 0)
        return;
    stacks_bound();
    jail_memory_bound(&ctx->memory, ctx->memory_bytes + spare, ctx->ordinary_bytes + spare);
}

/* Moves the bound to where a picture's grant is. */
static void memory_grant(const struct picture_task_ctx *ctx, int64_t bytes)
{
    if (ctx->memory_bytes > 0)
        jail_memory_move(&ctx->memory, bytes - ctx->ordinary_bytes);
}

int picture_task_start(void *ctx, int worker)
{
    struct picture_task_ctx *shared = ctx;
    (void)worker;
    if (shared->sandbox)
        leave_signals_to_parent();
    keep_memory();
    if (shared->module && image_module_start(shared->module, shared->untrusted) != 0)
        return -1;
    memory_bound(shared);
    return shared->sandbox ? sandbox_enter(shared->sandbox, shared->module != NULL) : 0;
}

static int result_return(struct mp_task *task, const struct job_result *result)
{
    uint8_t *room = mp_task_reserve(task, job_result_size(result));
    if (!room)
        return mp_task_fail(task, EMSGSIZE, "the thumbnails are too large to send, or no memory");
    job_result_encode(result, room);
    return 0;
}

int picture_task_run(struct mp_task *task, const void *arg, size_t arg_size)
{
    const struct picture_task_ctx *shared = mp_task_ctx(task);
    struct job job;
    if (arg_size != sizeof job)
        return mp_task_fail(task, EINVAL, "not a job");
    memcpy(&job, arg, sizeof job);
    struct image_input input = {
        .fd = mp_task_fd(task, 0), .size_bytes = job.size_bytes, .kind = job.kind, .watch = true};
    struct job_result result = {.begin_ms = now_ms()};
    bool large = job.spec.max_memory > shared->ordinary_bytes;
    if (large)
        memory_grant(shared, job.spec.max_memory);
    if (job.known.reach > 0 && image_fingerprint_fits(&input, &job.known))
        result.same = true;
    else if (image_thumbnail(&input, &job.spec, shared->module, &result.image, &result.fault) == 0)
        result.fault.code = IMAGE_OK;
    result.total_ms = now_ms() - result.begin_ms;
    int status = result_return(task, &result);
    image_result_done(&result.image);
    if (large)
        give_back_memory();
    if (large)
        memory_grant(shared, shared->ordinary_bytes);
    return status;
}
