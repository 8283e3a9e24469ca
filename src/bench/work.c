#include "bench/work.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double clock_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double work_now_s(void)
{
    return clock_s(CLOCK_MONOTONIC);
}

/* Never inlined, and in a cache line of its own: how fast so short a loop is depends on where it
 * lies, so there must be only one. */
__attribute__((noinline, aligned(64))) void work_count_down(uint64_t count)
{
    while (count > 0) {
        count--;
        /* A barrier for the compiler, which would take the whole loop for a 0: it must believe
         * that somebody looks at the count, and may change it, each time. */
        __asm__ volatile("" : "+r"(count));
    }
}

/* The fastest of many tries in a tenth of a second: whatever disturbs makes them slower only. */
uint64_t work_calibrate(double seconds)
{
    uint64_t probe = 2000000;
    __asm__ volatile("" : "+r"(probe)); /* a known count would get a loop made for it */
    double fastest = 1, end = work_now_s() + 0.1;
    do {
        double begin = clock_s(CLOCK_THREAD_CPUTIME_ID);
        work_count_down(probe);
        double took = clock_s(CLOCK_THREAD_CPUTIME_ID) - begin;
        fastest = took < fastest ? took : fastest;
    } while (work_now_s() < end);
    return (uint64_t)((double)probe * seconds / fastest) + 1;
}

/* ---- Tasks ---------------------------------------------------------------------------------- */

static void stamp_put(struct mp_task *task, uint32_t index, double begin_s)
{
    const struct work_ctx *ctx = mp_task_ctx(task);
    ctx->stamps[index] = (struct stamp){begin_s, work_now_s(), mp_task_worker(task)};
}

static int io_task(struct mp_task *task, const void *data, size_t size)
{
    const struct work_arg *arg = data;
    double begin = work_now_s();
    struct timespec left = {.tv_sec = (time_t)arg->seconds};
    (void)size;
    left.tv_nsec = (long)((arg->seconds - (double)left.tv_sec) * 1e9);
    while (nanosleep(&left, &left) != 0)
        ;
    stamp_put(task, arg->index, begin);
    return 0;
}

static int cpu_task(struct mp_task *task, const void *data, size_t size)
{
    const struct work_arg *arg = data;
    double begin = work_now_s();
    (void)size;
    work_count_down(arg->count);
    stamp_put(task, arg->index, begin);
    return 0;
}

/* The program's own task. Its result, the thumbnails, goes the whole way back. */
static int photos_task(struct mp_task *task, const void *data, size_t size)
{
    const struct work_arg *arg = data;
    double begin = work_now_s();
    (void)size;
    int status = picture_task_run(task, &arg->picture, sizeof arg->picture);
    stamp_put(task, arg->index, begin);
    return status;
}

/* ---- Jobs ----------------------------------------------------------------------------------- */

static int toy_jobs(const struct workload *load)
{
    return load->jobs;
}

static void io_amount(const struct workload *load, char *text, size_t size)
{
    snprintf(text, size, "waits for %.1f ms", load->job_s * 1e3);
}

static int io_prepare(const struct workload *load, int index, struct work_job *ret)
{
    ret->arg = (struct work_arg){.index = (uint32_t)index, .seconds = load->job_s};
    ret->original.fd = -1;
    return 0;
}

static void cpu_amount(const struct workload *load, char *text, size_t size)
{
    snprintf(text, size, "counts down from %.1f million", (double)load->count * 1e-6);
}

static int cpu_prepare(const struct workload *load, int index, struct work_job *ret)
{
    ret->arg = (struct work_arg){.index = (uint32_t)index, .count = load->count};
    ret->original.fd = -1;
    return 0;
}

static const char *toy_check(const struct work_job *job, const void *data, size_t size)
{
    (void)job;
    (void)data;
    return size == 0 ? NULL : "a result where there is none";
}

static int photos_jobs(const struct workload *load)
{
    return load->photos ? load->photos->count : 0;
}

/* As a run describes it; the thumbnail is of the original's kind. */
static int photos_prepare(const struct workload *load, int index, struct work_job *ret)
{
    int error = photos_open(load->photos, index, &ret->original);
    if (error < 0)
        return error;
    ret->arg = (struct work_arg){.index = (uint32_t)index,
                                 .picture = {.spec = image_spec_default(),
                                             .size_bytes = ret->original.stat.st_size,
                                             .kind = ret->original.kind}};
    ret->arg.picture.spec.format = ret->original.kind;
    return 0;
}

static const char *photos_check(const struct work_job *job, const void *data, size_t size)
{
    struct job_result result;
    const char *why = NULL;
    if (job_result_decode(data, size, &job->arg.picture, &result, &why) < 0)
        return why;
    return result.fault.code == IMAGE_OK ? NULL : image_code_name(result.fault.code);
}

const struct work works[WORK_COUNT] = {
    {"photos", true, true, photos_task, photos_jobs, NULL, photos_prepare, photos_check},
    {"cpu", true, false, cpu_task, toy_jobs, cpu_amount, cpu_prepare, toy_check},
    {"io", false, false, io_task, toy_jobs, io_amount, io_prepare, toy_check},
};

const struct work *work_find(const char *name)
{
    for (int i = 0; i < WORK_COUNT; i++)
        if (strcmp(works[i].name, name) == 0)
            return &works[i];
    return NULL;
}
