#include "batch/prune.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* ---- Hashes --------------------------------------------------------------------------------- */

/* Two names with one hash make us leave alone what might be removed: no harm. */
static int hashes_add(struct hashes *hashes, const char *name)
{
    if (hashes->count == hashes->capacity) {
        size_t capacity = hashes->capacity ? hashes->capacity * 2 : 1024;
        uint64_t *all = reallocarray(hashes->all, capacity, sizeof *all);
        if (!all)
            return -ENOMEM;
        hashes->all = all;
        hashes->capacity = capacity;
    }
    hashes->all[hashes->count++] = XXH3_64bits(name, strlen(name));
    return 0;
}

static int hash_compare(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static void hashes_sort(struct hashes *hashes)
{
    if (hashes->count > 0)
        qsort(hashes->all, hashes->count, sizeof *hashes->all, hash_compare);
}

static bool hashes_have(const struct hashes *hashes, const char *name)
{
    uint64_t hash = XXH3_64bits(name, strlen(name));
    return hashes->count > 0 &&
           bsearch(&hash, hashes->all, hashes->count, sizeof hash, hash_compare);
}

/* ---- What is gone --------------------------------------------------------------------------- */

static bool root_is_named(void *user, uint32_t root, const char *name)
{
    const struct plan *plan = user;
    return strcmp(plan->scan->roots[root].real, name) == 0;
}

/* The roots in which something was found. */
static int roots_collect(struct prune *prune)
{
    const struct scan *scan = prune->plan->scan;
    int error = 0;
    nameset_init(&prune->roots, root_is_named, (void *)prune->plan);
    for (size_t i = 0; i < scan->count && error >= 0; i++) {
        const struct scan_input *input = &scan->inputs[i];
        uint32_t owner;
        bool known =
            i > 0 && scan->inputs[i - 1].root == input->root && scan->inputs[i - 1].error == 0;
        if (input->error == 0 && !known && scan->roots[input->root].real)
            error = nameset_add(&prune->roots, scan->roots[input->root].real, input->root, &owner);
    }
    return error < 0 ? error : 0;
}

static bool is_below_root(const struct prune *prune, const char *src)
{
    char folder[PATH_MAX];
    uint32_t root;
    size_t length = strlen(src);
    if (length >= sizeof folder)
        return false;
    memcpy(folder, src, length + 1);
    for (char *slash; (slash = strrchr(folder, '/'));) {
        *slash = '\0';
        if (nameset_find(&prune->roots, folder[0] ? folder : "/", &root))
            return true;
    }
    return false;
}

static bool is_gone(const struct prune *prune, const struct entry *entry)
{
    struct stat found;
    return is_below_root(prune, entry->src) && lstat(entry->src, &found) != 0 &&
           (errno == ENOENT || errno == ENOTDIR);
}

/* ---- The two passes ------------------------------------------------------------------------- */

/* What this run reads. */
static int inputs_collect(struct prune *prune)
{
    int error = 0;
    for (size_t i = 0; i < prune->plan->scan->count && error == 0; i++) {
        char path[PATH_MAX];
        if (plan_real(prune->plan, (uint32_t)i, path, sizeof path))
            error = hashes_add(&prune->inputs, path);
    }
    hashes_sort(&prune->inputs);
    return error;
}

/* True when an output is an input at the same time: the output folder lies among the pictures. */
static bool is_input(const struct prune *prune, const char *name)
{
    const char *folder = prune->plan->options.output_real;
    char path[PATH_MAX];
    if (!folder)
        return false;
    int length = snprintf(path, sizeof path, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name);
    return length < 0 || (size_t)length >= sizeof path || hashes_have(&prune->inputs, path);
}

/* What this run's pictures are called stays, whatever the manifest says of those names. */
static int planned_collect(struct prune *prune)
{
    const struct plan *plan = prune->plan;
    int error = 0;
    for (size_t i = 0; i < plan->count; i++)
        for (int k = 0; k < plan->options.spec->box_count && error == 0; k++) {
            char name[PATH_MAX];
            if (plan_name(plan, plan->order[i], k, name, sizeof name) == 0)
                error = hashes_add(&prune->live, name);
        }
    return error;
}

static int live_collect(void *user, const struct entry *entry)
{
    struct prune *prune = user;
    int error = 0;
    if (!is_gone(prune, entry))
        for (int i = 0; i < entry->output_count && error == 0; i++)
            error = hashes_add(&prune->live, entry->outputs[i].path);
    return error;
}

/* Returns false when the output is still there and should not be. */
static bool output_prune(struct prune *prune, const struct run_output *output)
{
    if (hashes_have(&prune->live, output->path) || is_input(prune, output->path))
        return true;
    int removed =
        prune->output ? output_remove(prune->output, output->path, (int64_t)output->size_bytes) : 1;
    prune->removed += removed > 0;
    prune->refused += removed < 0;
    if (removed > 0 && prune->tell)
        prune->tell(prune->user, output->path);
    return removed >= 0;
}

static int gone_remove(void *user, const struct entry *entry)
{
    struct prune *prune = user;
    bool removed = true;
    if (!is_gone(prune, entry))
        return 0;
    for (int i = 0; i < entry->output_count; i++)
        removed &= output_prune(prune, &entry->outputs[i]);
    if (!removed)
        return 0;
    prune->gone_count++;
    return hashes_add(&prune->gone, entry->name);
}

void prune_run(struct prune *prune)
{
    if (roots_collect(prune) < 0 || inputs_collect(prune) < 0 || planned_collect(prune) < 0 ||
        manifest_each(prune->manifest, live_collect, prune) < 0)
        return;
    hashes_sort(&prune->live);
    (void)manifest_each(prune->manifest, gone_remove, prune);
    hashes_sort(&prune->gone);
}

bool prune_keeps(void *user, const struct entry *entry)
{
    const struct prune *prune = user;
    return !(hashes_have(&prune->gone, entry->name) && is_gone(prune, entry));
}

void prune_done(struct prune *prune)
{
    nameset_done(&prune->roots);
    free(prune->live.all);
    free(prune->gone.all);
    free(prune->inputs.all);
    prune->live.all = prune->gone.all = prune->inputs.all = NULL;
}
