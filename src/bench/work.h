/* The works whose time is compared: the tutorial's two toys, waiting and counting, and beside them
 * the real job. A table; whoever runs a work knows nothing of what it does.
 *
 * Every job leaves a stamp in shared memory, which is the same for all back-ends and costs two
 * looks at the clock. */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batch/job.h"
#include "batch/original.h"
#include "batch/task.h"
#include "bench/photos.h"
#include "mproc/mproc.h"

/* When one job ran, and who ran it. */
struct stamp {
    double begin_s, end_s; /* on the clock of work_now_s() */
    int worker;            /* number of the worker; -1: nobody ended it */
};

/* The executor's ctx. `picture` comes first, because the real job's task takes the ctx for its
 * own, as it does in a run. */
struct work_ctx {
    struct picture_task_ctx picture; /* no libvips: JPEG and PNG only */
    struct stamp *stamps;            /* one a job; shared */
    double *ready_s;                 /* one a worker: when it could begin; shared */
};

/* How much there is to do: the same for every back-end and number of workers. */
struct workload {
    int jobs;                    /* of io and cpu; photos has one a picture */
    double job_s;                /* wanted of one job of io and cpu */
    uint64_t count;              /* what a job of cpu counts down from: see work_calibrate() */
    const struct photos *photos; /* NULL: none */
};

/* What a job is submitted with. */
struct work_arg {
    uint32_t index; /* of the job */
    union {
        double seconds;     /* io: to wait */
        uint64_t count;     /* cpu: to count down from */
        struct job picture; /* photos */
    };
};

struct work_job {
    struct work_arg arg;
    struct original original; /* its open input; fd -1 where it has none */
};

struct work {
    const char *name; /* as --work takes it */
    bool computes;    /* it keeps a CPU busy, so that more workers than CPUs are none the faster */
    bool pictures;    /* its jobs are pictures: those of the workload's photos */
    mp_task_fn *task; /* runs one job */
    int (*jobs)(const struct workload *load); /* how many there are */
    /* Says what a job does: "waits for 14 ms". NULL where the pictures say it. */
    void (*amount)(const struct workload *load, char *text, size_t size);
    /* Fills the job in and opens its input. Returns 0, or -errno. */
    int (*prepare)(const struct workload *load, int index, struct work_job *ret);
    /* Looks at a job's result. Returns NULL, or a sentence about what is wrong with it. */
    const char *(*check)(const struct work_job *job, const void *data, size_t size);
};

enum { WORK_COUNT = 3 };

extern const struct work works[WORK_COUNT]; /* photos, cpu, io */

/* Returns NULL when there is no work of that name. */
const struct work *work_find(const char *name);

/* Seconds of a clock that is the same in all processes of this machine. */
double work_now_s(void);

/* Counts down from `count`, one by one. */
void work_count_down(uint64_t count);

/* What to count down from so that it takes about so many seconds of processor time. */
uint64_t work_calibrate(double seconds);

#endif
