/* Removes outputs whose input is gone: files of which the manifest says that they were made of a
 * file that is no longer there, that lay below what was named, and that are no other picture's
 * output. What this run reads as a picture stays, too, whatever the manifest says of it: it may be
 * the only copy.
 *
 * A disk that is not mounted must not cost its thumbnails: nothing is removed for what lay below a
 * folder in which nothing was found. */
#ifndef BATCH_PRUNE_H
#define BATCH_PRUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batch/manifest.h"
#include "batch/nameset.h"
#include "batch/output.h"
#include "batch/plan.h"

/* Hashes of names. */
struct hashes {
    uint64_t *all; /* sorted once they are complete */
    size_t count, capacity;
};

struct prune {
    const struct plan *plan; /* these four are the caller's */
    struct manifest *manifest;
    struct output *output;                      /* NULL: nothing is removed, only told */
    void (*tell)(void *user, const char *name); /* of what is removed; may be NULL */
    void *user;
    size_t removed;       /* outputs */
    size_t refused;       /* outputs that could not be removed */
    size_t gone_count;    /* entries whose input is gone, and with it their outputs */
    struct nameset roots; /* folders that were named, and in which something was found */
    struct hashes live;   /* outputs of inputs that are there */
    struct hashes inputs; /* of this run, by their paths without links */
    struct hashes gone;   /* names of the entries that are gone */
};

/* Removes. Without memory, nothing is. End with prune_done(). */
void prune_run(struct prune *prune);

/* A ledger_keep_fn that drops the entries that are gone; `user` is the struct prune. */
bool prune_keeps(void *user, const struct entry *entry);

/* Takes one that was never run, too. */
void prune_done(struct prune *prune);

#endif
