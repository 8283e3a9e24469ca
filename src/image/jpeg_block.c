/* The inverse transforms, in whole numbers: columns first, then rows. All blocks of a batch go
 * through each step together. The terms of a picture fit 16 bits easily, and so does what is kept
 * between the two passes; wild ones wrap around. */
#include "image/jpeg_block.h"
#include "image/vector.h"

#include <string.h>

enum { SIDE = 8 };

/* Where each term stands in a file. Source: ITU-T T.81, figure 5. */
static const uint8_t file_order[SIDE][SIDE] = {
    {0, 1, 5, 6, 14, 15, 27, 28},     {2, 4, 7, 13, 16, 26, 29, 42},
    {3, 8, 12, 17, 25, 30, 41, 43},   {9, 11, 18, 24, 31, 40, 44, 53},
    {10, 19, 23, 32, 39, 45, 52, 54}, {20, 22, 33, 38, 46, 51, 55, 60},
    {21, 34, 37, 47, 50, 56, 59, 61}, {35, 36, 48, 49, 57, 58, 62, 63},
};

/* Rows and columns of terms that samples are made of. */
static const uint8_t kept_2[] = {0, 1, 3, 5, 7}, kept_4[] = {0, 1, 2, 3, 5, 6, 7};

/* How many those are. */
static int side_of(int scale)
{
    return scale == 2 ? (int)sizeof kept_2 : (int)sizeof kept_4;
}

static const uint8_t *kept_of(int scale)
{
    return scale == 2 ? kept_2 : kept_4;
}

void block_places_fill(uint8_t places[BLOCK_TERMS + BLOCK_RUN_MAX])
{
    int place = 0;

    memset(places, BLOCK_KEPT, BLOCK_TERMS);
    for (size_t y = 0; y < sizeof kept_2; y++)
        for (size_t x = 0; x < sizeof kept_2; x++)
            places[file_order[kept_2[y]][kept_2[x]]] = (uint8_t)place++;
    memset(places + BLOCK_TERMS, places[BLOCK_TERMS - 1], BLOCK_RUN_MAX);
}

void block_columns_clear(int scale, int16_t *columns, size_t count)
{
    const uint8_t *kept = kept_of(scale);

    for (int y = 0; y < side_of(scale); y++)
        for (int x = 0; x < side_of(scale); x++)
            for (size_t i = 0; i < count; i += BLOCK_LANES)
                memset(columns + file_order[kept[y]][kept[x]] * BLOCK_COLUMN + i, 0,
                       BLOCK_LANES * sizeof *columns);
}

void block_quanta_fill(int16_t quanta[BLOCK_TERMS], const uint16_t table[BLOCK_TERMS])
{
    for (int i = 0; i < BLOCK_TERMS; i++)
        quanta[file_order[i / SIDE][i % SIDE]] = (int16_t)table[i];
}

/* ---- one row or column ---- */

/* Weights are in units of 2^-13. The first pass keeps two bits more than there are, the second
 * drops those and the transform's own three. The even part is scaled by one bit more, or two. */
enum { WEIGHT_BITS = 13, PASS_BITS = 2 };

static inline __attribute__((always_inline)) int extra_bits(int scale)
{
    return scale == 2 ? 2 : 1;
}

/* Made so that compilers know the product of two of 16 bits. */
static inline __attribute__((always_inline)) uint32_t product(int16_t term, int16_t weight)
{
    return (uint32_t)((int32_t)term * (int32_t)weight);
}

/* Of terms 0, 1, 3, 5 and 7. */
static inline __attribute__((always_inline)) void sums_2(const int16_t t[5], uint32_t half,
                                                         uint32_t ret[2])
{
    uint32_t even = ((uint32_t)t[0] << (WEIGHT_BITS + 2)) + half;
    uint32_t odd =
        product(t[1], 29692) + product(t[2], -10426) + product(t[3], 6967) + product(t[4], -5906);

    ret[0] = even + odd;
    ret[1] = even - odd;
}

