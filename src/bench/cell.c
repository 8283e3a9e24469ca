#include "bench/cell.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { LOOK_MS = 200 }; /* between two looks at the stop flag */

/* What the child shares with the parent. */
struct cell_report {
    struct cell_run run;
    bool complete; /* written last */
};

/* One run, on both sides. */
struct cell_session {
    const struct cell *cell;
    const struct workload *load;
    int jobs;
    struct cell_report *report; /* shared, as are the arrays of ctx */
    struct work_ctx ctx;
};

const char *cell_kind_name(enum mp_kind kind)
{
    return kind == MP_SEQUENTIAL ? "sequential" : kind == MP_THREADS ? "threads" : "processes";
}

/* ---- In the child --------------------------------------------------------------------------- */

static int worker_ready(void *ctx, int worker)
{
    struct work_ctx *shared = ctx;
    if (shared->ready_s[worker] == 0) /* the first of that number: not who replaces it */
        shared->ready_s[worker] = work_now_s();
    return 0;
}

static int fail(struct cell_session *session, const char *what, int error)
{
    snprintf(session->report->run.why, sizeof session->report->run.why, "%s: %s", what,
             mp_strerror(error));
    return error;
}

static int job_submit(struct cell_session *session, struct mp_executor *executor, int index,
                      struct work_job *job, struct mp_future **ret)
{
    const struct work *work = session->cell->work;
    int error = work->prepare(session->load, index, job);
    if (error < 0)
        return fail(session, "cannot open an input", error);
    bool opened = job->original.fd >= 0;
    struct mp_submit_options options = {.fds = &job->original.fd, .fd_count = opened};
    error = mp_executor_submit(executor, work->task, &job->arg, sizeof job->arg, &options, ret);
    return error < 0 ? fail(session, "cannot submit a job", error) : 0;
}

/* Waits for a job and notes whether it failed. */
static void job_collect(struct cell_session *session, const struct work_job *job,
                        struct mp_future *future)
{
    struct cell_run *run = &session->report->run;
    const void *data;
    size_t size;
    int error = mp_future_result(future, MP_FOREVER, &data, &size);
    const struct mp_fault *fault = mp_future_fault(future);
    const char *why = error == 0 ? session->cell->work->check(job, data, size)
                      : fault    ? fault->message
                                 : mp_strerror(error);
    if (why && run->failed++ == 0)
        snprintf(run->why, sizeof run->why, "%s", why);
}

/* Submits all jobs, then collects all results. */
static int jobs_run(struct cell_session *session, struct mp_executor *executor)
{
    struct work_job *jobs = calloc((size_t)session->jobs, sizeof *jobs);
    struct mp_future **futures = calloc((size_t)session->jobs, sizeof *futures);
    int submitted = 0, error = jobs && futures ? 0 : fail(session, "cannot begin", -ENOMEM);
    while (error == 0 && submitted < session->jobs) {
        error = job_submit(session, executor, submitted, &jobs[submitted], &futures[submitted]);
        submitted += error == 0;
    }
    for (int i = 0; i < submitted; i++) {
        job_collect(session, &jobs[i], futures[i]);
        mp_future_free(futures[i]);
        original_close(&jobs[i].original);
    }
    free(futures);
    free(jobs);
    return error;
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

/* A fresh process has used nothing yet, so that what it has used is the cell's. */
static void usage_take(struct cell_run *run)
{
    struct rusage own, workers;
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &workers);
    long largest = own.ru_maxrss > workers.ru_maxrss ? own.ru_maxrss : workers.ru_maxrss;
    run->user_s = seconds(own.ru_utime) + seconds(workers.ru_utime);
    run->system_s = seconds(own.ru_stime) + seconds(workers.ru_stime);
    run->peak_rss_bytes = (int64_t)largest * 1024;
    run->switches_waiting = own.ru_nvcsw + workers.ru_nvcsw;
    run->switches_forced = own.ru_nivcsw + workers.ru_nivcsw;
}

