/* What a block of a JPEG gives when it is shrunk: one sample, which is its mean and made of its
 * first term alone; or, of many blocks at once, 2 x 2 or 4 x 4 samples.
 *
 * 2 x 2 are made of the terms in rows and columns 0, 1, 3, 5 and 7; 4 x 4 of all but row and column
 * 4; the others cancel out. Source: libjpeg's inverse transforms, which these equal to the bit. */
#ifndef IMAGE_JPEG_BLOCK_H
#define IMAGE_JPEG_BLOCK_H

#include <stddef.h>
#include <stdint.h>

enum {
    BLOCK_TERMS = 64,
    BLOCK_KEPT = 5 * 5, /* terms that 2 x 2 samples are made of */
    BLOCK_RUN_MAX = 16, /* a run of zeros may lead so far beyond the last term */
    BLOCK_BATCH = 48,   /* blocks that are transformed at once, at most */
    BLOCK_LANES = 16,   /* a batch is filled up to a multiple of so many */
    BLOCK_COLUMN = BLOCK_BATCH + BLOCK_LANES, /* from one term of a batch's blocks to the next */
};

/* Fills in where each term, in the order in which a file has them, stands among those that 2 x 2
 * samples are made of; the others have the place behind those. What lies behind the last counts as
 * the last, as with libjpeg. */
void block_places_fill(uint8_t places[BLOCK_TERMS + BLOCK_RUN_MAX]);

/* Puts a table that goes row by row into the order of a file. */
void block_quanta_fill(int16_t quanta[BLOCK_TERMS], const uint16_t table[BLOCK_TERMS]);

/* The sample that a first term stands for. It is eight times the mean, less 128. No encoder writes
 * means that are far out of range; libjpeg takes ten bits of those. */
static inline uint8_t block_sample(int term, int quantum)
{
    int mean = ((int16_t)term * quantum + 4) >> 3;
    int value = ((int32_t)((uint32_t)mean << 22) >> 22) + 128;

    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* Sets to 0 the terms that scale x scale samples of `count` blocks are made of. */
void block_columns_clear(int scale, int16_t *columns, size_t count);

/* Makes scale x scale samples, 2 x 2 or 4 x 4, of each block.
 *   columns  the first terms of all blocks, BLOCK_COLUMN behind that the second, in a file's order
 *   quanta   what they are multiplied by, likewise
 *   count    of the blocks, a multiple of BLOCK_LANES
 *   to       rows of samples, `stride` apart, the blocks side by side */
void block_transform(int scale, const int16_t *columns, const int16_t *quanta, size_t count,
                     uint8_t *to, size_t stride);

#endif
