#include "batch/landing.h"

#include "batch/known.h"
#include "batch/launch.h"
#include "batch/record.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

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
                run_cannot_go_on(run, written, run->plan->options.output,
                                 output_final_text(run->output, written));
            record_fail(run, "io", message);
            return;
        }
        changed |= written > 0;
    }
    run->record.output_count = image->thumb_count;
    damage_note(run, image);
    record_tell(run, changed ? RUN_MADE : RUN_CURRENT);
    known_note(run, picture, image->fingerprint);
}

/* Nothing can be made of it: told, and remembered where another attempt would end the same way. */
static void picture_failed(struct run *run, const struct picture *picture,
                           const struct job_result *result)
{
    record_fail(run, image_code_name(result->fault.code), result->fault.message);
    if (known_is_lasting(picture, result->fault.code))
        known_note(run, picture, result->image.fingerprint);
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
        known_unchanged(run, picture);
    else if (result.fault.code != IMAGE_OK)
        picture_failed(run, picture, &result);
    else
        picture_write(run, picture, &result.image);
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

/* ---- Memory --------------------------------------------------------------------------------- */

enum { CLAIMS_MAX = 3 }; /* from the header, amid the data, and when all of it was not enough */

/* Lets the picture wait until there is so much memory, which is no attempt of its own; in a run
 * that stops it has not been started. Returns false when there never is so much, or it was granted
 * as much and asks for it again. */
static bool wait_for_memory(struct run *run, const struct picture *picture, int64_t need)
{
    const struct budget *budget = &run->engines.budget;
    bool more = need > picture->job.spec.max_memory && need <= budget->total;
    if (budget->total == 0 || !more || picture->claims >= CLAIMS_MAX)
        return false;
    if (run_is_stopped(run))
        return true;
    struct picture *waits = &run->waiting[run->waiting_count++];
    *waits = *picture;
    waits->future = NULL;
    waits->original = (struct original){.fd = -1};
    waits->attempts--;
    waits->claims++;
    waits->need_bytes = need;
    return true;
}

/* What a worker has found its picture to need, 0 for pictures that are none of this. One that does
 * not know how much was missing is to have all there is. */
static int64_t need_of(const struct run *run, const struct picture *picture, const void *data,
                       size_t size)
{
    struct job_result result;
    const char *why;
    if (job_result_decode(data, size, &picture->job, &result, &why) < 0 ||
        result.fault.code != IMAGE_MEMORY)
        return 0;
    return result.fault.need_bytes ? result.fault.need_bytes : run->engines.budget.total;
}

/* GLib, which libvips stands on, ends the process in this way when there is no memory. */
static bool ran_out_of_memory(const struct run *run, const struct picture *picture)
{
    return run->engines.budget.total > 0 && picture->engine == ENGINE_MODULE &&
           mp_future_fault(picture->future)->status == -SIGTRAP;
}

/* Says how much is missing in a run like this. */
static void memory_failed(struct run *run, int64_t need)
{
    const double mib = 1 << 20;
    double total = (double)run->engines.budget.total / mib;
    char message[200];
    if (need > run->engines.budget.total)
        snprintf(message, sizeof message,
                 "it takes %.0f MiB of memory, and all workers together have %.0f MiB"
                 " (--max-memory)",
                 ceil((double)need / mib), total);
    else
        snprintf(message, sizeof message,
                 "its decoder takes more memory than the %.0f MiB that all workers together have"
                 " (--max-memory)",
                 total);
    record_fail(run, "memory", message);
}

/* Deals with a settled picture. Returns true when it flies on: one more attempt. */
static bool picture_settle(struct run *run, struct picture *picture)
{
    const void *data;
    size_t size;
    int error = mp_future_result(picture->future, 0, &data, &size);
    bool starved = error == MP_ECRASH && ran_out_of_memory(run, picture);
    int64_t need = starved      ? run->engines.budget.total
                   : error == 0 ? need_of(run, picture, data, size)
                                : 0;
    if (need > 0 && wait_for_memory(run, picture, need))
        return false;
    if (error == MP_ECRASH && !starved && !broke_out(picture) &&
        picture->attempts <= run->options->retries && !run_is_stopped(run))
        return launch_again(run, picture);
    record_begin(run, picture);
    if (starved || (need > run->engines.budget.total && run->engines.budget.total > 0))
        memory_failed(run, need);
    else if (error == 0)
        picture_answered(run, picture, data, size);
    else if (error == MP_ECRASH)
        picture_crashed(run, picture);
    else if (error == MP_EDEADLINE)
        picture_timed_out(run);
    else if (error == -ECANCELED || error == MP_EKILLED)
        ; /* not started: counted in the end */
    else if (error == MP_EBROKEN)
        run_cannot_go_on(run, error, "cannot go on", mp_strerror(error));
    else
        record_fail(run, error == -ENOMEM ? "memory" : "io",
                    mp_future_fault(picture->future)->message);
    return false;
}

void landing_drop(struct picture *picture)
{
    mp_future_free(picture->future);
    picture->future = NULL;
    original_close(&picture->original);
}

void landing_all(struct run *run)
{
    for (int i = 0; i < run->flying_count;) {
        struct picture *picture = &run->flying[i];
        if (mp_future_state(picture->future) < MP_DONE || picture_settle(run, picture)) {
            i++;
            continue;
        }
        engines_count(&run->engines, picture->engine, -1);
        budget_give_back(&run->engines.budget, picture->job.spec.max_memory);
        landing_drop(picture);
        run->flying[i] = run->flying[--run->flying_count];
    }
}
