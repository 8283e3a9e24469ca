#include "batch/upkeep.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* What the clocks of file systems may lag behind: one tick of the kernel, or two seconds where
 * whole seconds are kept. */
enum { TICK_NS = 20000000, COARSE_TICK_S = 2 };

/* True when the outputs are those that the plan wants, and there, with the sizes that they had. */
static bool outputs_are_there(const struct plan *plan, int folder_fd, uint32_t input,
                              const struct entry *entry)
{
    if (entry->output_count != plan->options.spec->box_count)
        return false;
    for (int i = 0; i < entry->output_count; i++) {
        const struct run_output *output = &entry->outputs[i];
        struct stat found;
        char name[PATH_MAX];
        if (plan_name(plan, input, i, name, sizeof name) < 0 || strcmp(name, output->path) != 0)
            return false;
        if (fstatat(folder_fd, name, &found, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(found.st_mode) ||
            (uint64_t)found.st_size != output->size_bytes)
            return false;
    }
    return true;
}

static bool options_fit(struct manifest *manifest, const struct plan *plan, uint32_t input,
                        const struct entry *entry)
{
    struct image_fault fault;
    return entry->key == manifest_key(manifest, input) &&
           image_check_trust(entry->kind, plan->options.spec, &fault) == 0;
}

/* True when the input is where it was and was not touched. */
static bool is_untouched(const struct plan *plan, uint32_t input, const struct stat *found,
                         const struct entry *entry)
{
    char path[PATH_MAX];
    return found->st_mtim.tv_sec == entry->changed.tv_sec &&
           found->st_mtim.tv_nsec == entry->changed.tv_nsec &&
           (entry->changed.tv_sec != 0 || entry->changed.tv_nsec != 0) &&
           plan_real(plan, input, path, sizeof path) && strcmp(path, entry->src) == 0;
}

enum upkeep upkeep_judge(struct manifest *manifest, const struct plan *plan, int folder_fd,
                         uint32_t number, int64_t max_bytes, struct entry *ret)
{
    const struct scan_input *input = &plan->scan->inputs[number];
    struct stat found;
    if (input->error != 0 || !manifest_find(manifest, number, ret) ||
        !options_fit(manifest, plan, number, ret))
        return UPKEEP_MAKE;
    if (!ret->failed && !outputs_are_there(plan, folder_fd, number, ret))
        return UPKEEP_MAKE;
    if (fstatat(AT_FDCWD, input->path, &found, input->linked ? 0 : AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(found.st_mode) || found.st_size != ret->size_bytes || found.st_size > max_bytes)
        return UPKEEP_MAKE;
    if (is_untouched(plan, number, &found, ret))
        return ret->failed ? UPKEEP_FAILED : UPKEEP_CURRENT;
    return ret->fingerprint.reach > 0 ? UPKEEP_COMPARE : UPKEEP_MAKE;
}

void upkeep_record(const struct plan *plan, uint32_t input, const struct entry *entry,
                   char paths[][PATH_MAX], struct run_record *record)
{
    record->input = &plan->scan->inputs[input];
    record->kind = entry->kind;
    record->width = entry->width;
    record->height = entry->height;
    record->source_bytes = entry->size_bytes;
    record->shrink = entry->shrink;
    record->code = entry->code;
    record->message = entry->message;
    record->output_count = entry->output_count;
    for (int i = 0; i < entry->output_count; i++) {
        record->outputs[i] = entry->outputs[i];
        record->outputs[i].path = paths[i];
        (void)snprintf(paths[i], PATH_MAX, "%s/%s", plan->options.output, entry->outputs[i].path);
    }
}

struct entry upkeep_entry(const struct plan *plan, uint32_t input, const struct run_record *record,
                          const struct stat *stat, struct image_fingerprint fingerprint,
                          char names[][PATH_MAX])
{
    int sizes = plan->options.spec->box_count;
    struct entry entry = {.src = names[sizes],
                          .name = names[0],
                          .failed = record->status == RUN_FAILED,
                          .kind = record->kind,
                          .width = record->width,
                          .height = record->height,
                          .shrink = record->shrink,
                          .output_count = record->output_count,
                          .code = record->code,
                          .message = record->message,
                          .size_bytes = stat->st_size,
                          .changed = stat->st_mtim,
                          .fingerprint = fingerprint};
    if (!plan_real(plan, input, names[sizes], PATH_MAX))
        names[sizes][0] = '\0'; /* a line without it is not read: it is made anew */
    for (int i = 0; i < sizes; i++) {
        if (plan_name(plan, input, i, names[i], PATH_MAX) < 0)
            names[i][0] = '\0';
        entry.outputs[i] = record->outputs[i];
        entry.outputs[i].path = names[i];
    }
    return entry;
}

bool upkeep_is_too_new(const struct stat *stat)
{
    struct timespec now, changed = stat->st_mtim;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age_ns =
        (int64_t)(now.tv_sec - changed.tv_sec) * 1000000000 + (now.tv_nsec - changed.tv_nsec);
    return age_ns < (changed.tv_nsec == 0 ? COARSE_TICK_S * INT64_C(1000000000) : TICK_NS);
}
