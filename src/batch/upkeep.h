/* Whether a picture has to be made at all, by what the manifest knows and what is there. Nothing is
 * opened for that. */
#ifndef BATCH_UPKEEP_H
#define BATCH_UPKEEP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "batch/manifest.h"

enum upkeep {
    UPKEEP_MAKE,    /* nothing is known, or something has changed */
    UPKEEP_CURRENT, /* input, options and outputs are as they were */
    UPKEEP_FAILED,  /* nothing could be made of this very input with these options */
    UPKEEP_COMPARE, /* one of the last two, if the input still has the fingerprint */
};

/* Judges an input; the entry is filled unless it has to be made, and lives until the manifest is
 * asked for another.
 *   folder_fd   the output folder; -1 there is none
 *   max_bytes   a larger input has to be refused anew */
enum upkeep upkeep_judge(struct manifest *manifest, const struct plan *plan, int folder_fd,
                         uint32_t input, int64_t max_bytes, struct entry *ret);

/* The entry as a record for observers, which borrows from it and from `paths`. */
void upkeep_record(const struct plan *plan, uint32_t input, const struct entry *entry,
                   char paths[][PATH_MAX], struct run_record *record);

/* An entry for what became of an input.
 *   record   as it is told; borrowed by the entry, as is `names`
 *   stat     of the input, when it was opened
 *   names    room for as many names of outputs as there are sizes, and one for its own */
struct entry upkeep_entry(const struct plan *plan, uint32_t input, const struct run_record *record,
                          const struct stat *stat, struct image_fingerprint fingerprint,
                          char names[][PATH_MAX]);

/* True when a file that was just opened was changed so lately that a further change might leave it
 * with the same time. */
bool upkeep_is_too_new(const struct stat *stat);

#endif
