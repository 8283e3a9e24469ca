#include "batch/run.h"

#include "batch/flight.h"
#include "batch/landing.h"
#include "batch/launch.h"
#include "batch/prune.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum {
    WAIT_MS = 200,   /* at most between two looks at the stop flag */
    TOKEN_MS = 20,   /* between two looks for a token of make's, which nobody announces */
    GRACE_MS = 2000, /* for pictures that run when the run is stopped */
};

double run_now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

bool run_has_given_up(const struct run *run)
{
    return run->options->max_errors > 0 && run->summary->counts.failed >= run->options->max_errors;
}

bool run_is_stopped(const struct run *run)
{
    return run->error < 0 || run_has_given_up(run) || (run->options->stop && *run->options->stop);
}

void run_cannot_go_on(struct run *run, int error, const char *what, const char *why)
{
    if (run->error == 0) {
        run->error = error;
        snprintf(run->summary->fatal, sizeof run->summary->fatal, "%s: %s", what, why);
    }
}

static int wait_for_some(struct run *run, enum mp_when when, int timeout_ms)
{
    for (int i = 0; i < run->flying_count; i++)
        run->futures[i] = run->flying[i].future;
    return mp_wait(run->futures, (size_t)run->flying_count, when, timeout_ms);
}

/* Make gets back what nothing that flies needs. */
static void tokens_return(struct run *run)
{
    if (run->options->jobserver)
        jobserver_keep(run->options->jobserver, run->flying_count);
}

/* Goes on no longer once names could not be flushed to disk. What may be lost is not called made.
 */
static void flush_check(struct run *run)
{
    struct run_counts *counts = &run->summary->counts;
    char what[200];
    size_t names;
    int error = output_unflushed(run->output, &names);
    if (error < 0) {
        snprintf(what, sizeof what,
                 "%.90s: what was made of the last %zu pictures may not be on disk",
                 run->plan->options.output, run->unflushed);
        run_cannot_go_on(run, error, what, strerrordesc_np(-error));
        counts->made -= run->unflushed;
        counts->failed += run->unflushed;
    }
    if (error < 0 || names == 0)
        run->unflushed = 0;
}

/* ---- The run -------------------------------------------------------------------------------- */

static void loop(struct run *run)
{
    for (;;) {
        launch_all(run);
        tokens_return(run);
        if (run_is_stopped(run) || (run->flying_count == 0 && !run->judging))
            return;
        bool wants_token = run->options->jobserver && run->holding;
        int wait_ms = run->judging ? 0 : wants_token ? TOKEN_MS : WAIT_MS;
        if (run->flying_count > 0 && wait_for_some(run, MP_ANY, wait_ms) == 0)
            observers_tick(&run->options->observers);
        landing_all(run);
        if (run->manifest)
            manifest_tick(run->manifest);
        flush_check(run);
    }
}

/* Takes back what has not begun, lets what runs finish for a while, and kills the rest. */
static void wind_up(struct run *run)
{
    for (int i = 0; i < run->flying_count; i++)
        (void)mp_future_cancel(run->flying[i].future);
    if (run->flying_count > 0)
        (void)wait_for_some(run, MP_ALL, GRACE_MS);
    engines_stop(&run->engines);
    landing_all(run);
    tokens_return(run);
    if (run->holding)
        landing_drop(&run->held);
}

/* Says what is wrong with the manifest. */
static void manifest_warn(struct run *run)
{
    const char *complaint = run->manifest ? manifest_complaint(run->manifest) : NULL;
    if (complaint)
        observers_warn(&run->options->observers, complaint);
}

/* Removes outputs whose input is gone, unless something stopped the run. */
static void run_prune(struct run *run, struct prune *prune)
{
    char text[120];
    if (!run->options->prune || run_is_stopped(run))
        return;
    prune_run(prune);
    run->summary->removed = prune->removed;
    if (prune->refused == 0)
        return;
    snprintf(text, sizeof text, "%zu thumbnails whose input is gone could not be removed",
             prune->refused);
    observers_warn(&run->options->observers, text);
}

/* Brings the manifest up to date. */
static void manifest_end(struct run *run)
{
    if (!run->manifest)
        return;
    struct prune prune = {.plan = run->plan, .manifest = run->manifest, .output = run->output};
    bool warned = manifest_complaint(run->manifest) != NULL;
    run_prune(run, &prune);
    manifest_finish(run->manifest, run->output, prune.gone_count > 0 ? prune_keeps : NULL, &prune);
    if (!warned)
        manifest_warn(run);
    prune_done(&prune);
}

/* Tells of workers that the system has not enough for. */
static void workers_warn(const struct run *run, int wanted)
{
    char text[120];
    int workers = engines_workers(&run->engines);
    if (workers == wanted)
        return;
    snprintf(text, sizeof text, "%d of %d workers: more would take more %s", workers, wanted,
             engines_shortage(&run->engines));
    observers_warn(&run->options->observers, text);
}

