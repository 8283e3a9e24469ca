#include "batch/known.h"

#include "batch/record.h"

/* Tells what an earlier run found out. */
static void known_tell(struct run *run, uint32_t input, const struct entry *entry)
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

bool known_judge(struct run *run, struct picture *picture)
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
    known_tell(run, picture->input, &entry);
    return false;
}

static void entry_note(struct run *run, const struct picture *picture, struct entry *entry)
{
    if (picture->too_new)
        entry->changed = (struct timespec){0};
    entry->key = manifest_key(run->manifest, picture->input);
    manifest_note(run->manifest, picture->input, entry);
}

void known_note(struct run *run, const struct picture *picture,
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

bool known_is_lasting(const struct picture *picture, enum image_code code)
{
    return code == IMAGE_DAMAGED || code == IMAGE_LIMIT ||
           (code == IMAGE_UNSUPPORTED && picture->engine == ENGINE_BASE);
}

void known_unchanged(struct run *run, const struct picture *picture)
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
    known_tell(run, picture->input, &entry);
}
