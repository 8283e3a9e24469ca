#include "batch/launch.h"

#include "batch/known.h"
#include "batch/record.h"

#include <errno.h>
#include <string.h>

enum { JUDGED_MAX = 64 }; /* up to date in a row before workers are looked after again */

/* Opens the picture's file, afresh for every attempt. Returns false when that was the end of it. */
static bool launch_open(struct run *run, struct picture *picture)
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
    picture->job.spec.max_memory = budget_grant(&run->engines.budget, picture->need_bytes);
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
    picture->submitted_ms = run_now_s() * 1e3;
    int error = executor ? mp_executor_submit(executor, run->options->task, &picture->job,
                                              sizeof picture->job, &options, &picture->future)
                         : -ENOSYS;
    if (error == 0) {
        picture->attempts++;
        return true;
    }
    if (executor)
        run_cannot_go_on(run, error, "cannot hand out work", mp_strerror(error));
    picture->future = NULL;
    record_begin(run, picture);
    record_fail(run, executor ? "io" : "unsupported", executor ? mp_strerror(error) : why);
    original_close(&picture->original);
    return false;
}

/* True when the picture may be under way, too: its engine has room, its memory is to be had, and
 * make, if it is asked, grants the job. */
static bool may_launch(struct run *run, const struct picture *picture)
{
    struct jobserver *jobserver = run->options->jobserver;
    return engines_have_room(&run->engines, picture->engine) &&
           budget_allows(&run->engines.budget, picture->job.spec.max_memory, run->flying_count) &&
           (!jobserver || jobserver_allows(jobserver, run->flying_count));
}

/* Puts a picture among those that fly, or holds it until it may be. Returns false when it is
 * held. */
static bool picture_launch(struct run *run, struct picture *picture)
{
    if (!may_launch(run, picture)) {
        run->held = *picture;
        run->holding = true;
        return false;
    }
    run->holding = false;
    if (picture_submit(run, picture)) {
        engines_count(&run->engines, picture->engine, 1);
        budget_take(&run->engines.budget, picture->job.spec.max_memory);
        run->flying[run->flying_count++] = *picture;
    }
    return true;
}

/* Hands out the large pictures whose turn it is, first come, first served; others fly meanwhile.
 * Returns false when nothing else may: one that is to fly alone waits for them to land. */
static bool waiting_launch(struct run *run)
{
    const struct budget *budget = &run->engines.budget;
    while (run->waiting_count > 0 && !run->holding) {
        struct picture picture = run->waiting[0];
        int64_t grant = budget_grant(budget, picture.need_bytes);
        if (!budget_allows(budget, grant, run->flying_count))
            return !budget_is_for_one(budget, grant);
        run->waiting_count--;
        memmove(run->waiting, run->waiting + 1, (size_t)run->waiting_count * sizeof *run->waiting);
        if (!launch_open(run, &picture))
            continue;
        picture_describe(run, &picture);
        if (!picture_launch(run, &picture))
            return false;
    }
    return true;
}

void launch_all(struct run *run)
{
    run->judging = false;
    if (run_is_stopped(run) || (run->holding && !picture_launch(run, &run->held)) ||
        !waiting_launch(run))
        return;
    struct picture picture = {.original.fd = -1};
    int judged = 0;
    while (!run_is_stopped(run) && !(run->judging = judged >= JUDGED_MAX) &&
           engines_have_room(&run->engines, ENGINE_BASE) &&
           run->waiting_count < run->engines.most && lookahead_next(&run->ahead, &picture.input)) {
        picture.attempts = picture.claims = 0;
        picture.need_bytes = 0;
        picture.future = NULL;
        if (!known_judge(run, &picture)) {
            judged++;
            continue;
        }
        if (!launch_open(run, &picture))
            continue;
        picture_describe(run, &picture);
        if (!picture_launch(run, &picture))
            return;
    }
}

bool launch_again(struct run *run, struct picture *picture)
{
    mp_future_free(picture->future);
    picture->future = NULL;
    original_close(&picture->original);
    if (!launch_open(run, picture))
        return false;
    engines_count(&run->engines, picture->engine, -1);
    picture_describe(run, picture);
    engines_count(&run->engines, picture->engine, 1);
    return picture_submit(run, picture);
}