static void times_take(struct cell_session *session, double begin, double end)
{
    struct cell_run *run = &session->report->run;
    run->wall_s = end - begin;
    for (int i = 0; i < session->cell->workers; i++) {
        double ready = session->ctx.ready_s[i] - begin;
        run->startup_s = ready > run->startup_s ? ready : run->startup_s;
    }
    for (int i = 0; i < session->jobs; i++) {
        struct stamp *stamp = &session->ctx.stamps[i];
        if (stamp->end_s == 0) /* its worker died */
            *stamp = (struct stamp){.begin_s = begin, .end_s = begin, .worker = -1};
        stamp->begin_s -= begin;
        stamp->end_s -= begin;
    }
}

static int cell_main(void *arg)
{
    struct cell_session *session = arg;
    struct mp_executor *executor;
    struct mp_executor_options options = {.kind = session->cell->kind,
                                          .workers = session->cell->workers,
                                          .name = "thumbpool-work",
                                          .start = worker_ready,
                                          .ctx = &session->ctx};
    double begin = work_now_s();
    int error = mp_executor_create(&options, &executor);
    if (error < 0) {
        fail(session, "cannot start the workers", error);
        return 1;
    }
    error = jobs_run(session, executor);
    mp_executor_free(executor);
    times_take(session, begin, work_now_s());
    usage_take(&session->report->run);
    session->report->complete = error == 0;
    return error != 0;
}

/* ---- In the parent -------------------------------------------------------------------------- */

int cell_child_end(struct mp_process *process, const volatile sig_atomic_t *stop)
{
    int error;
    do
        error = stop && *stop ? -ECANCELED : mp_process_join(process, LOOK_MS);
    while (error == -ETIMEDOUT || error == -EINTR);
    if (error == 0 && stop && *stop) /* the interrupt key ends the child, too: perhaps first */
        error = -ECANCELED;
    if (error < 0) {
        mp_process_signal(process, SIGKILL);
        while (mp_process_join(process, MP_FOREVER) == -EINTR)
            ;
    }
    int code = error < 0 ? CELL_STOPPED : mp_process_exit_code(process);
    mp_process_close(process);
    return code;
}

/* Runs the child to its end. Returns 0, or an error with the reason in the report. */
static int child_run(struct cell_session *session, const volatile sig_atomic_t *stop)
{
    const struct photos *photos = session->load->photos;
    struct mp_process_options options = {.name = "thumbpool-cell"};
    struct mp_process *process;
    char *why = session->report->run.why;
    size_t size = sizeof session->report->run.why;
    if (photos && photos->made) {
        options.keep_fds = photos->fds;
        options.keep_count = (unsigned)photos->count;
    }
    int error = mp_process_start(cell_main, session, &options, &process);
    if (error < 0)
        return fail(session, "cannot start a process", error);
    int code = cell_child_end(process, stop);
    if (code == CELL_STOPPED)
        return -EINTR;
    if (code == 0 && session->report->complete)
        return 0;
    if (code < 0)
        snprintf(why, size, "killed by signal %d (%s)", -code, strsignal(-code));
    else if (why[0] == '\0')
        snprintf(why, size, "ended with exit code %d", code);
    return -ECHILD;
}

int cell_measure(const struct cell *cell, const struct workload *load,
                 const volatile sig_atomic_t *stop, struct cell_run *ret, struct stamp *ret_stamps)
{
    struct cell_session session = {.cell = cell, .load = load, .jobs = cell->work->jobs(load)};
    size_t stamps_size = (size_t)session.jobs * sizeof(struct stamp);
    size_t ready_size = (size_t)cell->workers * sizeof(double);
    int error = -ENOMEM;
    *ret = (struct cell_run){.why = "no memory"};
    session.report = mp_shared_alloc(sizeof *session.report);
    session.ctx.stamps = mp_shared_alloc(stamps_size);
    session.ctx.ready_s = mp_shared_alloc(ready_size);
    if (session.report && session.ctx.stamps && session.ctx.ready_s) {
        error = child_run(&session, stop);
        *ret = session.report->run;
        memcpy(ret_stamps, session.ctx.stamps, stamps_size);
    }
    mp_shared_free(session.report, sizeof *session.report);
    mp_shared_free(session.ctx.stamps, stamps_size);
    mp_shared_free(session.ctx.ready_s, ready_size);
    return error;
}