static int workers_wanted(const struct run *run)
{
    size_t inputs = run->plan->count ? run->plan->count : 1;
    int workers = run->options->workers;
    return (size_t)workers > inputs ? (int)inputs : workers;
}

/* Opens the output folder. What goes to the desktop's cache is nobody else's to read. */
static int run_open_output(struct run *run)
{
    const char *path = run->plan->options.output;
    struct output_options options = {.private = run->plan->options.layout == PLAN_FREEDESKTOP,
                                     .durable = run->options->durable};
    int error = output_open(path, options, &run->output);
    if (error < 0) {
        char what[200];
        snprintf(what, sizeof what, "cannot make the output folder %.150s", path);
        run_cannot_go_on(run, error, what, strerrordesc_np(-error));
    }
    return error;
}

/* Opens the manifest. Parts that could not be joined now are read all the same, and joined by a
 * later run. */
static int run_open_manifest(struct run *run)
{
    if (run->plan->options.shard.count == 0)
        (void)parts_join(run->output, run->options->durable);
    int error = manifest_open(run->plan, output_folder(run->output), run->options->versions,
                              &run->manifest);
    if (error < 0)
        return error;
    manifest_hold(run->manifest);
    if (run->options->durable)
        manifest_follow(run->manifest, run->output);
    return 0;
}

/* Opens what is known of earlier runs. */
static int run_open_past(struct run *run)
{
    const char *versions = run->options->versions;
    int folder = output_folder(run->output), error = 0;
    if (run->plan->options.layout == PLAN_FREEDESKTOP)
        error = desktop_open(run->plan, folder, versions ? versions : "", &run->desktop);
    else if (versions)
        error = run_open_manifest(run);
    if (error < 0)
        run_cannot_go_on(run, error, "cannot start", "no memory");
    return error;
}

static int run_prepare(struct run *run)
{
    const struct run_options *options = run->options;
    int error = run_open_output(run);
    if (error == 0)
        error = run_open_past(run);
    if (error < 0)
        return error;
    error = engines_init(&run->engines, options->kind, workers_wanted(run), options->timeout_ms,
                         options->max_memory, options->module_path, run->plan->options.spec,
                         options->sandbox);
    if (error < 0) {
        run_cannot_go_on(run, error, "cannot start the workers", mp_strerror(error));
        return error;
    }
    output_spare(run->output, engines_spare(&run->engines));
    size_t most = (size_t)run->engines.most;
    run->flying = calloc(most, sizeof *run->flying);
    run->waiting = calloc(2 * most, sizeof *run->waiting);
    run->futures = calloc(most, sizeof *run->futures);
    if (!run->flying || !run->waiting || !run->futures) {
        run_cannot_go_on(run, -ENOMEM, "cannot start", "no memory");
        return -ENOMEM;
    }
    run->summary->workers = engines_workers(&run->engines);
    lookahead_init(&run->ahead, run->plan);
    return 0;
}

static double cpu_seconds(const struct rusage *usage)
{
    return (double)usage->ru_utime.tv_sec + (double)usage->ru_utime.tv_usec / 1e6 +
           (double)usage->ru_stime.tv_sec + (double)usage->ru_stime.tv_usec / 1e6;
}

static void summary_finish(struct run *run, double begin_s)
{
    struct run_summary *summary = run->summary;
    struct run_counts *counts = &summary->counts;
    struct rusage own, workers;
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &workers);
    counts->not_started =
        run->plan->count - counts->made - counts->current - counts->failed - counts->skipped;
    summary->seconds = run_now_s() - begin_s;
    summary->cpu_seconds = cpu_seconds(&own) + cpu_seconds(&workers);
    long largest = own.ru_maxrss > workers.ru_maxrss ? own.ru_maxrss : workers.ru_maxrss;
    summary->peak_rss_bytes = (int64_t)largest * 1024;
    summary->interrupted = run->options->stop && *run->options->stop;
    summary->gave_up = run_has_given_up(run);
    summary->workers_lost = engines_workers_lost(&run->engines);
}

int run_plan(const struct plan *plan, const struct run_options *options, struct run_summary *ret)
{
    double begin_s = run_now_s();
    *ret = (struct run_summary){0};
    struct run_options complete = *options;
    if (!complete.task)
        complete.task = picture_task_run;
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return -ENOMEM;
    run->plan = plan;
    run->options = &complete;
    run->summary = ret;
    if (run_prepare(run) == 0) {
        observers_begin(&complete.observers, plan->count, ret->workers);
        workers_warn(run, workers_wanted(run));
        manifest_warn(run);
        loop(run);
        wind_up(run);
        manifest_end(run);
        (void)output_flush(run->output);
        flush_check(run);
    }
    summary_finish(run, begin_s);
    observers_end(&complete.observers, ret);
    int error = run->error;
    engines_done(&run->engines);
    manifest_close(run->manifest);
    desktop_close(run->desktop);
    output_close(run->output);
    free(run->flying);
    free(run->waiting);
    free(run->futures);
    free(run);
    return error;
}
