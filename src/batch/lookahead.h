/* In which order pictures are taken: walk order, but always the largest of the next few thousand,
 * so that no long one is left for the end when the other workers have nothing to do any more. */
#ifndef BATCH_LOOKAHEAD_H
#define BATCH_LOOKAHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batch/plan.h"

enum { LOOKAHEAD_PICTURES = 4096 };

struct lookahead_entry {
    int64_t size_bytes; /* of the file, 0 where it cannot be had */
    uint32_t input;     /* its number */
};

struct lookahead {
    const struct plan *plan;                            /* borrowed */
    size_t next;                                        /* of the plan's order, not looked at yet */
    size_t count;                                       /* entries */
    struct lookahead_entry entries[LOOKAHEAD_PICTURES]; /* a heap, the largest on top */
};

void lookahead_init(struct lookahead *ahead, const struct plan *plan);

/* Takes the next input. Returns false when there are no more. */
bool lookahead_next(struct lookahead *ahead, uint32_t *ret_input);

/* How many are still to be taken. */
size_t lookahead_left(const struct lookahead *ahead);

#endif
