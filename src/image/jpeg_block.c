/* The reduced inverse transform, in whole numbers: columns first, then rows. */
#include "image/jpeg_block.h"

#include <stdbool.h>

/* Steps through the block as a file does: along the diagonals, to and fro. */
static void zigzag_step(int *x, int *y)
{
    bool up = (*x + *y) % 2 == 0;

    if (up ? *x == 7 : *y == 7)
        up ? ++*y : ++*x;
    else if (up ? *y == 0 : *x == 0)
        up ? ++*x : ++*y;
    else
        *x += up ? 1 : -1, *y += up ? -1 : 1;
}

void block_places_fill(uint8_t places[BLOCK_TERMS + BLOCK_RUN_MAX])
{
    static const int kept[8] = {0, 1, -1, 2, -1, 3, -1, 4};
    int x = 0, y = 0;

    for (int i = 0; i < BLOCK_TERMS; i++) {
        places[i] =
            (uint8_t)(kept[x] < 0 || kept[y] < 0 ? BLOCK_KEPT : kept[y] * BLOCK_SIDE + kept[x]);
        if (i < BLOCK_TERMS - 1)
            zigzag_step(&x, &y);
    }
    for (int i = BLOCK_TERMS; i < BLOCK_TERMS + BLOCK_RUN_MAX; i++)
        places[i] = places[BLOCK_TERMS - 1];
}

/* Weights of the odd terms in units of 2^-13, and how the sums are scaled back: the first pass
 * keeps two bits more than there are, the second drops those and the transform's own three. */
enum {
    WEIGHT_BITS = 13,
    EXTRA_BITS = 2, /* the even part is scaled by that much more */
    PASS_BITS = 2,
    WEIGHT_1 = 29692,  /* 3.624509785 */
    WEIGHT_3 = -10426, /* -1.272758580 */
    WEIGHT_5 = 6967,   /* 0.850430095 */
    WEIGHT_7 = -5906,  /* -0.720959822 */
    FIRST_SHIFT = WEIGHT_BITS - PASS_BITS + EXTRA_BITS,
    SECOND_SHIFT = WEIGHT_BITS + PASS_BITS + 3 + EXTRA_BITS,
};

/* The two results of terms 0, 1, 3, 5 and 7 of a row or column. The terms of a picture fit easily;
 * wild ones wrap around. */
static inline void transform(const uint32_t terms[BLOCK_SIDE], int shift, uint32_t ret[2])
{
    uint32_t even = (terms[0] << (WEIGHT_BITS + EXTRA_BITS)) + (1u << (shift - 1));
    uint32_t odd = terms[1] * WEIGHT_1 + terms[2] * (uint32_t)WEIGHT_3 + terms[3] * WEIGHT_5 +
                   terms[4] * (uint32_t)WEIGHT_7;

    ret[0] = (uint32_t)((int32_t)(even + odd) >> shift);
    ret[1] = (uint32_t)((int32_t)(even - odd) >> shift);
}

static uint8_t sample_of(uint32_t mean)
{
    int32_t value = (int32_t)mean + 128;

    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

void block_samples(const int16_t terms[BLOCK_KEPT], const int16_t quanta[BLOCK_KEPT], uint8_t *to,
                   size_t stride)
{
    uint32_t rows[2][BLOCK_SIDE];

    for (int x = 0; x < BLOCK_SIDE; x++) {
        uint32_t column[BLOCK_SIDE], two[2];
        for (int y = 0; y < BLOCK_SIDE; y++)
            column[y] = (uint32_t)(terms[y * BLOCK_SIDE + x] * quanta[y * BLOCK_SIDE + x]);
        transform(column, FIRST_SHIFT, two);
        rows[0][x] = two[0];
        rows[1][x] = two[1];
    }
    for (int y = 0; y < 2; y++, to += stride) {
        uint32_t two[2];
        transform(rows[y], SECOND_SHIFT, two);
        to[0] = sample_of(two[0]);
        to[1] = sample_of(two[1]);
    }
}
