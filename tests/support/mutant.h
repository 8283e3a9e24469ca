/* JPEGs that are damaged at random, the same for the same random number. */
#ifndef SUPPORT_MUTANT_H
#define SUPPORT_MUTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/images.h"

enum { MUTANT_SCANS_MAX = 20 };

/* Where a JPEG's entropy-coded data lie. */
struct mutant_scans {
    struct mutant_span {
        size_t start, end;
    } spans[MUTANT_SCANS_MAX];
    uint32_t count;
};

/* The scans of a whole JPEG of at most MUTANT_SCANS_MAX. */
struct mutant_scans mutant_scans(const struct test_file *file);

/* A number from 0 to below - 1, and the next random number. */
uint32_t mutant_draw(uint64_t *random, uint32_t below);

/* A copy of a file that is cut somewhere (one in eight, and `ret_cut` tells), or has bits flipped,
 * bytes replaced, pieces dropped, copied, moved or swapped, markers put in or restart markers
 * changed, mostly within its scans. */
struct test_file mutant_make(const struct test_file *file, const struct mutant_scans *scans,
                             uint64_t *random, bool *ret_cut);

#endif
