/* What a block of a JPEG gives at one eighth: one sample, which is its mean and made of its first
 * term alone, or, of a component that is stored at half the size both ways, 2 x 2 of them.
 *
 * Those 2 x 2 are made of the terms in rows and columns 0, 1, 3, 5 and 7; the others cancel out.
 * Source: libjpeg's reduced inverse transform, which this equals to the bit. */
#ifndef IMAGE_JPEG_BLOCK_H
#define IMAGE_JPEG_BLOCK_H

#include <stddef.h>
#include <stdint.h>

enum {
    BLOCK_TERMS = 64,
    BLOCK_SIDE = 5,                       /* rows and columns that 2 x 2 samples are made of */
    BLOCK_KEPT = BLOCK_SIDE * BLOCK_SIDE, /* terms in them, row by row */
    BLOCK_PLACES = BLOCK_KEPT + 1,        /* and one for all others */
    BLOCK_RUN_MAX = 16,                   /* a run of zeros may lead so far beyond the last term */
};

/* Fills in where each term, in the order in which a file has them, stands among those kept. What
 * lies behind the last counts as the last, as with libjpeg. */
void block_places_fill(uint8_t places[BLOCK_TERMS + BLOCK_RUN_MAX]);

/* The sample that a first term stands for. It is eight times the mean, less 128. No encoder writes
 * means that are far out of range; libjpeg takes ten bits of those. */
static inline uint8_t block_sample(int term, int quantum)
{
    int mean = ((int16_t)term * quantum + 4) >> 3;
    int value = ((int32_t)((uint32_t)mean << 22) >> 22) + 128;

    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* The same as 2 x 2 samples. */
static inline void block_flat_samples(int term, int quantum, uint8_t *to, size_t stride)
{
    to[0] = to[1] = to[stride] = to[stride + 1] = block_sample(term, quantum);
}

/* Writes the 2 x 2 samples of the block with these terms, each times its quantum. */
void block_samples(const int16_t terms[BLOCK_KEPT], const int16_t quanta[BLOCK_KEPT], uint8_t *to,
                   size_t stride);

#endif
