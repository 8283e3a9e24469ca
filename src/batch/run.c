#include "batch/run.h"

#include "batch/desktop.h"
#include "batch/engine.h"
#include "batch/job.h"
#include "batch/lookahead.h"
#include "batch/original.h"
#include "batch/output.h"
#include "batch/prune.h"
#include "batch/upkeep.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum {
    WAIT_MS = 200,   /* at most between two looks at the stop flag */
    TOKEN_MS = 20,   /* between two looks for a token of make's, which nobody announces */
    GRACE_MS = 2000, /* for pictures that run when the run is stopped */
    JUDGED_MAX = 64, /* up to date in a row before workers are looked after again */
};

/* One picture that is with the workers, or waits to be. */
struct picture {
    uint32_t input;                 /* its number */
    struct original original;       /* open */
    struct job job;                 /* as it was submitted */
    enum engine_kind engine;        /* who makes it */
    struct mp_future *future;       /* NULL while it waits */
    int attempts;                   /* submits so far */
    double submitted_ms;            /* the last of them, on the clock CLOCK_MONOTONIC */
    bool too_new;                   /* its time of change says nothing */
    struct image_fingerprint known; /* it is up to date if it has this; 0 bytes: there is none */
};

struct run {
    const struct plan *plan;
    const struct run_options *options;
    struct run_summary *summary;
    struct output *output;
    struct manifest *manifest; /* NULL: none */
    struct desktop *desktop;   /* instead of it, where outputs go to the desktop's cache; or NULL */
    bool judging;              /* hand_out() stopped amid pictures that are up to date */
    struct engines engines;
    struct lookahead ahead;
    struct picture *flying;     /* with the workers */
    struct mp_future **futures; /* theirs, for waiting */
    int flying_count;
    struct picture held; /* opened, but it may not be under way yet */
    bool holding;        /* there is one */
    int error;           /* why it cannot go on, 0 */
    size_t unflushed;    /* pictures made whose names may not be on disk, where that is asked for */
    struct run_record record;                  /* the one being told */
    char paths[IMAGE_SIZES_MAX][PATH_MAX];     /* of its outputs */
    char names[IMAGE_SIZES_MAX + 1][PATH_MAX]; /* for its entry in the manifest */
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool has_given_up(const struct run *run)
{
    return run->options->max_errors > 0 && run->summary->counts.failed >= run->options->max_errors;
}

static bool is_stopped(const struct run *run)
{
    return run->error < 0 || has_given_up(run) || (run->options->stop && *run->options->stop);
}

/* Stops the run for good; the first reason stays. */
static void cannot_go_on(struct run *run, int error, const char *what, const char *why)
{
    if (run->error == 0) {
        run->error = error;
        snprintf(run->summary->fatal, sizeof run->summary->fatal, "%s: %s", what, why);
    }
}

/* ---- Telling -------------------------------------------------------------------------------- */

static void record_tell(struct run *run, enum run_status status)
{
    struct run_counts *counts = &run->summary->counts;
    run->record.status = status;
    counts->made += status == RUN_MADE;
    run->unflushed += status == RUN_MADE && run->options->durable;
    counts->current += status == RUN_CURRENT;
    counts->failed += status == RUN_FAILED;
    counts->skipped += status == RUN_SKIPPED;
    observers_result(&run->options->observers, &run->record, counts);
}

/* Begins the record of a picture. */
static void record_begin(struct run *run, const struct picture *picture)
{
    run->record =
        (struct run_record){.input = &run->plan->scan->inputs[picture->input],
                            .kind = picture->original.kind,
                            .source_bytes = picture->original.stat.st_size,
                            .worker = picture->future ? mp_future_worker(picture->future) : -1,
                            .module = picture->engine == ENGINE_MODULE,
                            .begin_ms = picture->submitted_ms,
                            .end_ms = now_s() * 1e3,
                            .attempts = picture->attempts};
}

static void record_fail(struct run *run, const char *code, const char *message)
{
    run->record.code = code;
    run->record.message = message;
    run->record.output_count = 0;
    record_tell(run, RUN_FAILED);
}

/* ---- What is known already ------------------------------------------------------------------- */

/* Tells what an earlier run found out. */
static void entry_tell(struct run *run, uint32_t input, const struct entry *entry)
{
    upkeep_record(run->plan, input, entry, run->paths, &run->record);
    record_tell(run, entry->failed ? RUN_FAILED : RUN_CURRENT);
}

/* What is known of an input; the entry is as upkeep_judge() fills it. */
static enum upkeep input_judge(struct run *run, uint32_t input, struct entry *ret)
{
    int64_t max_bytes = run->options->max_bytes;
    if (run->options->force)
        return UPKEEP_MAKE;
    if (run->desktop)
        return desktop_judge(run->desktop, input, max_bytes, ret);
    if (run->manifest)
        return upkeep_judge(run->manifest, run->plan, output_folder(run->output), input, max_bytes,
                            ret);
    return UPKEEP_MAKE;
}

/* Looks whether the picture is to be made at all. Returns false when that was the end of it. */
static bool picture_judge(struct run *run, struct picture *picture)
{
    struct entry entry;
    picture->known.reach = 0;
    if (run->desktop && desktop_holds(run->plan, picture->input)) {
        record_begin(run, picture);
        run->record.message = DESKTOP_HOLDS;
        record_tell(run, RUN_SKIPPED);
        return false;
    }
    enum upkeep upkeep = input_judge(run, picture->input, &entry);
    if (upkeep == UPKEEP_COMPARE)
        picture->known = entry.fingerprint;
    if (upkeep == UPKEEP_MAKE || upkeep == UPKEEP_COMPARE)
        return true;
    run->record = (struct run_record){.worker = -1};
    entry_tell(run, picture->input, &entry);
    return false;
}

static void entry_note(struct run *run, const struct picture *picture, struct entry *entry)
{
    if (picture->too_new)
        entry->changed = (struct timespec){0};
    entry->key = manifest_key(run->manifest, picture->input);
    manifest_note(run->manifest, picture->input, entry);
}

/* Remembers what the record says. */
static void picture_note(struct run *run, const struct picture *picture,
                         struct image_fingerprint fingerprint)
{
    if (run->desktop)
        desktop_note(run->desktop, run->output, picture->input, &run->record,
                     &picture->original.stat);
    if (!run->manifest)
        return;
    struct entry entry = upkeep_entry(run->plan, picture->input, &run->record,
                                      &picture->original.stat, fingerprint, run->names);
    entry_note(run, picture, &entry);
}

/* True for failures that come again as long as the file stays what it is. What libvips cannot read
 * it may read tomorrow, with another of its parts installed. */
static bool is_lasting(const struct picture *picture, enum image_code code)
{
    return code == IMAGE_DAMAGED || code == IMAGE_LIMIT ||
           (code == IMAGE_UNSUPPORTED && picture->engine == ENGINE_BASE);
}

/* The file has another time, or another place, and the same content: it is noted with these. */
static void picture_unchanged(struct run *run, const struct picture *picture)
{
    struct entry entry;
    if (!manifest_find(run->manifest, picture->input, &entry)) {
        record_fail(run, "io", "the manifest was changed while it was read");
        return;
    }
    if (plan_real(run->plan, picture->input, run->names[0], sizeof run->names[0]))
        entry.src = run->names[0];
    entry.changed = picture->original.stat.st_mtim;
    entry_note(run, picture, &entry);
    entry_tell(run, picture->input, &entry);
}

/* ---- Handing out ---------------------------------------------------------------------------- */

/* Opens the picture's file, afresh for every attempt. Returns false when that was the end of it. */
static bool picture_open(struct run *run, struct picture *picture)
{
    struct image_fault fault;
    enum original_verdict verdict =
        original_open(&run->plan->scan->inputs[picture->input], run->options->max_bytes,
                      &picture->original, &fault);
    if (verdict == ORIGINAL_OPEN &&
        image_check_trust(picture->original.kind, run->plan->options.spec, &fault) == 0)
        return true;
    if (verdict == ORIGINAL_OPEN)
        original_close(&picture->original);
    else
        picture->original = (struct original){.fd = -1};
    record_begin(run, picture);
    if (verdict == ORIGINAL_SKIPPED) {
        run->record.message = fault.message;
        record_tell(run, RUN_SKIPPED);
    } else {
        record_fail(run, image_code_name(fault.code), fault.message);
    }
    return false;
}

/* Describes the picture's job. */
static void picture_describe(struct run *run, struct picture *picture)
{
    picture->job = (struct job){.spec = *run->plan->options.spec,
                                .size_bytes = picture->original.stat.st_size,
                                .known = picture->known,
                                .kind = picture->original.kind};
    picture->too_new = upkeep_is_too_new(&picture->original.stat);
    picture->job.spec.format = plan_format_of(run->plan, picture->input);
    picture->engine = image_needs_module(picture->job.kind, picture->job.spec.format)
                          ? ENGINE_MODULE
                          : ENGINE_BASE;
}

/* Gives the picture to its engine. Returns false when that was the end of it. */
static bool picture_submit(struct run *run, struct picture *picture)
{
    struct mp_submit_options options = {.fds = &picture->original.fd, .fd_count = 1};
    const char *why;
    struct mp_executor *executor = engines_get(&run->engines, picture->engine, &why);
    picture->submitted_ms = now_s() * 1e3;
    int error = executor ? mp_executor_submit(executor, run->options->task, &picture->job,
                                              sizeof picture->job, &options, &picture->future)
                         : -ENOSYS;
    if (error == 0) {
        picture->attempts++;
        return true;
    }
    if (executor)
        cannot_go_on(run, error, "cannot hand out work", mp_strerror(error));
    picture->future = NULL;
    record_begin(run, picture);
    record_fail(run, executor ? "io" : "unsupported", executor ? mp_strerror(error) : why);
    original_close(&picture->original);
    return false;
}

/* True when one more picture may be under way: its engine has room, and make, if it is asked,
 * grants the job. */
static bool may_launch(struct run *run, enum engine_kind kind)
{
    struct jobserver *jobserver = run->options->jobserver;
    return engines_have_room(&run->engines, kind) &&
           (!jobserver || jobserver_allows(jobserver, run->flying_count));
}

/* Puts a picture among those that fly, or holds it until it may be. Returns false when it is
 * held. */
static bool picture_launch(struct run *run, struct picture *picture)
{
    if (!may_launch(run, picture->engine)) {
        run->held = *picture;
        run->holding = true;
        return false;
    }
    run->holding = false;
    if (picture_submit(run, picture)) {
        engines_count(&run->engines, picture->engine, 1);
        run->flying[run->flying_count++] = *picture;
    }
    return true;
}

/* Hands out pictures until the engines have enough, or there are no more. */
static void hand_out(struct run *run)
{
    run->judging = false;
    if (is_stopped(run) || (run->holding && !picture_launch(run, &run->held)))
        return;
    struct picture picture = {.original.fd = -1};
    int judged = 0;
    while (!is_stopped(run) && !(run->judging = judged >= JUDGED_MAX) &&
           engines_have_room(&run->engines, ENGINE_BASE) &&
           lookahead_next(&run->ahead, &picture.input)) {
        picture.attempts = 0;
        picture.future = NULL;
        if (!picture_judge(run, &picture)) {
            judged++;
            continue;
        }
        if (!picture_open(run, &picture))
            continue;
        picture_describe(run, &picture);
        if (!picture_launch(run, &picture))
            return;
    }
}

/* ---- Taking back ---------------------------------------------------------------------------- */

/* The file that a thumbnail becomes. Returns 0 or a negative error. */
static int file_of(struct run *run, const struct picture *picture, const struct image_thumb *thumb,
                   const uint8_t **ret_bytes, size_t *ret_size)
{
    *ret_bytes = thumb->bytes;
    *ret_size = thumb->size_bytes;
    return run->desktop ? desktop_stamp(run->desktop, picture->input, &run->record,
                                        &picture->original.stat, thumb, ret_bytes, ret_size)
                        : 0;
}

/* Writes one output. Returns 1, 0 when the same bytes were there already, or a negative error with
 * a sentence in message[0..size). */
static int output_make(struct run *run, const struct picture *picture, int index,
                       const struct image_thumb *thumb, char *message, size_t size)
{
    struct output_guard guard = {picture->original.stat.st_dev, picture->original.stat.st_ino};
    enum output_written written;
    char name[PATH_MAX];
    const uint8_t *bytes;
    size_t size_bytes;
    int error = plan_name(run->plan, picture->input, index, name, sizeof name);
    int length = snprintf(run->paths[index], sizeof run->paths[index], "%s/%s",
                          run->plan->options.output, name);
    if (length < 0 || (size_t)length >= sizeof run->paths[index])
        error = -ENAMETOOLONG;
    if (error == 0)
        error = file_of(run, picture, thumb, &bytes, &size_bytes);
    if (error == 0)
        error = output_write(run->output, name, bytes, size_bytes, guard, run->options->force,
                             &written);
    if (error < 0) {
        snprintf(message, size, "cannot write %.400s: %s", name, output_error_text(error));
        return error;
    }
    run->record.outputs[index] =
        (struct run_output){run->paths[index], thumb->width, thumb->height, size_bytes};
    return written != OUTPUT_SAME;
}

/* A picture that was made of what a damaged file still held. */
static void damage_note(struct run *run, const struct image_result *image)
{
    if (image->damage.code == IMAGE_OK)
        return;
    run->record.code = image_code_name(image->damage.code);
    run->record.message = image->damage.message;
    run->record.warn = run->plan->options.spec->on_damage == IMAGE_DAMAGE_WARNS;
}

/* Writes and remembers what a worker has made. */
static void picture_write(struct run *run, const struct picture *picture,
                          const struct image_result *image)
{
    char message[600];
    bool changed = false;
    for (int i = 0; i < image->thumb_count; i++) {
        int written = output_make(run, picture, i, &image->thumbs[i], message, sizeof message);
        if (written < 0) {
            if (output_error_is_final(run->output, written))
                cannot_go_on(run, written, run->plan->options.output,
                             output_final_text(run->output, written));
            record_fail(run, "io", message);
            return;
        }
        changed |= written > 0;
    }
    run->record.output_count = image->thumb_count;
    damage_note(run, image);
    record_tell(run, changed ? RUN_MADE : RUN_CURRENT);
    picture_note(run, picture, image->fingerprint);
}

/* Nothing can be made of it: told, and remembered where another attempt would end the same way. */
static void picture_failed(struct run *run, const struct picture *picture,
                           const struct job_result *result)
{
    record_fail(run, image_code_name(result->fault.code), result->fault.message);
    if (is_lasting(picture, result->fault.code))
        picture_note(run, picture, result->image.fingerprint);
}

/* When the worker began and ended, as far as it can be true. */
static void work_note(struct run *run, const struct job_result *result)
{
    struct run_record *record = &run->record;
    record->total_ms = result->total_ms;
    if (result->begin_ms >= record->begin_ms && result->begin_ms <= record->end_ms)
        record->begin_ms = result->begin_ms;
    if (record->begin_ms + result->total_ms < record->end_ms)
        record->end_ms = record->begin_ms + result->total_ms;
}

/* A worker has answered; whether it told the truth is another matter. */
static void picture_answered(struct run *run, const struct picture *picture, const void *data,
                             size_t size)
{
    struct job_result result;
    const char *why;
    char message[200];
    if (job_result_decode(data, size, &picture->job, &result, &why) < 0) {
        snprintf(message, sizeof message, "the worker's answer is wrong: %s", why);
        record_fail(run, "crashed", message);
        return;
    }
    run->record.ms = result.image.ms;
    work_note(run, &result);
    run->record.width = result.image.width;
    run->record.height = result.image.height;
    run->record.shrink = result.image.shrink;
    if (original_changed(&picture->original))
        record_fail(run, "changed", "the file was changed while it was read");
    else if (result.same)
        picture_unchanged(run, picture);
    else if (result.fault.code != IMAGE_OK)
        picture_failed(run, picture, &result);
    else
        picture_write(run, picture, &result.image);
}

/* Another attempt with the file opened afresh, which may have become another kind's and so another
 * engine's. Returns false when that was the end of it. */
static bool picture_retry(struct run *run, struct picture *picture)
{
    mp_future_free(picture->future);
    picture->future = NULL;
    original_close(&picture->original);
    if (!picture_open(run, picture))
        return false;
    engines_count(&run->engines, picture->engine, -1);
    picture_describe(run, picture);
    engines_count(&run->engines, picture->engine, 1);
    return picture_submit(run, picture);
}

/* True when the worker tried what its jail forbids. It would only try again. */
static bool broke_out(const struct picture *picture)
{
    return mp_future_fault(picture->future)->status == -SIGSYS;
}

static void picture_crashed(struct run *run, const struct picture *picture)
{
    const struct mp_fault *fault = mp_future_fault(picture->future);
    char message[300];
    snprintf(message, sizeof message, "%s%s", fault->message,
             picture->attempts > 1 ? ", as at the attempt before" : "");
    if (broke_out(picture))
        record_fail(run, "sandbox", "its decoder tried what a worker may not do, and was killed");
    else
        record_fail(run, "crashed", message);
}

static void picture_timed_out(struct run *run)
{
    char message[120];
    snprintf(message, sizeof message, "given up after %g s of work, see --timeout",
             run->options->timeout_ms / 1000.0);
    record_fail(run, "timeout", message);
}

/* Deals with a settled picture. Returns true when it flies on: one more attempt. */
static bool picture_settle(struct run *run, struct picture *picture)
{
    const void *data;
    size_t size;
    int error = mp_future_result(picture->future, 0, &data, &size);
    if (error == MP_ECRASH && !broke_out(picture) && picture->attempts <= run->options->retries &&
        !is_stopped(run))
        return picture_retry(run, picture);
    record_begin(run, picture);
    if (error == 0)
        picture_answered(run, picture, data, size);
    else if (error == MP_ECRASH)
        picture_crashed(run, picture);
    else if (error == MP_EDEADLINE)
        picture_timed_out(run);
    else if (error == -ECANCELED || error == MP_EKILLED)
        ; /* not started: counted in the end */
    else if (error == MP_EBROKEN)
        cannot_go_on(run, error, "cannot go on", mp_strerror(error));
    else
        record_fail(run, error == -ENOMEM ? "memory" : "io",
                    mp_future_fault(picture->future)->message);
    return false;
}

static void picture_done(struct picture *picture)
{
    mp_future_free(picture->future);
    picture->future = NULL;
    original_close(&picture->original);
}

/* Deals with all that has settled. */
static void take_back(struct run *run)
{
    for (int i = 0; i < run->flying_count;) {
        struct picture *picture = &run->flying[i];
        if (mp_future_state(picture->future) < MP_DONE || picture_settle(run, picture)) {
            i++;
            continue;
        }
        engines_count(&run->engines, picture->engine, -1);
        picture_done(picture);
        run->flying[i] = run->flying[--run->flying_count];
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
        cannot_go_on(run, error, what, strerrordesc_np(-error));
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
        hand_out(run);
        tokens_return(run);
        if (is_stopped(run) || (run->flying_count == 0 && !run->judging))
            return;
        bool wants_token = run->options->jobserver && run->holding;
        int wait_ms = run->judging ? 0 : wants_token ? TOKEN_MS : WAIT_MS;
        if (run->flying_count > 0 && wait_for_some(run, MP_ANY, wait_ms) == 0)
            observers_tick(&run->options->observers);
        take_back(run);
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
    take_back(run);
    tokens_return(run);
    if (run->holding)
        picture_done(&run->held);
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
    if (!run->options->prune || is_stopped(run))
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

/* Tells of workers that there are not descriptors enough for. */
static void workers_warn(const struct run *run, int wanted)
{
    char text[120];
    int workers = engines_workers(&run->engines);
    if (workers == wanted)
        return;
    snprintf(text, sizeof text, "%d of %d workers: more would take more open files (ulimit -n)",
             workers, wanted);
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
        cannot_go_on(run, error, what, strerrordesc_np(-error));
    }
    return error;
}

/* Opens what is known of earlier runs. */
static int run_open_past(struct run *run)
{
    const char *versions = run->options->versions;
    int folder = output_folder(run->output), error = 0;
    if (run->plan->options.layout == PLAN_FREEDESKTOP)
        error = desktop_open(run->plan, folder, versions ? versions : "", &run->desktop);
    else if (versions)
        error = manifest_open(run->plan, folder, versions, &run->manifest);
    if (error < 0)
        cannot_go_on(run, error, "cannot start", "no memory");
    else if (run->manifest && run->options->durable)
        manifest_follow(run->manifest, run->output);
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
                         options->module_path, run->plan->options.spec, options->sandbox);
    if (error < 0) {
        cannot_go_on(run, error, "cannot start the workers", mp_strerror(error));
        return error;
    }
    output_spare(run->output, engines_spare(&run->engines));
    size_t most = (size_t)run->engines.most;
    run->flying = calloc(most, sizeof *run->flying);
    run->futures = calloc(most, sizeof *run->futures);
    if (!run->flying || !run->futures) {
        cannot_go_on(run, -ENOMEM, "cannot start", "no memory");
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
    summary->seconds = now_s() - begin_s;
    summary->cpu_seconds = cpu_seconds(&own) + cpu_seconds(&workers);
    long largest = own.ru_maxrss > workers.ru_maxrss ? own.ru_maxrss : workers.ru_maxrss;
    summary->peak_rss_bytes = (int64_t)largest * 1024;
    summary->interrupted = run->options->stop && *run->options->stop;
    summary->gave_up = has_given_up(run);
    summary->workers_lost = engines_workers_lost(&run->engines);
}

int run_plan(const struct plan *plan, const struct run_options *options, struct run_summary *ret)
{
    double begin_s = now_s();
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
    free(run->futures);
    free(run);
    return error;
}
