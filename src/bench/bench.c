#include "bench/bench.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    JOBS_MIN = 16,       /* of io and cpu */
    JOBS_PER_WORKER = 8, /* at least, so that the last one to end does not decide */
    PHOTOS_MIN = 12,     /* that are painted */
    PHOTOS_PER_WORKER = 2,
};

static const double cell_s = 0.22;    /* wanted of io and cpu, one job after the other */
static const double job_min_s = 2e-3; /* but no job is shorter than that */

struct bench_options bench_options_default(void)
{
    struct bench_options options = {.work_count = WORK_COUNT,
                                    .kinds = {MP_SEQUENTIAL, MP_THREADS, MP_PROCESSES},
                                    .kind_count = BENCH_KINDS_MAX,
                                    .runs = 5,
                                    .warmup = 1,
                                    .claims = true};
    for (int i = 0; i < WORK_COUNT; i++)
        options.works[i] = &works[i];
    options.workers[options.workers_count++] = 1;
    if (mp_cpu_count() > 1)
        options.workers[options.workers_count++] = mp_cpu_count();
    return options;
}

static bool stopped(const struct bench *bench)
{
    return bench->options.stop && *bench->options.stop;
}

static void step(const struct bench *bench, const char *what, int done, int all)
{
    if (bench->options.step)
        bench->options.step(bench->options.user, what, done, all);
}

/* ---- What there is to do -------------------------------------------------------------------- */

static int most_workers(const struct bench_options *options)
{
    return options->workers[options->workers_count - 1];
}

static bool wants_pictures(const struct bench_options *options)
{
    bool any = false;
    for (int i = 0; i < options->work_count; i++)
        any |= options->works[i]->pictures;
    return any;
}

static int photos_prepare(struct bench *bench)
{
    const struct bench_options *options = &bench->options;
    int wanted = PHOTOS_PER_WORKER * most_workers(options);
    wanted = wanted < PHOTOS_MIN ? PHOTOS_MIN : wanted > PHOTOS_MADE_MAX ? PHOTOS_MADE_MAX : wanted;
    if (!wants_pictures(options))
        return 0;
    bench->load.photos = &bench->photos;
    if (options->path_count > 0)
        return photos_find(options->paths, options->path_count, &bench->photos);
    step(bench, "painting pictures", 0, 1);
    return photos_make(wanted, options->cold, options->stop, &bench->photos);
}

static void load_prepare(struct bench *bench)
{
    int jobs = JOBS_PER_WORKER * most_workers(&bench->options);
    bench->load.jobs = jobs < JOBS_MIN ? JOBS_MIN : jobs;
    bench->load.job_s = fmax(cell_s / bench->load.jobs, job_min_s);
    bench->load.count = work_calibrate(bench->load.job_s);
}

/* Room for the runs of one cell. Sequential is there once, whatever the numbers of workers. */
static int cell_add(struct bench *bench, const struct work *work, enum mp_kind kind, int workers)
{
    struct result *result = &bench->results[bench->count++];
    size_t runs = (size_t)bench->options.runs;
    *result = (struct result){.cell = {.work = work, .kind = kind, .workers = workers},
                              .jobs = work->jobs(&bench->load)};
    result->runs = calloc(runs, sizeof *result->runs);
    result->stamps = calloc(runs * (size_t)result->jobs, sizeof *result->stamps);
    return result->runs && result->stamps ? 0 : -ENOMEM;
}

static int cells_prepare(struct bench *bench)
{
    const struct bench_options *options = &bench->options;
    int error = 0;
    for (int w = 0; w < options->work_count; w++)
        for (int k = 0; k < options->kind_count; k++) {
            int numbers = options->kinds[k] == MP_SEQUENTIAL ? 1 : options->workers_count;
            for (int n = 0; n < numbers && error == 0; n++)
                error = cell_add(bench, options->works[w], options->kinds[k],
                                 options->kinds[k] == MP_SEQUENTIAL ? 1 : options->workers[n]);
        }
    return error;
}

/* ---- The runs ------------------------------------------------------------------------------- */

static void cell_step(const struct bench *bench, const struct cell *cell, int done, int all)
{
    char what[80];
    if (cell->kind == MP_SEQUENTIAL)
        snprintf(what, sizeof what, "%s, sequential", cell->work->name);
    else
        snprintf(what, sizeof what, "%s, %d %s", cell->work->name, cell->workers,
                 cell_kind_name(cell->kind));
    step(bench, what, done, all);
}

/* Runs a cell once more; one that has failed is not tried again. */
static int result_measure(struct bench *bench, struct result *result, bool counts)
{
    struct cell_run run;
    struct stamp *stamps = result->stamps + (size_t)result->run_count * (size_t)result->jobs;
    if (!result->runs)
        return 0;
    if (bench->options.cold && result->cell.work->pictures)
        bench->chilled_share = fmax(bench->chilled_share, photos_chill(&bench->photos));
    int error = cell_measure(&result->cell, &bench->load, bench->options.stop, &run, stamps);
    if (error == -EINTR)
        return error;
    if (run.why[0] != '\0')
        snprintf(result->why, sizeof result->why, "%s", run.why);
    if (error < 0 || run.failed == result->jobs) {
        free(result->runs);
        result->runs = NULL;
        result->run_count = 0;
    } else if (counts) {
        result->runs[result->run_count++] = run;
        result->failed = run.failed > result->failed ? run.failed : result->failed;
    }
    return 0;
}

