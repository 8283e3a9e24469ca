/* The terms of many blocks of a baseline scan at once, when it is known where each begins.
 *
 * A batch holds the blocks side by side: all their first terms, then all their second ones and so
 * on, as a transform of many at once wants them. */
#ifndef IMAGE_JPEG_TERMS_H
#define IMAGE_JPEG_TERMS_H

#include "image/jpeg_block.h"
#include "image/jpeg_code.h"

enum {
    TERM_LOOKUP_BITS = 11,
    TERM_LOOKUP_SIZE = 1 << TERM_LOOKUP_BITS,
    TERM_STREAMS = 4,
};

/* What the next bits say; jpeg_terms.c tells how. */
struct term_code {
    uint64_t steps[TERM_LOOKUP_SIZE]; /* by the next bits */
    const struct code *ac;            /* borrowed */
};

/* Fills the steps. Borrows `ac`. */
void term_code_fill(struct term_code *code, const struct code *ac);

struct term_batch {
    uint64_t starts[BLOCK_BATCH + TERM_STREAMS]; /* bits where the AC codes of blocks begin */
    int16_t columns[BLOCK_TERMS * BLOCK_COLUMN];
};

/* Reads the terms of `count` blocks, 1..BLOCK_BATCH, into the columns: those that scale x scale
 * samples are made of, but not the first ones. Their starts are there, and are used up. The walk
 * has been by: there are codes. */
void term_batch_read(struct term_batch *batch, int scale, const struct term_code *code,
                     const uint8_t *data, size_t count);

#endif
