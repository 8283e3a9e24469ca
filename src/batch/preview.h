/* What a run would do, without doing any of it: a line for each picture. */
#ifndef BATCH_PREVIEW_H
#define BATCH_PREVIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "batch/observer.h"
#include "batch/plan.h"

struct preview {
    const struct plan *plan;
    FILE *file;           /* where the lines go; borrowed */
    int64_t max_bytes;    /* as for the run */
    bool force, prune;    /* likewise */
    bool all;             /* tell also of what is up to date */
    const char *versions; /* as for the run; NULL: there is no manifest */
};

/* Writes the lines, in the order of the inputs:
 *
 *     make SRC -> OUTPUT[, OUTPUT]...
 *     fail SRC: WHY           nothing can be made of it, as far as that is known
 *     skip SRC: WHY           it lies in the desktop's cache, where outputs go there
 *     current SRC             with `all` only
 *     remove OUTPUT           with `prune` only, last
 *
 * Control characters, backslashes and what is not UTF-8 stand in names as \n, \t, \\ or \ooo. Of
 * the inputs, only those are opened that have been touched, to compare them. Writes nothing else,
 * and makes no folder. `ret_why` is what is wrong with the manifest, or "". Returns 0 or -ENOMEM.
 */
int preview_write(const struct preview *preview, struct run_counts *ret, char ret_why[300]);

#endif