/* A number that looks random, from one that does not. Source: MurmurHash3, fmix32. */
static uint32_t mix(uint32_t number)
{
    number = (number ^ number >> 16) * 0x85ebca6bu;
    number = (number ^ number >> 13) * 0xc2b2ae35u;
    return number ^ number >> 16;
}

/* Source: Fisher and Yates' shuffle. */
void bench_order(int round, int count, int *ret_order)
{
    for (int i = 0; i < count; i++) {
        int k = (int)(mix((uint32_t)round * BENCH_CELLS_MAX + (uint32_t)i + 1) % (uint32_t)(i + 1));
        ret_order[i] = ret_order[k];
        ret_order[k] = i;
    }
}

/* Every cell once. */
static int round_run(struct bench *bench, int round)
{
    int rounds = bench->options.warmup + bench->options.runs, order[BENCH_CELLS_MAX];
    bench_order(round, bench->count, order);
    for (int i = 0; i < bench->count; i++) {
        struct result *result = &bench->results[order[i]];
        cell_step(bench, &result->cell, round * bench->count + i, rounds * bench->count);
        int error =
            stopped(bench) ? -EINTR : result_measure(bench, result, round >= bench->options.warmup);
        if (error < 0)
            return error;
    }
    return 0;
}

/* ---- What came out -------------------------------------------------------------------------- */

static struct statistics statistics_over(const struct result *result, size_t offset)
{
    double values[STATISTICS_MAX];
    for (int i = 0; i < result->run_count; i++)
        memcpy(&values[i], (const char *)&result->runs[i] + offset, sizeof *values);
    return statistics_of(values, (size_t)result->run_count);
}

static void result_sum_up(struct result *result)
{
    if (result->run_count == 0)
        return;
    result->wall = statistics_over(result, offsetof(struct cell_run, wall_s));
    result->startup = statistics_over(result, offsetof(struct cell_run, startup_s));
    result->user = statistics_over(result, offsetof(struct cell_run, user_s));
    result->system = statistics_over(result, offsetof(struct cell_run, system_s));
}

/* By medians, which one disturbed run does not move. */
static void results_compare(struct bench *bench)
{
    for (int i = 0; i < bench->count; i++) {
        struct result *result = &bench->results[i];
        const struct result *base = bench_find(bench, result->cell.work, MP_SEQUENTIAL, 1);
        if (!base || result->run_count == 0)
            continue;
        result->speedup = base->wall.median / result->wall.median;
        result->efficiency = result->speedup / result->cell.workers;
    }
}

const struct result *bench_find(const struct bench *bench, const struct work *work,
                                enum mp_kind kind, int workers)
{
    for (int i = 0; i < bench->count; i++) {
        const struct result *result = &bench->results[i];
        if (result->cell.work == work && result->cell.kind == kind &&
            result->cell.workers == workers)
            return result->run_count > 0 ? result : NULL;
    }
    return NULL;
}

int result_typical_run(const struct result *result)
{
    int best = 0;
    for (int i = 1; i < result->run_count; i++)
        if (fabs(result->runs[i].wall_s - result->wall.median) <
            fabs(result->runs[best].wall_s - result->wall.median))
            best = i;
    return best;
}

/* ---- All of it ------------------------------------------------------------------------------ */

static int bench_measure(struct bench *bench)
{
    struct machine_watch watch;
    int rounds = bench->options.warmup + bench->options.runs, error = 0;
    machine_watch_begin(&watch, &bench->machine);
    for (int round = 0; round < rounds && error == 0; round++)
        error = round_run(bench, round);
    machine_watch_end(&watch, &bench->machine);
    for (int i = 0; i < bench->count; i++)
        result_sum_up(&bench->results[i]);
    results_compare(bench);
    return error;
}

/* What cannot be measured is left out; all else stands without it. */
static int claims_take(struct bench *bench)
{
    step(bench, "threads against processes", 0, 1);
    int error = claims_measure(bench->options.stop, &bench->claims);
    return error == -EINTR ? error : 0;
}

int bench_run(const struct bench_options *options, struct bench **ret)
{
    struct bench *bench = calloc(1, sizeof *bench);
    double begin = work_now_s();
    if (!bench)
        return -ENOMEM;
    bench->options = *options;
    machine_look(&bench->machine);
    load_prepare(bench);
    int error = photos_prepare(bench);
    if (error == 0)
        error = cells_prepare(bench);
    if (error == 0)
        error = bench_measure(bench);
    if (error == 0 && options->claims)
        error = claims_take(bench);
    bench->seconds = work_now_s() - begin;
    if (error < 0)
        bench_free(bench);
    else
        *ret = bench;
    return error;
}

void bench_free(struct bench *bench)
{
    for (int i = 0; bench && i < bench->count; i++) {
        free(bench->results[i].runs);
        free(bench->results[i].stamps);
    }
    if (bench)
        photos_done(&bench->photos);
    free(bench);
}