/* Of terms 0, 1, 2, 3, 5, 6 and 7. */
static inline __attribute__((always_inline)) void sums_4(const int16_t t[7], uint32_t half,
                                                         uint32_t ret[4])
{
    uint32_t mean = ((uint32_t)t[0] << (WEIGHT_BITS + 1)) + half;
    uint32_t even = product(t[2], 15137) + product(t[5], -6270);
    uint32_t inner =
        product(t[1], 8697) + product(t[3], -17799) + product(t[4], 11893) + product(t[6], -1730);
    uint32_t outer =
        product(t[1], 20995) + product(t[3], 7373) + product(t[4], -4926) + product(t[6], -4176);

    ret[0] = mean + even + outer;
    ret[1] = mean - even + inner;
    ret[2] = mean - even - inner;
    ret[3] = mean + even - outer;
}

static inline __attribute__((always_inline)) void transform(int scale, const int16_t *t, int shift,
                                                            int32_t ret[4])
{
    uint32_t sums[4], half = 1U << (shift - 1);

    if (scale == 2)
        sums_2(t, half, sums);
    else
        sums_4(t, half, sums);
    for (int i = 0; i < scale; i++)
        ret[i] = (int32_t)sums[i] >> shift;
}

/* ---- batches ---- */

/* A transform's size, and the rows and columns that it takes. */
struct shape {
    int scale, side;
    const uint8_t *kept;
};

/* The first pass: column `x` of those kept, of each block. */
static inline __attribute__((always_inline)) void
transform_column(struct shape shape, int x, const int16_t *restrict columns,
                 const int16_t *restrict quanta, size_t count, int16_t *restrict to)
{
    size_t from[SIDE];
    int16_t by[SIDE];

    for (int k = 0; k < shape.side; k++) {
        from[k] = file_order[shape.kept[k]][shape.kept[x]];
        by[k] = quanta[from[k]];
    }
    for (size_t i = 0; i < count; i++) {
        int16_t t[SIDE];
        int32_t sums[4];
        for (int k = 0; k < shape.side; k++)
            t[k] = (int16_t)(columns[from[k] * BLOCK_COLUMN + i] * by[k]);
        transform(shape.scale, t, WEIGHT_BITS - PASS_BITS + extra_bits(shape.scale), sums);
        for (int k = 0; k < shape.scale; k++)
            to[(size_t)(k * shape.side + x) * BLOCK_COLUMN + i] = (int16_t)sums[k];
    }
}

/* The second pass: row `y` of each block becomes samples. */
static inline __attribute__((always_inline)) void transform_row(struct shape shape, int y,
                                                                const int16_t *restrict between,
                                                                size_t count, uint8_t *restrict to)
{
    const int16_t *rows = between + (size_t)(y * shape.side) * BLOCK_COLUMN;

    for (size_t i = 0; i < count; i++) {
        int16_t t[SIDE];
        int32_t sums[4];
        for (int k = 0; k < shape.side; k++)
            t[k] = rows[(size_t)k * BLOCK_COLUMN + i];
        transform(shape.scale, t, WEIGHT_BITS + PASS_BITS + 3 + extra_bits(shape.scale), sums);
        for (int k = 0; k < shape.scale; k++) {
            int16_t value = (int16_t)(sums[k] + 128);
            value = value < 0 ? 0 : value;
            to[i * (size_t)shape.scale + (size_t)k] = (uint8_t)(value > 255 ? 255 : value);
        }
    }
}

static inline __attribute__((always_inline)) void
transform_both(struct shape shape, const int16_t *columns, const int16_t *quanta, size_t count,
               uint8_t *to, size_t stride)
{
    int16_t between[BLOCK_TERMS * BLOCK_COLUMN];

    for (int x = 0; x < shape.side; x++)
        transform_column(shape, x, columns, quanta, count, between);
    for (int y = 0; y < shape.scale; y++)
        transform_row(shape, y, between, count, to + (size_t)y * stride);
}

static VECTOR_CLONES void transform_2(const int16_t *columns, const int16_t *quanta, size_t count,
                                      uint8_t *to, size_t stride)
{
    transform_both((struct shape){2, 5, kept_2}, columns, quanta, count, to, stride);
}

static VECTOR_CLONES void transform_4(const int16_t *columns, const int16_t *quanta, size_t count,
                                      uint8_t *to, size_t stride)
{
    transform_both((struct shape){4, 7, kept_4}, columns, quanta, count, to, stride);
}

void block_transform(int scale, const int16_t *columns, const int16_t *quanta, size_t count,
                     uint8_t *to, size_t stride)
{
    if (scale == 2)
        transform_2(columns, quanta, count, to, stride);
    else
        transform_4(columns, quanta, count, to, stride);
}
